"""TCP over real loopback sockets: framing, keep-alives, and connections shared, capped, refused, closed."""

import random
import resource
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
import trio.testing
from structlog.testing import capture_logs

from sipfsm.message import Request
from sipfsm.transport import Flow, StreamLimits, Target, TransportError
from tests.unit.transport.support import (
    DEADLINE,
    LOCALHOST,
    TCP,
    UDP,
    Listen,
    Recorder,
    Running,
    counted,
    request,
    response,
    run,
    running,
)

VIA = "SIP/2.0/TCP client.example.com;branch=z9hG4bK1"


@asynccontextmanager
async def client(served: Running, host: str = LOCALHOST) -> AsyncIterator[trio.SocketStream]:
    """Open a connection to the transport layer under test."""
    async with await trio.open_tcp_stream(host, served.port("TCP", host)) as stream:
        yield stream


async def read(stream: trio.SocketStream, size: int) -> bytes:
    """Read so many bytes, or up to the end."""
    data = b""
    with trio.fail_after(DEADLINE):
        while len(data) < size and (piece := await stream.receive_some()):
            data += piece
    return data


async def read_to_end(stream: trio.SocketStream) -> bytes:
    return await read(stream, 1 << 30)


async def accepted_flow(served: Running, stream: trio.SocketStream) -> Flow:
    """Return our end of a connection, by sending a request over it."""
    await stream.send_all(request(via=VIA))
    _, flow = await served.receiver.next()
    return flow


async def all_gone(served: Running) -> None:
    """Wait until no connection has a place any more."""
    with trio.fail_after(DEADLINE):
        while served.layer._shared.connections.total:
            await trio.lowlevel.checkpoint()


class End:
    """Waits for the end of a flow; made while the flow is open."""

    def __init__(self, flow: Flow) -> None:
        self._told: list[TransportError] = []
        self._done = trio.Event()
        flow.watch(self._note)

    def _note(self, end: TransportError) -> None:
        self._told.append(end)
        self._done.set()

    async def wait(self) -> str:
        with trio.fail_after(DEADLINE):
            await self._done.wait()
        [end] = self._told
        return end.reason


@asynccontextmanager
async def far_end() -> AsyncIterator[tuple[Target, "trio.MemoryReceiveChannel[trio.SocketStream]"]]:
    """Listen somewhere; yield the target and the connections that come in."""
    send, receive = trio.open_memory_channel[trio.SocketStream](10)
    [listener] = await trio.open_tcp_listeners(0, host=LOCALHOST)

    async def keep(stream: trio.SocketStream) -> None:
        send.send_nowait(stream)
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, keep, [listener])
        yield Target("TCP", LOCALHOST, listener.socket.getsockname()[1]), receive
        nursery.cancel_scope.cancel()


def test_a_request_is_received_and_answered_over_its_connection() -> None:
    async def test() -> None:
        async with running(TCP) as served, client(served) as stream:
            await stream.send_all(request(via=VIA, body=b"hello"))
            message, flow = await served.receiver.next()
            assert isinstance(message, Request)
            assert message.body == b"hello"
            assert message.via.received == LOCALHOST
            assert flow.remote == stream.socket.getsockname()
            assert flow.local == stream.socket.getpeername()
            assert flow.sent_by == f"{LOCALHOST}:{served.port('TCP')}"
            assert (flow.protocol, flow.reliable, flow.closed) == ("TCP", True, False)
            assert served.layer.reply_flow_nowait(message.via, flow) is flow
            flow.send_nowait(b"an answer")
            assert await read(stream, 9) == b"an answer"
            assert served.counters == {"connections.opened": 1, "received.tcp": 1, "sent.tcp": 1}

    run(test)


def test_messages_may_be_cut_and_joined() -> None:
    async def test() -> None:
        async with running(TCP) as served, client(served) as stream:
            messages = [
                request(via=VIA, call_id=f"{number}", body=b"x" * number * 100) for number in range(100)
            ]
            joined = b"\r\n".join(messages)
            for start in range(0, len(joined), 7001):
                await stream.send_all(joined[start : start + 7001])
            for number in range(100):
                message, _ = await served.receiver.next()
                assert (message.call_id, len(message.body)) == (str(number), number * 100)

    run(test)


