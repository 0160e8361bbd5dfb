"""UDP over real loopback sockets: what comes in, what is dropped, where responses go, what sending says."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio
from structlog.testing import capture_logs

from sipfsm.message import Request, Response
from sipfsm.transport import Target, TransportError
from tests.unit.transport.support import (
    DEADLINE,
    LOCALHOST,
    TCP,
    UDP,
    Listen,
    counted,
    request,
    response,
    run,
    running,
)

MAX_DATAGRAM = 65_507
"""Bytes of payload: 65,535 less the headers of IPv4 and UDP."""


@contextmanager
def peer(host: str = LOCALHOST) -> Iterator[trio.socket.SocketType]:
    """Yield a bound UDP socket of somebody else."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    raw = socket.socket(family, socket.SOCK_DGRAM)
    raw.bind((host, 0))
    with trio.socket.from_stdlib_socket(raw) as sock:
        yield sock


async def receive(sock: trio.socket.SocketType) -> bytes:
    with trio.fail_after(DEADLINE):
        return await sock.recv(65_535)


def test_a_request_is_received_with_its_flow() -> None:
    async def test() -> None:
        async with running() as served:
            with peer() as alice:
                await alice.sendto(request(body=b"hello"), (LOCALHOST, served.port()))
                message, flow = await served.receiver.next()
                assert isinstance(message, Request)
                assert message.body == b"hello"
                assert flow.remote == alice.getsockname()
                assert flow.local == (LOCALHOST, served.port())
                assert flow.sent_by == f"{LOCALHOST}:{served.port()}"
                assert (flow.protocol, flow.reliable, flow.closed) == ("UDP", False, False)
                flow.send_nowait(b"an answer")
                assert await receive(alice) == b"an answer"
                assert served.counters == {"received.udp": 1, "sent.udp": 1}

    run(test)


def test_the_response_finds_its_way_through_received_and_rport() -> None:
    async def test() -> None:
        async with running(UDP, Listen()) as served:
            first, second = served.layer.listeners
            with peer() as alice:
                via = "SIP/2.0/UDP pc33.example.com:9;rport;branch=z9hG4bK1"
                await alice.sendto(request(via=via), (LOCALHOST, second.port))
                message, flow = await served.receiver.next()
                assert message.via.received == LOCALHOST
                assert message.via.rport == str(alice.getsockname()[1])
                reply = served.layer.reply_flow_nowait(message.via, flow)
                assert reply is not None
                reply.send_nowait(b"an answer")
                with trio.fail_after(DEADLINE):
                    data, source = await alice.recvfrom(65_535)
                assert (data, source) == (b"an answer", (LOCALHOST, second.port))
                assert source != (LOCALHOST, first.port)

    run(test)


def test_without_rport_the_response_goes_to_the_port_of_sent_by() -> None:
    async def test() -> None:
        async with running(UDP, UDP) as served:
            with peer() as alice, peer() as announced:
                via = f"SIP/2.0/UDP pc33.example.com:{announced.getsockname()[1]};branch=z9hG4bK1"
                second = served.layer.listeners[1]
                await alice.sendto(request(via=via), (LOCALHOST, second.port))
                message, flow = await served.receiver.next()
                reply = served.layer.reply_flow_nowait(message.via, flow)
                assert reply is not None
                reply.send_nowait(b"an answer")
                with trio.fail_after(DEADLINE):
                    data, source = await announced.recvfrom(65_535)
                assert (data, source) == (b"an answer", (LOCALHOST, second.port))

    run(test)


def test_keep_alives_and_empty_datagrams_are_counted_and_ignored() -> None:
    async def test() -> None:
        async with running() as served:
            with peer() as alice:
                for data in (b"\r\n\r\n", b"\r\n", b"", b"\0\0\0\0", b"\r\n" * 10_000):
                    await alice.sendto(data, (LOCALHOST, served.port()))
                await alice.sendto(b"\r\n" + request(), (LOCALHOST, served.port()))
                await served.receiver.next()
                assert served.receiver.nothing_came()
                assert served.counters == {"received.udp": 6, "keepalive.udp": 5}

    run(test)


def test_bad_datagrams_are_dropped_or_refused_and_the_reader_lives() -> None:
    async def test() -> None:
        async with running() as served:
            with peer() as alice:
                bad = [bytes(range(256)), b"\xff" * MAX_DATAGRAM, b"x", b"SIP/2.0 200 OK\r\n\r\n"]
                bad += [request()[:40], request(method="ACK", length="9"), response(via="SIP/2.0/UDP")]
                bad += [request(via="SIP/2.0/UDP"), request(via="SIP/2.0/UDP", body=b"x", length="9")]
                for data in bad:
                    await alice.sendto(data, (LOCALHOST, served.port()))
                await alice.sendto(request(), (LOCALHOST, served.port()))
                await served.receiver.next()
                assert served.receiver.nothing_came()
                assert served.counters["received.udp"] == len(bad) + 1
                assert served.counters.total("dropped.parse") == len(bad)

    run(test)


