"""The counterexamples of a report are replayed."""

from pathlib import Path

import pytest

from sipfsm.fsm import load_model
from sipfsm.verify.explore import Limits
from sipfsm.verify.report import Report
from sipfsm.verify.results import Result, Verdict
from sipfsm.verify.scenario import Scenario
from sipfsm.verify.scenarios import CALLS, FINDINGS, SCENARIOS
from sipfsm.verify.verify import verify_scenario
from tests.simulation.replay import main, replay, replay_report

BY_NAME = {scenario.name: scenario for scenario in (*FINDINGS, *SCENARIOS)}


def report_of(scenario: Scenario, result: Result) -> Report:
    return Report(scenarios=(scenario,), results=(result,))


def lines(report: Report) -> list[tuple[bool, str]]:
    return list(replay_report(report))


def explored(name: str) -> Result:
    return verify_scenario(BY_NAME[name], load_model, Limits(states=9000))


def test_a_run_that_breaks_a_property_is_the_same() -> None:
    report = report_of(BY_NAME["no-timer-c"], explored("no-timer-c"))
    read = Report.model_validate_json(report.model_dump_json())
    assert lines(read) == [
        (True, "no-timer-c S4: the same; callee: request; caller: 1xx; left: 1 clients of the client")
    ]


def test_with_other_machines_it_is_not() -> None:
    changed = BY_NAME["ghost-call"].model_copy(
        update={"server": BY_NAME["invite"].server, "client": BY_NAME["invite"].client}
    )
    ((same, line),) = lines(report_of(changed, explored("ghost-call")))
    assert not same
    assert line == "ghost-call S1: NOT the same; callee: request"


def test_a_message_that_was_not_sent_cannot_arrive() -> None:
    result = explored("abandoned")
    (run,) = (each.counterexample for each in result.verdicts if each.counterexample)
    steps = tuple(step.model_copy(update={"age": 2}) if step.age else step for step in run.steps)
    verdict = Verdict(
        property=run.property, holds=False, counterexample=run.model_copy(update={"steps": steps})
    )
    changed = result.model_copy(update={"verdicts": (verdict,)})
    ((same, line),) = lines(report_of(BY_NAME["abandoned"], changed))
    assert not same
    assert line.startswith("abandoned S1: not replayed: there is no ")


def test_only_datagrams_can_be_held() -> None:
    with pytest.raises(ValueError, match="only datagrams"):
        replay(BY_NAME["invite-reliable"], ())


def test_a_call_is_without_the_transactions_that_could_be_replayed() -> None:
    with pytest.raises(ValueError, match="beneath the dialogs of a call"):
        replay(CALLS[0], ())


def test_a_report_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    file.write_text(
        report_of(BY_NAME["abandoned"], explored("abandoned")).model_dump_json(), encoding="utf-8"
    )
    assert main([str(file)]) == 0
    assert "abandoned S1: the same; callee: request request\n" in capsys.readouterr().out
