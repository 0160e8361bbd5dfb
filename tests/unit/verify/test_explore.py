"""The exploration: what it finds in scenarios whose outcome the RFCs say, and where it stops."""

import pytest

from sipfsm.fsm import load_model, read_model
from sipfsm.verify.explore import Limits, Progress, explore
from sipfsm.verify.results import Counterexample, Result
from sipfsm.verify.scenario import Property
from sipfsm.verify.scenarios import FINDINGS, SCENARIOS
from sipfsm.verify.transactions import Transactions
from sipfsm.verify.verify import verify_scenario

BY_NAME = {scenario.name: scenario for scenario in (*SCENARIOS, *FINDINGS)}


def verify(name: str, limits: Limits | None = None) -> Result:
    return verify_scenario(BY_NAME[name], load_model, limits or Limits())


def counterexample(result: Result, broken: Property) -> Counterexample:
    (verdict,) = (verdict for verdict in result.verdicts if verdict.property is broken)
    assert verdict.counterexample is not None
    return verdict.counterexample


@pytest.mark.parametrize("name", ["invite-reliable", "non-invite", "non-invite-reliable", "with-timer-c"])
def test_all_holds(name: str) -> None:
    result = verify(name)
    assert result.complete
    assert {verdict.holds for verdict in result.verdicts} == {True}
    assert result.overflowed is False


BROKEN = {
    # RFC 6026 3: after the 2xx nobody holds the key, so a copy of the INVITE is a new call.
    "ghost-call": {Property.S1: 5},
    # RFC 3261 17.1.1.2: no timer runs in Proceeding.
    "no-timer-c": {Property.S4: 7},
    # A copy of the INVITE that is sent at 63*T1 and takes one T1 meets no transaction: Timer L is over.
    "short-timer-l": {Property.S1: 24},
    "abandoned": {Property.S1: 7},
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_by_the_shortest_way(name: str) -> None:
    result = verify(name)
    found = {verdict.property: verdict.holds for verdict in result.verdicts}
    assert {each for each, holds in found.items() if holds is False} == set(BROKEN[name])
    for broken, steps in BROKEN[name].items():
        assert len(counterexample(result, broken).steps) == steps


def test_the_ghost_call_is_a_copy_that_comes_after_the_2xx() -> None:
    run = counterexample(verify("ghost-call", Limits(states=5000)), Property.S1)
    assert [(step.what, step.who, step.message or step.detail) for step in run.steps] == [
        ("start", "caller", "start"),
        ("duplicate", "network", "request"),
        ("deliver", "server", "request"),
        ("choose", "callee", "2xx"),
        ("deliver", "server", "request"),
    ]
    assert [step.told for step in run.steps if step.who == "server"] == [("request",), ("request",)]


def test_no_timer_l_but_a_longer_one_is_enough() -> None:
    assert not verify("longer-timer-l").broken


def test_a_run_without_an_end_is_found() -> None:
    """A client that repeats its request for ever: Timer E without Timer F."""
    text = """
        name = "endless"
        initial = "Absent"
        final = ["Terminated"]
        transitions = [
          { id = "X-01", source = "Absent", trigger = "tu_request", dest = "Trying", rfc = "gap" },
          { id = "X-02", source = "Trying", trigger = "timer_E", before = ["start_E"], rfc = "gap" },
          { id = "X-03", source = "Trying", trigger = "response_2xx", dest = "Terminated", rfc = "gap" },
        ]
        [states.Trying]
        on_enter = ["start_E"]
        [states.Terminated]
        on_enter = ["terminate"]
        [timers]
        E = { unreliable = "T1" }
    """
    endless = read_model(text, file="endless.toml")

    def find(name: str) -> object:
        return endless if name == "non-invite-client" else load_model(name)

    scenario = BY_NAME["short-timer-j"].model_copy(update={"properties": (Property.S4,)})
    run = counterexample(verify_scenario(scenario, find), Property.S4)  # type: ignore[arg-type]
    assert run.circle is not None
    repeated = run.steps[run.circle :]
    assert ("fire", "E") in {(step.what, step.detail) for step in repeated}


def test_it_stops_when_it_is_told_to_and_says_what_is_not_decided() -> None:
    seen: list[Progress] = []

    def stopped(progress: Progress) -> bool:
        seen.append(progress)
        return progress.states > 10_000

    result = verify("invite", Limits(stopped=stopped))
    assert not result.complete
    assert {verdict.holds for verdict in result.verdicts} == {None}
    assert 10_000 < result.states < 100_000
    assert [progress.states for progress in seen] == sorted(progress.states for progress in seen)


@pytest.mark.parametrize("limits", [Limits(states=5000), Limits(seconds=0)])
def test_limits(limits: Limits) -> None:
    assert not verify("invite", limits).complete


def test_what_was_found_before_the_stop_counts() -> None:
    result = verify("ghost-call", Limits(states=10_000))
    assert {verdict.property: verdict.holds for verdict in result.verdicts} == {
        Property.S1: False,
        Property.S3: None,
        Property.S4: None,
        Property.S5: None,
    }


def test_a_side_with_too_many_states_is_an_error() -> None:
    composition = Transactions(BY_NAME["invite"], load_model)
    client = composition.sides[0]
    client.states.extend([client.states[0]] * (1 << 16))
    with pytest.raises(OverflowError, match="ClientSide has more than 65536 states"):
        explore(composition, ())
