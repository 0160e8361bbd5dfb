"""What upper layers see of a transport layer: real sockets and the simulated network of the tests alike."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from sipfsm.message import MessageError, Request, Response, Via
from sipfsm.transport.address import HostPort, Target
from sipfsm.transport.errors import TransportError

Watcher = Callable[[TransportError], None]
"""Is told, once, why a flow has ended or (UDP) leads nowhere.

Must not block; is never called from inside a method of the flow.
"""


class Flow(Protocol):
    """A path to one remote address: a UDP socket with that address, or one stream connection."""

    @property
    def protocol(self) -> str:
        """``UDP`` or ``TCP``, as a Via writes it."""
        ...

    @property
    def reliable(self) -> bool:
        """If the protocol delivers every message or reports a failure: False for UDP."""
        ...

    @property
    def local(self) -> HostPort:
        """Our end. On a UDP socket that listens on all addresses, the host is the wildcard."""
        ...

    @property
    def remote(self) -> HostPort:
        """The other end."""
        ...

    @property
    def sent_by(self) -> str:
        """What a Via of ours says on this flow: ``host:port``, IPv6 in brackets, always with the port."""
        ...

    @property
    def closed(self) -> bool:
        """If nothing can be sent any more. Always False for UDP."""
        ...

    def send_nowait(self, data: bytes) -> None:
        """Send one message, now or (on a stream) as soon as the other side takes it.

        A datagram that meets a full socket buffer is dropped and counted, as the network would drop it.

        Raises:
            TransportError: the message cannot be sent, or the connection is closed.
        """
        ...

    def watch(self, callback: Watcher) -> None:
        """Have `callback` told when the flow ends; for UDP, when ICMP says that datagrams do not arrive.

        On a flow that has ended already, nothing is told.
        """
        ...

    def unwatch(self, callback: Watcher) -> None:
        """Forget a callback; without effect if it is not known (any more)."""
        ...


class Listener(NamedTuple):
    """Where the transport layer listens."""

    protocol: str
    """``UDP`` or ``TCP``."""
    host: str
    """The IP literal that is bound, without brackets; may be a wildcard."""
    port: int
    """The port that is really bound, also when 0 was asked for."""
    sent_by: str
    """What a Via of ours says for it: ``host:port``, IPv6 in brackets."""

    def __str__(self) -> str:
        return str(Target(self.protocol, self.host, self.port))


class Receiver(Protocol):
    """Takes what comes in: the transaction layer. Neither method may block or raise."""

    def receive(self, message: Request | Response, flow: Flow) -> None:
        """Take a message: parsed and checked; a request's top Via has received and rport filled in."""
        ...

    def refuse(self, error: MessageError, flow: Flow) -> None:
        """Answer a request that is not well-formed, without a transaction.

        `error.message` is the request as far as it could be read, with a top Via that was readable and has
        received and rport filled in; `error.status` is the status to answer with. Never an ACK.
        """
        ...


class Transport(Protocol):
    """The transport layer as its users see it. Methods that end in ``_nowait`` never block."""

    @property
    def listeners(self) -> Sequence[Listener]:
        """What is bound, in the order of the configuration; empty before the layer runs."""
        ...

    def flow_to_nowait(self, target: Target, *, prefer: Flow | None = None) -> Flow | None:
        """Return a flow to a target, or None when a connection has to be opened first (`connect`).

        Args:
            target: an IP literal and port.
            prefer: a flow whose socket is to be used if it fits (UDP).

        Raises:
            TransportError: no listener has that protocol and address family, or the target is no address.
        """
        ...

    def sent_by_to(self, target: Target, *, prefer: Flow | None = None) -> str:
        """Return the `sent_by` of the flow that `flow_to_nowait` or `connect` will return for a target.

        Raises:
            TransportError: no listener has that protocol and address family, or the target is no address.
        """
        ...

    async def connect(self, target: Target, *, prefer: Flow | None = None) -> Flow:
        """Return an open connection to a target: one that exists, joins an attempt under way, or opens one.

        Args:
            target: an IP literal and port.
            prefer: a flow from whose address a new one is opened if it fits.

        Raises:
            TransportError: it cannot be opened, or not in time.
        """
        ...

    def reply_flow_nowait(self, via: Via, flow: Flow) -> Flow | None:
        """Return the flow for a response (:rfc:`3261#section-18.2.2`, :rfc:`3581#section-4`).

        Args:
            via: the top Via of the response.
            flow: the flow that the request came over.

        Returns:
            The flow, or None when a connection has to be opened or a name looked up first (`connect_reply`).

        Raises:
            TransportError: the Via names an address that nothing can be sent to.
        """
        ...

    async def connect_reply(self, via: Via, flow: Flow) -> Flow:
        """Do what `reply_flow_nowait` does, and open the connection that it takes.

        Raises:
            TransportError: there is no way to send the response.
        """
        ...

    def is_listening_at(self, host: str, port: int, protocol: str | None = None) -> bool:
        """Say if a host (name or IP literal without brackets) and port are this element's own."""
        ...
