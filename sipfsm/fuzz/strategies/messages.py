"""Start lines and whole messages (:rfc:`3261#section-7`), valid in their grammar and in what they mean."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sipfsm.fuzz.strategies.addresses import name_addrs
from sipfsm.fuzz.strategies.characters import ALPHANUM, MARK, NON_ASCII, each, extension_values, tokens
from sipfsm.fuzz.strategies.fields import FIELDS, call_ids, marked_lists, marked_values, methods
from sipfsm.fuzz.strategies.hosts import host_ports
from sipfsm.fuzz.strategies.notation import (
    COMMA,
    EQUAL,
    LWS,
    SEMI,
    SWS,
    Construct,
    construct,
    drawn,
    either,
    glyphs,
    numbers,
    plain,
    sequence,
    spelled,
)
from sipfsm.fuzz.strategies.outlines import Outline, field_lines, spellings
from sipfsm.fuzz.strategies.uris import bare_uris, request_uris
from sipfsm.message import REASON_PHRASES
from sipfsm.message.names import field_name_untrusted

OPTIONAL_FIELDS: tuple[str, ...] = tuple(
    name
    for name in FIELDS
    if name not in {"Via", "From", "To", "Call-ID", "CSeq", "Content-Length", "Max-Forwards"}
)
"""The names of the header fields that a message may have beside those that it has to have."""

_CRLF = b"\r\n"
_METHODS = drawn(methods)
_EXTENSION_VALUES = drawn(extension_values)
# Read in any case, but sent in upper case only (RFC 3261 section 7.1).
_VERSION = b"SIP/2.0"


@construct("Reason-Phrase")
def reason_phrases() -> SearchStrategy[bytes]:
    """Reason phrases: the usual ones, none, and any other text."""
    usual = st.sampled_from([phrase.encode() for phrase in REASON_PHRASES.values()])
    pieces = [*each(ALPHANUM + MARK + ";/?:@&=+$, \t"), *NON_ASCII, b"%20"]
    return either(usual, glyphs(*pieces, minimum=0, maximum=20))


def _request_lines(method: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    return sequence(method, b" ", request_uris, b" ", _VERSION)


def _status_lines(status: SearchStrategy[int]) -> SearchStrategy[bytes]:
    return sequence(_VERSION, b" ", status.map(lambda code: b"%d" % code), b" ", reason_phrases)


@construct("Request-Line")
def request_lines() -> SearchStrategy[bytes]:
    """Request lines with their line break."""
    return sequence(_request_lines(_METHODS), _CRLF)


_STATUSES = st.sampled_from(sorted(REASON_PHRASES)) | st.integers(100, 699)


@construct("Status-Line")
def status_lines() -> SearchStrategy[bytes]:
    """Status lines with their line break; status codes from 100 to 699."""
    return sequence(_status_lines(_STATUSES), _CRLF)


# ---- header fields


def header_values(name: str, *, plain_spelling: bool = False) -> SearchStrategy[bytes]:
    """One value of the header field of that name; of a comma list one element.

    Args:
        name: a name of :rfc:`3261#section-20` as it is usually written, such as ``Via``.
        plain_spelling: no white space but where it must be.

    Raises:
        KeyError: there is no header field of that name in the RFC.
    """
    values = marked_values(name)
    return values.map(plain) if plain_spelling else spelled(values)


def header_fields(name: str) -> SearchStrategy[bytes]:
    """Whole lines of the header field of that name, in all spellings and without the last line break.

    Raises:
        KeyError: there is no header field of that name in the RFC.
    """
    values = marked_lists(name).map(COMMA.join)
    return field_lines(name, either(values, SWS + b"*" + SWS) if name == "Contact" else values)


_NAMES_OF_THE_RFC = frozenset(name.lower().encode() for name in FIELDS)
_USUAL_EXTENSIONS = st.sampled_from([b"X-Own", b"Event", b"Session-Expires", b"P-Asserted-Identity"])


def _is_extension(name: bytes) -> bool:
    return field_name_untrusted(name + b":") not in _NAMES_OF_THE_RFC


_EXTENSION_NAMES: SearchStrategy[bytes] = either(_USUAL_EXTENSIONS, tokens).filter(_is_extension)


def extension_fields() -> SearchStrategy[bytes]:
    """Whole lines of header fields that :rfc:`3261` does not know, without the last line break."""
    return spelled(sequence(_EXTENSION_NAMES, b":", SWS, extension_values))


# ---- whole messages


@st.composite
def request_outlines(
    draw: st.DrawFn, method: str | None = None, optional_fields: Sequence[str] = OPTIONAL_FIELDS
) -> Outline:
    """Requests whose spelling is not chosen yet; see `requests`."""
    name = draw(_METHODS) if method is None else method.encode()
    start_line = draw(_request_lines(st.just(name)))
    fields = draw(_common_fields(name))
    fields.append(("Max-Forwards", (draw(numbers(0, 255)),)))
    fields += draw(_some_fields(optional_fields))
    if name == b"REGISTER" and draw(st.integers(0, 4)) == 0:
        # All bindings are taken away (RFC 3261 section 10.2.2): a star alone, and Expires 0.
        fields = [field for field in fields if field[0] not in {"Contact", "Expires"}]
        fields += [("Contact", (SWS + b"*" + SWS,)), ("Expires", (b"0",))]
    return draw(_with_body(start_line, fields))


@st.composite
def response_outlines(
    draw: st.DrawFn,
    status: int | None = None,
    method: str | None = None,
    optional_fields: Sequence[str] = OPTIONAL_FIELDS,
) -> Outline:
    """Responses whose spelling is not chosen yet; see `responses`."""
    start_line = draw(_status_lines(_STATUSES if status is None else st.just(status)))
    name = draw(_METHODS) if method is None else method.encode()
    fields = draw(_common_fields(name))
    fields += draw(_some_fields(optional_fields))
    return draw(_with_body(start_line, fields))


Fields = list[tuple[str, tuple[bytes, ...]]]

_TOP_VIAS = sequence(
    b"SIP/2.0/",
    st.sampled_from([b"UDP", b"TCP", b"TLS"]),
    LWS,
    host_ports,
    SEMI + b"branch=z9hG4bK",
    tokens,
)
_MORE_VIAS = st.lists(marked_values("Via"), max_size=2)
_CALL_IDS = drawn(call_ids)
_FROM = sequence(either(name_addrs, bare_uris), SEMI, b"tag", EQUAL, tokens)


@st.composite
def _common_fields(draw: st.DrawFn, method: bytes) -> Fields:
    """What every message has to have (:rfc:`3261#section-8.1.1`)."""
    return [
        ("Via", (draw(_TOP_VIAS), *draw(_MORE_VIAS))),
        ("From", (draw(_FROM),)),
        ("To", (draw(marked_values("To")),)),
        ("Call-ID", (draw(_CALL_IDS),)),
        ("CSeq", (draw(numbers(0, 2**31 - 1)) + LWS + method,)),
    ]


@st.composite
def _some_fields(draw: st.DrawFn, names: Sequence[str]) -> Fields:
    """A few fields that a message may have, each name once, and some that the RFC does not know."""
    chosen = draw(st.lists(st.sampled_from(names), max_size=4, unique=True)) if names else []
    fields = [(name, tuple(draw(marked_lists(name)))) for name in chosen]
    if draw(st.integers(0, 3)) == 0:
        fields.append((draw(_EXTENSION_NAMES).decode(), (draw(_EXTENSION_VALUES),)))
    return fields


@st.composite
def _with_body(draw: st.DrawFn, start_line: bytes, fields: Fields) -> Outline:
    """Add a body and what tells its length; a datagram may do without."""
    body = draw(_BODIES)
    if draw(st.integers(0, 3)):
        fields = [*fields, ("Content-Length", (b"%d" % len(body),))]
    return Outline(start_line, tuple(fields), body)


_SDP = (
    b"v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 49172 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


_BODIES = st.sampled_from([b"", b"", _SDP]) | st.binary(max_size=20)


def bodies() -> SearchStrategy[bytes]:
    """Bodies: none, a session description, any bytes."""
    return _BODIES


def requests(
    method: str | None = None, *, optional_fields: Sequence[str] = OPTIONAL_FIELDS
) -> SearchStrategy[bytes]:
    """Valid requests in all spellings: all that `sipfsm.message.check_untrusted` asks for is there.

    Args:
        method: the method; None for any.
        optional_fields: the names, of those in `OPTIONAL_FIELDS`, that may be there beside Via, From, To,
            Call-ID, CSeq, Max-Forwards, Content-Length and fields that the RFC does not know.
    """
    return request_outlines(method, optional_fields).flatmap(spellings)


def responses(
    status: int | None = None, *, method: str | None = None, optional_fields: Sequence[str] = OPTIONAL_FIELDS
) -> SearchStrategy[bytes]:
    """Valid responses in all spellings.

    Args:
        status: the status code, 100 to 699; None for any.
        method: the method that CSeq names; None for any.
        optional_fields: as in `requests`.
    """
    return response_outlines(status, method, optional_fields).flatmap(spellings)


def messages() -> SearchStrategy[bytes]:
    """Valid requests and responses in all spellings."""
    return requests() | responses()


CONSTRUCTS: tuple[Construct, ...] = (reason_phrases, request_lines, status_lines)
