"""The composition of a forking proxy: SPIN finds what the exploration finds, and counts the same states."""

import pytest

from sipfsm.fsm import load_model
from sipfsm.verify.results import Result
from sipfsm.verify.scenario import Fork, ForkCallee, ForkCaller, ForkProperty, Network
from sipfsm.verify.spin.engine import verify_scenario as with_spin
from sipfsm.verify.verify import verify_scenario as with_exploration
from tests.models.changes import changed, finding
from tests.unit.verify.test_fork import SMALL

pytestmark = pytest.mark.slow

LATE = Fork(
    name="late",
    title="A call that is lost, copied and late, over a network that has little room",
    network=Network(losses=1, duplicates=1, delay=1, capacity=2),
    caller=ForkCaller(cancel_within=None),
    callee=ForkCallee(answers=("6xx",), within=0, at_last=()),
)


def assert_agreement(explored: Result, spun: Result) -> None:
    assert explored.complete
    assert spun.complete
    assert [(each.property, each.holds) for each in explored.verdicts] == [
        (each.property, each.holds) for each in spun.verdicts
    ]
    assert explored.states == spun.states
    for one, other in zip(explored.verdicts, spun.verdicts, strict=True):
        if one.counterexample and other.counterexample:
            assert one.counterexample.lanes == other.counterexample.lanes
            assert len(one.counterexample.steps) == len(other.counterexample.steps)
            assert one.counterexample.steps[0] == other.counterexample.steps[0]


def test_all_holds_and_the_numbers_are_equal() -> None:
    explored, spun = with_exploration(SMALL, load_model), with_spin(SMALL, load_model)
    assert_agreement(explored, spun)
    assert not spun.broken
    assert explored.steps == spun.steps


def test_the_engines_agree_on_unusual_bounds() -> None:
    assert_agreement(with_exploration(LATE, load_model), with_spin(LATE, load_model))


@pytest.mark.parametrize(
    ("context", "branch", "expected"),
    [
        # Nothing goes upstream; a branch that is not wanted any more gets no CANCEL.
        (("RCX-05", {"before": ()}), ("BRA-18", {"before": ()}), (ForkProperty.F1, ForkProperty.F3)),
        # A second 2xx is dropped; a branch forgets that its client transaction is gone.
        (("RCX-15", {"before": ("drop",)}), ("BRA-35", {"dest": None}), (ForkProperty.F2, ForkProperty.F4)),
    ],
    ids=["F1 and F3", "F2 and F4"],
)
def test_both_find_two_faults(
    context: tuple[str, dict[str, object]],
    branch: tuple[str, dict[str, object]],
    expected: tuple[ForkProperty, ...],
) -> None:
    faulty = {"response-context": context, "branch": branch}
    find = finding(*(changed(name, row, **changes) for name, (row, changes) in faulty.items()))
    explored, spun = with_exploration(SMALL, find), with_spin(SMALL, find)
    assert set(expected) <= {each.property for each in spun.verdicts if each.holds is False}
    assert_agreement(explored, spun)
