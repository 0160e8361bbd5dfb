"""``sipfsm simulate``: what it prints, writes and returns."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sipfsm.cli.commands import dispatch
from sipfsm.fsm import Engine, Timing, load_model
from sipfsm.simulation import town
from sipfsm.simulation.scene import ready_engines

SMALL = ["--users", "8", "--proxies", "2", "--hours", "0.5", "--calls-per-user-hour", "8", "--seed", "4"]


def test_it_tells_what_came_of_calls_and_registrations(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["simulate", *SMALL]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["Simulated"] == "0.5 h, 8 users, 2 proxies, seed 4"
    assert lines["Calls"].split(":")[0].isdecimal()
    assert "answered" in lines["Calls"]
    assert lines["Checks"].endswith(" 0 violations")
    assert len(lines["Digest"]) == 32
    assert int(lines["received.udp"].replace(",", "")) > 100


def test_on_a_terminal_it_is_a_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert dispatch(["simulate", *SMALL]) == 0
    assert "Simulated 0.5 h, 8 users, 2 proxies, seed 4" in " ".join(capsys.readouterr().out.split())


def test_the_report_has_it_as_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "result.json"
    assert dispatch(["simulate", *SMALL, "--report", str(file)]) == 0
    data = json.loads(file.read_text())
    assert data["users"] == 8
    assert data["seed"] == 4
    assert data["violations"] == []
    assert sum(data["outcomes"].values()) == data["calls"]
    assert f"Digest: {data['digest']}" in capsys.readouterr().out


def test_a_violation_is_told_with_its_ladder_and_the_seed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model("response-context")
    rows = [
        each.model_copy(update={"before": ()}) if each.id == "RCX-05" else each for each in model.transitions
    ]
    forgetful = Engine(model.model_copy(update={"transitions": tuple(rows)}), Timing())

    def engines(timing: Timing) -> Mapping[str, Engine]:
        return {**ready_engines(timing), "response-context": forgetful}

    monkeypatch.setattr(town, "ready_engines", engines)
    assert dispatch(["simulate", *SMALL]) == 1
    told = capsys.readouterr().out
    assert "an INVITE without a final response (RFC 3261 16.7 step 6)" in told
    assert "---- INVITE -" in told
    assert told.splitlines()[-1] == "The same run again: the same options, and --seed 4"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--loss", "1.5"], "--loss is a probability, from 0 to 1, not 1.5"),
        (["--duplicate", "-1"], "--duplicate is a probability, from 0 to 1, not -1"),
        (["--delay", "100"], "--delay is a number of seconds, from 0 to 60, not 100"),
        (["--calls-per-user-hour", "0"], "--calls-per-user-hour must be above 0 and at most 1000, not 0"),
        (["--users", "1"], "there can be 2 to 60,000 users, not 1"),
        (["--proxies", "1000"], "there can be 1 to 200 proxies, not 1000"),
        (["--hours", "-1"], "the hours must be above 0 and at most a year, not -1"),
        (["--hours", "nan"], "the hours must be above 0 and at most a year, not nan"),
    ],
)
def test_options_that_cannot_be_are_told_in_a_sentence(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dispatch(["simulate", *options]) == 2
    assert capsys.readouterr().err == f"sipfsm: {sentence}\n"


def test_a_folder_is_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["simulate", "--report", str(tmp_path)]) == 2
    assert capsys.readouterr() == ("", f"sipfsm: {tmp_path} cannot be written: Is a directory\n")


def test_a_report_that_cannot_be_written_is_told_before_anything_is_simulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "no" / "such" / "folder.json"
    assert dispatch(["simulate", "--report", str(file)]) == 2
    assert capsys.readouterr().err == f"sipfsm: {file} cannot be written: No such file or directory\n"


@pytest.mark.parametrize(
    "interruption", [KeyboardInterrupt(), BaseExceptionGroup("of tasks", [KeyboardInterrupt()])]
)
def test_ctrl_c_ends_it_without_a_traceback(
    interruption: BaseException, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise interruption

    monkeypatch.setattr(town, "simulate", interrupted)
    assert dispatch(["simulate", *SMALL]) == 130
    assert capsys.readouterr().err.startswith("sipfsm: stopped before the end")
