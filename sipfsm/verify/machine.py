"""A model as one part of a composition: its step, in whole ticks, and pure.

The step itself is that of the engine which runs the server. What is added is what its driver does there: how
long each timer still has to go, and that a machine that has ended is forgotten.
"""

from math import ceil
from typing import NamedTuple

from sipfsm.fsm import Action, Engine, Event, Instance, Model, Row, StartTimer, Timer, TimerSpec, Timing
from sipfsm.verify.scenario import TICK, ticks


class RunningTimer(NamedTuple):
    """A timer that runs, in ticks."""

    timer: Timer
    remaining: int
    interval: int
    """What it was last set to, if the model backs it off; otherwise 0."""


class Local(NamedTuple):
    """Where a machine is; its timers by name."""

    state: str
    timers: tuple[RunningTimer, ...] = ()

    def later(self, passed: int) -> "Local":
        """Where it is when some ticks have passed."""
        return Local(
            self.state,
            tuple(RunningTimer(timer, left - passed, interval) for timer, left, interval in self.timers),
        )

    @property
    def due(self) -> tuple[Timer, ...]:
        """The timers that are to fire now."""
        return tuple(timer for timer, left, _interval in self.timers if left == 0)


class MachineStep(NamedTuple):
    """What one event leads to."""

    after: Local
    actions: tuple[Action, ...]
    rows: tuple[str, ...]
    """The ids of the rows that fired."""


class Machine:
    """A model that is stepped from any place, and remembers what each step leads to."""

    def __init__(self, model: Model, *, reliable: bool) -> None:
        """Prepare the engine.

        Args:
            model: a validated model.
            reliable: the class of transport, which chooses the delays of the timers.
        """
        self.model = model
        self._reliable = reliable
        self._rows: list[str] = []
        self._engine = Engine(in_ticks(model), Timing(), observer=self._note)
        self._backed_off = {
            timer for timer in model.timers for _, name in model.actions() if name == f"back_off_{timer}"
        }
        self._known: dict[tuple[Local, Event], MachineStep] = {}
        self.initial = Local(model.initial)

    def _note(self, _instance: Instance, row: Row) -> None:
        self._rows.append(row.id)

    def step(self, local: Local, event: Event) -> MachineStep:
        """Take an event; a machine that ends with it is in its initial state afterwards."""
        step = self._known.get((local, event))
        if step is None:
            step = self._known[local, event] = self._step(local, event)
        return step

    def _step(self, local: Local, event: Event) -> MachineStep:
        instance = self._engine.create(reliable=self._reliable)
        instance.state = local.state
        remaining = {timer: left for timer, left, _interval in local.timers}
        intervals = {timer: interval for timer, _left, interval in local.timers}
        # Only for a timer that backs off does it matter what is said to have been its delay.
        instance.running = {timer: (intervals[timer] or 1) * TICK for timer in remaining}
        self._rows.clear()
        effects = instance.handle(event)
        actions = tuple(effect for effect in effects if isinstance(effect, Action))
        if instance.terminated:
            return MachineStep(self.initial, actions, tuple(self._rows))
        for effect in effects:
            if isinstance(effect, StartTimer):
                remaining[effect.timer] = intervals[effect.timer] = ceil(effect.delay / TICK)
        timers = tuple(
            RunningTimer(timer, remaining[timer], intervals[timer] if timer in self._backed_off else 0)
            for timer in sorted(instance.running)
        )
        return MachineStep(Local(instance.state, timers), actions, tuple(self._rows))


def in_ticks(model: Model) -> Model:
    """Give a model with all delays in whole ticks, rounded up, and in seconds."""

    def whole(delay: str | None) -> str | None:
        return None if delay is None else f"{ticks(delay) * TICK:f}"

    timers = {
        timer: TimerSpec(
            unreliable=whole(spec.unreliable),
            reliable=whole(spec.reliable),
            backoff=spec.backoff,
            cap=whole(spec.cap),
        )
        for timer, spec in model.timers.items()
    }
    return model.model_copy(update={"timers": timers})
