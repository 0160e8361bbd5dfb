"""Servers that nobody here wrote, judged from outside: what is known to deviate is found again."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from sipfsm.cli.commands import dispatch
from sipfsm.fuzz.rules import Level
from sipfsm.fuzz.verdict import Outcome
from tests.interop.baresip import Baresip
from tests.interop.judging import broken, chosen, judge, outcome, sentences
from tests.interop.kamailio import Kamailio
from tests.interop.laboratory import Laboratory
from tests.interop.process import Program, free_port, is_bound, until

KNOWN = {"proxy-require", "proxy-require-relayed", "unknown-scheme", "sip-version", "IST-22"}
"""What Kamailio 5.6 does otherwise with a usual configuration: it relays an unknown Proxy-Require, has
another answer than 416, none to SIP/7.0, and its transactions send a 2xx again for a copied INVITE."""

CONFORMANT = (
    "invite-trying",
    "invite-again-completed",
    "ack-stops-timer-g",
    "request-again-completed",
    "timer-a-stops",
    "ack-of-failure",
    "cancel",
    "forwarding",
    "dialog",
    "fork-success",
    "max-forwards-0",
    "register",
)


@pytest.mark.slow
def test_what_kamailio_is_known_for_is_found_again(laboratory: Laboratory) -> None:
    server = laboratory.keep(Kamailio(laboratory.folder, no_answer=30))
    deviations = (
        "proxy-require",
        "proxy-require-not-relayed",
        "unknown-scheme",
        "sip-version",
        "invite-again-accepted",
    )
    result = judge(f"sip:127.0.0.1:{server.port}", chosen(*CONFORMANT, *deviations))
    assert broken(result) == KNOWN, sentences(result)
    levels = {verdict.case: verdict.level for verdict in result.verdicts}
    assert levels["proxy-require"] is Level.MUST
    assert levels["unknown-scheme"] is Level.SHOULD
    for name in CONFORMANT:
        assert outcome(result, name) is Outcome.CONFORMANT, name
    said = sentences(result)
    assert "is not passed on, but MESSAGE came" in said
    assert "nothing came instead of 505" in said


@pytest.mark.slow
def test_the_user_agent_of_sipp(laboratory: Laboratory) -> None:
    port = free_port()
    argv = ["sipp", "-sn", "uas", "-nostdin", "-i", "127.0.0.1", "-p", str(port)]
    server = laboratory.keep(Program(argv, laboratory.folder / "sipp.log", cwd=laboratory.folder))
    until(lambda: is_bound(port) or server.exit_code is not None, 10, "SIPp to open its port")
    names = (
        "uas-call",
        "uas-contact",
        "uas-success-again",
        "uas-ack-answered",
        "uas-unknown-dialog",
        "sip-version",
    )
    result = judge(f"sip:127.0.0.1:{port}", chosen(*names))
    for name in ("uas-call", "uas-contact", "uas-success-again", "uas-ack-answered"):
        assert outcome(result, name) is Outcome.CONFORMANT, sentences(result)
    assert broken(result) == {"uas-unknown-dialog"}
    assert outcome(result, "sip-version") is Outcome.NOT_OBSERVABLE, "it does not answer OPTIONS"


@pytest.mark.slow
def test_the_user_agent_of_baresip(laboratory: Laboratory) -> None:
    phone = laboratory.keep(Baresip(laboratory.folder, "alice", free_port()))
    until(lambda: is_bound(phone.sip), 10, "baresip to open its port")
    names = ("uas-call", "uas-contact", "uas-success-again", "uas-bye", "uas-options", "uas-ack-answered")
    result = judge(f"sip:127.0.0.1:{phone.sip}", chosen(*names), user="alice")
    assert not broken(result), sentences(result)
    assert outcome(result, "uas-call") is Outcome.CONFORMANT
    assert outcome(result, "uas-bye") is Outcome.CONFORMANT


def test_a_target_that_dies_is_lost_and_the_report_is_partial(laboratory: Laboratory, tmp_path: Path) -> None:
    server = laboratory.server()
    report = tmp_path / "report.md"
    argv = [sys.executable, "-m", "sipfsm", "conformance", f"sip:127.0.0.1:{server.port}"]
    argv += ["--case", "forwarding", "--case", "ack-stops-timer-g", "--report", str(report)]
    running = Program(argv, tmp_path / "conformance.log", environment={"PYTHONPATH": str(Path.cwd())})
    until(lambda: "forwarding " in running.tail(), 30, "the first verdict")
    server.kill()
    assert running.wait(100) == 3
    assert "target lost" in running.tail()
    assert "`forwarding` | conformant" in report.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("options", [["conformance"], ["fuzz", "--examples", "9999", "--seed", "1"]])
def test_when_it_is_stopped_the_report_has_what_was_seen(
    laboratory: Laboratory, tmp_path: Path, options: list[str]
) -> None:
    server = laboratory.server()
    report = tmp_path / "report.json"
    argv = [sys.executable, "-m", "sipfsm", *options, f"sip:127.0.0.1:{server.port}", "--report", str(report)]
    log = tmp_path / "judge.log"
    with Program(argv, log, environment={"PYTHONPATH": str(Path.cwd())}) as running:
        if options == ["conformance"]:
            until(lambda: "conformant" in log.read_text() or None, 30, "the first verdict")
        else:
            until(lambda: int(server.statistics()["transactions"]) > 50 or None, 30, "some sequences")
        running.signal(signal.SIGINT)
        assert running.wait(60) == 130, running.evidence()
    said = log.read_text()
    assert "stopping; a second time ends at once" in said
    assert "The run was ended early." in said
    assert "Traceback" not in said
    told = json.loads(report.read_text())
    assert told["interrupted"] is True
    assert any(verdict["outcome"] == "conformant" for verdict in told["verdicts"])


@pytest.mark.parametrize("command", ["conformance", "fuzz"])
def test_nobody_at_the_port_is_a_lost_target(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch([command, f"sip:127.0.0.1:{free_port()};transport=tcp"]) == 3
    assert "cannot connect" in capsys.readouterr().err


@pytest.mark.slow
def test_a_silent_target_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["conformance", f"sip:127.0.0.1:{free_port()}", "--case", "forwarding"]) == 3
    assert "answers neither OPTIONS nor REGISTER nor INVITE" in capsys.readouterr().err
