"""The short way to read what is written as usual gives what the long way gives, which takes everything."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sipfsm.fuzz import built_name_addrs, built_vias
from sipfsm.message import MessageError, NameAddr, Via, parse_name_addr_untrusted, parse_via_untrusted
from sipfsm.message.address import read_name_addr_untrusted
from sipfsm.message.values import text
from sipfsm.message.via import read_via_untrusted

USUAL_VIAS = (
    b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1;rport",
    b"SIP/2.0/TCP p1.example.com;branch=z9hG4bK-1;received=192.0.2.1",
    b"SIP/2.0/TLS a.example.com.:5061;rport=5060;branch=z9hG4bK77;received=2001:db8::1",
)
USUAL_ADDRESSES = (
    b'"Alice Liddell" <sip:alice@atlanta.example.com>;tag=f1',
    b"Bob <sip:bob@biloxi.example.com;user=phone>",
    b"<sip:p1.example.com;lr>;expires=60;q=0.5",
)
# What the two ways could take apart differently: separators, white space, case, and a name that comes twice.
PIECES = (b";", b"=", b":", b".", b",", b'"', b"\\", b" ", b"\t", b"<", b">", b"0", b"70000", b";tag")
MORE_PIECES = (
    *PIECES,
    b";tag=1",
    b"A",
    b"%",
    b"[::1]",
    b"/",
    b"\r\n ",
    b"\x00",
    b"\xff",
    b"\xc3\xa9",
    b";BRANCH=a",
    b"_",
)


@st.composite
def edited(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Draw bytes in which a few places are another's."""
    raw = draw(whole)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(start + 4, len(raw))))
        raw = raw[:start] + draw(st.sampled_from(MORE_PIECES)) + raw[end:]
    return raw


def outcome(read: Callable[[], object]) -> tuple[object, ...]:
    """Return all that a reader tells: the value and how it is written, or the error."""
    try:
        value = read()
    except MessageError as error:
        return error.reason, error.detail, error.offending, error.status
    return value, repr(value), type(value)


@settings(max_examples=500)
@given(edited(st.sampled_from(USUAL_VIAS) | built_vias().map(Via.to_bytes)))
@example(b"SIP/2.0/UDP h:99999")
@example(b"SIP/2.0/UDP h:0")
@example(b"SIP/2.0/UDP h;tag;tag")
@example(b"SIP/2.0/UDP h;tag=")
def test_a_via_is_read_the_same_both_ways(raw: bytes) -> None:
    assert outcome(lambda: parse_via_untrusted(raw)) == outcome(lambda: read_via_untrusted(text(raw)))


@settings(max_examples=500)
@given(edited(st.sampled_from(USUAL_ADDRESSES) | built_name_addrs().map(NameAddr.to_bytes)))
@example(b'"" <sip:a@b>')
@example(b" \t <sip:a@b>")
@example(b'"a\\"b" <sip:a@b>;tag=1')
@example(b"<sip:a@b>;tag=1;tag=2")
def test_an_address_is_read_the_same_both_ways(raw: bytes) -> None:
    ours = outcome(lambda: parse_name_addr_untrusted(raw))
    assert ours == outcome(lambda: read_name_addr_untrusted(text(raw)))
