"""What a Via gets where a request comes in, and where it sends the response."""

import pytest

from sipfsm.message import MessageError, Request, parse_message_untrusted, parse_via_untrusted
from sipfsm.transport import HostPort, Target
from sipfsm.transport.via import mark_source, reply_target
from tests.unit.transport.support import request

SOURCE = HostPort("192.0.2.4", 40_000)


def marked(via: str, source: HostPort = SOURCE) -> str:
    """Return the top Via of a request that came from the source."""
    message = parse_message_untrusted(request(via=via))
    assert isinstance(message, Request)
    mark_source(message, source)
    value = message.headers.first(b"via")
    assert value is not None
    assert message.via == parse_via_untrusted(value.partition(b",")[0])
    return value.decode()


@pytest.mark.parametrize(
    ("via", "expected"),
    [
        # RFC 3261 18.2.1: a domain name gets received, an address that is the source does not.
        ("SIP/2.0/UDP bobspc.biloxi.com:5060", "SIP/2.0/UDP bobspc.biloxi.com:5060;received=192.0.2.4"),
        ("SIP/2.0/UDP 192.0.2.4:5060;branch=z9", "SIP/2.0/UDP 192.0.2.4:5060;branch=z9"),
        ("SIP/2.0/UDP 10.1.1.1:4540;branch=z9", "SIP/2.0/UDP 10.1.1.1:4540;branch=z9;received=192.0.2.4"),
        # RFC 3581 4: with rport also when they are the same.
        ("SIP/2.0/UDP 192.0.2.4:5060;rport", "SIP/2.0/UDP 192.0.2.4:5060;rport=40000;received=192.0.2.4"),
        (
            "SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff",
            "SIP/2.0/UDP 10.1.1.1:4540;rport=40000;branch=z9hG4bKkjshdyff;received=192.0.2.4",
        ),
        # What the sender claims about itself does not count: it could be somebody else's address.
        ("SIP/2.0/UDP 192.0.2.4;received=198.51.100.1", "SIP/2.0/UDP 192.0.2.4;received=192.0.2.4"),
        ("SIP/2.0/UDP 192.0.2.4;rport=9", "SIP/2.0/UDP 192.0.2.4;rport=40000;received=192.0.2.4"),
        # Only the top one.
        (
            "SIP/2.0/UDP a.example.com, SIP/2.0/UDP b.example.com",
            "SIP/2.0/UDP a.example.com;received=192.0.2.4, SIP/2.0/UDP b.example.com",
        ),
    ],
)
def test_a_request_is_marked_with_its_source(via: str, expected: str) -> None:
    assert marked(via) == expected


@pytest.mark.parametrize(
    ("via", "source", "received"),
    [
        ("SIP/2.0/UDP [2001:db8::9:1]", "2001:db8::9:1", None),
        ("SIP/2.0/UDP [2001:DB8:0:0:0:0:9:1]:5060", "2001:db8::9:1", None),
        ("SIP/2.0/UDP [2001:db8::9:1]", "2001:db8::9:2", "2001:db8::9:2"),
        ("SIP/2.0/UDP [fe80::1]", "fe80::1%3", None),
        ("SIP/2.0/UDP [fe80::2]", "fe80::1%3", "fe80::1"),
    ],
)
def test_ipv6_sources_are_compared_as_addresses_and_written_without_brackets_and_zone(
    via: str, source: str, received: str | None
) -> None:
    value = marked(via, HostPort(source, 5060))
    assert parse_via_untrusted(value.encode()).received == received
    assert value.partition("received=")[2] == (received or "")


def test_a_via_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(MessageError):
        marked("SIP/2.0/UDP")


@pytest.mark.parametrize(
    ("via", "target"),
    [
        # RFC 3261 18.2.2, the bullets for unreliable unicast from the top, and RFC 3581 4 between them.
        ("SIP/2.0/UDP h;maddr=192.0.2.7;received=192.0.2.4;rport=4", ("192.0.2.7", 5060)),
        ("SIP/2.0/UDP h:5070;maddr=192.0.2.7", ("192.0.2.7", 5070)),
        ("SIP/2.0/UDP h:5070;maddr=relay.example.com", ("relay.example.com", 5070)),
        ("SIP/2.0/UDP h:5070;received=192.0.2.4;rport=9988", ("192.0.2.4", 9988)),
        ("SIP/2.0/UDP h:5070;received=192.0.2.4", ("192.0.2.4", 5070)),
        ("SIP/2.0/UDP h;received=192.0.2.4", ("192.0.2.4", 5060)),
        ("SIP/2.0/UDP h;received=192.0.2.4;rport", ("192.0.2.4", 5060)),
        ("SIP/2.0/UDP h;received=192.0.2.4;rport=x9", ("192.0.2.4", 5060)),
        ("SIP/2.0/UDP h;received=192.0.2.4;rport=123456", ("192.0.2.4", 5060)),
        ("SIP/2.0/UDP 192.0.2.9:5070;rport=9988", ("192.0.2.9", 5070)),
        ("SIP/2.0/UDP [2001:db8::1]:5070;received=[2001:db8::2];rport=7", ("2001:db8::2", 7)),
    ],
)
def test_the_target_of_a_response_over_udp(via: str, target: tuple[str, int]) -> None:
    parsed = parse_via_untrusted(via.encode())
    assert reply_target(parsed, "UDP", reliable=False) == Target("UDP", *target)


@pytest.mark.parametrize(
    ("via", "target"),
    [
        ("SIP/2.0/TCP h:5070;received=192.0.2.4;rport=9988;maddr=192.0.2.7", ("192.0.2.4", 5070)),
        ("SIP/2.0/TCP h;received=192.0.2.4", ("192.0.2.4", 5060)),
        ("SIP/2.0/TCP 192.0.2.9", ("192.0.2.9", 5060)),
    ],
)
def test_the_target_of_a_new_connection_for_a_response(via: str, target: tuple[str, int]) -> None:
    parsed = parse_via_untrusted(via.encode())
    assert reply_target(parsed, "TCP", reliable=True) == Target("TCP", *target)
