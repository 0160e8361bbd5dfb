"""What every element has to be able to trust in a message, checked where it comes in."""

from __future__ import annotations

from sipfsm.message.errors import MessageError
from sipfsm.message.limits import DEFAULT_LIMITS, Limits
from sipfsm.message.message import SIP_VERSION, Request, SipMessage
from sipfsm.message.names import usual_name

# Fields that elements act upon and of which there can be one only: with two, this element could act upon the
# first and the next one upon the second (RFC 3261 section 7.3.1: only comma lists may span several lines).
_SINGLETONS = frozenset(
    {
        b"from",
        b"to",
        b"call-id",
        b"cseq",
        b"max-forwards",
        b"content-length",
        b"content-type",
        b"expires",
        b"min-expires",
        b"date",
        b"timestamp",
        b"event",
        b"refer-to",
        b"replaces",
        b"session-expires",
        b"min-se",
        b"rack",
        b"rseq",
    }
)


_HOPS = (b"via", b"route", b"record-route", b"path")


def check_untrusted(message: SipMessage, limits: Limits = DEFAULT_LIMITS) -> None:
    """Check what all elements rely on; what is read for this stays remembered in the message.

    That is: SIP/2.0; Via at least once and From, To, Call-ID, CSeq exactly once, all well-formed, the URIs of
    From and To included; in a request a well-formed Request-URI, and its method in CSeq; Max-Forwards,
    Content-Length and Expires well-formed where present; no field twice that can be there only once; not too
    many hops.

    Raises:
        MessageError: with this message in it; its status is 400 or 505 (:rfc:`3261#section-21.5.6`), None for
            a message that cannot be answered.
    """
    if message.version != SIP_VERSION:
        version = message.version.encode("ascii")
        raise MessageError("version", "SIP version not supported", version, status=505).about(message)
    once = [*filter(_SINGLETONS.__contains__, message.headers.names())]
    if len(set(once)) != len(once):
        raise _duplicate(message, once).about(message)
    try:
        _read(message)
        if message.headers.values_at_most() > limits.max_hops:
            _check_hops(message, limits)
    except MessageError as error:
        raise error.about(message) from None


def _read(message: SipMessage) -> None:
    """Read every field that elements rely on, for the errors."""
    _ = message.via, message.from_.uri, message.to.uri, message.call_id
    cseq = message.cseq
    if isinstance(message, Request):
        if cseq.method != message.method:
            raise MessageError("cseq-method-mismatch", "CSeq names another method", cseq.to_bytes())
        _ = message.uri
    _ = message.max_forwards, message.content_length, message.expires


def _check_hops(message: SipMessage, limits: Limits) -> None:
    for name in _HOPS:
        if len(message.headers.values(name)) > limits.max_hops:
            usual = usual_name(name).decode("ascii")
            raise MessageError(f"too-many-{usual.lower()}", f"Too many {usual} values")


def _duplicate(message: SipMessage, once: list[bytes]) -> MessageError:
    name = next(name for name in once if once.count(name) > 1)
    usual = usual_name(name).decode("ascii")
    return MessageError(
        f"duplicate-{usual.lower()}", f"{usual} appears twice", message.headers.lines(name)[1]
    )
