"""A model that runs beside a transaction of the target, in the time of a recording."""

from __future__ import annotations

from dataclasses import dataclass

from sipfsm.fsm import TIMER_EVENTS, Action, Event, Row, StartTimer, StopTimer, Timer
from sipfsm.fuzz.oracle.bench import Bench

SHOWS = {
    Action.SEND_REQUEST,
    Action.RESEND_REQUEST,
    Action.SEND_ACK,
    Action.SEND_RESPONSE,
    Action.RESEND_RESPONSE,
    Action.SEND_TRYING,
    Action.SEND_CANCEL,
    Action.FORWARD_RESPONSE,
    Action.FORWARD_BEST,
}
"""The actions that can be seen from outside."""


@dataclass(slots=True, eq=False)
class Duty:
    """Something that the target has to do, because the model does it.

    Attributes:
        row: the row that asks for it.
        action: what has to be done.
        state: the state that the machine was in.
        event: what brought it about.
        due: when, in seconds since the case began.
        latest: when it is too late.
        step: the step of the script that brought it about.
    """

    row: Row
    action: Action
    state: str
    event: Event
    due: float
    latest: float
    step: int


class Follower:
    """Runs one instance. Subclasses say what is fed to it, and what its actions look like on the wire."""

    def __init__(self, bench: Bench, model: str) -> None:
        """Start in the model's initial state."""
        self.bench = bench
        self.instance = bench.create(model)
        self.timers: dict[Timer, tuple[float, float]] = {}
        """When each timer that runs is due, and its interval."""
        self.lateness: dict[Timer, float] = {}
        """By how much the last of each timer came late."""
        self.duties: list[Duty] = []
        self.quiet: list[tuple[Row, float]] = []
        self.last_row: Row | None = None
        self.last_input = float("-inf")
        """When something was sent to the target that its machine had to take."""
        self.step = 0

    @property
    def state(self) -> str:
        """The state that the target should be in."""
        return self.instance.state

    # ---- time

    def advance(self, now: float) -> None:
        """Let the timers fire that are due, and find the duties that were not done."""
        while self.timers:
            timer = min(self.timers, key=lambda each: self.timers[each][0])
            due, interval = self.timers[timer]
            if due > now:
                break
            del self.timers[timer]
            self.take(TIMER_EVENTS[timer], due, interval=interval)
        for duty in [each for each in self.duties if each.latest < now]:
            self.duties.remove(duty)
            self.missed(duty)

    def finish(self, end: float) -> None:
        """Judge what is left when nobody listens any more."""
        self.advance(end)
        self.bench.kept_rows([row for row, at in self.quiet if end - at >= self.bench.tolerance.answer], end)

    def take(self, event: Event, now: float, *, interval: float = 0.0) -> list[Row]:
        """Have the model take an event; returns the rows that fired.

        Args:
            event: what happened.
            now: when, in seconds since the case began.
            interval: of the timer that fired; 0 for what is no timer.
        """
        before = self.instance.state
        self.bench.fired()
        effects = self.instance.handle(event)
        rows = self.bench.fired()
        if rows:
            self.last_row = rows[-1]
        if self.instance.state != before:
            # What a timer of the state asked for and has not come yet need not come any more.
            self.duties = [duty for duty in self.duties if not duty.event.startswith("timer_")]
        allowed = self.bench.tolerance.late(interval) if interval else self.bench.tolerance.answer
        for effect in effects:
            if isinstance(effect, StartTimer):
                self.timers[effect.timer] = (now + effect.delay, effect.delay)
            elif isinstance(effect, StopTimer):
                self.timers.pop(effect.timer, None)
            elif effect is Action.TERMINATE:
                self.timers.clear()
            elif effect in SHOWS and rows:
                self.owe(Duty(rows[0], effect, before, event, now, now + allowed, self.step))
        return rows

    def input(self, event: Event, now: float, step: int) -> list[Row]:
        """Take what a player sent."""
        self.advance(now)
        self.step = step
        self.last_input = now
        rows = self.take(event, now)
        # A row that shows nothing was kept if nothing shows that it was not.
        self.quiet += [(row, now) for row in rows if not SHOWS.intersection(row.before)]
        return rows

    # ---- duties

    def owe(self, duty: Duty) -> None:
        """Note a duty."""
        self.duties.append(duty)

    def done(self, *actions: Action, now: float | None = None) -> Duty | None:
        """Take a duty of these actions off the list: the one due nearest to `now`, or the oldest."""
        owed = [duty for duty in self.duties if duty.action in actions]
        if not owed:
            return None
        duty = owed[0] if now is None else min(owed, key=lambda each: abs(now - each.due))
        self.duties.remove(duty)
        return duty

    def fire_early(self, timer: Timer, now: float) -> bool:
        """Let a timer fire that the target's clock was a little ahead with; False if it is not near."""
        if timer not in self.timers:
            return False
        due, interval = self.timers[timer]
        # A timer that counts from when the last one was due is ahead by as much as that one came late.
        if due - now > self.bench.tolerance.early(interval) + self.lateness.pop(timer, 0.0):
            return False
        del self.timers[timer]
        self.take(TIMER_EVENTS[timer], now, interval=interval)
        return True

    def rebase(self, timer: Timer, duty: Duty, now: float) -> None:
        """Count the next interval from when the target was seen to act, so that delays do not add up."""
        if timer in self.timers and duty.due < now:
            due, interval = self.timers[timer]
            self.timers[timer] = (due + now - duty.due, interval)
            self.lateness[timer] = now - duty.due

    def crossing(self, now: float) -> bool:
        """Whether something may have been on its way when the target got what puts an end to it."""
        return now - self.last_input <= self.bench.tolerance.crossing

    def row_of(self, event: Event) -> Row | None:
        """Return the row for an event in the state at hand."""
        return self.instance.engine.rows.get((self.instance.state, event))

    def missed(self, duty: Duty) -> None:
        """Say what it means that a duty was not done."""
        raise NotImplementedError
