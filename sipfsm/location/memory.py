"""The location service that forgets everything when the server stops."""

import time
from collections.abc import Callable
from typing import NamedTuple

import trio

from sipfsm.location.binding import Binding
from sipfsm.location.service import Change, LocationCount, LocationLimits
from sipfsm.location.table import BindingTable, Draft, keep_live


class DoneUpdate(NamedTuple):
    """An update that was carried out when it was submitted."""

    after: tuple[Binding, ...]

    def give_up(self) -> None:
        """Do nothing: it is too late."""

    async def outcome(self) -> tuple[Binding, ...]:
        """Give the bindings that it left, without a checkpoint."""
        return self.after


class MemoryLocation:
    """Bindings in memory only. An update is done at once, without a checkpoint, and needs no `run`.

    Args:
        clock: gives the unix time in seconds.
        limits: how much may be held.
        sweep_interval: seconds between two sweeps of expired bindings, on Trio's clock.
        tracing: log every event of a binding, at level debug.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        limits: LocationLimits | None = None,
        sweep_interval: float = 60.0,
        tracing: bool = False,
    ) -> None:
        self._clock = clock
        self._table = BindingTable(limits or LocationLimits(), tracing=tracing)
        self._sweep_interval = sweep_interval

    def bindings(self, aor: str) -> tuple[Binding, ...]:
        """Give the live bindings, highest q first."""
        return self._table.live(aor, self._clock())

    def submit(self, aor: str, change: Change) -> DoneUpdate:
        """Replace the bindings of `aor` by what `change` makes of them.

        Raises:
            LocationError: a limit is reached; nothing was changed.
        """
        draft = Draft(self._table, self._clock())
        after = draft.apply(aor, change)
        self._table.publish(draft.changes)
        return DoneUpdate(after)

    async def update(self, aor: str, change: Change) -> tuple[Binding, ...]:
        """Replace the bindings of `aor`, and give the new ones.

        Raises:
            LocationError: a limit is reached; nothing was changed.
        """
        return await self.submit(aor, change).outcome()

    async def sweep(self) -> int:
        """Drop all expired bindings and give the number of addresses-of-record concerned."""
        swept = 0
        now = self._clock()
        for aors in self._table.stale(now):
            draft = Draft(self._table, now)
            for aor in aors:
                draft.apply(aor, keep_live)
            self._table.publish(draft.changes)
            swept += len(aors)
            await trio.lowlevel.checkpoint()
        return swept

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Sweep until cancelled."""
        task_status.started()
        while True:
            await trio.sleep(self._sweep_interval)
            await self.sweep()

    def count(self) -> LocationCount:
        """Tell how much is held."""
        return self._table.count()
