"""Both engines and the reference side by side: the same events, and the same of all that can be seen."""

from functools import cache
from random import Random

from sipfsm.fsm import Effect, Engine, Event, StartTimer, StopTimer, Timing, load_model
from tests.fuzz.cells import Reached
from tests.fuzz.reference import Reading, ReferenceMachine, Step

TIMING = Timing(t1=0.25, t2=3, t4=4)
"""Other values than the usual ones, and none that is a multiple of another one by accident."""


@cache
def parts(name: str) -> tuple[Reading, tuple[Engine, Engine], list[Event]]:
    """A model, both engines of it, and its events."""
    model = load_model(name)
    engines = Engine(model, TIMING), Engine(model, TIMING, compiled=False)
    return (
        Reading(model, TIMING),
        engines,
        sorted({event for row in model.transitions for event in row.trigger}),
    )


def told(effects: list[Effect]) -> list[str | tuple[str, float]]:
    """Effects as the reference writes them."""
    return [_told(effect) for effect in effects]


def _told(effect: Effect) -> str | tuple[str, float]:
    if isinstance(effect, StartTimer):
        return f"start {effect.timer}", effect.delay
    return f"stop {effect.timer}" if isinstance(effect, StopTimer) else str(effect)


class Trio:
    """A reference and two instances, one of each engine."""

    def __init__(self, name: str, *, reliable: bool):
        reading, engines, self.events = parts(name)
        self.reference = ReferenceMachine(reading, reliable=reliable)
        self.instances = [engine.create(reliable=reliable) for engine in engines]
        self.now = 0.0

    def take(self, event: Event) -> tuple[Step, bool]:
        """Have all three take an event, and compare them; return the step, and whether the event was stale.

        Raises:
            AssertionError: they differ.
        """
        reference, before = self.reference, self.reference.state
        stale = event.startswith("timer_") and event.removeprefix("timer_") not in reference.running
        step = reference.handle(event, self.now)
        rows = [f"{row.id} [{row.rfc}]" for row in step.rows]
        for instance in self.instances:
            assert told(instance.handle(event)) == step.effects, (before, event, rows)
            assert instance.state == reference.state, (before, event, rows)
            assert dict(instance.running) == reference.running, (before, event, rows)
            assert instance.terminated == reference.terminated
            assert not (instance.terminated and instance.running)
        return step, stale

    def fire(self) -> tuple[Step, bool]:
        """Have the timer fire that is due next."""
        self.now, _, timer = self.reference.next_timer()
        return self.take(Event(f"timer_{timer}"))


def walk(chance: Random, name: str, reached: Reached) -> None:
    """Go one way through a machine; note what was reached, and compare all the time.

    Raises:
        AssertionError: they differ.
    """
    machine = Trio(name, reliable=chance.random() < 0.3)
    for _ in range(12):
        state = machine.reference.state
        fires = machine.reference.due and chance.random() < 0.3
        step, stale = machine.fire() if fires else machine.take(chance.choice(machine.events))
        reached.note(name, state, "" if stale else step.event, [row.id for row in step.rows])
