"""A deviation as a test that needs pytest and the standard library only."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

from sipfsm.fsm import Timing
from sipfsm.fuzz.pattern import Pattern
from sipfsm.fuzz.player.recording import Recording
from sipfsm.fuzz.runner import Result
from sipfsm.fuzz.script import Answer, Pause, Receive, Send, Silence, Step
from sipfsm.fuzz.verdict import Claim, Judgement
from sipfsm.message import REASON_PHRASES

_SLACK = 1.2
"""How much longer a test waits than the verdict did."""


class UnwritableError(Exception):
    """The deviation cannot be told to a test."""


def as_test(recording: Recording, judgement: Judgement, result: Result, capture: str) -> str:
    """Return the text of a test that fails as long as a server deviates.

    Raises:
        UnwritableError: it needs what only sipfsm can check, or a transport that the test cannot speak.
    """
    if judgement.expectation is None:
        raise UnwritableError
    head = [
        f"{_doc(str(judgement))}.",
        "",
        "This test fails as long as the server deviates. It needs pytest and the standard library. What went",
        f"over the wire when it was found is in {capture}. SIP_TARGET=HOST:PORT in the environment",
        "names the server.",
    ]
    return _test(head, _name(judgement), recording, result, _check(judgement))


def as_test_of_life(recording: Recording, result: Result, capture: str) -> str:
    """Return the text of a test that fails as long as a case leaves a server unable to answer.

    Raises:
        UnwritableError: the server answers no OPTIONS, or speaks a transport that the test cannot speak.
    """
    if result.setting is None or not result.setting.options:
        raise UnwritableError
    head = [
        "The server did not answer any more after this, or after what was played beside it.",
        "",
        "This test fails as long as it leaves the server silent. It needs pytest and the standard library.",
        f"What went over the wire is in {capture}. SIP_TARGET=HOST:PORT in the environment names the server.",
    ]
    check = ['        assert play.is_alive(), "the server does not answer any more"']
    return _test(head, "test_the_server_survives", recording, result, check, patient=False)


def _test(
    head: list[str],
    name: str,
    recording: Recording,
    result: Result,
    check: list[str],
    *,
    patient: bool = True,
) -> str:
    """Write a test that plays a case and checks something; if not patient, whatever the server answers."""
    if result.protocol not in {"udp", "tcp", "tls"}:
        raise UnwritableError
    script = recording.script
    lines = [
        f'"""{head[0]}',
        *head[1:],
        '"""',
        "",
        *_player_source(),
        "",
        "",
        f"def {name}() -> None:",
        "    import os",
        "",
        f'    host, _, port = os.environ.get("SIP_TARGET", "{result.address}").rpartition(":")',
        f"    play = Play(host, int(port), {result.protocol!r}, {script.players!r}, {_words(recording)!r})",
        "    try:",
    ]
    for step in script.steps:
        if isinstance(step, Receive) and not patient:
            step = replace(step, optional=True)
        lines += [f"        {line}" for line in _step(step, result.timing)]
    return "\n".join([*lines, *check, "    finally:", "        play.close()", ""])


def _doc(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _name(judgement: Judgement) -> str:
    return "test_" + "".join(letter if letter.isalnum() else "_" for letter in judgement.rule.id.lower())


def _words(recording: Recording) -> dict[str, str]:
    return {"aor": recording.words["aor"]} if "aor" in recording.words else {}


def _player_source() -> list[str]:
    source = files("sipfsm.fuzz.artifacts").joinpath("standalone.py").read_text(encoding="utf-8")
    lines = source.rstrip().split("\n")
    start = lines.index("from __future__ import annotations")
    return [line.partition("  # type: ignore")[0].partition("  # noqa")[0] for line in lines[start:]]


def _step(step: Step, timing: Timing) -> list[str]:
    match step:
        case Send():
            return [f"play.send({step.who!r}, {step.message!r})"]
        case Answer():
            reason = step.reason or REASON_PHRASES.get(step.status, "Answer")
            more = f", fields={step.fields!r}" if step.fields else ""
            call = f"{step.who!r}, {step.method!r}, {step.status}, {reason!r}, tag={step.tag!r}{more}"
            return [f"play.answer({call})"]
        case Pause():
            return [f"play.pause({timing.delay(step.lasting):g})"]
        case Silence():
            return [f"play.pause({timing.delay(step.lasting):g})  # {step.who} must not get {step.pattern}"]
        case Receive():
            optional = step.optional or step.rule is not None
            call = f"{step.who!r}, {_pattern(step.pattern)}, within={timing.delay(step.within):g}"
            return [f"play.receive({call}, optional={optional})"]


def _pattern(pattern: Pattern) -> str:
    return repr((pattern.method, pattern.statuses, pattern.fields, pattern.absent, pattern.branch_of))


def _check(judgement: Judgement) -> list[str]:
    expectation = judgement.expectation
    assert expectation is not None
    within = expectation.within * _SLACK
    after = max(0, expectation.after)
    wanted = _pattern(expectation.pattern)
    call = f"play.count({expectation.who!r}, {wanted}, after={after}, within={within:.2f})"
    relation = ">=" if expectation.claim is Claim.ARRIVES else "<="
    return [
        f"        found = {call}",
        f"        assert found {relation} {expectation.count}, {str(judgement)!r}",
    ]
