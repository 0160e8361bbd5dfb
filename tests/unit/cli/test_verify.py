"""`sipfsm verify`: what it prints, what it writes, and its exit codes."""

import json
import re
import signal
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from sipfsm.cli import main
from sipfsm.fsm import load_model
from sipfsm.verify.composition import Composition
from sipfsm.verify.report import Report
from sipfsm.verify.scenario import Scenario
from sipfsm.verify.scenarios import SCENARIOS
from sipfsm.verify.verify import verify_scenario
from tests.interop.process import Program, until

Printed = pytest.CaptureFixture[str]

BROKEN_MODEL = """
name = "forgetful"
initial = "Absent"
final = ["Terminated"]
[[transitions]]
id = "X-01"
source = "Absent"
trigger = "request"
dest = "Trying"
before = ["pass_request"]
rfc = "gap"
[[transitions]]
id = "X-02"
source = "Trying"
trigger = ["tu_2xx", "tu_300_699"]
dest = "Terminated"
before = ["send_response"]
rfc = "gap"
[states.Terminated]
on_enter = ["terminate"]
"""


def test_a_machine_and_its_compositions_hold(capsys: Printed) -> None:
    assert main(["verify", "non-invite-server"]) == 0
    out, err = capsys.readouterr()
    assert "holds  non-invite-server: complete, deterministic, reachable, can end" in out
    assert "holds  non-invite (explore)" in out
    assert "holds  non-invite-reliable (explore)" in out
    assert out.splitlines()[-1].startswith("Everything holds: 1 machine, 2 compositions, 8,5")
    assert not err


def test_a_machine_that_is_in_no_composition_is_checked_alone(capsys: Printed) -> None:
    assert main(["verify", "binding", "connection"]) == 0
    out = capsys.readouterr().out
    assert "pairs without a row)" in out
    assert out.splitlines()[-1] == "Everything holds: 2 machines, 0 compositions, 0 states."


def test_the_machines_of_a_proxy_are_composed(capsys: Printed) -> None:
    assert main(["verify", "branch", "--max-states", "5000"]) == 4
    out = capsys.readouterr().out
    assert "holds  branch: complete" in out
    assert "F1 is not decided, F2 is not decided, F3 is not decided, F4 is not decided" in out


def test_what_is_broken_is_told_with_its_run(capsys: Printed) -> None:
    assert main(["verify", "--scenario", "ghost-call", "--max-states", "5000"]) == 1
    out = capsys.readouterr().out
    assert "S1 is broken, S3 is not decided" in out
    assert "|------------ request ----------->|-- request ->|      IST-01" in out
    assert "S1: the callee is given the request a second time" in out


def test_a_machine_of_ones_own_takes_the_place_of_the_built_in_one(tmp_path: Path, capsys: Printed) -> None:
    """It ends with its answer, so that a copy of the request is a new one; and not all is written down."""
    own = tmp_path / "own.toml"
    own.write_text(BROKEN_MODEL)
    assert main(["verify", str(own)]) == 1
    out = capsys.readouterr().out
    assert "FAILS  forgetful: " in out
    assert "not complete: state Trying: no row for transport_error" in out
    assert "FAILS  non-invite-with-forgetful (explore)" in out
    assert "X-01" in out


