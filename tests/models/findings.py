"""All scenarios explored, once for all tests; and what writes the pages of findings and of races anew.

A run that takes long to find is kept as a report as well, for the tests that replay it.
"""

from functools import cache
from pathlib import Path

from sipfsm.fsm import load_model
from sipfsm.verify.crossings import Crossing, find_runs
from sipfsm.verify.dialog_races import write_races
from sipfsm.verify.findings import write_findings
from sipfsm.verify.report import Report
from sipfsm.verify.results import Counterexample, Result
from sipfsm.verify.scenario import AnyScenario
from sipfsm.verify.scenarios import CALL_FINDINGS, CALLS, FINDINGS, FORKS, SCENARIOS
from sipfsm.verify.verify import verify_scenario

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "findings.md"

RECORD = Path(__file__).with_name("short-timer-j.json")
RACES_PAGE = PAGE.with_name("races.md")

_EACH: tuple[AnyScenario, ...] = (*SCENARIOS, *FORKS, *CALLS, *FINDINGS, *CALL_FINDINGS)
ALL = {each.name: each for each in _EACH}


@cache
def explored(name: str) -> Result:
    """What the exploration says of a scenario."""
    return verify_scenario(ALL[name], load_model)


def page() -> str:
    """The page, written anew."""
    names = [*(scenario.name for scenario in FINDINGS), *(call.name for call in CALL_FINDINGS)]
    return write_findings([explored(name) for name in (*names, "call")], load_model)


@cache
def races() -> dict[str, dict[Crossing, Counterexample]]:
    """The races of every call, with a shortest run to each."""
    return {call.name: find_runs(call, load_model) for call in (*CALLS, *CALL_FINDINGS)}


def record() -> str:
    """The report that is kept, written anew."""
    result = explored("short-timer-j").model_copy(update={"seconds": 0.0})
    report = Report(scenarios=(ALL["short-timer-j"],), results=(result,))
    return report.model_dump_json(indent=1, exclude_defaults=True) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    RECORD.write_text(record(), encoding="utf-8")
    RACES_PAGE.write_text(write_races(races()), encoding="utf-8")
