"""What the message layer builds bytes from: URIs, Via values, addresses, whole messages, as Python values.

Beyond the grammar these hold what `sipfsm.message` reads and writes all the same, such as host names with
underscores and display names with any octets.
"""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sipfsm.fuzz.strategies.characters import TOKEN
from sipfsm.message import (
    CSeq,
    Headers,
    NameAddr,
    OtherUri,
    Params,
    Request,
    Response,
    SipUri,
    TelUri,
    Uri,
    UriParams,
    Via,
    quote,
)

Items = list[tuple[str, str | None]]

token_texts = st.text(TOKEN, min_size=1, max_size=8)

# What a quoted string can say: anything but line breaks; lone surrogates stand for bytes that are no UTF-8.
quotable_texts = st.one_of(
    st.text(st.sampled_from('ab ,;<>"\\=\t\x00\x7f\u00e9\u20ac'), max_size=8),
    st.binary(max_size=8).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
).filter(lambda content: "\r" not in content and "\n" not in content)

_host_texts = st.one_of(
    st.sampled_from(["example.com", "Example.COM", "192.0.2.1", "a", "xn--caf-dma.example.", "under_score"]),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)
_port_numbers = st.none() | st.integers(1, 65_535)
_escapes = st.integers(0, 255).map(lambda octet: f"%{octet:02X}") | st.integers(0, 255).map(
    lambda octet: f"%{octet:02x}"
)


def _texts(alphabet: str, minimum: int = 0) -> SearchStrategy[str]:
    return st.lists(st.sampled_from(alphabet) | _escapes, min_size=minimum, max_size=6).map("".join)


user_texts = _texts("abcXYZ09-_.!~*'()&=+$,;?/", 1)
_password_texts = _texts("abcXYZ09-_.!~*'()&=+$,")
_uri_names = st.text("abcXYZ09-_.", min_size=1, max_size=6)
_uri_values = st.none() | _texts("abAB09[]/:&+$=,", 1)


def _unique(items: Items) -> Items:
    return list({name.lower(): (name, value) for name, value in items}.values())


@cache
def built_params() -> SearchStrategy[Params]:
    """Parameters of a header field value."""
    values = st.one_of(
        st.none(),
        token_texts,
        quotable_texts.map(quote),
        st.sampled_from(["2001:db8::1", "[::1]", "a=b/c=="]),
    )
    return st.lists(st.tuples(token_texts, values), max_size=4).map(lambda items: Params(_unique(items)))


@cache
def built_uri_params() -> SearchStrategy[UriParams]:
    """Parameters of a URI."""
    return st.lists(st.tuples(_uri_names, _uri_values), max_size=3).map(
        lambda items: UriParams(_unique(items))
    )


@st.composite
def built_sip_uris(draw: st.DrawFn) -> SipUri:
    """SIP and SIPS URIs of all parts, as `SipUri`."""
    user = draw(st.none() | user_texts)
    return SipUri(
        draw(st.sampled_from(["sip", "sips"])),
        user,
        None if user is None else draw(st.none() | _password_texts),
        draw(_host_texts),
        draw(_port_numbers),
        draw(built_uri_params()),
        tuple(draw(st.lists(st.tuples(_uri_names, _texts("abAB09[]/?:+$")), max_size=3))),
    )


@cache
def built_uris() -> SearchStrategy[Uri]:
    """URIs of all schemes, as `SipUri`, `TelUri` and `OtherUri`."""
    numbers = st.from_regex(r"\+?[0-9()\-.]{0,9}[0-9]", fullmatch=True)
    others = st.builds(
        OtherUri,
        st.sampled_from(["http", "mailto", "urn", "soap.beep"]),
        st.text("abc019/:@?&=%;-", min_size=1, max_size=10),
    )
    return st.one_of(built_sip_uris(), st.builds(TelUri, numbers, built_uri_params()), others)


@cache
def built_vias() -> SearchStrategy[Via]:
    """Via values, as `Via`."""
    return st.builds(
        Via,
        st.sampled_from(["UDP", "TCP", "TLS", "SCTP", "x-own"]),
        _host_texts,
        _port_numbers,
        built_params(),
        st.sampled_from(["SIP/2.0", "SIP/7.0"]),
    )


@cache
def built_name_addrs() -> SearchStrategy[NameAddr]:
    """Addresses, as `NameAddr`."""
    return st.builds(NameAddr, st.none() | quotable_texts, built_uris(), built_params())


_METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "x-Own")


@st.composite
def _fields(draw: st.DrawFn, method: str) -> Headers:
    headers = Headers(
        (b"via", via.to_bytes()) for via in draw(st.lists(built_vias(), min_size=1, max_size=3))
    )
    for name in (b"from", b"to"):
        headers.add(name, draw(built_name_addrs()).to_bytes())
    headers.add(b"call-id", draw(token_texts).encode())
    headers.add(b"cseq", CSeq(draw(st.integers(0, 2**31 - 1)), method).to_bytes())
    for name in draw(st.lists(st.sampled_from([b"route", b"record-route", b"contact", b"path"]), max_size=3)):
        headers.add(name, draw(built_name_addrs()).to_bytes())
    return headers


@st.composite
def built_requests(draw: st.DrawFn, method: str | None = None) -> Request:
    """Valid requests, built as a user agent of this library would build them."""
    method = draw(st.sampled_from(_METHODS) | token_texts) if method is None else method
    headers = draw(_fields(method))
    headers.add(b"max-forwards", b"%d" % draw(st.integers(0, 255)))
    body = draw(st.binary(max_size=20))
    headers.add(b"content-length", b"%d" % len(body))
    return Request(method, draw(built_uris()), headers, body)


@st.composite
def built_responses(draw: st.DrawFn, status: int | None = None) -> Response:
    """Valid responses, built as a user agent of this library would build them."""
    headers = draw(_fields(draw(st.sampled_from(_METHODS) | token_texts)))
    body = draw(st.binary(max_size=20))
    headers.add(b"content-length", b"%d" % len(body))
    code = draw(st.integers(100, 699)) if status is None else status
    return Response(code, draw(quotable_texts.filter(str.isprintable)), headers, body)
