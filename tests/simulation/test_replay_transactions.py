"""What the exploration finds happens in the running transaction layer too, and what it rules out does not."""

from functools import cache

import pytest

from sipfsm.fsm import load_model
from sipfsm.verify.explore import Limits
from sipfsm.verify.races import RACES, Race, find_race
from sipfsm.verify.report import Report
from sipfsm.verify.results import Counterexample
from sipfsm.verify.scenario import Message, Network, Role, Scenario
from sipfsm.verify.scenarios import FINDINGS, SCENARIOS
from sipfsm.verify.verify import verify_scenario
from tests.models.findings import RECORD
from tests.simulation.player import Outcome, agrees, shows
from tests.simulation.replay import replay
from tests.simulation.walks import walk

BY_NAME = {scenario.name: scenario for scenario in FINDINGS}


@cache
def found(name: str) -> Counterexample:
    if name == "short-timer-j":  # which takes long to find; that it is what is found, tests/models shows
        (result,) = Report.model_validate_json(RECORD.read_text(encoding="utf-8")).results
    else:
        result = verify_scenario(BY_NAME[name], load_model, Limits(states=9000))
    (run,) = (verdict.counterexample for verdict in result.verdicts if verdict.counterexample)
    return run


def replayed(name: str, scenario: Scenario | None = None) -> Outcome:
    return replay(scenario or BY_NAME[name], found(name).steps)


@pytest.mark.parametrize("name", ["ghost-call", "short-timer-l", "short-timer-j", "abandoned"])
def test_the_callee_gets_the_request_twice(name: str) -> None:
    outcome = replayed(name)
    assert shows(found(name).steps, outcome)
    assert outcome.told["callee"] == [Message.REQUEST, Message.REQUEST]


def test_the_caller_waits_for_ever() -> None:
    outcome = replayed("no-timer-c")
    assert agrees(found("no-timer-c").steps, outcome)
    assert outcome.told["caller"] == [Message.PROVISIONAL]
    assert (outcome.later, outcome.left) == ({}, {"clients of the client": 1})


CORRECTED = {
    "ghost-call": BY_NAME["ghost-call"].model_copy(
        update={"client": Role(model="invite-client"), "server": Role(model="invite-server")}
    ),
    "short-timer-l": BY_NAME["longer-timer-l"],
    "short-timer-j": BY_NAME["longer-timer-j"],
}


@pytest.mark.parametrize("name", ["ghost-call", "short-timer-l", "short-timer-j"])
def test_with_the_corrected_machine_the_same_happens_on_the_network_and_the_callee_gets_it_once(
    name: str,
) -> None:
    outcome = replayed(name, CORRECTED[name])
    assert outcome.told["callee"] == [Message.REQUEST]
    assert outcome.left == {}


# ---- what is no mistake


@pytest.mark.parametrize(
    "race", [race for race in RACES if isinstance(race.scenario, Scenario)], ids=lambda race: race.name
)
def test_a_race_ends_as_it_was_found(race: Race) -> None:
    steps = find_race(race, load_model).steps
    assert agrees(steps, replay(race.scenario, steps))


WALKED = {
    scenario.name: scenario.model_copy(update={"network": Network(losses=None, duplicates=3, delay=2)})
    for scenario in SCENARIOS
    if not scenario.network.reliable
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WALKED)
def test_any_run_is_the_same_in_the_running_layer(name: str) -> None:
    for seed in range(80):
        steps = walk(WALKED[name], seed)
        outcome = replay(WALKED[name], steps)
        assert agrees(steps, outcome)
        assert (outcome.later, outcome.left) == ({}, {})
