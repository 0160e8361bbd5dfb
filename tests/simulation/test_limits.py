"""The limits of the configuration, at work: what they bound is bounded, for as long as they say."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
import trio

from sipfsm.config import Settings
from sipfsm.server import Server
from sipfsm.simulation import Link, Scene, simulated
from sipfsm.simulation.phone import SERVER
from sipfsm.transport import TransportError

MEGABYTE = 1024 * 1024


def test_every_limit_of_the_configuration_reaches_who_keeps_it() -> None:
    limits = {
        "max_message": 2001,
        "max_body": 1001,
        "max_start_line": 301,
        "max_line": 302,
        "max_fields": 21,
        "max_via": 2,
        "max_route": 3,
        "max_values": 4,
        "max_params": 5,
        "message_timeout": 6.0,
        "idle_timeout": 7.0,
        "max_connections": 8,
        "max_connections_per_host": 9,
    }
    server = Server(Settings(listen=("udp:127.0.0.1:0",), location="memory", limits=limits))
    shared = server.transport._shared
    for name, value in limits.items():
        holder = shared.stream if hasattr(shared.stream, name) else shared.limits
        assert getattr(holder, name) == value, name
    assert shared.stream.max_header == 2001


def test_without_a_bound_of_its_own_a_body_may_be_as_long_as_a_message() -> None:
    assert Settings(location="memory", limits={"max_message": 100_000}).message_limits.max_body == 100_000


@pytest.mark.parametrize("piece", [b"INVITE sip:bob@example.com SIP/2.0\r\nVia: ", b"x"])
@simulated(limits={"message_timeout": 3.0})
async def test_a_slow_sender_is_cut_off(scene: Scene, piece: bytes) -> None:
    """One byte a second keeps no connection open: the deadline is that of the whole message."""
    alice = await scene.phone("alice")
    await alice.send_raw(piece, protocol="TCP")
    began = trio.current_time()
    while scene.counted("connections.closed.message-timeout") == 0:
        await alice.send_raw(b"x", protocol="TCP")
        await trio.sleep(1)
        assert trio.current_time() - began < 5


@simulated(limits={"idle_timeout": 100.0})
async def test_a_silent_connection_is_closed(scene: Scene) -> None:
    alice = await scene.phone("alice")
    await alice.send_raw(b"\r\n\r\n", protocol="TCP")
    await trio.sleep(99)
    assert scene.server.transport.connections == 1
    await trio.sleep(2)
    assert scene.server.transport.connections == 0
    assert scene.counted("connections.closed.idle") == 1


@pytest.mark.parametrize(
    "line",
    [b"X: y\r\n", b"X: y\r\n z\r\n", b"x" * 1000, b"\0" * 1000],
    ids=["fields", "folds", "text", "NUL"],
)
@simulated()
async def test_a_header_that_never_ends_is_held_no_further_than_its_bound(scene: Scene, line: bytes) -> None:
    """Ten megabytes of it; a connection holds the bound and one piece, here at both ends of it."""
    alice = await scene.phone("alice")
    await alice.send_raw(b"INVITE sip:bob@example.com SIP/2.0\r\n", protocol="TCP")
    piece = line * (65_536 // len(line))
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(160):
            await alice.send_raw(piece, protocol="TCP")
            await trio.sleep(0.01)
            if scene.counted("connections.closed.unframeable"):
                break
        peak = tracemalloc.get_traced_memory()[1]
    except TransportError:
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert scene.counted("connections.closed.unframeable") == 1
    assert scene.server.counters.total("dropped.parse") == 1
    assert peak < 4 * MEGABYTE


@simulated(limits={"max_body": 1000})
async def test_a_body_that_never_ends_is_refused_before_it_begins(scene: Scene) -> None:
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    data = alice.request("MESSAGE", bob.aor, protocol="TCP").to_bytes()
    await alice.send_raw(data.replace(b"Content-Length: 0", b"Content-Length: 4000000000"), protocol="TCP")
    await alice.receive(413)
    assert scene.counted("connections.closed.unframeable") == 1
    assert bob.got("MESSAGE") == []


@simulated()
async def test_many_answers_at_once_are_no_flood(scene: Scene) -> None:
    """A connection attempt fails, and with it all requests that waited for it: each is answered (16.9)."""
    alice = await scene.phone("alice")
    await scene.bind("bob", "sip:bob@192.0.2.77;transport=tcp")
    scene.network.part(SERVER, "192.0.2.77")
    for _ in range(1000):
        await alice.send(alice.request("MESSAGE", "sip:bob@example.com", protocol="TCP"), protocol="TCP")
    await trio.sleep(10)
    assert len(alice.got(500)) == 1000
    assert scene.counted("connections.closed.overflow") == 0


@simulated()
async def test_many_requests_that_wait_for_one_connection_are_no_flood(scene: Scene) -> None:
    """They all leave in the instant in which it is open."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    scene.network.set_link(SERVER, bob.host, Link(latency=2.0))
    await scene.bind("bob", f"{bob.contact};transport=tcp")
    for _ in range(1000):
        await alice.send(alice.request("MESSAGE", "sip:bob@example.com"))
    await trio.sleep(10)
    assert len(bob.got("MESSAGE")) == 1000
    assert scene.counted("connections.closed.overflow") == 0
