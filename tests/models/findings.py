"""All scenarios explored, once for all tests; and what writes the page of findings anew."""

from functools import cache
from pathlib import Path

from sipfsm.fsm import load_model
from sipfsm.verify.findings import write_findings
from sipfsm.verify.results import Result
from sipfsm.verify.scenario import AnyScenario
from sipfsm.verify.scenarios import FINDINGS, FORKS, SCENARIOS
from sipfsm.verify.verify import verify_scenario

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "findings.md"

_EACH: tuple[AnyScenario, ...] = (*SCENARIOS, *FORKS, *FINDINGS)
ALL = {each.name: each for each in _EACH}


@cache
def explored(name: str) -> Result:
    """What the exploration says of a scenario."""
    return verify_scenario(ALL[name], load_model)


def page() -> str:
    """The page, written anew."""
    return write_findings([explored(scenario.name) for scenario in FINDINGS], load_model)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
