"""What the exploration finds happens in the running transaction layer too, and what it rules out does not."""

from functools import cache
from random import Random

import pytest

from sipfsm.fsm import load_model
from sipfsm.verify.composition import Edge
from sipfsm.verify.explore import Limits, Violation
from sipfsm.verify.results import Counterexample, Step
from sipfsm.verify.scenario import Message, Network, Role, Scenario
from sipfsm.verify.scenarios import FINDINGS, SCENARIOS
from sipfsm.verify.trace import tell
from sipfsm.verify.verify import LANES, compose, verify_scenario
from tests.simulation.replay import Outcome, replay

BY_NAME = {scenario.name: scenario for scenario in FINDINGS}


@cache
def found(name: str) -> Counterexample:
    result = verify_scenario(BY_NAME[name], load_model, Limits(states=9000))
    (run,) = (verdict.counterexample for verdict in result.verdicts if verdict.counterexample)
    return run


def replayed(name: str, scenario: Scenario | None = None) -> Outcome:
    return replay(scenario or BY_NAME[name], found(name).steps)


def told(name: str, lane: str) -> list[str]:
    return [each for step in found(name).steps if step.who == lane for each in step.told]


@pytest.mark.parametrize("name", ["ghost-call", "short-timer-l", "abandoned"])
def test_the_callee_gets_the_request_twice(name: str) -> None:
    outcome = replayed(name)
    assert outcome.callee[:2] == told(name, "server") == [Message.REQUEST, Message.REQUEST]


def test_the_caller_waits_for_ever() -> None:
    outcome = replayed("no-timer-c")
    assert outcome.caller == told("no-timer-c", "client") == [Message.PROVISIONAL]
    assert (outcome.clients, outcome.servers) == (1, 0)


CORRECTED = {
    "ghost-call": BY_NAME["ghost-call"].model_copy(
        update={"client": Role(model="invite-client"), "server": Role(model="invite-server")}
    ),
    "short-timer-l": BY_NAME["longer-timer-l"],
}


@pytest.mark.parametrize("name", CORRECTED)
def test_with_the_corrected_machine_the_same_happens_on_the_network_and_the_callee_gets_it_once(
    name: str,
) -> None:
    outcome = replayed(name, CORRECTED[name])
    assert outcome.callee == [Message.REQUEST]
    assert (outcome.clients, outcome.servers) == (0, 0)


# ---- any run at all

WALKED = {
    scenario.name: scenario.model_copy(update={"network": Network(losses=None, duplicates=3, delay=2)})
    for scenario in SCENARIOS
    if not scenario.network.reliable
}


def walk(scenario: Scenario, seed: int) -> tuple[Step, ...]:
    """Take steps by chance until nothing can happen any more."""
    composition, chance = compose(scenario, load_model), Random(seed)
    state, path = composition.start, list[Edge]()
    while edges := composition.edges(state):
        path.append(chance.choice(edges))
        state = path[-1][0]
        assert not path[-1][1], "a property is broken"
    violation = Violation(tuple(path), "")
    return tell(composition, scenario.name, scenario.properties[0], violation, LANES).steps


def is_clear(steps: tuple[Step, ...]) -> bool:
    """Whether timers that all fire at their instant can follow the order of the steps within each tick.

    Nothing may come between the timers of a tick. Nothing may come before Timer `trying` in its tick, either:
    in the layer it is 0.2 s, and so over by then.
    """
    fires: dict[int, list[bool]] = {}
    for step in steps:
        if step.what != "pass":
            fires.setdefault(step.at, []).append(step.what == "fire")
    if any(
        not all(each[each.index(True) : len(each) - each[::-1].index(True)])
        for each in fires.values()
        if any(each)
    ):
        return False
    return all(fires[step.at][0] for step in steps if (step.what, step.detail) == ("fire", "trying"))


@pytest.mark.slow
@pytest.mark.parametrize("name", WALKED)
def test_any_run_is_the_same_in_the_running_layer(name: str) -> None:
    runs = [steps for seed in range(80) if is_clear(steps := walk(WALKED[name], seed))]
    assert len(runs) > 60
    for steps in runs:
        outcome = replay(WALKED[name], steps)
        assert outcome.caller == [each for step in steps if step.who == "client" for each in step.told]
        assert outcome.callee == [each for step in steps if step.who == "server" for each in step.told]
        assert (outcome.clients, outcome.servers) == (0, 0)
