"""What a person names as the target."""

from __future__ import annotations

import pytest

from sipfsm.fuzz.target import TargetError, TargetLostError, find_target


@pytest.mark.parametrize(
    ("text", "host", "port", "protocol"),
    [
        ("sip:127.0.0.1", "127.0.0.1", 5060, "udp"),
        ("sip:127.0.0.1:5070", "127.0.0.1", 5070, "udp"),
        ("sip:alice@127.0.0.1;transport=TCP", "127.0.0.1", 5060, "tcp"),
        ("sip:127.0.0.1;transport=tls", "127.0.0.1", 5061, "tls"),
        ("sips:127.0.0.1", "127.0.0.1", 5061, "tls"),
        ("sip:127.0.0.1;transport=ws", "127.0.0.1", 80, "ws"),
        ("sip:[::1]:5060", "::1", 5060, "udp"),
    ],
)
def test_host_port_and_transport(text: str, host: str, port: int, protocol: str) -> None:
    target = find_target(text)
    assert (target.host, target.port, target.protocol) == (host, port, protocol)
    assert target.is_loopback
    assert target.reliable == (protocol != "udp")


def test_it_is_written_as_it_is_reached() -> None:
    assert str(find_target("sip:[::1]:5062;transport=tcp")) == "sip:[::1]:5062;transport=tcp"
    assert str(find_target("sip:127.0.0.1")) == "sip:127.0.0.1:5060"


def test_another_machine_only_if_somebody_may() -> None:
    with pytest.raises(TargetError, match="--i-may-test-this-host"):
        find_target("sip:192.0.2.1")
    assert not find_target("sip:192.0.2.1", anywhere=True).is_loopback


@pytest.mark.parametrize("text", ["127.0.0.1", "tel:+123", "sip:", "sip:127.0.0.1:99999", "sip:ü"])
def test_what_is_no_sip_uri(text: str) -> None:
    with pytest.raises(TargetError, match="no target"):
        find_target(text)


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(TargetLostError, match="does not resolve"):
        find_target("sip:nobody.invalid")
