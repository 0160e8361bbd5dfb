"""Via: RFC 3261 sections 20.42 and 18.2, RFC 3581, RFC 5118."""

from __future__ import annotations

import pytest

from sipfsm.message import MessageError, Params, Via, parse_via_untrusted
from sipfsm.message.via import parse_top_via_untrusted, parse_vias_untrusted


def test_the_parts_of_a_via() -> None:
    via = parse_via_untrusted(
        b"SIP/2.0/UDP Erlang.Bell-Telephone.com:5060;received=192.0.2.207;branch=z9hG4bK87asdks7;rport;ttl=16"
    )
    assert (via.protocol, via.transport) == ("SIP/2.0", "UDP")
    assert (via.host, via.port) == ("Erlang.Bell-Telephone.com", 5060)
    assert via.sent_by == "erlang.bell-telephone.com:5060"
    assert via.branch == "z9hG4bK87asdks7"
    assert via.received == "192.0.2.207"
    assert (via.rport, via.ttl, via.maddr) == ("", "16", None)


def test_what_is_absent_is_none() -> None:
    """RFC 2543 elements send no branch (RFC 4475 section 3.4.1, inv2543)."""
    via = parse_via_untrusted(b"SIP/2.0/UDP iftgw.example.com")
    assert via == Via("UDP", "iftgw.example.com")
    assert (via.port, via.branch, via.received, via.rport, via.maddr) == (None, None, None, None, None)
    assert via.sent_by == "iftgw.example.com"


def test_the_port_a_server_saw() -> None:
    via = parse_via_untrusted(
        b"SIP/2.0/UDP 10.1.1.1:4540;received=192.0.2.1;rport=9988;branch=z9hG4bKkjshdyff"
    )
    assert via.rport == "9988"


@pytest.mark.parametrize(
    "raw", [b"[2001:db8::9:1];received=[2001:db8::9:255]", b"[2001:db8::9:1];received=2001:db8::9:255"]
)
def test_the_address_a_server_saw_may_stand_in_brackets(raw: bytes) -> None:
    """RFC 5118 section 4.5."""
    via = parse_via_untrusted(b"SIP/2.0/UDP " + raw)
    assert via.host == "2001:db8::9:1"
    assert via.sent_by == "[2001:db8::9:1]"
    assert via.received == "2001:db8::9:255"


def test_maddr_loses_its_brackets_too() -> None:
    assert parse_via_untrusted(b"SIP/2.0/UDP a;maddr=[2001:db8::1]").maddr == "2001:db8::1"


@pytest.mark.parametrize(
    "raw",
    [
        b"SIP  /   2.0 /UDP    192.0.2.2;branch=390skdjuw",
        b"SIP  / 2.0  / TCP     spindle.example.com   ; branch  =   z9hG4bK9ikj8",
        b"SIP/2.0/UDP first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1",
        b"SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw",
        b"SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en",
        b"SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234",
        b"SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
        b"SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19",
    ],
)
def test_valid_values_mean_the_same_when_written(raw: bytes) -> None:
    via = parse_via_untrusted(raw)
    assert parse_via_untrusted(via.to_bytes()) == via
    assert b" ".join(via.to_bytes().split()) == via.to_bytes()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "bad-via"),
        (b"SIP/2.0/UDP", "bad-via"),
        (b"SIP/2.0 host", "bad-via"),
        (b"SIP/2.0/UDPhost", "bad-via"),
        (b"SIP/2.0/UDP host port", "bad-via"),
        (b"SIP/2.0/UDP ;branch=x", "bad-via"),
        (b"SIP/2.0/UDP host:", "bad-via"),
        (b"SIP/2.0/UDP host:5060x", "bad-via"),
        (b"SIP/2.0/UDP 2001:db8::1", "bad-via"),
        (b"SIP/2.0/UDP h\xc3\xb6st", "bad-via"),
        (b"SIP/2.0/UDP host\x00", "bad-via"),
        (b"SIP/2.0/UDP [2001:db8:::1]", "bad-host"),
        (b"SIP/2.0/UDP host:65536", "bad-port"),
        (b"SIP/2.0/UDP host:0", "bad-port"),
        (b"SIP/2.0/UDP host;branch=", "bad-parameter"),
        (b"SIP/2.0/UDP 192.0.2.15;;,;,,", "bad-parameter"),
        (b"SIP/2.0/UDP host;branch=a;Branch=b", "duplicate-parameter"),
    ],
)
def test_malformed_values_are_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_via_untrusted(raw)
    assert caught.value.reason == reason


def test_a_server_adds_where_the_request_came_from() -> None:
    """RFC 3581 section 4: received and rport get values, and nothing else changes."""
    via = parse_via_untrusted(b"SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff")
    changed = via.with_params(received="192.0.2.1", rport="9988")
    assert (
        changed.to_bytes()
        == b"SIP/2.0/UDP 10.1.1.1:4540;rport=9988;branch=z9hG4bKkjshdyff;received=192.0.2.1"
    )
    assert via.rport == ""


def test_a_via_of_our_own() -> None:
    via = Via("TCP", "2001:db8::1", 5060, Params([("branch", "z9hG4bK1")]))
    assert via.to_bytes() == b"SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bK1"


def test_the_top_one_of_a_list() -> None:
    assert parse_top_via_untrusted(b'SIP/2.0/UDP a ;x="1,2" , SIP/2.0/UDP b').host == "a"
    assert [
        via.host for via in parse_vias_untrusted([b"SIP/2.0/UDP a , SIP/2.0/UDP b", b"SIP/2.0/UDP c"])
    ] == [
        "a",
        "b",
        "c",
    ]


def test_an_empty_element_is_no_via() -> None:
    with pytest.raises(MessageError):
        parse_vias_untrusted([b"SIP/2.0/UDP a,,SIP/2.0/UDP b"])
