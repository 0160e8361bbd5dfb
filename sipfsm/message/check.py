"""What every element has to be able to trust in a message, checked where it comes in."""

from __future__ import annotations

import re

from sipfsm.message.errors import MessageError, duplicate, too_many
from sipfsm.message.limits import DEFAULT_LIMITS, Limits
from sipfsm.message.message import SIP_VERSION, Request, SipMessage
from sipfsm.message.names import usual_name

MANDATORY = (b"via", b"from", b"to", b"call-id", b"cseq")
"""What every message has (:rfc:`3261#section-8.1.1`); Max-Forwards is not there in one of :rfc:`2543`."""

# Fields that elements act upon and of which there can be one only: with two, this element could act upon the
# first and the next one upon the second (RFC 3261 section 7.3.1: only comma lists may span several lines).
SINGLETONS = frozenset(
    {
        b"from",
        b"to",
        b"call-id",
        b"cseq",
        b"max-forwards",
        b"max-breadth",
        b"content-length",
        b"content-type",
        b"content-disposition",
        b"expires",
        b"min-expires",
        b"retry-after",
        b"date",
        b"timestamp",
        b"event",
        b"subscription-state",
        b"sip-etag",
        b"sip-if-match",
        b"refer-to",
        b"referred-by",
        b"reply-to",
        b"replaces",
        b"session-expires",
        b"min-se",
        b"rack",
        b"rseq",
    }
)


ROUTES = (b"route", b"record-route", b"path")
LISTS = (b"contact", b"require", b"proxy-require", b"supported", b"unsupported")
_WITH_PARAMS = (b"via", b"from", b"to", b"contact", *ROUTES)
_QUOTED = re.compile(rb'"(?>(?:[^"\\]++|\\.)*)"', re.DOTALL)

_OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]{2}")


def check_untrusted(message: SipMessage, limits: Limits = DEFAULT_LIMITS) -> None:
    """Check what all elements rely on; what is read for this stays remembered in the message.

    That is: SIP/2.0; Via at least once and From, To, Call-ID, CSeq exactly once, all well-formed, the URIs of
    From and To included; in a request a well-formed Request-URI, and its method in CSeq; Max-Forwards,
    Content-Length and Expires well-formed where present; no field twice that can be there only once; not too
    many values in a list, nor parameters in a value.

    Raises:
        MessageError: with this message in it; its status is 400 or 505 (:rfc:`3261#section-21.5.6`), None for
            a message that cannot be answered.
    """
    if message.version != SIP_VERSION:
        version = message.version.encode("ascii")
        raise MessageError("version", "SIP version not supported", version, status=505).about(message)
    once = [*filter(SINGLETONS.__contains__, message.headers.names())]
    if len(set(once)) != len(once):
        name = next(name for name in once if once.count(name) > 1)
        raise duplicate(name, message.headers.lines(name)[1]).about(message)
    try:
        # First what costs the least, so that reading the values is bounded too.
        if message.headers.values_at_most() > min(limits.max_via, limits.max_route, limits.max_values):
            _check_lists(message, limits)
        if message.headers.count_byte(b";") > limits.max_params:
            _check_params(message, limits)
        if isinstance(message, Request) and message.raw_uri.count(b";") > limits.max_params:
            raise _too_many_params(message.raw_uri).found_in("Request-URI")
        _read(message)
    except MessageError as error:
        raise error.about(message) from None


def check_overlong_untrusted(message: SipMessage) -> None:
    """Check that nobody can be told two things by octets that UTF-8 does not have.

    The grammar of :rfc:`3261#section-25.1` has room for sequences that take more octets than a character
    needs. A careless decoder makes a line break or a quote of them where we see none
    (:rfc:`3629#section-10`).
    So the parser takes them, and who passes messages on does not.

    Raises:
        MessageError: ``overlong-utf8``, with this message in it.
    """
    head = message.start_line() + message.headers.to_bytes()
    found = _OVERLONG.search(head)
    if found is not None:
        raise MessageError("overlong-utf8", "Overlong UTF-8 sequence", head[found.start() :]).about(message)


def _read(message: SipMessage) -> None:
    """Read every field that elements rely on, for the errors."""
    _ = message.via
    for name, address in (("From", message.from_), ("To", message.to)):
        try:
            _ = address.uri
        except MessageError as error:
            raise error.found_in(name) from None
    _ = message.call_id
    cseq = message.cseq
    if isinstance(message, Request):
        if cseq.method != message.method:
            raise MessageError("cseq-method-mismatch", "CSeq names another method", cseq.to_bytes())
        _ = message.uri
    _ = message.max_forwards, message.content_length, message.expires


def _check_lists(message: SipMessage, limits: Limits) -> None:
    bounds = {b"via": limits.max_via} | dict.fromkeys(ROUTES, limits.max_route)
    for name, most in (bounds | dict.fromkeys(LISTS, limits.max_values)).items():
        if len(_values(message, name)) > most:
            raise too_many(name)


def _check_params(message: SipMessage, limits: Limits) -> None:
    for name in _WITH_PARAMS:
        for value in _values(message, name):
            if _QUOTED.sub(b"", value).count(b";") > limits.max_params:
                raise _too_many_params(value).found_in(usual_name(name).decode("ascii"))


def _values(message: SipMessage, name: bytes) -> list[bytes]:
    try:
        return message.headers.values(name)
    except MessageError as error:
        raise error.found_in(usual_name(name).decode("ascii")) from None


def _too_many_params(value: bytes) -> MessageError:
    return MessageError("too-many-parameters", "Too many parameters", value)
