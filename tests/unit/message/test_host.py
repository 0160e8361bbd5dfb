"""Hosts and ports."""

from __future__ import annotations

import pytest

from sipfsm.message import MessageError, canonical_host, host_port
from sipfsm.message.host import host_untrusted, port_untrusted


def test_an_ipv6_reference_loses_its_brackets() -> None:
    assert host_untrusted("[2001:db8::10]") == "2001:db8::10"
    assert host_untrusted("example.com") == "example.com"


@pytest.mark.parametrize("raw", ["[2001:db8:::1]", "[1.2.3.4]", "[::1::]", "[::12345]"])
def test_brackets_hold_an_ipv6_address(raw: str) -> None:
    with pytest.raises(MessageError) as caught:
        host_untrusted(raw)
    assert (caught.value.reason, caught.value.offending) == ("bad-host", raw.encode())


@pytest.mark.parametrize(
    ("raw", "port"), [(None, None), ("1", 1), ("5060", 5060), ("65535", 65_535), ("000005060", 5060)]
)
def test_ports(raw: str | None, port: int | None) -> None:
    assert port_untrusted(raw) == port


@pytest.mark.parametrize("raw", ["0", "00000000", "65536", "99999", "100000", "9" * 5000])
def test_a_port_out_of_range_is_refused(raw: str) -> None:
    with pytest.raises(MessageError) as caught:
        port_untrusted(raw)
    assert caught.value.reason == "bad-port"


def test_hosts_are_compared_without_case_and_addresses_by_value() -> None:
    assert canonical_host("Example.COM") == "example.com"
    assert canonical_host("2001:DB8:0:0::1") == canonical_host("2001:db8::1") == "2001:db8::1"
    assert canonical_host("No:Address") == "no:address"


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert host_port("2001:db8::1", 5060) == "[2001:db8::1]:5060"
    assert host_port("192.0.2.1", None) == "192.0.2.1"
