"""An update of bindings on its way to the disk: the model `update` at work."""

from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import trio

from sipfsm.fsm import Action, Driver, Engine, Event, Timing, load_model
from sipfsm.location.binding import Binding
from sipfsm.location.service import Change, LocationError, LocationReason
from sipfsm.location.table import Draft
from sipfsm.logs import log_step

Outcome = tuple[Binding, ...] | Exception
"""The bindings that an update left, or why it changed nothing."""


@cache
def _engine() -> Engine:
    return Engine(load_model("update"), Timing())


class Update(Driver[Outcome]):
    """One call of `SqlLocation.submit`; made in the queue of the writer.

    Args:
        aor: the address-of-record.
        change: what is to become of its bindings.
        waiting: the queue.
        tracing: log every event, at level debug.
    """

    __slots__ = ("_aor", "_change", "_decided", "_done", "_outcome", "_tracing", "_waiting")

    def __init__(self, aor: str, change: Change, waiting: "deque[Update]", *, tracing: bool = False) -> None:
        super().__init__(_engine().create(reliable=True))
        self._aor = aor
        self._change = change
        self._waiting = waiting
        self._tracing = tracing
        self._done = trio.Event()
        self._decided: tuple[Binding, ...] = ()
        self._outcome: Outcome = ()
        waiting.append(self)
        self.handle(Event.SUBMITTED)

    def decide(self, draft: Draft) -> bool:
        """Add the change to `draft`; if it raises, the update is over, with that exception as its outcome."""
        try:
            self._decided = draft.apply(self._aor, self._change)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, who gets it from `outcome`
            self.handle(Event.REJECTED, error)
            return False
        self.handle(Event.DECIDED)
        return True

    def finish(self) -> None:
        """Let the caller have what was decided: it is committed."""
        self.handle(Event.COMMITTED, self._decided)

    def fail(self, error: LocationError) -> None:
        """Let the caller know that nothing was committed."""
        self.handle(Event.COMMIT_FAILED, error)

    def abandon(self) -> None:
        """Let the caller go when nobody will work on the update any more; harmless when it is over."""
        if not self.terminated:
            self.handle(Event.STOP, not_running())

    def give_up(self) -> None:
        """Take the update back, unless the writer has it in hand or is done with it."""
        detail = "the update was taken back before the location database got it"
        self.handle(Event.GIVEN_UP, LocationError(LocationReason.GIVEN_UP, detail))

    async def outcome(self) -> tuple[Binding, ...]:
        """Wait for the outcome; on cancellation leave the queue, unless the writer has the update in hand.

        Raises:
            LocationError: nothing was changed, for the reason given.
            Exception: whatever the change raised.
        """
        try:
            await self._done.wait()
        except trio.Cancelled:
            self.give_up()
            raise
        outcome = self._outcome
        if isinstance(outcome, LocationError):
            # One for each caller of a group, or their tracebacks would grow into each other.
            raise LocationError(outcome.reason, outcome.detail) from outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def stepped(self, event: Event, before: str) -> None:
        """Log the step, if every event is to be logged."""
        if self._tracing:
            log_step(self, self._aor, event, before)

    def _report(self, outcome: Outcome | None) -> None:
        assert outcome is not None  # it comes with every event that ends an update
        self._outcome = outcome
        self._done.set()

    def _withdraw_update(self, _outcome: Outcome | None) -> None:
        self._waiting.remove(self)

    def _terminate(self, _outcome: Outcome | None) -> None:
        """Do nothing: the caller has the outcome, and the writer is done with it."""

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        Action.REPORT_BINDINGS: _report,
        Action.REPORT_FAILURE: _report,
        Action.WITHDRAW_UPDATE: _withdraw_update,
        Action.TERMINATE: _terminate,
    }


def not_running() -> LocationError:
    """Make the error of a service that nobody runs."""
    return LocationError(LocationReason.NOT_RUNNING, "the location service is not running")
