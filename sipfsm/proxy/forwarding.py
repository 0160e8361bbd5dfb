"""Making the request that goes out (:rfc:`3261#section-16.6` steps 1 to 6)."""

from typing import NamedTuple

from sipfsm.message import Request
from sipfsm.proxy.relay import TOKEN
from sipfsm.proxy.targets import Destination
from sipfsm.transport import Flow, Target

DIALOG_METHODS = frozenset({"INVITE", "SUBSCRIBE", "REFER", "NOTIFY"})
"""Methods whose requests set up or refresh a dialog, so that the proxy stays on its path."""

DATAGRAM_LIMIT = 1300
"""Bytes of the largest request to send over UDP, the path MTU unknown (:rfc:`3261#section-18.1.1`)."""

VIA_SIZE = 150
"""Bytes to allow for the Via that is added later, and the rest of the start line."""


class Interface(NamedTuple):
    """One of our own addresses: what a Via or a Record-Route of ours says."""

    protocol: str
    sent_by: str

    @classmethod
    def of(cls, flow: Flow) -> "Interface":
        """Return our end of a flow."""
        return cls(flow.protocol, flow.sent_by)

    def record_route(self, token: str) -> bytes:
        """Write the Record-Route value for this interface."""
        transport = "" if self.protocol == "UDP" else f";transport={self.protocol.lower()}"
        return f"<sip:{self.sent_by}{transport};lr;{TOKEN}={token}>".encode("ascii")


def make_forwarded(request: Request, destination: Destination) -> Request:
    """Copy a request for one destination: Request-URI, Max-Forwards, Route.

    Args:
        request: after route preprocessing; not changed.
        destination: where it is to go.
    """
    forwarded = request.copy()
    if destination.uri is not request.uri:
        forwarded.uri = destination.uri
    hops = request.max_forwards
    forwarded.headers.set(b"max-forwards", b"70" if hops is None else b"%d" % (hops - 1))
    for value in reversed(destination.path):
        forwarded.headers.prepend(b"route", value)
    return forwarded


def record_route(request: Request, incoming: Interface, outgoing: Interface, token: str) -> None:
    """Stay on the path of the dialog that a request may set up (step 4).

    Where the request changes the interface, both are recorded, so that each side finds the one it can reach
    (:rfc:`5658#section-3`).
    """
    request.headers.prepend(b"record-route", incoming.record_route(token))
    if outgoing != incoming:
        request.headers.prepend(b"record-route", outgoing.record_route(token))


def with_stream_first(targets: list[Target], request: Request) -> list[Target]:
    """Put TCP before UDP for a request that is too large for a datagram (:rfc:`3261#section-18.1.1`).

    UDP stays behind it, for a next hop that takes no connections.
    """
    if request.headers.size + len(request.raw_uri) + len(request.body) + VIA_SIZE <= DATAGRAM_LIMIT:
        return targets
    return [
        choice
        for target in targets
        for choice in ((target._replace(protocol="TCP"), target) if target.protocol == "UDP" else (target,))
    ]
