"""Named timers: what a machine's timer effects become under Trio.

All timers of a layer wait in one queue, with one task and one deadline for all of them. A deadline of its own
costs a transaction as much as four of its steps, and most timers are stopped long before they would fire.
"""

from collections.abc import Callable, Hashable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any, Generic, TypeVar

import trio

K = TypeVar("K", bound=Hashable)

_SPARE = 1_000
"""Stopped timers that may stay in the queue, besides as many as run, before it is cleaned."""


class TimerQueue:
    """The timers of many machines, in the order of their deadlines.

    While a timer fires, the next ones are counted from the instant it was due, so that a schedule does not
    drift however late the task was woken.
    """

    def __init__(self, on_fault: Callable[[Exception], None], *, slack: float = 0.0) -> None:
        """Make an empty queue; `run` lets its timers fire.

        Args:
            on_fault: is told of what a callback raised: a bug, that must not
                stop the timers of all other machines.
            slack: seconds that a timer may fire late, so that one awakening serves all that are due by then.
                Schedules do not drift by it.
        """
        self._on_fault = on_fault
        self._slack = slack
        self._heap: list[tuple[float, int, Alarms[Any], Any]] = []
        self._order = count()
        self._stopped = 0
        self._scope: trio.CancelScope | None = None
        self._wake_at = float("inf")
        self._due: float | None = None

    def __len__(self) -> int:
        """Return how many timers run."""
        return len(self._heap) - self._stopped

    def push(self, alarms: "Alarms[Any]", key: Hashable, delay: float) -> int:
        """Add a timer that fires in `delay` seconds, and return its number."""
        at = (trio.current_time() if self._due is None else self._due) + delay
        number = next(self._order)
        heappush(self._heap, (at, number, alarms, key))
        if at + self._slack < self._wake_at and self._scope is not None:
            self._wake_at = self._scope.deadline = at + self._slack
        return number

    def discount(self, timers: int = 1) -> None:
        """Take note that timers in the queue were stopped; they are cleaned out in time."""
        self._stopped += timers
        if 2 * self._stopped > _SPARE + len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].expects(entry[3], entry[1])]
            heapify(self._heap)
            self._stopped = 0

    async def run(self) -> None:
        """Let the timers fire, until cancelled."""
        while True:
            self._wake_at = self._next_deadline() + self._slack
            with trio.CancelScope(deadline=self._wake_at) as self._scope:
                await trio.sleep_forever()
            self._scope = None
            self._fire_due()

    def _next_deadline(self) -> float:
        heap = self._heap
        while heap:
            at, number, alarms, key = heap[0]
            if alarms.expects(key, number):
                return at
            heappop(heap)
            self._stopped -= 1
        return float("inf")

    def _fire_due(self) -> None:
        now = trio.current_time()
        try:
            while (at := self._next_deadline()) <= now:
                _, _, alarms, key = heappop(self._heap)
                self._due = at
                try:
                    alarms.fire(key)
                except Exception as fault:  # noqa: BLE001 - whatever it is, the other timers go on
                    self._on_fault(fault)
        finally:
            self._due = None


def _tell_nobody(_key: Hashable) -> None:
    """Stand for a callback that is gone: the callback and its timers would keep each other alive."""


class Alarms(Generic[K]):
    """The timers of one machine."""

    __slots__ = ("_fire", "_numbers", "_queue")

    def __init__(self, queue: TimerQueue, fire: Callable[[K], None]) -> None:
        """Have `fire` called with the name of each timer that is due."""
        self._queue = queue
        self._fire = fire
        self._numbers: dict[K, int] = {}

    def __len__(self) -> int:
        """Return how many timers run."""
        return len(self._numbers)

    def start(self, key: K, delay: float) -> None:
        """Start a timer, or start it anew, to fire in `delay` seconds."""
        numbers = self._numbers
        if numbers.pop(key, None) is not None:
            self._queue.discount()
        numbers[key] = self._queue.push(self, key, delay)

    def stop(self, key: K) -> None:
        """Stop a timer; nothing happens if it does not run."""
        if self._numbers.pop(key, None) is not None:
            self._queue.discount()

    def close(self) -> None:
        """Stop all timers, for good, and let go of who was to be told."""
        self._fire = _tell_nobody
        if self._numbers:
            stopped = len(self._numbers)
            self._numbers.clear()
            self._queue.discount(stopped)

    def expects(self, key: K, number: int) -> bool:
        """Say if the timer so named that runs has that number: is not stopped, nor started anew."""
        return self._numbers.get(key) == number

    def fire(self, key: K) -> None:
        """Let a timer fire."""
        del self._numbers[key]
        self._fire(key)
