"""Any sequence of events does to an engine, compiled or stock, what the model says when read row by row."""

from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sipfsm.fsm import Event
from tests.fuzz.cells import MACHINES, Reached, all_cells, all_rows
from tests.fuzz.machines import Trio, walk
from tests.models.exploration import MODELS


class MachineAgainstReference(RuleBasedStateMachine):
    """Both engines and the reference take the same events; after each all three are in the same state."""

    @initialize(name=st.sampled_from(MODELS), reliable=st.booleans())
    def begin(self, name: str, reliable: bool) -> None:
        self.name, self.reliable = name, reliable
        self.machine = Trio(name, reliable=reliable)

    @rule(data=st.data())
    def something_happens(self, data: Any) -> None:
        self.machine.take(data.draw(st.sampled_from(self.machine.events)))

    @rule(event=st.sampled_from(list(Event)))
    def anything_happens(self, event: Event) -> None:
        self.machine.take(event)

    @precondition(lambda self: self.machine.reference.due)
    @rule()
    def the_next_timer_fires(self) -> None:
        self.machine.fire()

    @precondition(lambda self: self.machine.reference.terminated)
    @rule()
    def a_new_one_begins(self) -> None:
        self.machine = Trio(self.name, reliable=self.reliable)


TestMachineAgainstReference = MachineAgainstReference.TestCase
TestMachineAgainstReference.settings = settings(max_examples=200, stateful_step_count=20)


def test_every_row_and_all_81_cells_are_reached() -> None:
    """By walks from one seed, so that it holds in each run, however few examples Hypothesis had."""
    chance, reached = Random(81), Reached()
    for name in MACHINES:
        for _ in range(2000):
            walk(chance, name, reached)
    assert len(list(all_cells())) == 81
    assert set(all_cells()) == reached.cells
    assert all_rows() == reached.rows
