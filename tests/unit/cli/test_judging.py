"""The commands `conformance` and `fuzz`: what is typed wrongly, and what is printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sipfsm.cli.commands import dispatch
from sipfsm.cli.judging import Progress, finish
from sipfsm.fuzz.catalogue import CASES
from tests.unit.fuzz.samples import LOST, RESULT

LOCAL = "sip:127.0.0.1:5060"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["conformance"], "which server?"),
        (["conformance", "http://127.0.0.1"], "is no target"),
        (["conformance", "sip:bücher"], "is no target"),
        (
            ["conformance", f"{LOCAL};transport=sctp"],
            "transport is one of udp, tcp, tls, ws, wss, not 'sctp'",
        ),
        (["conformance", "sip:192.0.2.1"], "--i-may-test-this-host"),
        (["conformance", LOCAL, "--case", "nonsense"], "there is no case 'nonsense'"),
        (["conformance", LOCAL, "--role", "phone"], "--role is uas, uac, both, not 'phone'"),
        (["conformance", LOCAL, "--rate", "0"], "--rate is above 0"),
        (["conformance", LOCAL, "--t1", "0"], "--t1: "),
        (["conformance", LOCAL, "--report", "report.pdf"], "has to end in .md, .xml, .json"),
        (["conformance", LOCAL, "--report", "nowhere/report.md"], "there is no folder nowhere"),
        (["conformance", "sips:127.0.0.1", "--ca", "nowhere.pem"], "no certificates can be read"),
        (["fuzz", LOCAL, "--examples", "0"], "--examples is at least 1"),
        (["fuzz", LOCAL, "--seconds", "0"], "--seconds is above 0"),
        (["fuzz", LOCAL, "--role", "phone"], "--role is"),
        (["fuzz"], "fuzz"),
    ],
)
def test_what_is_typed_wrongly_gets_a_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dispatch(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize("command", ["conformance", "fuzz"])
def test_a_name_that_does_not_resolve_is_a_lost_target(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    assert dispatch([command, "sip:nobody.invalid", "--report", str(report)]) == 3
    assert "the name nobody.invalid does not resolve" in capsys.readouterr().err
    assert json.loads(report.read_text())["exit_code"] == 3


def test_the_list_names_every_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["conformance", "--list"]) == 0
    listed = capsys.readouterr().out
    assert all(f"{case.name} " in listed and case.title in listed for case in CASES)


def test_a_reader_that_goes_away_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stdout", Gone())
    assert dispatch(["conformance", "--list"]) == 0


def test_the_end_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = [tmp_path / "report.md", tmp_path / "report.xml"]
    assert finish(RESULT, reports, None) == 1
    assert all(path.exists() for path in reports)
    assert capsys.readouterr().out.startswith("3 cases in")


def test_a_lost_target_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert finish(LOST, [], None) == 3
    assert capsys.readouterr().err == "sipfsm: target lost: nobody is there\n"


def test_a_report_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "report.md"
    folder.mkdir()
    assert finish(RESULT, [folder], None) == 2
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--report", "--artifacts"])
def test_what_cannot_be_written_is_told_before_it_begins(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken.md"
    if option == "--report":
        taken.mkdir()
    else:
        taken.write_text("")
    assert dispatch(["conformance", "sip:127.0.0.1:9", option, str(taken)]) == 2
    assert f"sipfsm: {taken}: cannot be written: " in capsys.readouterr().err


def test_on_a_terminal_there_is_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with Progress(3) as progress:
        for verdict in RESULT.verdicts:
            progress.show(verdict)
    printed = capsys.readouterr().out
    assert "first" in printed
    assert "in Completed, <nothing> | came" in printed


def test_else_there_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(3) as progress:
        progress.show(RESULT.verdicts[2])
    assert capsys.readouterr().out == "third                        not observable\n    silence\n"
