"""The transport layer as a whole: binding, and choosing a listener."""

import socket

import pytest
import trio

from sipfsm.counters import Counters
from sipfsm.message import DEFAULT_LIMITS, parse_via_untrusted
from sipfsm.transport import StreamLimits, Target, TransportError, TransportLayer
from tests.unit.transport.support import LOCALHOST, TCP, UDP, Listen, Recorder, run, running


def layer(*listen: Listen) -> TransportLayer:
    return TransportLayer(
        listen, Recorder(), counters=Counters(), limits=DEFAULT_LIMITS, stream=StreamLimits()
    )


def test_the_ports_are_known_before_anything_is_received() -> None:
    async def test() -> None:
        transport = layer(UDP, TCP)
        transport.bind()
        before = [(listener.protocol, listener.port) for listener in transport.listeners]
        assert [protocol for protocol, _ in before] == ["UDP", "TCP"]
        assert all(port for _, port in before)
        async with trio.open_nursery() as nursery:
            started = await nursery.start(transport.run)
            assert [(listener.protocol, listener.port) for listener in started] == before
            nursery.cancel_scope.cancel()

    run(test)


def test_what_cannot_all_be_bound_is_not_bound_at_all() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken, socket.socket() as free:
        taken.bind((LOCALHOST, 0))
        free.bind((LOCALHOST, 0))
        port = free.getsockname()[1]
        free.close()
        transport = layer(Listen("TCP", LOCALHOST, port), Listen("UDP", *taken.getsockname()))
        with pytest.raises(OSError, match=r"^cannot listen on udp:127\.0\.0\.1:\d+: Address already in use$"):
            transport.bind()
        with socket.socket() as again:
            again.bind((LOCALHOST, port))


@pytest.mark.parametrize("host", ["localhost", "203.0.113.7", "::ffff:1:2:3:4:5:6:7", ""])
def test_what_cannot_be_bound_is_named(host: str) -> None:
    with pytest.raises(OSError, match="cannot listen on udp:"):
        layer(Listen("UDP", host)).bind()


def test_a_protocol_that_is_not_spoken_is_refused() -> None:
    with pytest.raises(ValueError, match="SCTP"):
        layer(Listen("SCTP"))


def test_we_know_where_we_listen() -> None:
    async def test() -> None:
        async with running(UDP, aliases=["proxy.example.com"]) as served:
            assert served.layer.is_listening_at(LOCALHOST, served.port())
            assert served.layer.is_listening_at("proxy.example.com", 5060, "TCP")
            assert not served.layer.is_listening_at(LOCALHOST, served.port(), "TCP")

    run(test)


def test_the_sent_by_of_a_target_is_that_of_the_listener_used_for_it() -> None:
    async def test() -> None:
        async with running(UDP, UDP, TCP) as served:
            first, second, tcp = served.layer.listeners
            target = Target("UDP", LOCALHOST, 9)
            prefer = served.layer.flow_to_nowait(target)
            assert prefer is not None
            assert served.layer.sent_by_to(target) == first.sent_by
            assert served.layer.sent_by_to(Target("TCP", LOCALHOST, 9), prefer=prefer) == tcp.sent_by
            assert second.sent_by not in {first.sent_by, tcp.sent_by}

    run(test)


def test_a_loopback_listener_is_not_used_to_reach_others() -> None:
    async def test() -> None:
        async with running(UDP, Listen("UDP", "0.0.0.0")) as served:
            loopback, everywhere = served.layer.listeners
            near = served.layer.flow_to_nowait(Target("UDP", LOCALHOST, 9))
            assert near is not None
            assert near.local.port == loopback.port
            far = served.layer.flow_to_nowait(Target("UDP", "192.0.2.1", 9), prefer=near)
            assert far is not None
            assert far.local.port == everywhere.port
            # A wildcard leads everywhere, so it may be preferred for the loopback too.
            again = served.layer.flow_to_nowait(Target("UDP", LOCALHOST, 9), prefer=far)
            assert again is not None
            assert again.local.port == everywhere.port

    run(test)


def test_a_reply_to_a_name_is_looked_up() -> None:
    async def test() -> None:
        async with running(UDP) as served:
            flow = served.layer.flow_to_nowait(Target("UDP", LOCALHOST, 9))
            assert flow is not None
            via = parse_via_untrusted(b"SIP/2.0/UDP 192.0.2.1:7;maddr=localhost")
            assert served.layer.reply_flow_nowait(via, flow) is None
            assert (await served.layer.connect_reply(via, flow)).remote == (LOCALHOST, 7)
            # The name in sent-by is the last resort (RFC 3261 18.2.2).
            via = parse_via_untrusted(b"SIP/2.0/UDP localhost:7;received=%s.example" % (b"x" * 64))
            assert (await served.layer.connect_reply(via, flow)).remote == (LOCALHOST, 7)
            via = parse_via_untrusted(b"SIP/2.0/UDP %s.example:7" % (b"x" * 64))
            with pytest.raises(TransportError) as caught:
                await served.layer.connect_reply(via, flow)
            assert caught.value.reason == "no-such-host"

    run(test)


def test_a_transport_without_listeners_ends_at_once() -> None:
    trio.run(layer().run)
