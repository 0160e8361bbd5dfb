"""Any sequence of events does to an engine, compiled or stock, what the model says when read row by row."""

import random
from functools import cache
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sipfsm.fsm import Effect, Engine, Event, Row, StartTimer, StopTimer, Timing, load_model
from tests.fuzz.cells import Reached, all_cells, all_rows
from tests.fuzz.reference import Reading, ReferenceMachine
from tests.models.exploration import MODELS

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
        list({event for row in model.transitions for event in row.trigger}),
    )


def told(effects: list[Effect]) -> list[str | tuple[str, float]]:
    """Effects as the reference writes them."""
    return [_told(effect) for effect in effects]


def _told(effect: Effect) -> str | tuple[str, float]:
    if isinstance(effect, StartTimer):
        return f"start {effect.timer}", effect.delay
    return f"stop {effect.timer}" if isinstance(effect, StopTimer) else str(effect)


class MachineAgainstReference(RuleBasedStateMachine):
    """Both engines and the reference take the same events; after each all three are in the same state."""

    reached: Reached

    @initialize(name=st.sampled_from(MODELS), reliable=st.booleans())
    def begin(self, name: str, reliable: bool) -> None:
        reading, engines, self.events = parts(name)
        self.reference = ReferenceMachine(reading, reliable=reliable)
        self.instances = [engine.create(reliable=reliable) for engine in engines]
        self.now = 0.0
        self.rows: list[Row] = []

    def take(self, event: Event) -> None:
        state = self.reference.state
        stale = event.startswith("timer_") and event.removeprefix("timer_") not in self.reference.running
        step = self.reference.handle(event, self.now)
        for instance in self.instances:
            assert told(instance.handle(event)) == step.effects, (state, event, step.rows)
        note_reached(self.reference.model.name, state, str(event), [row.id for row in step.rows], stale=stale)

    @rule(data=st.data())
    def something_happens(self, data: Any) -> None:
        self.take(data.draw(st.sampled_from(self.events)))

    @rule(event=st.sampled_from(list(Event)))
    def anything_happens(self, event: Event) -> None:
        self.take(event)

    @precondition(lambda self: self.reference.due)
    @rule()
    def the_next_timer_fires(self) -> None:
        self.now, _, timer = self.reference.next_timer()
        self.take(Event(f"timer_{timer}"))

    @precondition(lambda self: self.reference.terminated)
    @rule()
    def a_new_one_begins(self) -> None:
        self.reference = ReferenceMachine(self.reference.reading, reliable=self.reference.reliable)
        self.instances = [each.engine.create(reliable=each.reliable) for each in self.instances]

    @invariant()
    def all_are_in_the_same_state(self) -> None:
        for instance in self.instances:
            assert instance.state == self.reference.state
            assert dict(instance.running) == self.reference.running
            assert instance.terminated == self.reference.terminated
            assert not (instance.terminated and instance.running)


REACHED = Reached()


def note_reached(name: str, state: str, event: str, rows: list[str], *, stale: bool) -> None:
    """Take note of what a step has reached; a timer that does not run reaches its row, but no cell."""
    REACHED.note(name, state, "" if stale else event, rows)


TestMachineAgainstReference = MachineAgainstReference.TestCase
TestMachineAgainstReference.settings = settings(max_examples=200, stateful_step_count=20)


def test_every_row_and_all_81_cells_are_reached_by_events_alone() -> None:
    """By a walk from one seed, so that it holds in each run, however few examples Hypothesis had."""
    chance, reached = random.Random(81), Reached()
    for name in ("invite-client", "non-invite-client", "invite-server", "non-invite-server"):
        reading, _, events = parts(name)
        for walk in range(400):
            machine = ReferenceMachine(reading, reliable=walk % 3 == 0)
            for _ in range(12):
                event, state = str(chance.choice(events)), machine.state
                stale = event.startswith("timer_") and event.removeprefix("timer_") not in machine.running
                step = machine.handle(event)
                reached.note(name, state, "" if stale else event, [row.id for row in step.rows])
    assert set(all_cells()) == reached.cells
    assert all_rows() <= reached.rows
