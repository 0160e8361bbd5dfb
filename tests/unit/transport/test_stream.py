"""The deadlines of a stream connection, in virtual time over a stream in memory."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from sipfsm.transport import StreamLimits
from tests.unit.transport.memory import connected
from tests.unit.transport.support import request

LIMITS = StreamLimits()
VIA = "SIP/2.0/TCP client.example.com;branch=z9hG4bK1"


def run(test: Callable[[], Awaitable[None]]) -> None:
    trio.run(test, clock=MockClock(autojump_threshold=0))


def test_an_unused_connection_is_closed() -> None:
    async def test() -> None:
        async with connected() as ends:
            await ends.done.wait()
            assert ends.last() == (LIMITS.idle_timeout, "idle")
            assert await ends.far.receive_some(10) == b""

    run(test)


def test_both_directions_count_as_use() -> None:
    async def test() -> None:
        async with connected() as ends:
            await trio.sleep(800)
            await ends.far.send_all(b"\r\n")
            await trio.sleep(800)
            ends.connection.send_nowait(b"x")
            await ends.done.wait()
            assert ends.last() == (1600 + LIMITS.idle_timeout, "idle")

    run(test)


def test_a_message_in_drips_is_not_waited_for() -> None:
    async def test() -> None:
        async with connected() as ends:
            await trio.sleep(10)
            with pytest.raises(trio.BrokenResourceError):  # noqa: PT012 - which byte it is, is checked below
                for byte in request(via=VIA):
                    await ends.far.send_all(bytes([byte]))
                    await trio.sleep(1)
            assert ends.last() == (10 + LIMITS.message_timeout, "message-timeout")
            assert ends.receiver.nothing_came()

    run(test)


def test_every_message_has_its_own_time() -> None:
    async def test() -> None:
        async with connected() as ends:
            message = request(via=VIA, body=b"hello")
            await ends.far.send_all(message[:9])
            for _ in range(5):
                await trio.sleep(LIMITS.message_timeout - 1)
                await ends.far.send_all(message[9:] + message[:9])
                await ends.receiver.next()
            last = trio.current_time()
            await ends.done.wait()
            assert ends.last() == (last + LIMITS.message_timeout, "message-timeout")

    run(test)


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def test() -> None:
        async with connected() as ends:
            await ends.far.send_all(request(via=VIA, body=b"hello")[:-1])
            await ends.done.wait()
            assert ends.last() == (LIMITS.message_timeout, "message-timeout")

    run(test)


def test_who_does_not_read_for_long_is_left() -> None:
    async def test() -> None:
        async with connected(lockstep=True) as ends:
            ends.connection.send_nowait(b"x")
            await ends.done.wait()
            assert ends.last() == (LIMITS.send_timeout, "send-timeout")

    run(test)


def test_the_last_answer_is_not_waited_for_for_ever() -> None:
    async def test() -> None:
        async with connected() as ends:
            await ends.far.send_all(request(via=VIA, length=None))
            await ends.done.wait()
            # The watchers are told at once, the stream is closed when the other side had its time to read.
            assert ends.last() == (0.0, "unframeable")
            assert trio.current_time() == LIMITS.linger_timeout
            assert (await ends.far.receive_some()).startswith(b"SIP/2.0 400 ")

    run(test)


def test_queued_messages_are_joined_and_all_are_written() -> None:
    async def test() -> None:
        async with connected() as ends:
            for number in range(100):
                ends.connection.send_nowait(b"%02d" % number)
            await trio.testing.wait_all_tasks_blocked()
            assert await ends.far.receive_some() == b"".join(b"%02d" % number for number in range(100))
            assert ends.counters["sent.tcp"] == 100

    run(test)


def test_a_flood_of_pings_with_nobody_reading_the_pongs_ends_the_connection() -> None:
    async def test() -> None:
        async with connected(lockstep=True) as ends:
            with pytest.raises(trio.BrokenResourceError):  # noqa: PT012 - at one of them, at the latest
                for _ in range(100):
                    await ends.far.send_all(b"\r\n" * 100_000)
            await ends.done.wait()
            assert ends.last()[1] == "overflow"

    run(test)
