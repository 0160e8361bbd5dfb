"""Every row of the model `connection` fires in a running connection, and says so in the log."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from sipfsm.counters import Counters
from sipfsm.fsm import Engine, Timing, load_model
from sipfsm.message import DEFAULT_LIMITS
from sipfsm.transport import HostPort, StreamLimits, Target, TransportError
from sipfsm.transport.connections import Connections
from sipfsm.transport.intake import Intake
from sipfsm.transport.names import LocalNames
from sipfsm.transport.shared import Shared
from sipfsm.transport.stream_endpoint import StreamEndpoint
from tests.unit.transport.memory import Ends, connected
from tests.unit.transport.support import Recorder, request

VIA = "SIP/2.0/TCP client.example.com;branch=z9hG4bK1"
WHOLE = request(via=VIA, body=b"hello")
BAD = request(via=VIA, length=None)
"""A request without a Content-Length: nobody can tell where the next one begins."""

FAR = Target("TCP", "192.0.2.9", 5060)
IMPATIENT = StreamLimits(send_timeout=1.0)
"""Gives up on who does not read before it stops lingering."""


class Opener(StreamEndpoint):
    """Opens streams in memory; nobody ever connects to it."""

    def __init__(self, how: Callable[[], Awaitable[trio.abc.Stream]]) -> None:
        limits, counters = StreamLimits(), Counters()
        intake = Intake(Recorder(), names=LocalNames(), counters=counters, limits=DEFAULT_LIMITS)
        connections = Connections(limits, counters, tracing=True)
        super().__init__(
            "TCP", HostPort("192.0.2.1", 5060), Shared(intake, counters, DEFAULT_LIMITS, limits, connections)
        )
        self._how = how

    async def _accept(self) -> None:
        await trio.sleep_forever()

    async def _open(self, _target: Target) -> tuple[trio.abc.Stream, HostPort]:
        return await self._how(), HostPort("192.0.2.1", 40_000)

    def close(self) -> None:
        pass


@asynccontextmanager
async def opener(how: Callable[[], Awaitable[trio.abc.Stream]]) -> AsyncIterator[Opener]:
    """Run an endpoint for as long as the block lasts."""
    async with trio.open_nursery() as nursery:
        endpoint = Opener(how)
        nursery.start_soon(endpoint.serve)
        await wait_all_tasks_blocked()
        yield endpoint
        nursery.cancel_scope.cancel()


async def opens() -> trio.abc.Stream:
    return memory_stream_pair()[0]


async def refuses() -> trio.abc.Stream:
    raise TransportError("refused", "nobody listens there")


async def takes_for_ever() -> trio.abc.Stream:
    await trio.sleep_forever()
    raise AssertionError


async def connecting_succeeds() -> None:
    async with opener(opens) as endpoint:
        flow = await endpoint.connect(FAR)
        assert endpoint.flow_to_nowait(FAR) is flow


async def connecting_fails() -> None:
    async with opener(refuses) as endpoint:
        with pytest.raises(TransportError, match="nobody listens"):
            await endpoint.connect(FAR)


async def connecting_takes_too_long() -> None:
    async with opener(takes_for_ever) as endpoint:
        with pytest.raises(TransportError, match="no answer in 5 seconds"):
            await endpoint.connect(FAR)
        assert trio.current_time() == StreamLimits().connect_timeout


async def stopped_while_connecting() -> None:
    async with trio.open_nursery() as nursery, opener(takes_for_ever) as endpoint:
        nursery.start_soon(_connect_in_vain, endpoint)
        await wait_all_tasks_blocked()


async def _connect_in_vain(endpoint: Opener) -> None:
    with pytest.raises(TransportError, match="was stopped"):
        await endpoint.connect(FAR)


async def cut_in_two(it: Ends) -> None:
    await it.far.send_all(WHOLE[:20])
    await wait_all_tasks_blocked()
    await it.far.send_all(WHOLE[20:])
    await it.receiver.next()


async def two_cut_in_three(it: Ends) -> None:
    """The second message begins in the piece that ends the first one."""
    for piece in (WHOLE[:20], WHOLE[20:] + WHOLE[:20], WHOLE[20:]):
        await it.far.send_all(piece)
        await wait_all_tasks_blocked()


async def ended(it: Ends) -> None:
    await it.far.send_eof()


async def cut_off(it: Ends) -> None:
    await it.far.send_all(WHOLE[:20])
    await it.far.send_eof()


async def unframeable(it: Ends) -> None:
    await it.far.send_all(BAD)
    await wait_all_tasks_blocked()


async def reset_by_reading(it: Ends) -> None:
    """A read that fails: what a connection that was reset looks like."""
    await trio.aclose_forcefully(it.near)


async def too_much_waits(it: Ends) -> None:
    with suppress(TransportError):
        for _ in range(StreamLimits().max_queued_messages + 2):
            it.connection.send_nowait(b"x")


async def nothing_happens(_it: Ends) -> None:
    await wait_all_tasks_blocked()


async def half_a_message(it: Ends) -> None:
    await it.far.send_all(WHOLE[:20])


async def unread(it: Ends) -> None:
    it.connection.send_nowait(b"x")


async def ended_unread(it: Ends) -> None:
    """The far end ends its stream, and does not read what waits for it."""
    it.connection.send_nowait(b"x")
    await it.far.send_eof()
    await wait_all_tasks_blocked()


async def ended_unread_and_closed(it: Ends) -> None:
    await ended_unread(it)
    await it.far.aclose()


async def refused_unread(it: Ends) -> None:
    await it.far.send_all(BAD)
    await wait_all_tasks_blocked()


async def refused_unread_and_closed(it: Ends) -> None:
    await refused_unread(it)
    await it.far.aclose()


async def refused_and_ended(it: Ends) -> None:
    await unframeable(it)
    await it.far.send_eof()


async def refused_and_reset(it: Ends) -> None:
    await unframeable(it)
    await trio.aclose_forcefully(it.near)


async def refused_and_flooded(it: Ends) -> None:
    await unframeable(it)
    with suppress(trio.BrokenResourceError):
        for _ in range(StreamLimits().max_queued_bytes // 65_536 + 2):
            await it.far.send_all(b"x" * 65_536)
            await wait_all_tasks_blocked()


Scene = Callable[[Ends], Awaitable[None]]

OPENING: dict[str, Callable[[], Awaitable[None]]] = {
    "Absent connect": connecting_succeeds,
    "Connecting connected": connecting_succeeds,
    "Connecting connect_failed": connecting_fails,
    "Connecting timer_connect": connecting_takes_too_long,
    "Connecting stop": stopped_while_connecting,
}

STAYING: dict[str, Scene] = {
    # The connection is stopped after the scene.
    "Absent accepted": nothing_happens,
    "Open message_begun": cut_in_two,
    "Open message_complete": cut_in_two,
    "Open stop": nothing_happens,
    "Refusing flushed": unframeable,
    "Lingering stop": unframeable,
}

UNREAD_AND_STOPPED: dict[str, Scene] = {
    "Draining stop": ended_unread,
    "Refusing stop": refused_unread,
}

ENDING: dict[str, Scene] = {
    # The scene, and then time, end the connection.
    "Open end_of_stream": ended,
    "Open cut": cut_off,
    "Open unframeable": unframeable,
    "Open reset": reset_by_reading,
    "Open overflow": too_much_waits,
    "Open timer_message": half_a_message,
    "Open timer_idle": nothing_happens,
    "Draining flushed": ended,
    "Lingering end_of_stream": refused_and_ended,
    "Lingering reset": refused_and_reset,
    "Lingering overflow": refused_and_flooded,
    "Lingering timer_linger": unframeable,
}

UNREAD: dict[str, Scene] = {
    # The same, and the far end reads nothing.
    "Open timer_send": unread,
    "Draining reset": ended_unread_and_closed,
    "Draining timer_linger": ended_unread,
    "Refusing reset": refused_unread_and_closed,
    "Refusing timer_linger": refused_unread,
}

UNREAD_IMPATIENT: dict[str, Scene] = {
    "Draining timer_send": ended_unread,
    "Refusing timer_send": refused_unread,
}


def test_these_are_all_rows_there_are() -> None:
    rows = Engine(load_model("connection"), Timing()).rows
    scenes = STAYING | UNREAD_AND_STOPPED | ENDING | UNREAD | UNREAD_IMPATIENT
    assert {*OPENING, *scenes} == {f"{state} {event}" for state, event in rows}


def seen(test: Callable[[], Awaitable[None]]) -> list[str]:
    """Run a test in virtual time, and tell what the log says happened: state and event."""
    with capture_logs() as log:
        trio.run(test, clock=MockClock(autojump_threshold=0))
    lines = [line for line in log if line.get("model") == "connection"]
    assert lines[-1]["state"] == "Closed"
    assert all("192.0.2.9" in line["key"] for line in lines)
    return [f"{line['was']} {line['trigger']}" for line in lines]


def played(
    scene: Scene, *, stop: bool = False, lockstep: bool = False, limits: StreamLimits | None = None
) -> list[str]:
    async def test() -> None:
        async with connected(lockstep=lockstep, limits=limits, tracing=True) as it:
            await scene(it)
            if not stop:
                await it.done.wait()

    return seen(test)


@pytest.mark.parametrize("row", OPENING)
def test_a_row_of_opening(row: str) -> None:
    assert row in seen(OPENING[row])


@pytest.mark.parametrize("row", STAYING)
def test_a_row_of_a_connection_that_is_stopped(row: str) -> None:
    assert row in played(STAYING[row], stop=True)


@pytest.mark.parametrize("row", UNREAD_AND_STOPPED)
def test_a_row_of_a_connection_that_is_stopped_with_something_left_to_send(row: str) -> None:
    assert row in played(UNREAD_AND_STOPPED[row], stop=True, lockstep=True)


@pytest.mark.parametrize("row", ENDING)
def test_a_row_of_a_connection_that_ends(row: str) -> None:
    assert row in played(ENDING[row])


@pytest.mark.parametrize("row", UNREAD)
def test_a_row_of_a_connection_whose_far_end_does_not_read(row: str) -> None:
    assert row in played(UNREAD[row], lockstep=True)


@pytest.mark.parametrize("row", UNREAD_IMPATIENT)
def test_a_row_of_a_connection_that_gives_up_early(row: str) -> None:
    assert row in played(UNREAD_IMPATIENT[row], lockstep=True, limits=IMPATIENT)


def test_messages_that_come_whole_are_no_events() -> None:
    async def many_whole_messages(it: Ends) -> None:
        for _ in range(10):
            await it.far.send_all(WHOLE)
            await it.receiver.next()
            it.connection.send_nowait(b"an answer")

    assert played(many_whole_messages, stop=True) == ["Absent accepted", "Open stop"]


def test_each_message_that_is_cut_has_its_own_time() -> None:
    begun = "Open message_begun"
    assert played(two_cut_in_three, stop=True) == [
        "Absent accepted",
        begun,
        begun,
        "Open message_complete",
        "Open stop",
    ]
