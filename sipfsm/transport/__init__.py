"""The transport layer (:rfc:`3261#section-18`): sockets, framing, connections, and where a response goes.

`interface` is what upper layers see; `layer` is the real thing on UDP and TCP. Below them: `address` (IP
literals and sent-by values), `names` (which of them are ours), `intake` (bytes in, checked messages out),
`via` (received, rport, and the target of a response), `udp`, `framing`, `stream`, `tcp`.
"""

from sipfsm.transport.address import HostPort, Target
from sipfsm.transport.errors import TransportError
from sipfsm.transport.interface import Flow, Listener, Receiver, Transport
from sipfsm.transport.layer import TransportLayer
from sipfsm.transport.limits import StreamLimits

__all__ = [
    "Flow",
    "HostPort",
    "Listener",
    "Receiver",
    "StreamLimits",
    "Target",
    "Transport",
    "TransportError",
    "TransportLayer",
]
