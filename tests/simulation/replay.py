"""A run of the verification, done again by the running implementation in virtual time.

``python -m tests.simulation.replay REPORT.json`` does so with all counterexamples of a report that
``sipfsm verify --report REPORT.json`` has written.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import trio
from trio.testing import MockClock

from sipfsm.cli.models import find_model
from sipfsm.fsm import load_model
from sipfsm.logs import configure_logging
from sipfsm.verify.report import Report
from sipfsm.verify.results import Counterexample, Step
from sipfsm.verify.scenario import AnyScenario, Fork, Scenario
from tests.simulation.player import Find, Outcome, Player, shows
from tests.simulation.proxy_player import ProxyPlayer
from tests.simulation.transactions_player import TransactionsPlayer


def replay(scenario: AnyScenario, steps: tuple[Step, ...], find: Find = load_model) -> Outcome:
    """Do a run again, with the models and the timers of a scenario.

    Args:
        scenario: who takes part.
        steps: what the network did, and what the ends chose.
        find: gives the model of a name.

    Raises:
        AssertionError: a message that the run speaks of was not sent.
        ValueError: its messages go over a reliable transport, or it is one of dialogs.
    """

    async def play() -> Outcome:
        return await _player(scenario, find).play(steps)

    return trio.run(play, clock=MockClock(autojump_threshold=0))


def _player(scenario: AnyScenario, find: Find) -> Player:
    if scenario.network.reliable:
        raise ValueError("only datagrams can be held until the run says what becomes of them")
    if isinstance(scenario, Fork):
        return ProxyPlayer(scenario, find)
    if isinstance(scenario, Scenario):
        return TransactionsPlayer(scenario, find)
    raise ValueError("the transactions beneath the dialogs of a call are no part of its run")


def replay_report(report: Report) -> Iterator[tuple[bool, str]]:
    """Do all counterexamples again; for each, whether it came out as it says, and a line that tells of it."""
    scenarios = {scenario.name: scenario for scenario in report.scenarios}
    for result in report.results:
        for verdict in result.verdicts:
            if verdict.counterexample is not None:
                yield _judge(scenarios[result.scenario], verdict.counterexample)


def _judge(scenario: AnyScenario, run: Counterexample) -> tuple[bool, str]:
    try:
        outcome = replay(scenario, run.steps, find_model)
    except (AssertionError, ValueError) as error:
        return False, f"{scenario.name} {run.property}: not replayed: {error}"
    same = shows(run.steps, outcome)
    told = "; ".join(f"{lane}: {' '.join(kinds)}" for lane, kinds in sorted(outcome.told.items()))
    left = ", ".join(f"{number} {name}" for name, number in outcome.left.items())
    verdict = "the same" if same else "NOT the same"
    return same, f"{scenario.name} {run.property}: {verdict}; {told}{f'; left: {left}' if left else ''}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 if a run did not come out as it says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    text = parser.parse_args(arguments).report.read_text(encoding="utf-8")
    right = True
    for same, line in replay_report(Report.model_validate_json(text)):
        sys.stdout.write(f"{line}\n")
        right = right and same
    return 0 if right else 1


if __name__ == "__main__":
    configure_logging("error")
    sys.exit(main())
