"""Named timers on one deadline: what a machine's timer effects become under Trio.

One task waits on the earliest deadline of all timers of a machine, which costs a sixth of a task a timer.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import trio

K = TypeVar("K", bound=Hashable)


class Alarms(Generic[K]):
    """Timers that start, stop, and fire in the order of their deadlines, in the task that runs them.

    While a timer fires, the next ones are counted from the instant it was due, so that a schedule does not
    drift however late the task was woken.
    """

    __slots__ = ("_closed", "_deadlines", "_due", "_scope")

    def __init__(self) -> None:
        """Make an empty set."""
        self._deadlines: dict[K, float] = {}
        self._scope: trio.CancelScope | None = None
        self._due: float | None = None
        self._closed = False

    def __len__(self) -> int:
        """Return how many timers run."""
        return len(self._deadlines)

    def start(self, key: K, delay: float) -> None:
        """Start a timer, or start it anew, to fire in `delay` seconds. To be followed by `rearm`."""
        self._deadlines[key] = (trio.current_time() if self._due is None else self._due) + delay

    def stop(self, key: K) -> None:
        """Stop a timer; nothing happens if it does not run. To be followed by `rearm`."""
        self._deadlines.pop(key, None)

    def rearm(self) -> None:
        """Let the waiting task know of what was started and stopped."""
        if self._scope is not None:
            self._scope.deadline = min(self._deadlines.values(), default=float("inf"))

    def close(self) -> None:
        """Stop all timers and end `run`."""
        self._closed = True
        self._deadlines.clear()
        if self._scope is not None:
            self._scope.cancel()

    async def run(self, fire: Callable[[K], None]) -> None:
        """Call `fire` for each timer that is due, until closed."""
        while not self._closed:
            with trio.CancelScope(
                deadline=min(self._deadlines.values(), default=float("inf"))
            ) as self._scope:
                await trio.sleep_forever()
            self._scope = None
            self._fire_due(fire)

    def _fire_due(self, fire: Callable[[K], None]) -> None:
        now = trio.current_time()
        try:
            while self._deadlines:
                key = min(self._deadlines, key=self._deadlines.__getitem__)
                if self._deadlines[key] > now:
                    break
                self._due = self._deadlines.pop(key)
                fire(key)
        finally:
            self._due = None
