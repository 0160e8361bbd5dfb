"""The relay policy remembers what it knows of addresses, and no more of them than it may."""

from ipaddress import ip_network

import pytest

from sipfsm.location import MemoryLocation
from sipfsm.message import Headers, Request
from sipfsm.message.refusal import RefusedError
from sipfsm.proxy.relay import RelayPolicy
from sipfsm.proxy.routing import Prepared
from tests.unit.proxy.support import FixedFlow, served


def policy(secret: bytes = b"secret") -> RelayPolicy:
    trusted = [ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")]
    return RelayPolicy(trusted, MemoryLocation(), served(), secret=secret)


def request() -> Prepared:
    fields = [(b"from", b"<sip:a@example.net>;tag=1"), (b"to", b"<sip:b@example.net>"), (b"call-id", b"1")]
    return Prepared(Request("INVITE", b"sip:b@example.net", Headers(fields)), None)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_a_trusted_network_holds_both_families(host: str) -> None:
    policy().check(request(), FixedFlow(host))


@pytest.mark.parametrize("host", ["192.0.3.1", "2001:db9::1", "::ffff:192.0.2.1", "fe80::1%eth0"])
def test_everything_else_is_not_trusted(host: str) -> None:
    with pytest.raises(RefusedError) as caught:
        policy().check(request(), FixedFlow(host))
    assert caught.value.status == 403


def test_any_number_of_strangers_costs_bounded_memory() -> None:
    relay = policy()
    for number in range(5000):
        for _ in range(2):
            with pytest.raises(RefusedError):
                relay.check(request(), FixedFlow(f"10.0.{number // 250}.{number % 250}"))
    assert len(relay._sources) <= 1024
    relay.check(request(), FixedFlow("192.0.2.1"))


def test_the_token_is_of_the_call_and_of_the_secret() -> None:
    relay, message = policy(), request().request
    assert relay.token(message) == relay.token(message.copy()) == policy().token(message)
    assert relay.token(message) != policy(b"another").token(message)
    other = message.copy()
    other.headers.set(b"call-id", b"2")
    assert relay.token(message) != relay.token(other)
