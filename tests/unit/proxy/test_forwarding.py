"""The parts of a forwarded request that no other element sees made."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipfsm.message import Headers, Request
from sipfsm.proxy.forwarding import Interface, exceeds_datagram, may_exceed_datagram, stateless_branch

V4, V6 = Interface("UDP", "192.0.2.10:5060"), Interface("TCP", "[2001:db8::10]:5060")
LONGEST = Interface("TCP", "[2001:0db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535")


def request(method: str = "INVITE", body: bytes = b"", /, **fields: bytes) -> Request:
    usual = {
        "via": b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",
        "to": b"<sip:b@example.com>",
        "from": b"<sip:a@example.com>;tag=1",
        "call-id": b"1",
        "cseq": b"1 %b" % method.encode(),
    }
    merged = usual | {name.replace("_", "-").strip("-"): value for name, value in fields.items()}
    headers = Headers((name.encode(), value) for name, value in merged.items())
    return Request(method, b"sip:b@example.com", headers, body)


def test_a_record_route_value_leads_back_to_its_interface() -> None:
    assert V4.record_route("t") == b"<sip:192.0.2.10:5060;lr;dialog=t>"
    assert V6.record_route("t") == b"<sip:[2001:db8::10]:5060;transport=tcp;lr;dialog=t>"


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize("incoming", [V4, LONGEST])
def test_whatever_exceeds_a_datagram_was_expected_to(method: str, incoming: Interface) -> None:
    for size in range(700, 1300):
        large = request(method, b"x" * size)
        outgoing = Interface("UDP", LONGEST.sent_by)
        assert may_exceed_datagram(large) or not exceeds_datagram(large, incoming, outgoing)


@pytest.mark.parametrize(
    "changed",
    [
        {"via": b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK2"},
        {"via": b"SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1"},
        {"to": b"<sip:b@example.com>;tag=1"},
        {"from_": b"<sip:a@example.com>;tag=2"},
        {"call_id": b"2"},
        {"cseq": b"2 INVITE"},
    ],
)
def test_a_stateless_branch_varies_with_what_tells_transactions_apart(changed: dict[str, bytes]) -> None:
    assert stateless_branch(request(**changed)) != stateless_branch(request())


def test_a_stateless_branch_varies_with_nothing_else() -> None:
    other = request(
        "CANCEL", b"body", x_other=b"1", via=b"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1, X/1/Y z"
    )
    assert stateless_branch(other) == stateless_branch(request())


@given(st.binary(min_size=1).filter(lambda octets: not re.search(rb'[\r\n,;"<>]', octets)))
def test_a_stateless_branch_is_a_token_whatever_octets_come_in(octets: bytes) -> None:
    odd = request(call_id=b"a@b", from_=b'"%b" <sip:a@b.c>;tag=1' % octets.replace(b"\\", b"/"))
    assert re.fullmatch(r"z9hG4bK[0-9a-f]{20}", stateless_branch(odd))
