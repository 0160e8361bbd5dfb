"""Making the request that goes out (:rfc:`3261#section-16.6` steps 1 to 6)."""

from hashlib import blake2b
from typing import NamedTuple

from sipfsm.message import Request
from sipfsm.message.values import octets
from sipfsm.proxy.relay import TOKEN
from sipfsm.proxy.targets import Destination
from sipfsm.transaction import new_branch
from sipfsm.transport import Flow

DIALOG_METHODS = frozenset({"INVITE", "SUBSCRIBE", "REFER", "NOTIFY"})
"""Methods whose requests set up or refresh a dialog, so that the proxy stays on its path."""

DATAGRAM_LIMIT = 1300
"""Bytes of the largest request to send over UDP, the path MTU unknown (:rfc:`3261#section-18.1.1`)."""

_MOST_ADDED = 350
"""Bytes that our Via, two Record-Route values with IPv6 addresses and the start line add at most."""

_VIA_SIZE = len(f"Via: SIP/2.0/UDP ;branch={new_branch()}.0123456789abcdef;rport\r\n")
"""Bytes of our Via besides the sent-by; the mark of a request that forks is in it."""

_SOME_TOKEN = "0" * 16


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

    @property
    def record_route_size(self) -> int:
        """The bytes of a Record-Route line for this interface."""
        return len(b"Record-Route: \r\n") + len(self.record_route(_SOME_TOKEN))


def prepare_forwarded(request: Request, destination: Destination) -> None:
    """Make a request fit for a destination: Request-URI, Max-Forwards, Route.

    All other fields leave as they came, but for what `Headers.straighten` does to their form.

    Args:
        request: a copy of what came, after route preprocessing; it is changed.
        destination: where it is to go.
    """
    request.headers.straighten()
    if destination.uri is not request.uri:
        request.uri = destination.uri
    hops = request.max_forwards
    request.headers.set(b"max-forwards", b"70" if hops is None else b"%d" % (hops - 1))
    for value in reversed(destination.path):
        request.headers.prepend(b"route", value)


def record_route(request: Request, incoming: Interface, outgoing: Interface, token: str) -> None:
    """Stay on the path of the dialog that a request may set up (step 4).

    Where the request changes the interface, both are recorded, so that each side finds the one it can reach
    (:rfc:`5658#section-3`).
    """
    request.headers.prepend(b"record-route", incoming.record_route(token))
    if outgoing != incoming:
        request.headers.prepend(b"record-route", outgoing.record_route(token))


def stateless_branch(request: Request) -> str:
    """Make the branch for a request that is forwarded without a transaction (:rfc:`3261#section-16.11`).

    It is the same for each retransmission, and that of an INVITE for its CANCEL: the method is not in it.

    Args:
        request: as it was received.
    """
    # No line break stands in any of them, so that two different requests never give the same bytes.
    fields = f"{request.to.tag}\n{request.from_.tag}\n{request.call_id}\n{request.cseq.number}"
    parts = b"\n".join([request.via.to_bytes(), octets(fields), request.raw_uri])
    return "z9hG4bK" + blake2b(parts, digest_size=10).hexdigest()


def may_exceed_datagram(request: Request) -> bool:
    """Say if a request may become too large for a datagram, whatever the way that it takes."""
    return _size(request) + _MOST_ADDED > DATAGRAM_LIMIT


def exceeds_datagram(request: Request, incoming: Interface, outgoing: Interface) -> bool:
    """Say if a request must not be sent in a datagram (:rfc:`3261#section-18.1.1`).

    Args:
        request: as `prepare_forwarded` left it.
        incoming: where it came in.
        outgoing: where it is to leave.
    """
    size = _size(request) + _VIA_SIZE + len(outgoing.sent_by)
    if request.method in DIALOG_METHODS:
        size += sum(interface.record_route_size for interface in {incoming, outgoing})
    return size > DATAGRAM_LIMIT


def _size(request: Request) -> int:
    start_line = len(request.method) + len(request.raw_uri) + len("  SIP/2.0\r\n")
    return start_line + request.headers.size + len("\r\n") + len(request.body)
