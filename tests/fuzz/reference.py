"""What a model says, read row by row: an interpreter that shares nothing with the engine but the file.

It is slow and plain on purpose: what it says is compared with what the engine does.
"""

from dataclasses import dataclass, field
from itertools import count

from sipfsm.fsm import Event, Model, Row, Timing

FOREVER = float("inf")


@dataclass
class Step:
    """What one event made a machine do."""

    event: str
    before: str
    rows: list[Row] = field(default_factory=list)
    effects: list[str | tuple[str, float]] = field(default_factory=list)
    """Names of actions, `stop X`, and `start X` with its seconds."""


class Reading:
    """A model as its file has it, and the delays of its timers in seconds."""

    def __init__(self, model: Model, timing: Timing):
        self.model = model
        self.rows = {(row.source, str(name)): row for row in model.transitions for name in row.trigger}
        self.delays = {
            reliable: {
                str(timer): timing.delay(text)
                for timer, spec in model.timers.items()
                if (text := spec.reliable if reliable else spec.unreliable) is not None
            }
            for reliable in (False, True)
        }
        self.backoff = {str(timer): spec.backoff for timer, spec in model.timers.items()}
        self.caps = {
            str(timer): FOREVER if spec.cap is None else timing.delay(spec.cap)
            for timer, spec in model.timers.items()
        }


class ReferenceMachine:
    """One run of a model, with the instants at which its timers are due."""

    order = count()

    def __init__(self, reading: Reading, *, reliable: bool):
        self.reading = reading
        self.model = reading.model
        self.reliable = reliable
        self.state = self.model.initial
        self.running: dict[str, float] = {}
        """The timers that run, with the delay each was started with."""
        self.due: dict[str, tuple[float, int]] = {}
        """When each of them fires, and how late it was started among those of the same instant."""

    @property
    def terminated(self) -> bool:
        return self.state in self.model.final

    def next_timer(self) -> tuple[float, int, str]:
        """When the next timer is due, its order, and its name."""
        return min(((at, order, timer) for timer, (at, order) in self.due.items()), default=(FOREVER, 0, ""))

    def handle(self, event: Event | str, now: float = 0.0) -> Step:
        """Take an event at an instant, and all that timers of no delay add to it."""
        step = Step(str(event), self.state)
        todo = [str(event)]
        while todo:
            self._take(todo.pop(0), now, step, todo)
        return step

    def _take(self, event: str, now: float, step: Step, todo: list[str]) -> None:
        row = self.reading.rows.get((self.state, event))
        interval = 0.0
        if event.startswith("timer_"):
            timer = event.removeprefix("timer_")
            if timer not in self.running and (row is None or row.before or row.dest is not None):
                return
            interval = self.running.pop(timer, 0.0)
            self.due.pop(timer, None)
        if row is None:
            return
        step.rows.append(row)
        actions = list(row.before)
        if row.dest is not None:
            actions += self.model.states[self.state].on_exit
            for action in actions:
                self._do(action, now, interval, step, todo)
            self.state = row.dest
            actions = list(self.model.states[self.state].on_enter)
        for action in actions:
            self._do(action, now, interval, step, todo)

    def _do(self, action: str, now: float, interval: float, step: Step, todo: list[str]) -> None:
        for verb in ("start", "back_off", "cap", "stop"):
            timer = action.removeprefix(verb + "_")
            if timer != action and timer in self.reading.backoff:
                delay = self._delay(verb, timer, interval)
                if delay is not None:
                    self._set(timer, delay, now, step, todo)
                return
        if action == "terminate":
            self.running.clear()
            self.due.clear()
        step.effects.append(action)

    def _delay(self, verb: str, timer: str, interval: float) -> float | None:
        """The delay that a timer is to run with; below 0 to stop it, None to leave it alone."""
        reading = self.reading
        if verb == "start":
            return reading.delays[self.reliable].get(timer)  # None: this class of transport does not run it
        if verb == "back_off":
            return min(interval * reading.backoff[timer], reading.caps[timer])
        return reading.caps[timer] if verb == "cap" else -1.0

    def _set(self, timer: str, delay: float, now: float, step: Step, todo: list[str]) -> None:
        if delay < 0:
            if self.running.pop(timer, 0.0) > 0:
                step.effects.append(f"stop {timer}")
            self.due.pop(timer, None)
            return
        self.running[timer] = delay
        if delay == 0:
            todo.append(f"timer_{timer}")
        else:
            self.due[timer] = now + delay, next(self.order)
            step.effects.append((f"start {timer}", delay))
