"""A deviation as SIPp scenarios: one for each player, which SIPp runs against the server."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from sipfsm.fsm import Timing
from sipfsm.fuzz.pattern import Pattern
from sipfsm.fuzz.player.recording import Recording
from sipfsm.fuzz.runner import Result
from sipfsm.fuzz.script import Answer, Pause, Receive, Send, Silence, Step
from sipfsm.fuzz.verdict import Claim, Expectation, Judgement
from sipfsm.message import REASON_PHRASES

_WORD = re.compile(r"\{(\w+)\}")
_KEYWORDS = {
    "target": "[remote_ip]:[remote_port]",
    "transport": "[transport]",
    "caller": "[local_ip]:[local_port]",
    "call_id": "[call_id]",
    "to_tag_param": "[peer_tag_param]",
    "remote_uri": "[next_url]",
    "routes": "[routes]\r\n",
    "user": "sipfsm[pid]",
}
_PROVISIONAL = (100, 180, 183)
_TEXT = re.compile(r"[\t\r\n -~]*\Z")


class ScenarioError(Exception):
    """The case cannot be told to SIPp."""


def scenarios(recording: Recording, judgement: Judgement, result: Result) -> dict[str, str]:
    """Return the text of a scenario for each player.

    The one of the player that should have seen something ends with that: SIPp fails as long as the server
    deviates, if it is told to take copies for messages (`-nr`).

    Raises:
        ScenarioError: a message has bytes that the text of a scenario cannot hold.
    """
    if result.protocol not in {"udp", "tcp"}:
        raise ScenarioError
    script = recording.script
    writer = _Writer(recording, result.timing, judgement.expectation)
    written = {}
    for who in script.players:
        parts = writer.steps(who)
        callees = [each for each in script.players if each not in {who, "caller"}]
        keys = "".join(f" -key {each} HOST:PORT" for each in callees if who == "caller")
        command = f"sipp -sf FILE{keys} -m 1 -nr -p PORT{_transport(result)}"
        command += f" {result.address}" if who == "caller" else " (start it first)"
        head = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<!DOCTYPE scenario SYSTEM "sipp.dtd">',
            f"<!-- {_comment(str(judgement))}",
            f"     The {who} of this case: {_comment(command)} -->",
            f'<scenario name="{escape(judgement.rule.id)} {who}">',
        ]
        written[who] = "\n".join([*head, *parts, "</scenario>", ""])
    return written


def _transport(result: Result) -> str:
    return " -t t1" if result.protocol == "tcp" else ""


def _comment(text: str) -> str:
    return text.replace("--", "- -").replace("<", "(").replace(">", ")")


class _Writer:
    def __init__(self, recording: Recording, timing: Timing, expectation: Expectation | None) -> None:
        self._script = recording.script
        self._timing = timing
        self._found = {
            report.number: report.packet.message for report in recording.reports if report.packet is not None
        }
        self._check = [] if expectation is None else _check(expectation)
        self._checked = "" if expectation is None else expectation.who
        self._place, self._replaces = _place(self._script.steps, expectation)
        self._aor = recording.words.get("aor", "")

    def steps(self, who: str) -> list[str]:
        lines: list[str] = []
        for number, step in enumerate(self._script.steps):
            checks = who == self._checked and number == self._place
            if checks and self._replaces:
                lines += self._check
                continue
            if isinstance(step, Pause):
                # Behind the check nobody has to wait, and what comes while SIPp pauses would fail the call.
                lines += self._pause(step.lasting) if number < self._place else []
            elif self._player_of(step) == who:
                lines += self._step(number, step)
            if checks:
                lines += self._check
        return lines

    def _player_of(self, step: Step) -> str:
        """Return whose scenario a step is in: registrations are made by the caller, for the callees."""
        assert not isinstance(step, Pause)
        registers = (isinstance(step, Send) and step.message.startswith(b"REGISTER ")) or (
            isinstance(step, Receive) and step.pattern.method == "REGISTER"
        )
        return self._script.players[0] if registers else step.who

    def _step(self, number: int, step: Step) -> list[str]:
        match step:
            case Send():
                return _send(self._fill(step.message.decode("latin-1"), step.who))
            case Answer():
                return _send(self._answer(step))
            case Receive():
                return self._receive(number, step)
            case Silence():
                return self._pause(step.lasting)
            case Pause():
                return []

    def _pause(self, lasting: str) -> list[str]:
        return [f'  <pause milliseconds="{round(1000 * self._timing.delay(lasting))}"/>']

    def _receive(self, number: int, step: Receive) -> list[str]:
        if step.pattern.statuses is None:
            method = step.pattern.method or "INVITE"
            return [f'  <recv request="{method}" timeout="20000"/>']
        found = self._found.get(number)
        status = (
            step.pattern.statuses[0] if found is None else getattr(found, "status", step.pattern.statuses[0])
        )
        lines = [
            f'  <recv response="{early}" optional="true"/>'
            for early in _PROVISIONAL
            if status >= 200 and step.pattern.method in {"INVITE", ""}
        ]
        timeout = round(1000 * self._timing.delay(step.within)) + 1000
        return [*lines, f'  <recv response="{status}" rrs="true" timeout="{timeout}"{_fields(step.pattern)}']

    def _answer(self, step: Answer) -> str:
        reason = step.reason or REASON_PHRASES.get(step.status, "Answer")
        tag = "" if step.status == 100 else f";tag={self._fill(step.tag, step.who)}"
        lines = [f"SIP/2.0 {step.status} {reason}", "[last_Via:]", "[last_From:]", f"[last_To:]{tag}"]
        lines += ["[last_Call-ID:]", "[last_CSeq:]"]
        if step.method == "INVITE" and 100 < step.status < 300:
            lines += [
                "[last_Record-Route:]",
                f"Contact: <sip:{step.who}@[local_ip]:[local_port];transport=[transport]>",
            ]
        lines += [self._fill(line, step.who) for line in step.fields]
        return "\r\n".join([*lines, "Content-Length: 0", "", ""])

    def _fill(self, text: str, who: str) -> str:
        if _TEXT.match(text) is None or "[" in text or "]]>" in text:
            raise ScenarioError
        return _WORD.sub(lambda match: self._word(match[1], who), text)

    def _word(self, name: str, who: str) -> str:
        if name == "aor":
            return self._fill(self._aor, who)
        if name in _KEYWORDS:
            return _KEYWORDS[name]
        if name.startswith("branch"):
            return f"z9hG4bK[pid]x[call_number]{name}"
        if name.startswith("call_id"):
            return "[call_id]"
        if name.startswith("tag"):
            return f"[pid]x[call_number]{name}"
        player = name.removesuffix("_uri")
        address = (
            "[local_ip]:[local_port]" if player in {who, "caller"} and player == "caller" else f"[{player}]"
        )
        return f"sip:{player}@{address};transport=[transport]" if name.endswith("_uri") else address


def _fields(pattern: Pattern) -> str:
    """Return the end of a `recv`, with a check of each field that the pattern names."""
    if not pattern.fields:
        return "/>"
    lines = [">", "    <action>"]
    for number, (name, expression) in enumerate(pattern.fields):
        plain = escape(re.sub(r"\\s", "[ ]", expression), {'"': "&quot;"})
        where = f'search_in="hdr" header="{name}:"'
        lines.append(f'      <ereg regexp="{plain}" {where} check_it="true" assign_to="f{number}"/>')
        lines.append(f'      <log message="[$f{number}]"/>')
    return "\n".join([*lines, "    </action>", "  </recv>"])


def _place(steps: tuple[Step, ...], expectation: Expectation | None) -> tuple[int, bool]:
    """Return behind which step the check stands, and whether it stands in the place of that step."""
    if expectation is None:
        return -1, False
    place, left = max(0, expectation.after), expectation.count
    for number, step in enumerate(steps):
        if number <= place or not isinstance(step, Receive) or step.who != expectation.who:
            continue
        if not _alike(step.pattern, expectation.pattern):
            continue
        if left <= 1:
            return (number, True) if expectation.claim is Claim.ARRIVES else (place, False)
        place, left = number, left - 1
    return place, False


def _alike(first: Pattern, second: Pattern) -> bool:
    """Whether two patterns can mean the same message."""
    if (first.statuses is None) != (second.statuses is None) or (
        first.method or second.method
    ) != second.method:
        return False
    if first.statuses is None or second.statuses is None:
        return True
    return first.statuses[0] <= second.statuses[1] and second.statuses[0] <= first.statuses[1]


def _check(expectation: Expectation) -> list[str]:
    """Return what fails the call if the server deviates."""
    pattern = expectation.pattern
    milliseconds = round(1000 * expectation.within) + 300
    if pattern.statuses is None:
        message = f'request="{pattern.method or "INVITE"}"'
    else:
        message = f'response="{pattern.statuses[0]}"'
    if expectation.claim is Claim.ARRIVES:
        return [f'  <recv {message} timeout="{milliseconds}"{_fields(pattern)}']
    return [
        f'  <recv {message} timeout="{milliseconds}" ontimeout="1"/>',
        '  <recv response="699" timeout="1"/>  <!-- it came: this fails the call -->',
        '  <label id="1"/>',
        '  <pause milliseconds="1"/>',  # a label has to stand before something
    ]


def _send(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    body = "\n".join(f"      {line}" if line else "" for line in lines)
    return ["  <send>", "    <![CDATA[", "", body, "", "    ]]>", "  </send>"]
