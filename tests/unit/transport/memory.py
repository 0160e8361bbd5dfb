"""A stream connection over a stream in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import trio
from trio.testing import lockstep_stream_pair, memory_stream_pair

from sipfsm.counters import Counters
from sipfsm.message import DEFAULT_LIMITS
from sipfsm.transport import HostPort, StreamLimits, Target
from sipfsm.transport.connections import Connections
from sipfsm.transport.intake import Intake
from sipfsm.transport.names import LocalNames
from sipfsm.transport.shared import Shared
from sipfsm.transport.stream import StreamConnection
from tests.unit.transport.support import Recorder


class Ends(NamedTuple):
    """A connection that runs, its far end, and when and why it ended."""

    connection: StreamConnection
    near: trio.abc.HalfCloseableStream
    far: trio.abc.HalfCloseableStream
    receiver: Recorder
    counters: Counters
    told: list[tuple[float, str]]
    done: trio.Event

    def last(self) -> tuple[float, str]:
        [told] = self.told
        return told


@asynccontextmanager
async def connected(
    *, lockstep: bool = False, limits: StreamLimits | None = None, tracing: bool = False
) -> AsyncIterator[Ends]:
    """Run a connection over a stream in memory; `lockstep`: a send waits until the far end has read it."""
    limits = limits or StreamLimits()
    near: trio.abc.HalfCloseableStream
    far: trio.abc.HalfCloseableStream
    near, far = lockstep_stream_pair() if lockstep else memory_stream_pair()
    receiver, counters = Recorder(), Counters()
    intake = Intake(receiver, names=LocalNames(), counters=counters, limits=DEFAULT_LIMITS)
    shared = Shared(intake, counters, DEFAULT_LIMITS, limits, Connections(limits, counters, tracing=tracing))
    target = Target("TCP", "192.0.2.9", 40_000)
    connection = StreamConnection(near, target, HostPort("192.0.2.1", 5060), "192.0.2.1:5060", shared)
    ends = Ends(connection, near, far, receiver, counters, [], trio.Event())
    connection.watch(lambda end: ends.told.append((trio.current_time(), end.reason)))

    async def serve() -> None:
        await connection.run()
        ends.done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        yield ends
        nursery.cancel_scope.cancel()
