"""What is found out about a forking proxy happens in the running one too, be its models right or broken."""

import pytest

from sipfsm.fsm import load_model
from sipfsm.verify.fork_mail import Kind
from sipfsm.verify.mutants import mutants
from sipfsm.verify.races import RACES, Race, find_race
from sipfsm.verify.results import Step
from sipfsm.verify.scenario import Fork, ForkCallee, ForkCaller, ForkProperty, Network
from sipfsm.verify.scenarios import FORKS
from sipfsm.verify.verify import verify_scenario
from tests.models.changes import finding
from tests.simulation.player import Outcome, agrees, shows
from tests.simulation.replay import replay
from tests.simulation.walks import walk

INVITE, CANCEL, RINGING, SUCCESS = Kind.INVITE, Kind.CANCEL, Kind.PROVISIONAL, Kind.SUCCESS
FAILURE = Kind.FAILURE

(FORK,) = FORKS
SMALL = FORK.model_copy(
    update={
        "network": Network(losses=0, duplicates=0, delay=0),
        "caller": ForkCaller(cancel_within=0),
        "callee": ForkCallee(answers=("101-199", "2xx", "3xx-5xx"), within=0),
    }
)

Runs = tuple[tuple[Step, ...], Outcome, Outcome]


def replayed(model: str, mistake: str, broken: ForkProperty) -> Runs:
    """Find the run that shows a mistake, and do it again with the mistake and without.

    Args:
        model: the machine that has it.
        mistake: the name of the mutant.
        broken: the property that does not hold.
    """
    mutant = next(each.model for each in mutants(load_model(model)) if each.name == mistake)
    assert mutant is not None
    find = finding(mutant)
    verdicts = verify_scenario(SMALL, find).verdicts
    (run,) = (each.counterexample for each in verdicts if each.property == broken)
    assert run is not None, "the verification does not find it"
    outcome = replay(SMALL, run.steps, find)
    assert shows(run.steps, outcome)
    return run.steps, outcome, replay(SMALL, run.steps)


def test_without_timer_c_a_branch_that_rings_is_never_left() -> None:
    _steps, broken, right = replayed("branch", "drop timer C", ForkProperty.F4)
    assert broken.later == {}
    assert (broken.left["contexts"], broken.left["clients"], broken.left["servers"]) == (1, 2, 1)
    assert (right.later["callee 1"], right.later["callee 2"]) == ([CANCEL], [CANCEL])
    assert set(right.later["caller"]) == {FAILURE}
    assert right.left == {}


@pytest.mark.parametrize("mistake", ["drop forward_response of RCX-15", "drop row RCX-15"])
def test_a_second_2xx_is_forwarded(mistake: str) -> None:
    _steps, broken, right = replayed("response-context", mistake, ForkProperty.F2)
    assert broken.sent["caller"] == [SUCCESS]
    assert right.sent["caller"] == [SUCCESS, SUCCESS]
    assert (broken.left, right.left) == ({}, {})


@pytest.mark.parametrize(
    ("model", "mistake"),
    [("response-context", "drop cancel_branches of RCX-07"), ("branch", "drop send_cancel of BRA-18")],
)
def test_a_pending_branch_is_cancelled(model: str, mistake: str) -> None:
    steps, broken, right = replayed(model, mistake, ForkProperty.F3)
    (rings,) = (step.who for step in steps if step.detail == RINGING)
    assert broken.sent[rings] == [INVITE]
    assert right.sent[rings] == [INVITE, CANCEL]
    assert right.left == {}


def test_all_branches_are_waited_for_before_a_failure_goes_upstream() -> None:
    _steps, broken, right = replayed("response-context", "redirect RCX-04 to Completed", ForkProperty.F1)
    assert FAILURE not in broken.sent["caller"]
    assert right.sent["caller"].count(FAILURE) >= 1
    assert broken.left == {"servers": 1, "transaction tasks": 1}
    assert right.left == {}


def test_branches_are_there_because_the_machine_starts_them() -> None:
    _steps, broken, right = replayed("response-context", "drop start_branches of RCX-01", ForkProperty.F1)
    assert "callee 1" not in broken.sent
    assert right.sent["callee 1"][0] == INVITE


# ---- what is no mistake


@pytest.mark.slow
@pytest.mark.parametrize(
    "race", [race for race in RACES if isinstance(race.scenario, Fork)], ids=lambda race: race.name
)
def test_a_race_ends_as_it_was_found(race: Race) -> None:
    steps = find_race(race, load_model).steps
    outcome = replay(race.scenario, steps)
    assert agrees(steps, outcome)
    assert outcome.sent["caller"][-2:] == [SUCCESS, SUCCESS]
    assert outcome.left == {}


WALKED: dict[str, Network] = {
    "one message is lost": FORK.network,
    "many are lost, doubled and late": Network(losses=3, duplicates=3, delay=2),
}


@pytest.mark.slow
@pytest.mark.parametrize("network", WALKED.values(), ids=WALKED.keys())
def test_any_run_is_the_same_in_the_running_proxy(network: Network) -> None:
    fork = FORK.model_copy(update={"network": network})
    runs = [steps for seed in range(66) if len(steps := walk(fork, seed)) > 10]
    assert len(runs) > 30
    for steps in runs:
        outcome = replay(fork, steps)
        assert agrees(steps, outcome)
        assert (outcome.later, outcome.left) == ({}, {})
