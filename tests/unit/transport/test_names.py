"""Which hosts and ports are ours, and how addresses are read."""

import pytest

from sipfsm.message import parse_via_untrusted
from sipfsm.transport import Listener, Target
from sipfsm.transport.address import ip_version, is_loopback, is_wildcard, split_host_port
from sipfsm.transport.endpoint import bound_address, listener_at
from sipfsm.transport.names import LocalNames, is_local_address, primary_address
from sipfsm.transport.sockets import socket_address


def ours() -> LocalNames:
    names = LocalNames(["Proxy.Example.com", "[2001:db8::5]:5070"])
    names.add(Listener("UDP", "192.0.2.1", 5060, "192.0.2.1:5060"))
    names.add(Listener("TCP", "2001:db8::1", 5080, "[2001:db8::1]:5080"))
    return names


@pytest.mark.parametrize(
    ("sent_by", "expected"),
    [
        ("192.0.2.1", True),
        ("192.0.2.1:5060", True),
        ("192.0.2.1:5061", False),
        ("[2001:DB8:0::1]:5080", True),
        ("[2001:db8::1]", False),
        ("PROXY.example.COM.", True),
        ("proxy.example.com:5060", True),
        ("proxy.example.com:5080", False),
        ("[2001:db8:0:0::5]:5070", True),
        ("example.com", False),
    ],
)
def test_the_sent_by_of_our_vias_is_known(sent_by: str, *, expected: bool) -> None:
    assert ours().is_sent_by(parse_via_untrusted(f"SIP/2.0/UDP {sent_by};branch=1".encode())) is expected


@pytest.mark.parametrize(
    ("host", "port", "protocol", "expected"),
    [
        ("192.0.2.1", 5060, None, True),
        ("192.0.2.1", 5060, "UDP", True),
        ("192.0.2.1", 5060, "TCP", False),
        ("192.0.2.1", 5080, None, False),
        ("2001:DB8::0:1", 5080, "TCP", True),
        ("proxy.example.com.", 5060, "TCP", True),
        ("2001:db8::5", 5070, None, True),
        ("192.0.2.2", 5060, None, False),
    ],
)
def test_where_we_listen(host: str, port: int, protocol: str | None, *, expected: bool) -> None:
    assert ours().is_listening_at(host, port, protocol) is expected


def test_a_wildcard_stands_for_every_address_of_the_machine_and_no_other() -> None:
    names = LocalNames()
    listener = listener_at("UDP", bound_address(("0.0.0.0", 5060)))
    assert listener.sent_by == f"{primary_address(4)}:5060"
    names.add(listener)
    for host in ("127.0.0.1", primary_address(4)):
        assert names.is_listening_at(host, 5060)
    assert not names.is_listening_at("127.0.0.1", 5070)
    assert not names.is_listening_at("127.0.0.1", 5060, "TCP")
    assert not names.is_listening_at("203.0.113.7", 5060)
    assert not names.is_listening_at("0.0.0.0", 5060)
    assert not names.is_listening_at("::1", 5060)
    assert not names.is_listening_at("example.com", 5060)
    assert names.is_sent_by(parse_via_untrusted(f"SIP/2.0/UDP {primary_address(4)}".encode()))


def test_a_local_address_is_one_that_can_be_bound() -> None:
    assert is_local_address("127.0.0.1")
    assert not is_local_address("203.0.113.7")
    assert not is_local_address("localhost")
    assert not is_local_address("0.0.0.0")
    assert ip_version(primary_address(4)) == 4
    assert ip_version(primary_address(6)) == 6


@pytest.mark.parametrize(
    ("host", "version"),
    [
        ("192.0.2.1", 4),
        ("2001:db8::1", 6),
        ("::", 6),
        ("fe80::1%eth0", 6),
        ("fe80::1%", 6),
        ("example.com", None),
        ("", None),
        ("192.0.2", None),
        ("192.0.2.256", None),
        ("192.0.2.01", None),
        ("[::1]", None),
        ("1:2", None),
        ("\udce4", None),
        ("192.0.2.1\0", None),
        ("::1\0", None),
    ],
)
def test_ip_literals(host: str, version: int | None) -> None:
    assert ip_version(host) == version


def test_kinds_of_addresses() -> None:
    assert is_loopback("127.1.2.3")
    assert is_loopback("::1")
    assert not is_loopback("192.0.2.1")
    assert is_wildcard("0.0.0.0")
    assert is_wildcard("::")
    assert not is_wildcard("::1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.com", ("example.com", None)),
        ("example.com:5070", ("example.com", 5070)),
        ("[::1]:5070", ("::1", 5070)),
        ("[::1]", ("::1", None)),
        ("::1", ("::1", None)),
    ],
)
def test_host_and_port_are_split(text: str, expected: tuple[str, int | None]) -> None:
    assert split_host_port(text) == expected


@pytest.mark.parametrize(
    "text", ["", ":5060", "[::1", "[::1]5060", "[]:1", "h:", "h:0", "h:65536", "h:x", "h:-1", "h:\u0661"]
)
def test_what_is_no_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|no host"):
        split_host_port(text)


def test_aliases_are_checked() -> None:
    with pytest.raises(ValueError, match="not a port"):
        LocalNames(["h:0"])


@pytest.mark.parametrize(
    ("host", "port"), [("h", 1), ("192.0.2.1", -1), ("192.0.2.1", 65_536), ("fe80::1%nosuchif", 1)]
)
def test_what_is_no_socket_address_is_refused(host: str, port: int) -> None:
    with pytest.raises(ValueError, match="no"):
        socket_address(host, port)


def test_zones_are_kept() -> None:
    assert socket_address("fe80::1%lo", 5060) == ("fe80::1", 5060, 0, 1)
    assert socket_address("fe80::1%1", 5060) == ("fe80::1", 5060, 0, 1)
    assert bound_address(("fe80::1", 5060, 0, 1)) == ("fe80::1%1", 5060)
    assert bound_address(("fe80::1%lo", 5060, 0, 1)) == ("fe80::1%lo", 5060)


def test_targets_and_listeners_are_written_as_in_the_configuration() -> None:
    assert str(Target("TCP", "2001:db8::1", 5060)) == "tcp:[2001:db8::1]:5060"
    assert str(listener_at("UDP", bound_address(("192.0.2.1", 5060)))) == "udp:192.0.2.1:5060"
