"""A deviation as a test that needs pytest and the standard library only."""

from __future__ import annotations

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
    expectation = judgement.expectation
    protocol = result.protocol
    if expectation is None or protocol not in {"udp", "tcp", "tls"}:
        raise UnwritableError
    timing = result.timing
    script = recording.script
    lines = [
        f'"""{_doc(str(judgement))}.',
        "",
        "This test fails as long as the server deviates. It needs pytest and the standard library. What went",
        f"over the wire when it was found is in {capture}. SIP_TARGET=HOST:PORT in the environment",
        "names the server.",
        '"""',
        "",
        *_player_source(),
        "",
        "",
        f"def {_name(judgement)}() -> None:",
        "    import os",
        "",
        f'    host, _, port = os.environ.get("SIP_TARGET", "{result.address}").rpartition(":")',
        f"    play = Play(host, int(port), {protocol!r}, {script.players!r}, {_words(recording)!r})",
        "    try:",
    ]
    for step in script.steps:
        lines += [f"        {line}" for line in _step(step, timing)]
    lines += _check(judgement)
    lines += ["    finally:", "        play.close()", ""]
    return "\n".join(lines)


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
