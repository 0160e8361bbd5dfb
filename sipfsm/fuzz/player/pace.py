"""No more messages a second than was agreed."""

from __future__ import annotations

import trio


class Pace:
    """Lets messages go one after another, evenly."""

    def __init__(self, rate: float) -> None:
        """Set the pace.

        Args:
            rate: messages a second, above 0.
        """
        self._interval = 1 / rate
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until the next message may go."""
        now = trio.current_time()
        at = max(now, self._next)
        self._next = at + self._interval
        if at > now:
            await trio.sleep_until(at)