def test_a_bad_request_is_refused_with_a_marked_via() -> None:
    async def test() -> None:
        async with running() as served:
            with peer() as alice:
                via = "SIP/2.0/UDP pc33.example.com;rport;branch=z9hG4bK1"
                await alice.sendto(request(via=via, body=b"short", length="99"), (LOCALHOST, served.port()))
                error, flow = await served.receiver.next_refused()
                assert error.status == 400
                assert isinstance(error.message, Request)
                assert error.message.via.rport == str(alice.getsockname()[1])
                assert error.message.via.received == LOCALHOST
                assert flow.remote == alice.getsockname()
                assert (await receive(alice)).startswith(b"SIP/2.0 400 ")
                assert served.counters.total("refused") == 1

    run(test)


def test_only_responses_to_our_own_sent_by_come_in() -> None:
    async def test() -> None:
        async with running(aliases=["proxy.example.com"]) as served:
            port = served.port()
            with peer() as alice:
                for via in (f"other.example.com:{port}", f"{LOCALHOST}:{port ^ 1}", "proxy.example.com:5070"):
                    await alice.sendto(response(via=f"SIP/2.0/UDP {via};branch=z9hG4bK1"), (LOCALHOST, port))
                for via in (f"{LOCALHOST}:{port}", "Proxy.Example.COM.", "proxy.example.com:5060"):
                    await alice.sendto(response(via=f"SIP/2.0/UDP {via};branch=z9hG4bK1"), (LOCALHOST, port))
                for _ in range(3):
                    message, _ = await served.receiver.next()
                    assert isinstance(message, Response)
                assert served.receiver.nothing_came()
                assert served.counters["dropped.response.foreign-via"] == 3

    run(test)


def test_a_fault_of_the_receiver_is_logged_once_and_the_reader_lives() -> None:
    async def test() -> None:
        async with running() as served:
            with peer() as alice:
                served.receiver.raises = RuntimeError("a bug")
                with capture_logs() as logs:
                    for _ in range(3):
                        await alice.sendto(request(), (LOCALHOST, served.port()))
                    await counted(served, "faults", 3)
                [entry] = [entry for entry in logs if entry["log_level"] == "error"]
                assert "in receive" in entry["traceback"]
                assert "a bug" in entry["error"]
                served.receiver.raises = None
                await alice.sendto(request(), (LOCALHOST, served.port()))
                await served.receiver.next()

    run(test)


def test_a_fault_in_refusing_does_not_end_the_reader() -> None:
    async def test() -> None:
        async with running() as served:
            with peer() as alice, capture_logs() as logs:
                served.receiver.raises = RuntimeError("a bug")
                await alice.sendto(request(length="99"), (LOCALHOST, served.port()))
                await counted(served, "faults")
                assert [entry["doing"] for entry in logs if "doing" in entry] == ["refusing a message"]
                served.receiver.raises = None
                await alice.sendto(request(), (LOCALHOST, served.port()))
                await served.receiver.next()

    run(test)


def test_a_burst_is_read_to_its_end_and_others_get_their_turn() -> None:
    async def test() -> None:
        async with running() as served:
            with peer() as alice:
                for number in range(200):
                    await alice.sendto(request(call_id=str(number)), (LOCALHOST, served.port()))
                for number in range(200):
                    message, _ = await served.receiver.next()
                    assert message.call_id == str(number)

    run(test)


def test_the_largest_datagram_passes_and_a_larger_one_is_an_error() -> None:
    async def test() -> None:
        async with running() as served:
            with peer() as alice:
                await alice.sendto(request(body=b"x" * 60_000), (LOCALHOST, served.port()))
                message, flow = await served.receiver.next()
                assert len(message.body) == 60_000
                flow.send_nowait(b"y" * MAX_DATAGRAM)
                assert len(await receive(alice)) == MAX_DATAGRAM
                with pytest.raises(TransportError) as caught:
                    flow.send_nowait(b"y" * (MAX_DATAGRAM + 1))
                assert caught.value.reason == "too-large"

    run(test)


def test_sending_reports_what_the_operating_system_says() -> None:
    async def test() -> None:
        async with running() as served:
            flow = served.layer.flow_to_nowait(Target("UDP", "255.255.255.255", 5060))
            assert flow is not None
            with pytest.raises(TransportError, match=r"cannot send to udp:255.255.255.255:5060: ") as caught:
                flow.send_nowait(b"x")
            assert caught.value.reason == "not-permitted"
            assert served.counters == {"failed.send.udp": 1}

    run(test)


@pytest.mark.parametrize(
    "target", [("name.example.com", 5060), ("", 5060), (LOCALHOST, 0), (LOCALHOST, 70_000)]
)
def test_what_is_no_address_is_never_looked_up(target: tuple[str, int]) -> None:
    async def test() -> None:
        async with running() as served:
            with pytest.raises(TransportError) as caught:
                served.layer.flow_to_nowait(Target("UDP", *target))
            assert caught.value.reason == "bad-address"

    run(test)


