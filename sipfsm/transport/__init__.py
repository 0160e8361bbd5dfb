"""The transport layer (:rfc:`3261#section-18`): sockets, framing, connections, and where a response goes.

`interface` is what upper layers see; `layer` is the real thing. Below it:

- `address`, `names`, `lookup`: IP literals and ports, which of them are ours, host names;
- `intake`: bytes in, checked messages out; `via`: received, rport, and the target of a response;
  `faults`: exceptions that nobody foresaw;
- `endpoint`: what a protocol is; `udp` with `icmp`; `tcp` on `stream_endpoint`, `stream`, `framing` and
  `connections`, of which a further stream protocol uses all but the first;
- `shared`, `limits`, `errors`, `sockets`: what these have in common.
"""

from sipfsm.transport.address import HostPort, Target
from sipfsm.transport.errors import TransportError
from sipfsm.transport.intake import note_refused
from sipfsm.transport.interface import Flow, Listener, Receiver, Transport
from sipfsm.transport.layer import TransportLayer
from sipfsm.transport.limits import MAX_HEADER, StreamLimits

__all__ = [
    "MAX_HEADER",
    "Flow",
    "HostPort",
    "Listener",
    "Receiver",
    "StreamLimits",
    "Target",
    "Transport",
    "TransportError",
    "TransportLayer",
    "note_refused",
]
