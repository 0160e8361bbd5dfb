"""The location service that survives a restart: bindings in memory, and all changes in an SQLite file.

Reads never touch the disk. One writer takes all updates that wait, applies them in order, commits them in one
transaction in a worker thread, shows them to readers and then wakes their callers: a disk that needs 10 ms
for a commit still takes thousands of registrations a second, and nobody is told 200 (OK) before his binding
is durable.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import structlog
import trio

from sipfsm.location.binding import Binding
from sipfsm.location.life import restore
from sipfsm.location.service import Change, LocationCount, LocationError, LocationLimits, LocationReason
from sipfsm.location.store import SqliteStore
from sipfsm.location.table import BindingTable, Draft, keep_live
from sipfsm.location.update import Update, not_running

log = structlog.get_logger("sipfsm.location")

_T = TypeVar("_T")

_GROUP = 500
"""Most updates in one transaction, so that the first of them does not wait long for the last."""


class SqlLocation:
    """Bindings in memory and in an SQLite file that no other server can open meanwhile.

    Args:
        path: the file; it and its folder are created when they do not exist, for this user alone.
        clock: gives the unix time in seconds.
        limits: how much may be held and how many updates may wait.
        sweep_interval: seconds between two sweeps of expired bindings, on Trio's clock.
        tracing: log every event of a binding, at level debug.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        clock: Callable[[], float] = time.time,
        limits: LocationLimits | None = None,
        sweep_interval: float = 60.0,
        tracing: bool = False,
    ) -> None:
        self._clock = clock
        self._table = BindingTable(limits or LocationLimits(), tracing=tracing)
        self._sweep_interval = sweep_interval
        self._path = Path(path)
        self._store = SqliteStore(self._path)
        self._thread = trio.CapacityLimiter(1)  # a worker thread at a time: the store is not for two
        self._waiting: deque[Update] = deque()
        self._work = trio.Event()
        self._running = False
        self._failing = False

    def bindings(self, aor: str) -> tuple[Binding, ...]:
        """Give the live bindings, highest q first. Nothing before `run` has started."""
        return self._table.live(aor, self._clock())

    def submit(self, aor: str, change: Change) -> Update:
        """Put an update in the queue of the writer. Its outcome is there when it is on the disk.

        Raises:
            LocationError: the service is not running, or too many updates wait; nothing will be changed.
        """
        if not self._running:
            raise not_running()
        limit = self._table.limits.pending_updates
        if len(self._waiting) >= limit:
            raise LocationError(LocationReason.OVERLOADED, f"{limit} updates wait for the location database")
        return self._submit(aor, change)

    async def update(self, aor: str, change: Change) -> tuple[Binding, ...]:
        """Replace the bindings of `aor` by what `change` makes of them, and return when that is on the disk.

        A caller that is cancelled while its update waits for its turn takes it back: nothing changes. When
        the writer has it in hand already, the update takes place and the caller does not learn about it.

        Raises:
            LocationError: nothing was changed, for the reason given.
        """
        return await self.submit(aor, change).outcome()

    async def sweep(self) -> int:
        """Drop all expired bindings from memory and file, and give the number of AORs concerned.

        Raises:
            LocationError: they could not be dropped from the file; they stay in memory, invisible.
        """
        swept = 0
        for aors in self._table.stale(self._clock()):
            if aors and not self._running:
                raise not_running()
            # Through the writer like every update, past the limit: a slice is bounded.
            updates = [self._submit(aor, keep_live) for aor in aors]
            for update in updates:
                await update.outcome()
            swept += len(aors)
            await trio.lowlevel.checkpoint()
        return swept

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Open the file, load it, report started, and write and sweep until cancelled.

        Updates that wait when it is cancelled are still committed. Then the file is closed.

        Raises:
            LocationError: the file cannot be opened; the text says what to do.
        """
        try:
            # Opening is not abandoned half way: whoever cancels waits for at most the time it takes.
            with trio.CancelScope(shield=True):
                found = await self._in_thread(lambda: self._store.open(self._clock()))
                tracing = self._table.tracing
                self._table.publish({aor: restore(held, tracing=tracing) for aor, held in found.items()})
            self._running = True
            log.info("location database opened", path=str(self._path), **self.count()._asdict())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._sweep_for_ever)
                task_status.started()
                await self._write_for_ever()
        finally:
            self._running = False
            with trio.CancelScope(shield=True):
                await self._finish()

    def count(self) -> LocationCount:
        """Tell how much is held."""
        return self._table.count()

    def _submit(self, aor: str, change: Change) -> Update:
        update = Update(aor, change, self._waiting, tracing=self._table.tracing)
        self._work.set()
        return update

    async def _sweep_for_ever(self) -> None:
        while True:
            await trio.sleep(self._sweep_interval)
            with suppress(LocationError):  # what could not be dropped is tried again the next time
                await self.sweep()

    async def _write_for_ever(self) -> None:
        while True:
            await self._work.wait()
            self._work = trio.Event()
            await self._write_waiting()

    async def _write_waiting(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(_GROUP, len(self._waiting)))]
            # A commit under way cannot be called back; its outcome is awaited and published, come what may.
            try:
                with trio.CancelScope(shield=True):
                    await self._commit(group)
            finally:
                for update in group:
                    update.abandon()

    async def _commit(self, group: Sequence[Update]) -> None:
        draft = Draft(self._table, self._clock())
        decided = [update for update in group if update.decide(draft)]
        try:
            if draft.changes:
                await self._in_thread(lambda: self._store.write(draft.changes))
        except LocationError as error:
            if error.reason is LocationReason.NOT_STORABLE and len(decided) > 1:
                # One update that the database refuses must not fail its neighbours.
                for update in decided:
                    await self._commit([update])
                return
            self._tell_of_failure(error)
            for update in decided:
                update.fail(error)
            return
        if draft.changes and self._failing:
            self._failing = False
            log.info("location database is written again", path=str(self._path))
        self._table.publish(draft.changes)
        for update in decided:
            update.finish()

    def _tell_of_failure(self, error: LocationError) -> None:
        # The operator is told once, not once for each registration that fails until he has made room.
        if not self._failing or error.reason is LocationReason.NOT_STORABLE:
            log.error("location database not written", reason=error.reason.value, detail=error.detail)
        self._failing = self._failing or error.reason is LocationReason.COMMIT_FAILED

    async def _finish(self) -> None:
        try:
            await self._write_waiting()
        finally:
            for update in self._waiting:
                update.abandon()
            self._waiting.clear()
            await self._in_thread(self._store.close)

    async def _in_thread(self, blocking: Callable[[], _T]) -> _T:
        return await trio.to_thread.run_sync(blocking, limiter=self._thread)
