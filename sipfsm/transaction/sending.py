"""What messages get before they are sent: a request our Via, and whatever goes over a stream its length."""

from sipfsm.message import Message, Request
from sipfsm.transport import Flow


def add_via(request: Request, branch: str, flow: Flow) -> None:
    """Put our Via on top (:rfc:`3261#section-18.1.1`), asking for the source port (:rfc:`3581#section-3`)."""
    via = f"SIP/2.0/{flow.protocol} {flow.sent_by};branch={branch};rport"
    request.headers.prepend(b"via", via.encode("ascii"))
    if flow.reliable:
        add_length(request)


def add_length(message: Message) -> None:
    """Add the Content-Length that a stream needs (:rfc:`3261#section-18.3`) to what came without it."""
    if b"content-length" not in message.headers:
        message.headers.add(b"content-length", b"%d" % len(message.body))
