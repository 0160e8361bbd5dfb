"""Addresses and names of the configuration, from text to values."""

import errno
import socket

import pytest

from sipfsm.config.addresses import ListenAddress, has_ipv6_loopback, host_of, parse_name, parse_next_hop


@pytest.mark.parametrize(
    ("text", "protocol", "host", "port"),
    [
        ("udp:127.0.0.1:5060", "UDP", "127.0.0.1", 5060),
        ("TCP:[::1]:5060", "TCP", "::1", 5060),
        (" udp:0.0.0.0:0 ", "UDP", "0.0.0.0", 0),
        ("tcp:[2001:DB8:0:0::1]:65535", "TCP", "2001:db8::1", 65535),
        ("udp:[fe80::1%eth0]:5060", "UDP", "fe80::1%eth0", 5060),
    ],
)
def test_a_listen_address_is_read_into_its_canonical_form(
    text: str, protocol: str, host: str, port: int
) -> None:
    address = ListenAddress.parse(text)

    assert (address.protocol, address.host, address.port) == (protocol, host, port)
    assert ListenAddress.parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there is no transport ''"),
        ("127.0.0.1:5060", "there is no transport '127.0.0.1'"),
        ("tls:127.0.0.1:5061", "there is no transport 'tls'"),
        ("udp", "the port is missing"),
        ("udp:127.0.0.1", "the port is missing"),
        ("udp:127.0.0.1:", "the port is missing"),
        ("udp:[::1]", "the port is missing"),
        ("udp:127.0.0.1:65536", "'65536' is no port number"),
        ("udp:127.0.0.1:-1", "'-1' is no port number"),
        ("udp:127.0.0.1:٥٠٦٠", "is no port number"),
        ("udp:localhost:5060", "'localhost' is no IP address"),
        ("udp:127.0.0.256:5060", "'127.0.0.256' is no IP address"),
        ("udp:::1:5060", "brackets belong around an IPv6 address"),
        ("udp:[127.0.0.1]:5060", "brackets belong around an IPv6 address"),
        ("udp:224.0.1.75:5060", "is a multicast address"),
    ],
)
def test_what_is_no_listen_address_is_refused_with_reason_and_example(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="write for example udp:127") as caught:
        ListenAddress.parse(text)

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("::ffff:192.0.2.1", False),
    ],
)
def test_only_loopback_addresses_are_out_of_reach_of_other_machines(host: str, loopback: bool) -> None:
    assert ListenAddress("UDP", host, 5060).is_loopback is loopback


@pytest.mark.parametrize(
    ("text", "name", "host"),
    [
        ("Example.ORG", "example.org", "example.org"),
        ("example.org.", "example.org", "example.org"),
        ("example.org:5070", "example.org:5070", "example.org"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::0:1]", "[2001:db8::1]", "[2001:db8::1]"),
        ("[::1]:5060", "[::1]:5060", "[::1]"),
        ("my_container", "my_container", "my_container"),
    ],
)
def test_a_name_is_read_into_its_canonical_form(text: str, name: str, host: str) -> None:
    assert parse_name(text) == name
    assert host_of(name) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "alice@example.org",
        "example.org;lr",
        "example.org?a=b",
        "::1",
        "example.org:0",
        "ex\udcffmple",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="this is no domain"):
        parse_name(text)


def test_a_next_hop_is_a_sip_uri() -> None:
    uri = parse_next_hop(" sip:gateway.example.org:5070;transport=tcp;lr ")

    assert (uri.host, uri.port, uri.transport, uri.lr) == ("gateway.example.org", 5070, "tcp", True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("gateway.example.org", "no SIP URI"),
        ("tel:+15551234", "no SIP URI"),
        ("sip:", "no SIP URI"),
        ("sips:gateway.example.org", "TLS"),
        ("sip:gateway.example.org;transport=tls", "no transport 'tls', only udp and tcp"),
        ("sip:gateway.example.org?Subject=x", "no header fields"),
    ],
)
def test_what_cannot_be_a_next_hop_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_next_hop(text)


class _NoSuchAddress:
    """A socket of a machine that cannot bind to the address, for the reason given."""

    def __init__(self, reason: int) -> None:
        self._reason = reason

    def __call__(self, *_family_and_type: object) -> "_NoSuchAddress":
        return self

    def __enter__(self) -> "_NoSuchAddress":
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def bind(self, address: tuple[str, int]) -> None:
        raise OSError(self._reason, "no")


@pytest.mark.parametrize(
    ("reason", "answer"),
    [(errno.EADDRNOTAVAIL, False), (errno.EAFNOSUPPORT, False), (errno.EMFILE, True)],
)
def test_a_machine_without_ipv6_is_told_from_one_with_other_troubles(
    monkeypatch: pytest.MonkeyPatch, reason: int, answer: bool
) -> None:
    monkeypatch.setattr(socket, "socket", _NoSuchAddress(reason))

    assert has_ipv6_loopback() is answer
