"""From URIs to targets, by host and port alone (:rfc:`3263#section-4`)."""

import pytest
import trio
from trio.testing import assert_no_checkpoints

from sipfsm.message import SipUri, parse_uri_untrusted
from sipfsm.resolver import Resolver
from sipfsm.transport import Target, TransportError


def sip(text: str) -> SipUri:
    uri = parse_uri_untrusted(text.encode())
    assert isinstance(uri, SipUri)
    return uri


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("sip:bob@192.0.2.1", ("UDP", "192.0.2.1", 5060)),
        ("sip:192.0.2.1:5070", ("UDP", "192.0.2.1", 5070)),
        ("sip:192.0.2.1;transport=tcp", ("TCP", "192.0.2.1", 5060)),
        ("sip:192.0.2.1;transport=TCP", ("TCP", "192.0.2.1", 5060)),
        ("sip:192.0.2.1;transport=UDP", ("UDP", "192.0.2.1", 5060)),
        ("sip:[2001:db8::1]:5070;transport=tcp", ("TCP", "2001:db8::1", 5070)),
        # RFC 3261 19.1.1: maddr overrides the host; RFC 3263 4: it is the TARGET.
        ("sip:example.com:5070;maddr=192.0.2.9", ("UDP", "192.0.2.9", 5070)),
        ("sip:example.com;maddr=[2001:db8::9]", ("UDP", "2001:db8::9", 5060)),
    ],
)
def test_an_ip_literal_is_answered_at_once(uri: str, target: tuple[str, str, int]) -> None:
    async def test() -> None:
        with assert_no_checkpoints():
            assert await Resolver().resolve(sip(uri)) == [Target(*target)]

    trio.run(test)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("sips:192.0.2.1", "no-tls"),
        ("sip:192.0.2.1;transport=tls", "no-transport"),
        ("sip:192.0.2.1;transport=sctp", "no-transport"),
        ("sip:192.0.2.1;transport=x", "no-transport"),
        (f"sip:{'x' * 64}.example.com", "no-such-host"),
    ],
)
def test_what_cannot_be_reached_is_an_error(uri: str, reason: str) -> None:
    with pytest.raises(TransportError) as caught:
        trio.run(Resolver().resolve, sip(uri))
    assert caught.value.reason == reason


def test_a_name_is_looked_up() -> None:
    targets = trio.run(Resolver().resolve, sip("sip:bob@localhost:5070;transport=tcp"))
    assert Target("TCP", "127.0.0.1", 5070) in targets