def test_without_a_listener_of_the_family_or_protocol_there_is_no_flow() -> None:
    async def test() -> None:
        async with running(UDP) as served:
            for target in (Target("UDP", "::1", 5060), Target("TCP", LOCALHOST, 5060)):
                with pytest.raises(TransportError) as caught:
                    served.layer.flow_to_nowait(target)
                assert caught.value.reason == "no-listener"
                with pytest.raises(TransportError):
                    await served.layer.connect(target)

    run(test)


def test_the_preferred_socket_is_used_if_it_fits() -> None:
    async def test() -> None:
        async with running(UDP, UDP, TCP) as served:
            with peer() as alice:
                second = served.layer.listeners[1]
                await alice.sendto(request(), (LOCALHOST, second.port))
                _, flow = await served.receiver.next()
                target = Target("UDP", LOCALHOST, 9)
                default = served.layer.flow_to_nowait(target)
                preferred = served.layer.flow_to_nowait(target, prefer=flow)
                assert default is not None
                assert preferred is not None
                assert default.local == (LOCALHOST, served.layer.listeners[0].port)
                assert preferred.local == (LOCALHOST, second.port)
                assert await served.layer.connect(target) is not None

    run(test)


@pytest.mark.parametrize("host", [LOCALHOST, "::1"])
def test_icmp_is_told_to_those_who_watch_and_spoils_no_other_datagram(host: str) -> None:
    async def test() -> None:
        async with running(Listen("UDP", host)) as served:
            with peer(host) as nobody:
                nowhere = Target("UDP", host, nobody.getsockname()[1])
            with peer(host) as alice:
                target = Target("UDP", host, alice.getsockname()[1])
                flow, other = served.layer.flow_to_nowait(nowhere), served.layer.flow_to_nowait(target)
                assert flow is not None
                assert other is not None
                told: list[str] = []
                flow.watch(lambda end: told.append(end.reason))
                other.watch(lambda end: told.append(f"{end.reason} for somebody else"))
                for number in range(10):
                    flow.send_nowait(b"lost")
                    other.send_nowait(b"%d" % number)
                for number in range(10):
                    assert await receive(alice) == b"%d" % number
                await counted(served, "icmp.refused")
                assert told == ["refused"]
                assert not flow.closed
                await alice.sendto(request(), (host, served.port(host=host)))
                await served.receiver.next()

    run(test)


def test_who_does_not_watch_any_more_is_not_told_of_icmp_and_a_bad_watcher_harms_nobody() -> None:
    async def test() -> None:
        async with running() as served:
            with peer() as nobody:
                nowhere = Target("UDP", LOCALHOST, nobody.getsockname()[1])
            flow = served.layer.flow_to_nowait(nowhere)
            again = served.layer.flow_to_nowait(nowhere)
            assert flow is not None
            assert again is not None
            told: list[TransportError] = []

            def bad(end: TransportError) -> None:
                raise RuntimeError("a bug")

            flow.watch(bad)
            flow.watch(told.append)
            again.unwatch(told.append)
            again.unwatch(told.append)
            with capture_logs() as logs:
                flow.send_nowait(b"lost")
                await counted(served, "faults")
            assert [entry["log_level"] for entry in logs] == ["error"]
            assert told == []

    run(test)


def test_ipv6_has_its_own_socket_and_brackets() -> None:
    async def test() -> None:
        try:
            context = running(UDP, Listen("UDP", "::1"))
            async with context as served:
                port = served.port(host="::1")
                with peer("::1") as alice:
                    await alice.sendto(request(via=f"SIP/2.0/UDP [::1]:{port};rport"), ("::1", port))
                    message, flow = await served.receiver.next()
                    assert flow.sent_by == f"[::1]:{port}"
                    assert flow.remote == alice.getsockname()[:2]
                    assert message.via.received == "::1"
                    flow.send_nowait(b"an answer")
                    assert await receive(alice) == b"an answer"
        except* OSError:
            pytest.skip("this machine has no IPv6")

    run(test)


def test_both_families_listen_on_one_port() -> None:
    async def test() -> None:
        async with running(Listen("UDP", "0.0.0.0")) as first:
            port = first.layer.listeners[0].port
            async with running(Listen("UDP", "::", port)) as second:
                assert second.layer.listeners[0].port == port

    run(test)


def test_an_address_in_use_is_named() -> None:
    async def test() -> None:
        async with running() as served:
            taken = Listen("UDP", LOCALHOST, served.port())
            sentence = f"cannot listen on udp:127.0.0.1:{served.port()}: Address already in use"
            with pytest.RaisesGroup(pytest.RaisesExc(OSError, match=sentence)):
                async with running(Listen("UDP", LOCALHOST), taken):
                    raise AssertionError("it started")

    run(test)


def test_after_the_end_the_port_is_free() -> None:
    async def test() -> None:
        async with running() as served:
            port = served.port()
        async with running(Listen("UDP", LOCALHOST, port)):
            pass

    run(test)
