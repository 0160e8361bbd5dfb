"""Strategies for what comes in sequence: calls, dialogs, and messages that are broken on purpose.

What they give is a `Script`: data that can be played against a target, judged, shrunk and written out.
Messages have words in braces for what is known only when they are played; see `sipfsm.fuzz.script`.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sipfsm.fuzz.catalogue.case import registration
from sipfsm.fuzz.catalogue.messages import ack_of_failure, ack_of_success, bye, cancel, invite
from sipfsm.fuzz.catalogue.messages import request as message
from sipfsm.fuzz.pattern import Pattern, request
from sipfsm.fuzz.script import Answer, Pause, Receive, Script, Send, Step
from sipfsm.fuzz.strategies.messages import extension_fields, header_fields

_FAILURES = (302, 400, 404, 480, 486, 503, 603)
_PAUSES = ("0.05", "0.3", "T1+0.1", "3*T1+0.1")
_MAX_STEPS = 7

_FIELDS = ("Subject", "Organization", "User-Agent", "Accept", "Priority", "Supported", "Call-Info", "Date")
"""Header fields of the RFC that change nothing in how a request is routed or answered."""


def decorated(template: bytes) -> SearchStrategy[bytes]:
    """Messages like a template, with header fields added in any spelling that the grammar allows.

    Args:
        template: a message with words in braces.
    """
    known = st.sampled_from(_FIELDS).flatmap(header_fields)
    # A name at most once: of many fields there can be one only (RFC 3261 7.3.1), also of those of later RFCs.
    lines = st.lists(known | extension_fields(), max_size=3, unique_by=_name_of)
    return lines.map(lambda added: _with_fields(template, added))


def _name_of(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()


def _with_fields(template: bytes, lines: list[bytes]) -> bytes:
    head, separator, body = template.partition(b"\r\n\r\n")
    return b"\r\n".join([head, *lines]) + separator + body


@st.composite
def broken(draw: st.DrawFn, template: bytes) -> bytes:
    """Messages made from a template by breaking it in one way that the network has seen."""
    lines = template.split(b"\r\n")
    at = draw(st.integers(0, max(0, lines.index(b"") - 1)))
    way = draw(st.sampled_from(sorted(_WAYS)))
    if way == "cut":
        return template[: draw(st.integers(1, max(1, len(template) - 1)))]
    if way == "octet":
        place = draw(st.integers(0, len(template) - 1))
        return template[:place] + bytes([draw(st.integers(0, 255))]) + template[place + 1 :]
    if way == "leave out":
        return b"\r\n".join(lines[:at] + lines[at + 1 :])
    if way == "double":
        return b"\r\n".join([*lines[: at + 1], *lines[at:]])
    if way == "value":
        name = lines[at].partition(b":")[0]
        return b"\r\n".join([*lines[:at], name + b": " + draw(st.sampled_from(_VALUES)), *lines[at + 1 :]])
    return b"\r\n".join([*lines[:at], lines[at] + draw(st.sampled_from(_TAILS)), *lines[at + 1 :]])


_WAYS = ("cut", "octet", "leave out", "double", "value", "tail")
_VALUES = (
    b"",
    b"-1",
    b"4294967296",
    b"99999999999999999999",
    b"\x00",
    b'"',
    b"<sip:",
    b"<sip:;:929<>64@x>",
    b"%s%s%n",
    b"*",
    b"sip:[::1",
    b"\xff\xfe",
    b"a" * 3000,
)
_TAILS = (b";", b";tag=", b'"', b";branch=z9hG4bK", b",", b"<", b"\t\t", b";a=b" * 200, b"\x00")


# ---- sequences


@st.composite
def dialogs(draw: st.DrawFn) -> Script:
    """Whole calls through a proxy, answered, refused or given up, with some copies on the way."""
    steps: list[Step] = [Send("caller", invite()), Receive("callee", request("INVITE"))]
    if draw(st.booleans()):
        steps.append(Answer("callee", "INVITE", draw(st.sampled_from((180, 183)))))
        steps.append(Receive("caller", Pattern("INVITE", (180, 183))))
        if draw(st.integers(0, 3)) == 0:
            steps += _given_up()
            return Script(tuple(_with_copies(draw, steps)), ("caller", "callee"))
    status = draw(st.sampled_from((200, *_FAILURES)))
    steps.append(Answer("callee", "INVITE", status))
    steps.append(Receive("caller", Pattern("INVITE", (200, 699))))
    if draw(st.booleans()):
        steps += [Pause("0.15"), Send("caller", invite()), Pause("0.4")]  # a copy that was late
    if status >= 300:
        steps.append(Send("caller", ack_of_failure()))
    else:
        steps += [Send("caller", ack_of_success()), Receive("callee", request("ACK")), Send("caller", bye())]
        steps += [Receive("callee", request("BYE")), Answer("callee", "BYE", 200)]
        steps.append(Receive("caller", Pattern("BYE", (200, 299))))
    return Script((*_with_copies(draw, steps), Pause("0.6")), ("caller", "callee"))


def _given_up() -> list[Step]:
    return [
        Send("caller", cancel()),
        Receive("callee", request("CANCEL")),
        Answer("callee", "CANCEL", 200),
        Answer("callee", "INVITE", 487),
        Receive("caller", Pattern("INVITE", (487, 487))),
        Send("caller", ack_of_failure()),
        Pause("0.6"),
    ]


def _with_copies(draw: st.DrawFn, steps: list[Step]) -> list[Step]:
    """Have some requests of the caller sent twice, as if an answer had been lost."""
    copied: list[Step] = []
    for step in steps:
        copied.append(step)
        if isinstance(step, Send) and draw(st.integers(0, 3)) == 0:
            copied += [Pause("0.05"), step]
    return copied


@st.composite
def call_sequences(draw: st.DrawFn, *, relays: bool = True, max_steps: int = _MAX_STEPS) -> Script:
    """Steps in any order, likely or not: requests, copies, answers, silence, and broken messages among them.

    Args:
        draw: given by Hypothesis.
        relays: whether there is a callee behind the target.
        max_steps: the most steps of a sequence before what ends it.
    """
    opening = draw(st.sampled_from(("INVITE", "MESSAGE") if relays else ("INVITE", "OPTIONS")))
    first = _opening(draw, opening, relays=relays)
    steps: list[Step] = [first]
    if relays:
        steps.append(Receive("callee", request(opening), within="1", optional=True))
    steps += draw(st.lists(_step(opening, first, relays=relays), min_size=1, max_size=max_steps))
    if opening == "INVITE":
        steps += _ending(relays=relays)
    return Script((*steps, Pause("0.6")), ("caller", "callee") if relays else ("caller",))


def _opening(draw: st.DrawFn, method: str, *, relays: bool) -> Send:
    template = invite() if method == "INVITE" else message(method)
    return Send("caller", draw(decorated(template)) if relays and draw(st.booleans()) else template)


def _step(opening: str, again: Send, *, relays: bool) -> SearchStrategy[Step]:
    caller: list[Step] = [again, again, Send("caller", message("OPTIONS", branch="{branch_options}"))]
    if opening == "INVITE":
        caller += [
            Send("caller", ack_of_failure()),
            Send("caller", ack_of_success()),
            Send("caller", cancel()),
        ]
    pauses: list[Step] = [Pause(lasting) for lasting in _PAUSES]
    steps = st.sampled_from(caller) | st.sampled_from(pauses) | _broken_steps()
    if not relays:
        return steps
    statuses = (100, 180, 200, 200, *_FAILURES) if opening == "INVITE" else (100, 200, *_FAILURES)
    answers: list[Step] = [Answer("callee", opening, status) for status in statuses]
    if opening == "INVITE":
        answers.append(Answer("callee", "INVITE", 200, tag="{tag}another"))
        answers.append(Answer("callee", "CANCEL", 200))
    return st.sampled_from(answers) | steps


def _broken_steps() -> SearchStrategy[Step]:
    """Broken requests, each in a transaction and a call of its own."""
    made = st.builds(
        _own_transaction, st.sampled_from(("OPTIONS", "MESSAGE", "INVITE")), st.integers(0, 10**6)
    )
    return made.flatmap(broken).map(lambda data: Send("caller", data, valid=False))


def _own_transaction(method: str, number: int) -> bytes:
    replaced: dict[str, str | None] = {"Call-ID": f"{{call_id_broken{number}}}"}
    branch = f"{{branch_broken{number}}}"
    if method == "INVITE":
        return invite(branch=branch, replaced=replaced)
    uri = "sip:{target}" if method == "OPTIONS" else "{aor}"
    return message(method, uri, branch=branch, replaced=replaced)


def _ending(*, relays: bool) -> list[Step]:
    """End what is still open, so that a target is not left with calls that ring for minutes."""
    if not relays:
        return [Send("caller", ack_of_success()), Send("caller", bye())]
    return [
        Answer("callee", "CANCEL", 200),
        Answer("callee", "INVITE", 486),
        Receive("caller", Pattern("INVITE", (200, 699)), within="0.5", optional=True),
        Send("caller", ack_of_failure()),
    ]


def registered(script: Script) -> Script:
    """Return a script that registers its callees first."""
    first = [step for who in script.players[1:] for step in registration(who)]
    return Script((*first, *script.steps), script.players)