def test_a_model_with_a_mistake_is_told_by_file_row_and_reason(tmp_path: Path, capsys: Printed) -> None:
    own = tmp_path / "own.toml"
    own.write_text(BROKEN_MODEL.replace('["send_response"]', '["send_answer"]'))
    assert main(["verify", str(own)]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(f"{own}: row X-02: ")
    assert "send_answer" in err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nonsense"], "no built-in model has this name"),
        (["no/such/file.toml"], "cannot be read"),
        (["--scenario", "nonsense"], "there is no scenario 'nonsense'; there are invite, "),
        (["branch", "--scenario", "invite"], "a MODEL and --scenario do not go together"),
        (["--report", "report.html"], "--report report.html: the name must end in .md or .json"),
        (["--losses", "16"], "--losses 16: a number up to 15, or any"),
        (["--losses", "-1"], "--losses"),
        (["--duplicates", "16"], "--duplicates 16: a number from 0 to 15"),
        (["--delay", "65"], "--delay 65: a number from 0 to 64"),
        (["--engine", "guess"], "--engine"),
        (["--max-states", "many"], "--max-states"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    arguments: list[str], reason: str, capsys: Printed
) -> None:
    assert main(["verify", *arguments]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert reason in err
    assert "Traceback" not in err


def test_a_limit_leaves_it_open(capsys: Printed) -> None:
    assert main(["verify", "--scenario", "invite", "--max-states", "5000"]) == 4
    out = capsys.readouterr().out
    assert "open   invite (explore)" in out
    assert "(not all within the bounds)" in out
    assert out.splitlines()[-1].startswith("Nothing broken, but not all was seen: ")


def test_bounds_that_are_too_wide_are_told(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_composition: Composition) -> None:  # to fill it for real takes minutes
        raise OverflowError("ClientSide has more than 65536 states")

    monkeypatch.setattr(Composition, "check_room", full)

    assert main(["verify", "--scenario", "invite-reliable"]) == 2
    told = capsys.readouterr().err
    assert "invite-reliable: ClientSide has more than 65536 states" in told
    assert "take fewer losses" in told


def test_a_terminal_shows_how_far_it_is(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["verify", "--scenario", "invite", "--max-states", "9000"]) == 4
    out, err = capsys.readouterr()
    assert re.search(r"[\d,]+ states, \d+ steps deep, [\d,]+ a second", err)
    assert (
        "open   invite (explore): INVITE over an unreliable transport; 1 lost, 1 duplicated, up to 2 T1"
        in out
    )


def test_bounds_are_those_asked_for(capsys: Printed) -> None:
    arguments = ["--losses", "any", "--duplicates", "0", "--delay", "0"]
    assert main(["verify", *arguments, "--scenario", "non-invite", "--scenario", "non-invite-reliable"]) == 0
    out = capsys.readouterr().out
    assert "any number of losses, 0 duplicated, up to 0 T1 late" in out
    assert "; reliable, up to 0 T1 late" in out


def test_a_report_for_programs(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    assert main(["verify", "--scenario", "no-timer-c", "--report", str(file)]) == 1
    report = Report.model_validate(json.loads(file.read_text()))
    (result,) = report.results
    assert (result.engine, result.scenario, result.complete) == ("explore", "no-timer-c", True)
    (broken,) = (verdict for verdict in result.verdicts if verdict.holds is False)
    assert broken.counterexample is not None
    assert broken.counterexample.steps[-1].detail == "abandon"
    scenario = report.scenarios[0]
    assert isinstance(scenario, Scenario)
    assert scenario.caller.patience is None


def test_a_report_for_people(tmp_path: Path) -> None:
    file = tmp_path / "report.md"
    assert main(["verify", "invite-client", "--max-states", "3000", "--report", str(file)]) == 4
    text = file.read_text()
    assert "1 duplicated, up to 2 T1 late, reordered; answered within 2 T1 of the request; the caller" in text
    assert "| invite-client | yes | yes | yes | yes | yes | Proceeding: the other side, the" in text
    assert "Nothing broken was found, but not all states were seen." in text


def test_a_report_of_what_fails(tmp_path: Path) -> None:
    own, file = tmp_path / "own.toml", tmp_path / "report.md"
    own.write_text(BROKEN_MODEL)
    assert main(["verify", str(own), "branch", "--max-states", "5000", "--report", str(file)]) == 1
    text = file.read_text()
    assert "Something does not hold." in text
    assert "- forgetful: complete: state Trying: no row for transport_error" in text
    assert "## non-invite-with-forgetful: S1 (explore)\n\nThe callee is given the request a second" in text
    assert "    server->>callee: request" in text
    assert "answered within 1 T1 of the request, or when cancelled, or never; cancelled within 1 T1" in text


def test_a_report_that_cannot_be_written_is_told_before_anything_is_verified(
    tmp_path: Path, capsys: Printed
) -> None:
    file = tmp_path / "none" / "report.md"
    assert main(["verify", "binding", "--report", str(file)]) == 1
    told = f"sipfsm verify: {file}: cannot be written: No such file or directory\n"
    assert capsys.readouterr() == ("", told)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (["--max-states", "0"], "--max-states 0: a number from 1"),
        (["--seconds", "0"], "--seconds 0: a number above 0"),
        (["--seconds", "-1"], "--seconds -1: a number above 0"),
        (["--seconds", "nan"], "--seconds nan: a number above 0"),
        (["--seconds", "inf"], "--seconds inf: a number above 0"),
    ],
)
def test_a_limit_with_which_nothing_could_be_seen_is_refused(
    limit: list[str], reason: str, capsys: Printed
) -> None:
    assert main(["verify", "--scenario", "no-timer-c", *limit]) == 2
    assert capsys.readouterr() == ("", f"sipfsm verify: {reason}\nTry: sipfsm verify --help\n")


def test_the_compositions_are_listed(capsys: Printed) -> None:
    assert main(["verify", "--list"]) == 0
    assert "ghost-call " in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_when_it_is_stopped_it_says_how_far_it_came(number: signal.Signals, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    bounds = ["--losses", "9", "--duplicates", "9", "--delay", "9"]
    command = [sys.executable, "-m", "sipfsm", "verify", "invite-server", *bounds, "--report", str(report)]
    with Program(command, tmp_path / "log") as process:
        until(lambda: "invite-server: complete" in process.evidence() or None, 30, "the first machine")
        process.signal(number)
        assert process.wait(30) == 130, process.evidence()
        assert "Stopped; nothing broken by then: 1 machine," in process.evidence()
    assert Report.model_validate_json(report.read_text()).stopped


@pytest.mark.slow
def test_two_engines_are_compared(tmp_path: Path, capsys: Printed) -> None:
    file = tmp_path / "report.md"
    engines = ["--engine", "explore", "--engine", "spin"]
    assert main(["verify", "--scenario", "with-timer-c", *engines, "--report", str(file)]) == 0
    agreed = "with-timer-c: explore and spin agree, on 36 states as well."
    assert agreed in capsys.readouterr().out.splitlines()
    assert agreed in file.read_text()


def test_an_engine_that_is_not_installed_is_told_with_what_installs_it(
    tmp_path: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["verify", "--scenario", "no-timer-c", "--engine", "spin"]) == 3
    told = "sipfsm verify: spin is not installed; install it with: apt install spin gcc libc6-dev\n"
    assert capsys.readouterr().err == told


def test_a_timer_that_spin_cannot_count_is_told(tmp_path: Path, capsys: Printed) -> None:
    own = tmp_path / "own.toml"
    text = files("sipfsm.models").joinpath("non-invite-client.toml").read_text()
    own.write_text(text.replace('F = { unreliable = "64*T1"', 'F = { unreliable = "20000"'))
    assert main(["verify", str(own), "--engine", "spin"]) == 4
    assert "timer F of non-invite-client is 40000 ticks long" in capsys.readouterr().err


def test_a_proxy_is_for_both_engines(capsys: Printed) -> None:
    assert main(["verify", "--scenario", "fork", "--engine", "spin", "--seconds", "0.01"]) == 4
    assert "F1 is not decided, F2 is not decided" in capsys.readouterr().out


def test_engines_that_do_not_agree_are_told() -> None:
    explored = verify_scenario(SCENARIOS[3], load_model)
    other = explored.model_copy(update={"engine": "spin", "states": explored.states + 1})
    (sentence,) = Report(results=(explored, other)).disagreements()
    assert sentence == "non-invite-reliable: explore and spin do not agree: 75 and 76 states"
    assert Report(results=(explored, other)).agreements() == []
    undecided = other.model_copy(update={"states": 75, "complete": False})
    assert Report(results=(explored, undecided)).disagreements() == []
    assert Report(results=(explored, undecided)).agreements() == []


@pytest.mark.slow
def test_a_second_interruption_ends_it_at_once(tmp_path: Path) -> None:
    bounds = ["--losses", "9", "--duplicates", "9", "--delay", "9"]
    command = [sys.executable, "-m", "sipfsm", "verify", "invite-server", *bounds]
    with Program(command, tmp_path / "log") as process:
        until(lambda: "invite-server: complete" in process.evidence() or None, 30, "the first machine")
        process.signal(signal.SIGINT)
        process.signal(signal.SIGINT)
        assert process.wait(30) == 130, process.evidence()
        assert "Traceback" not in process.evidence()


def test_a_call_is_explored_and_is_not_for_spin(capsys: Printed) -> None:
    assert main(["verify", "dialog-caller", "dialog-callee", "offer", "--max-states", "50"]) == 4
    out = capsys.readouterr().out
    assert "holds  dialog-caller: complete, deterministic, reachable, can end" in out
    assert "open   call-re-invite (explore): A call with a re-INVITE of each side" in out
    for arguments in (["--scenario", "call"], ["dialog-callee"]):
        assert main(["verify", *arguments, "--engine", "spin"]) == 2
        assert capsys.readouterr().err.splitlines()[0] == (
            "sipfsm verify: --engine spin: call: "
            "dialogs are not written as Promela; the engine explore checks them"
        )


def test_a_bye_before_the_ack_is_told_with_both_dialogs(capsys: Printed) -> None:
    assert main(["verify", "--scenario", "call-hasty-bye"]) == 1
    out = capsys.readouterr().out
    assert "D1 is broken, D2 holds, D3 holds, D4 holds, D5 holds, D6 holds" in out
    assert "D1: nothing can happen any more, and the caller still has its dialog" in out
