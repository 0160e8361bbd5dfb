"""Bindings, a clock to turn by hand, and running location services, for the tests beside this file."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from sipfsm.location import Binding, Change, LocationLimits, LocationService, MemoryLocation
from sipfsm.location.sql import SqlLocation

ALICE = "sip:alice@example.com"
BOB = "sip:bob@example.com"


class Clock:
    """A wall clock that stands still until somebody turns it."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()
"""For tests in which no time passes."""


def binding(name: str, *, q: float = 1.0, ends: float = CLOCK.now + 3600, cseq: int = 1) -> Binding:
    return Binding(contact=f"sip:{name}@192.0.2.1".encode(), q=q, expires_at=ends, call_id="c@h", cseq=cseq)


def put(*bindings: Binding) -> Change:
    """Make a change that leaves these bindings, whatever there was."""
    return lambda _live: bindings


def add(one: Binding) -> Change:
    """Make a change that adds a binding."""
    return lambda live: (*live, one)


Open = Callable[[Clock, LocationLimits], LocationService]


def openers(folder: Path) -> dict[str, Open]:
    """Make both kinds of location service."""
    return {
        "memory": lambda clock, limits: MemoryLocation(clock=clock, limits=limits),
        "sql": lambda clock, limits: SqlLocation(folder / "location.db", clock=clock, limits=limits),
    }


@asynccontextmanager
async def running(location: LocationService) -> AsyncIterator[None]:
    """Run a location service around a block, and stop it in order."""
    async with trio.open_nursery() as nursery:
        await nursery.start(location.run)
        try:
            yield
        finally:
            nursery.cancel_scope.cancel()
