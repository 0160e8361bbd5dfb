"""Hypothesis strategies for what the message layer reads."""

from __future__ import annotations

from hypothesis import strategies as st

from sipfsm.message import NameAddr, OtherUri, Params, SipUri, TelUri, Uri, UriParams, Via, quote

TOKEN_LETTERS = "abcxyzABCXYZ0189-.!%*_+`'~"
tokens = st.text(TOKEN_LETTERS, min_size=1, max_size=8)
# What a quoted string can say: anything but line breaks; lone surrogates stand for bytes that are no UTF-8.
quotable = st.one_of(
    st.text(st.sampled_from('ab ,;<>"\\=\t\x00\x7f\u00e9\u20ac'), max_size=8),
    st.binary(max_size=8).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
).filter(lambda content: "\r" not in content and "\n" not in content)

hosts = st.one_of(
    st.sampled_from(["example.com", "Example.COM", "192.0.2.1", "a", "xn--caf-dma.example.", "under_score"]),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)
ports = st.none() | st.integers(1, 65_535)


def _unique(items: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    return list({name.lower(): (name, value) for name, value in items}.values())


param_values = st.one_of(
    st.none(), tokens, quotable.map(quote), st.sampled_from(["2001:db8::1", "[::1]", "a=b/c=="])
)
params = st.lists(st.tuples(tokens, param_values), max_size=4).map(lambda items: Params(_unique(items)))

_escapes = st.integers(0, 255).map(lambda octet: f"%{octet:02X}") | st.integers(0, 255).map(
    lambda o: f"%{o:02x}"
)
users = st.lists(st.sampled_from("abcXYZ09-_.!~*'()&=+$,;?/") | _escapes, min_size=1, max_size=8).map("".join)
passwords = st.lists(st.sampled_from("abcXYZ09-_.!~*'()&=+$,") | _escapes, max_size=5).map("".join)
_uri_names = st.text("abcXYZ09-_.", min_size=1, max_size=6)
_uri_values = st.none() | st.lists(st.sampled_from("abAB09[]/:&+$=,") | _escapes, min_size=1, max_size=6).map(
    "".join
)
uri_params = st.lists(st.tuples(_uri_names, _uri_values), max_size=3).map(
    lambda items: UriParams(_unique(items))
)
uri_headers = st.lists(
    st.tuples(_uri_names, st.lists(st.sampled_from("abAB09[]/?:+$") | _escapes, max_size=6).map("".join)),
    max_size=3,
).map(tuple)


@st.composite
def sip_uris(draw: st.DrawFn) -> SipUri:
    """SIP and SIPS URIs of all parts."""
    user = draw(st.none() | users)
    return SipUri(
        draw(st.sampled_from(["sip", "sips"])),
        user,
        None if user is None else draw(st.none() | passwords),
        draw(hosts),
        draw(ports),
        draw(uri_params),
        draw(uri_headers),
    )


tel_uris = st.builds(TelUri, st.from_regex(r"\+?[0-9()\-.]{0,9}[0-9]", fullmatch=True), uri_params)
other_uris = st.builds(
    OtherUri,
    st.sampled_from(["http", "mailto", "urn", "soap.beep"]),
    st.text("abc019/:@?&=%;-", min_size=1, max_size=10),
)
uris: st.SearchStrategy[Uri] = st.one_of(sip_uris(), tel_uris, other_uris)

vias = st.builds(
    Via,
    st.sampled_from(["UDP", "TCP", "TLS", "SCTP", "x-own"]),
    hosts,
    ports,
    params,
    st.sampled_from(["SIP/2.0", "SIP/7.0"]),
)
name_addrs = st.builds(NameAddr, st.none() | quotable, uris, params)
