"""The Via that each request gets before it is sent."""

from sipfsm.message import Request
from sipfsm.transport import Flow


def add_via(request: Request, branch: str, flow: Flow) -> None:
    """Put our Via on top (:rfc:`3261#section-18.1.1`), asking for the source port (:rfc:`3581#section-3`)."""
    via = f"SIP/2.0/{flow.protocol} {flow.sent_by};branch={branch};rport"
    request.headers.prepend(b"via", via.encode("ascii"))