def test_a_ping_gets_a_pong() -> None:
    async def test() -> None:
        async with running(TCP) as served, client(served) as stream:
            await stream.send_all(b"\r\n\r\n")
            assert await read(stream, 2) == b"\r\n"
            await stream.send_all(b"\r\n")
            await stream.send_all(b"\r\n" + request(via=VIA))
            await served.receiver.next()
            assert await read(stream, 2) == b"\r\n"
            assert served.counters["keepalive.tcp"] == 2

    run(test)


def test_every_ping_gets_its_pong() -> None:
    async def test() -> None:
        async with running(TCP) as served, client(served) as stream:
            await stream.send_all(b"\r\n\r\n" * 3)
            await stream.send_eof()
            assert await read_to_end(stream) == b"\r\n" * 3

    run(test)


def test_an_ack_is_never_answered() -> None:
    async def test() -> None:
        async with running(TCP) as served:
            for length in (None, "99999999", "-1"):
                async with client(served) as stream:
                    await stream.send_all(request(via=VIA, method="ACK", length=length))
                    assert await read_to_end(stream) == b""
            assert served.receiver.nothing_came()
            assert served.counters.total("dropped.parse") == 3

    run(test)


def test_a_bad_message_that_can_be_framed_leaves_the_connection_open() -> None:
    async def test() -> None:
        async with running(TCP) as served, client(served) as stream:
            await stream.send_all(request(via=VIA).replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE"))
            error, flow = await served.receiver.next_refused()
            assert error.status == 400
            assert (await read(stream, 12))[:12] == b"SIP/2.0 400 "
            await stream.send_all(response(via="SIP/2.0/TCP elsewhere.example.com") + request(via=VIA))
            _, same = await served.receiver.next()
            assert same is flow
            assert served.counters["dropped.response.foreign-via"] == 1

    run(test)


@pytest.mark.parametrize(
    ("length", "status"), [(None, 400), ("x", 400), ("-1", 400), ("1, 1", 400), ("99999999", 413)]
)
def test_a_message_without_a_credible_length_is_answered_and_ends_the_connection(
    length: str | None, status: int
) -> None:
    async def test() -> None:
        async with running(TCP) as served, client(served) as stream:
            # What follows stays unread on our side: it must not cost the client the answer.
            await stream.send_all(request(via=VIA, length=length) + b"x" * 200_000)
            error, flow = await served.receiver.next_refused()
            assert isinstance(error.message, Request)
            assert error.message.via.received == LOCALHOST
            assert flow.closed
            answer = await read_to_end(stream)
            assert answer.startswith(b"SIP/2.0 %d " % status)
            assert answer.endswith(b"\r\n\r\n")
            assert served.counters["connections.closed.unframeable"] == 1
            with pytest.raises(TransportError) as caught:
                flow.send_nowait(b"x")
            assert caught.value.reason == "unframeable"

    run(test)


def test_what_cannot_be_read_at_all_ends_the_connection_without_an_answer() -> None:
    async def test() -> None:
        noise = random.Random(1).randbytes(500) + b"\r\n\r\n"
        async with running(TCP) as served:
            for junk in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\r\n\r\n", noise):
                async with client(served) as stream:
                    await stream.send_all(junk)
                    assert await read_to_end(stream) == b""
            assert served.receiver.nothing_came()
            assert served.counters.total("dropped.parse") == 3

    run(test)


def test_a_header_without_an_end_closes_the_connection() -> None:
    async def test() -> None:
        async with running(TCP) as served, client(served) as stream:
            with suppress(trio.BrokenResourceError):
                for _ in range(200):
                    await stream.send_all(b"x" * 65_536)
                raise AssertionError("it took 13 MB")
            assert served.counters["connections.closed.unframeable"] == 1
            assert served.counters["dropped.parse.header-too-large"] == 1

    run(test)


def test_a_message_that_is_cut_off_is_forgotten() -> None:
    async def test() -> None:
        before = trio.lowlevel.current_statistics().tasks_living
        async with running(TCP) as served:
            serving = trio.lowlevel.current_statistics().tasks_living
            async with client(served) as stream:
                await stream.send_all(request(via=VIA, body=b"hello")[:-1])
                await counted(served, "connections.opened")
            await counted(served, "connections.closed.cut")
            with trio.fail_after(DEADLINE):
                while trio.lowlevel.current_statistics().tasks_living > serving:
                    await trio.lowlevel.checkpoint()
            assert served.receiver.nothing_came()
        assert trio.lowlevel.current_statistics().tasks_living == before

    run(test)


def test_the_answer_to_a_half_closed_connection_still_goes_out() -> None:
    async def test() -> None:
        async with running(TCP) as served, client(served) as stream:
            flow = await accepted_flow(served, stream)
            flow.send_nowait(b"x" * 500_000)
            await stream.send_eof()
            assert len(await read_to_end(stream)) == 500_000

    run(test)


def test_connections_are_capped_per_host_and_in_all() -> None:
    async def test() -> None:
        limits = StreamLimits(max_connections=3, max_connections_per_host=2)
        async with running(TCP, stream=limits) as served:
            async with client(served) as first, client(served) as second:
                await accepted_flow(served, first)
                await accepted_flow(served, second)
                async with client(served) as third:
                    assert await read_to_end(third) == b""
                assert served.counters["connections.refused.host"] == 1
                with pytest.raises(TransportError) as caught:
                    await served.layer.connect(Target("TCP", LOCALHOST, 9))
                assert caught.value.reason == "too-many-connections"
            await all_gone(served)
            async with client(served) as again:
                await accepted_flow(served, again)

    run(test)


def test_the_cap_in_all_counts_every_host() -> None:
    async def test() -> None:
        async with running(TCP, stream=StreamLimits(max_connections=1)) as served, client(served) as first:
            await accepted_flow(served, first)
            async with client(served) as second:
                assert await read_to_end(second) == b""
            assert served.counters["connections.refused.total"] == 1
            await first.aclose()
            await all_gone(served)
            async with client(served) as again:
                await accepted_flow(served, again)

    run(test)


def test_a_connection_is_opened_once_and_found_again() -> None:
    async def test() -> None:
        async with running(TCP) as served, far_end() as (target, incoming):
            flows: list[Flow] = []

            async def connect() -> None:
                flows.append(await served.layer.connect(target))

            assert served.layer.flow_to_nowait(target) is None
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(connect)
            assert flows[0] is flows[1] is flows[2]
            assert served.layer.flow_to_nowait(target) is flows[0]
            assert await served.layer.connect(target) is flows[0]
            assert flows[0].remote == (target.host, target.port)
            assert flows[0].sent_by == f"{LOCALHOST}:{served.port('TCP')}"
            assert served.counters["connections.opened"] == 1
            stream = await incoming.receive()
            flows[0].send_nowait(b"hello")
            assert await read(stream, 5) == b"hello"
            await stream.send_all(request(via=VIA))
            _, flow = await served.receiver.next()
            assert flow is flows[0]

    run(test)


def test_a_connection_is_opened_from_the_address_that_we_listen_at() -> None:
    async def test() -> None:
        async with running(Listen("TCP", "127.0.0.2")) as served, far_end() as (target, incoming):
            flow = await served.layer.connect(target)
            with trio.fail_after(DEADLINE):
                stream = await incoming.receive()
            assert stream.socket.getpeername() == flow.local
            assert flow.local.host == "127.0.0.2"

    run(test)


def test_who_gives_up_waiting_for_a_connection_does_not_take_it_from_others() -> None:
    async def test() -> None:
        async with running(TCP) as served, far_end() as (target, _), trio.open_nursery() as nursery:
            with trio.CancelScope() as impatient:
                impatient.cancel()
                await served.layer.connect(target)
            assert impatient.cancelled_caught
            assert await served.layer.connect(target) is not None

            async def patient() -> None:
                assert (await served.layer.connect(target)).closed is False

            nursery.start_soon(patient)
            assert served.counters.total("connections.opened") == 1

    run(test)


def test_a_refused_connection_is_an_error_for_all_who_wait_and_the_next_one_tries_again() -> None:
    async def test() -> None:
        async with running(TCP) as served:
            async with far_end() as (target, _):
                pass
            reasons: list[str] = []

            async def connect() -> None:
                with pytest.raises(TransportError) as caught:
                    await served.layer.connect(target)
                reasons.append(caught.value.reason)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(connect)
                nursery.start_soon(connect)
            await connect()
            assert reasons == ["refused"] * 3
            assert served.counters["connections.failed.refused"] == 2

    run(test)


def test_a_connection_that_was_accepted_is_used_to_its_source_and_not_after_its_end() -> None:
    async def test() -> None:
        async with running(TCP) as served:
            async with client(served) as stream:
                flow = await accepted_flow(served, stream)
                target = Target("TCP", *flow.remote)
                assert served.layer.flow_to_nowait(target) is flow
                assert await served.layer.connect(target) is flow
                end = End(flow)
            assert await end.wait() == "eof"
            assert flow.closed
            assert served.layer.flow_to_nowait(target) is None

    run(test)


def test_the_response_to_a_closed_connection_goes_over_a_new_one_to_the_port_of_sent_by() -> None:
    async def test() -> None:
        async with running(TCP) as served, far_end() as (target, incoming):
            async with client(served) as stream:
                await stream.send_all(request(via=f"SIP/2.0/TCP client.example.com:{target.port}"))
                message, flow = await served.receiver.next()
                end = End(flow)
            await end.wait()
            assert served.layer.reply_flow_nowait(message.via, flow) is None
            reply = await served.layer.connect_reply(message.via, flow)
            reply.send_nowait(b"an answer")
            assert await read(await incoming.receive(), 9) == b"an answer"
            assert served.layer.reply_flow_nowait(message.via, flow) is reply
            assert await served.layer.connect_reply(message.via, flow) is reply

    run(test)


def test_a_reset_ends_the_connection_whether_we_read_or_write() -> None:
    async def test() -> None:
        async with running(TCP) as served:
            for writing in (False, True):
                async with client(served) as stream:
                    flow = await accepted_flow(served, stream)
                    end = End(flow)
                    # Closing without lingering sends a reset.
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    stream.socket.close()
                    if writing:
                        flow.send_nowait(b"x")
                # The error is reported once: if the write has it, the read may see no more than the end.
                assert await end.wait() in ({"reset", "eof"} if writing else {"reset"})
            await all_gone(served)

    run(test)


def test_watchers_are_told_once_and_a_bad_one_does_not_harm_the_others() -> None:
    async def test() -> None:
        async with running(TCP) as served, client(served) as stream:
            flow = await accepted_flow(served, stream)
            told: list[str] = []

            def broken(end: TransportError) -> None:
                raise RuntimeError("a bug")

            def forgotten(end: TransportError) -> None:
                told.append("forgotten")

            flow.watch(broken)
            flow.watch(forgotten)
            flow.watch(lambda end: told.append(end.reason))
            flow.unwatch(forgotten)
            flow.unwatch(forgotten)
            end = End(flow)
            with capture_logs() as logs:
                await stream.aclose()
                await end.wait()
            assert told == ["eof"]
            assert [entry["log_level"] for entry in logs] == ["error"]
            assert served.counters["faults"] == 1

    run(test)


def test_who_does_not_read_loses_the_connection_and_the_sender_is_told() -> None:
    async def test() -> None:
        async with (
            running(TCP, stream=StreamLimits(max_queued_messages=10)) as served,
            client(served) as stream,
        ):
            flow = await accepted_flow(served, stream)
            told: list[str] = []
            flow.watch(lambda end: told.append(end.reason))
            for _ in range(11):
                flow.send_nowait(b"x" * 1000)
            with pytest.raises(TransportError) as caught:
                flow.send_nowait(b"x" * 1000)
            assert caught.value.reason == "overflow"
            assert flow.closed
            # Never from inside send_nowait: the caller may be in the middle of a step.
            assert told == []
            await counted(served, "connections.closed.overflow")
            await trio.testing.wait_all_tasks_blocked()
            assert told == ["overflow"]

    run(test)


def test_queued_bytes_are_capped_but_one_large_message_may_wait() -> None:
    async def test() -> None:
        async with (
            running(TCP, stream=StreamLimits(max_queued_bytes=1000)) as served,
            client(served) as stream,
        ):
            flow = await accepted_flow(served, stream)
            flow.send_nowait(b"x" * 100_000)
            with pytest.raises(TransportError) as caught:
                flow.send_nowait(b"x")
            assert caught.value.reason == "overflow"

    run(test)


def test_what_was_sent_does_not_wait_any_more() -> None:
    async def test() -> None:
        limits = StreamLimits(max_queued_bytes=1000, max_queued_messages=10)
        async with running(TCP, stream=limits) as served, client(served) as stream:
            flow = await accepted_flow(served, stream)
            for _ in range(50):
                flow.send_nowait(b"x" * 900)
                assert len(await read(stream, 900)) == 900
                await trio.testing.wait_all_tasks_blocked()

    run(test)


def test_stopping_the_layer_closes_its_connections_and_tells_the_watchers() -> None:
    async def test() -> None:
        told: list[str] = []
        async with running(TCP) as served:
            stream = await trio.open_tcp_stream(LOCALHOST, served.port("TCP"))
            flow = await accepted_flow(served, stream)
            flow.watch(lambda end: told.append(end.reason))
        assert told == ["stopped"]
        assert await read_to_end(stream) == b""
        await stream.aclose()
        with pytest.raises(TransportError) as caught:
            await served.layer.connect(Target("TCP", LOCALHOST, 9))
        assert caught.value.reason == "not-running"

    run(test)


def test_ipv6_works_as_ipv4_does() -> None:
    async def test() -> None:
        async with running(Listen("TCP", "::1"), TCP, UDP) as served, client(served, "::1") as stream:
            await stream.send_all(request(via="SIP/2.0/TCP [::1]:5060;branch=z9hG4bK1"))
            message, flow = await served.receiver.next()
            assert message.via.received is None
            assert flow.sent_by == f"[::1]:{served.port('TCP', '::1')}"
            assert flow.remote.host == "::1"
            ours = Target("TCP", "::1", served.port("TCP", "::1"))
            assert (await served.layer.connect(ours)).sent_by == flow.sent_by

    run(test)


def test_an_address_in_use_is_named_and_nothing_stays_bound() -> None:
    async def test() -> None:
        async with running(TCP) as served:
            taken = Listen("TCP", LOCALHOST, served.port("TCP"))
            async with running(UDP) as other:
                free = Listen("UDP", LOCALHOST, other.port())
            sentence = f"cannot listen on tcp:127.0.0.1:{served.port('TCP')}: Address already in use"
            with pytest.RaisesGroup(pytest.RaisesExc(OSError, match=sentence)):
                async with running(free, taken):
                    raise AssertionError("it started")
            async with running(free):
                pass

    run(test)


def test_a_process_out_of_file_descriptors_accepts_later() -> None:
    async def test() -> None:
        async with running(TCP) as served:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            with socket.socket() as waiting:
                waiting.connect((LOCALHOST, served.port("TCP")))
                waiting.sendall(request(via=VIA))
                with capture_logs() as logs:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (waiting.fileno() + 1, hard))
                    try:
                        await counted(served, "connections.refused.out-of-resources")
                    finally:
                        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                assert logs[0]["log_level"] == "warning"
                await served.receiver.next()

    run(test)


def test_a_process_out_of_file_descriptors_opens_no_connection() -> None:
    async def test() -> None:
        async with running(TCP) as served:
            await trio.testing.wait_all_tasks_blocked()
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            with socket.socket() as last:
                resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno() + 1, hard))
                try:
                    with pytest.raises(TransportError) as caught:
                        await served.layer.connect(Target("TCP", LOCALHOST, served.port("TCP")))
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert caught.value.reason == "out-of-resources"
            assert served.counters["faults"] == 0

    run(test)


def test_a_receiver_with_a_bug_does_not_end_the_connection() -> None:
    async def test() -> None:
        async with running(TCP) as served, client(served) as stream:
            served.receiver.raises = RuntimeError("a bug")
            with capture_logs():
                await stream.send_all(request(via=VIA))
                await counted(served, "faults")
            served.receiver.raises = None
            await stream.send_all(request(via=VIA))
            await served.receiver.next()
            assert isinstance(served.receiver, Recorder)

    run(test)
