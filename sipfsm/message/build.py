"""Messages made from other messages: responses, and the ACK and CANCEL that belong to an INVITE."""

from __future__ import annotations

from hashlib import blake2b

from sipfsm.message.cseq import CSeq
from sipfsm.message.errors import MessageError
from sipfsm.message.headers import Headers
from sipfsm.message.limits import DEFAULT_LIMITS
from sipfsm.message.message import Request, Response

REASON_PHRASES: dict[int, str] = {
    # RFC 3261 section 21
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    200: "OK",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    493: "Undecipherable",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    # extensions
    199: "Early Dialog Terminated",  # RFC 6228
    202: "Accepted",  # RFC 6665
    412: "Conditional Request Failed",  # RFC 3903
    422: "Session Interval Too Small",  # RFC 4028
    428: "Use Identity Header",  # RFC 8224
    430: "Flow Failed",  # RFC 5626
    439: "First Hop Lacks Outbound Support",  # RFC 5626
    440: "Max-Breadth Exceeded",  # RFC 5393
    489: "Bad Event",  # RFC 6665
}
"""The usual reason phrase of each status code."""

_RETURNED_ONCE = (b"from", b"to", b"call-id", b"cseq")
_RETURNED = frozenset({b"via", *_RETURNED_ONCE})
_RETURNED_IN_100 = _RETURNED | {b"timestamp"}


def make_response(
    request: Request, status: int, reason: str | None = None, *, to_tag: str | None = None
) -> Response:
    """Make a response without a body (:rfc:`3261#section-8.2.6`).

    The fields that have to equal those of the request are copied as they came, so that a request that is
    malformed elsewhere can be answered too; those that it lacks are left out, and of a field that must not be
    there twice the first line is returned.

    Args:
        request: what is answered.
        status: the status code; a 100 also carries the request's Timestamp and no tag of ours.
        reason: the reason phrase; None for the usual one.
        to_tag: the tag to add to To if the request's has none. None makes one from the request alone, so that
            its retransmissions get the same one (:rfc:`3261#section-8.2.7`).
    """
    headers = request.headers.only(_RETURNED if status > 100 else _RETURNED_IN_100)
    for name in _RETURNED_ONCE:
        headers.keep_first(name)
    if status > 100 and _lacks_to_tag(request):
        tag = stateless_tag(request) if to_tag is None else to_tag
        headers.append_to_first(b"to", b";tag=" + tag.encode("ascii"))
    headers.add(b"content-length", b"0")
    return Response(status, REASON_PHRASES.get(status, "") if reason is None else reason, headers)


def stateless_tag(request: Request) -> str:
    """Return a To tag that follows from the request: the same for each of its retransmissions.

    It is made of what an ACK has in common with its INVITE (:rfc:`3261#section-17.1.1.3`), so that the ACK of
    an answer that left no transaction behind is known by its own To tag.
    """
    headers = request.headers
    number = (headers.first(b"cseq") or b"").split(maxsplit=1)[:1]
    try:
        via = request.via
        first_hop = via.branch, via.sent_by
    except MessageError:
        first_hop = None, ""
    parts = repr((first_hop, headers.first(b"call-id"), number))
    return blake2b(parts.encode("ascii", "backslashreplace"), digest_size=8).hexdigest()


def acknowledges_stateless(ack: Request) -> bool:
    """Say if an ACK is for an answer of ours whose To tag was made by `stateless_tag`."""
    return ack.method == "ACK" and ack.to.tag == stateless_tag(ack)


def make_ack(invite: Request, response: Response) -> Request:
    """Make the ACK for a final response other than 2xx (:rfc:`3261#section-17.1.1.3`).

    Raises:
        MessageError: the INVITE or the response lacks a field that the ACK needs.
    """
    return _make_companion("ACK", invite, response.headers)


def make_cancel(invite: Request) -> Request:
    """Make the CANCEL of an INVITE (:rfc:`3261#section-9.1`).

    Raises:
        MessageError: the INVITE lacks a field that the CANCEL needs.
    """
    return _make_companion("CANCEL", invite, invite.headers)


def _make_companion(method: str, invite: Request, to_source: Headers) -> Request:
    """Make a request that goes the INVITE's way and is told apart by its method only."""
    source = invite.headers
    headers = Headers()
    headers.add(b"via", invite.via.to_bytes())
    # Hops that are gone for the INVITE are gone for its companions too.
    if b"max-forwards" in source:
        headers.copy_lines(b"max-forwards", source)
    else:
        headers.add(b"max-forwards", b"70")
    headers.copy_lines(b"route", source)
    headers.copy_lines(b"from", source)
    headers.copy_lines(b"to", to_source)
    headers.copy_lines(b"call-id", source)
    headers.add(b"cseq", CSeq(invite.cseq.number, method).to_bytes())
    headers.add(b"content-length", b"0")
    return Request(method, invite.raw_uri, headers)


def _lacks_to_tag(request: Request) -> bool:
    to = request.headers.first(b"to")
    if to is None or len(to) > DEFAULT_LIMITS.max_line:
        return False  # what is too long to be let in is not read for the answer either
    try:
        return request.to.tag is None
    except MessageError:
        return False  # a To that cannot be read has to be returned as it is
