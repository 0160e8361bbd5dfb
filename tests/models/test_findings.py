"""All scenarios to their end: over a million states; and the page that tells of them."""

import pytest

from sipfsm.fsm import load_model
from sipfsm.verify.findings import TOLD
from sipfsm.verify.races import RACES, Race, find_race
from sipfsm.verify.scenario import AnyScenario, CallProperty, Property
from sipfsm.verify.scenarios import CALL_FINDINGS, CALLS, FINDINGS, FORKS, SCENARIOS
from tests.models.findings import ALL, PAGE, RECORD, explored, page, record

# In one process: it explores each scenario once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("explorations")]

BROKEN: dict[str, set[Property | CallProperty]] = {
    "ghost-call": {Property.S1},
    "no-timer-c": {Property.S4},
    "short-timer-l": {Property.S1},
    "short-timer-j": {Property.S1},
    "abandoned": {Property.S1},
    "call-hasty-bye": {CallProperty.D1},
}


@pytest.mark.untraced
@pytest.mark.parametrize("name", ALL)
def test_every_scenario_is_decided(name: str) -> None:
    result = explored(name)
    assert result.complete
    assert result.overflowed is False, "then capacity would be a bound, too"
    assert {each.property for each in result.verdicts if each.holds is False} == BROKEN.get(name, set())


@pytest.mark.untraced
def test_over_a_million_states_are_explored() -> None:
    results = [explored(name) for name in ALL]
    assert sum(result.states for result in results) > 1_500_000
    seconds = sum(result.seconds for result in results)
    assert seconds < 180 * sum(result.states for result in results) / 1_000_000


def test_the_page_says_what_is_found() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tests.models.findings"


def test_the_run_that_is_kept_is_what_is_found() -> None:
    assert RECORD.read_text(encoding="utf-8") == record(), "write it anew: python -m tests.models.findings"


def test_every_finding_is_told() -> None:
    told = {name for finding in TOLD for name in (finding.broken, finding.holds) if name is not None}
    findings: tuple[AnyScenario, ...] = (*FINDINGS, *CALL_FINDINGS)
    others: tuple[AnyScenario, ...] = (*SCENARIOS, *FORKS, *CALLS)
    meant_to_hold = {each.name for each in others}
    assert told - meant_to_hold == {each.name for each in findings}
    assert {finding.broken for finding in TOLD} == set(BROKEN)
    assert not set(BROKEN) & meant_to_hold


def test_a_race_that_cannot_happen_is_not_found() -> None:
    never = Race("", "", "", "", ALL["no-timer-c"], lambda _parts, label: label.who == "nobody")
    with pytest.raises(LookupError):
        find_race(never, load_model)


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_a_race_is_found_by_a_short_run(race: Race) -> None:
    run = find_race(race, load_model)
    assert run.steps[0].what == "start"
    assert len(run.steps) <= 10
