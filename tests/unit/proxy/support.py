"""What the tests of the proxy's parts share: domains without a network, and a flow from anywhere."""

from collections.abc import Iterable

from sipfsm.counters import Counters
from sipfsm.message import DEFAULT_LIMITS, MessageError, Request, Response
from sipfsm.proxy.domains import ServedDomains
from sipfsm.transport import Flow, HostPort, Listener, StreamLimits, TransportError, TransportLayer


class Deaf:
    """A receiver that is never spoken to."""

    def receive(self, message: Request | Response, flow: Flow) -> None:
        raise AssertionError(message)

    def refuse(self, error: MessageError, flow: Flow) -> None:
        raise AssertionError(error)


class FixedFlow:
    """A flow that comes from where a test says, and sends nothing."""

    def __init__(self, host: str = "192.0.2.1", port: int = 5060, protocol: str = "UDP"):
        self.protocol = protocol
        self.reliable = protocol != "UDP"
        self.local = HostPort("192.0.2.10", 5060)
        self.remote = HostPort(host, port)
        self.sent_by = "192.0.2.10:5060"
        self.closed = False

    def send_nowait(self, data: bytes) -> None:
        raise TransportError("test", "this flow leads nowhere")

    def watch(self, callback: object) -> None:
        """Never end."""

    def unwatch(self, callback: object) -> None:
        """Never end."""


def served(
    domains: Iterable[str] = ("example.com", "192.0.2.10:5060"), *, aliases: Iterable[str] = ()
) -> ServedDomains:
    """Return the domains of a server that listens, as it believes, at 192.0.2.10 and 2001:db8::10."""
    transport = TransportLayer(
        [],
        Deaf(),
        counters=Counters(),
        limits=DEFAULT_LIMITS,
        stream=StreamLimits(),
        aliases=list(aliases),
    )
    for listener in (
        Listener("UDP", "192.0.2.10", 5060, "192.0.2.10:5060"),
        Listener("TCP", "2001:db8::10", 5070, "[2001:db8::10]:5070"),
    ):
        transport.listeners.append(listener)
        transport._names.add(listener)
    return ServedDomains(domains, transport)
