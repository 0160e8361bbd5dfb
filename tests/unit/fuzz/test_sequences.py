"""Strategies for sequences: what they give can be played, and follows from the seed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipfsm.fuzz import broken, call_sequences, decorated, dialogs
from sipfsm.fuzz.campaign import generate
from sipfsm.fuzz.catalogue.messages import invite
from sipfsm.fuzz.script import Answer, Pause, Script, Send
from sipfsm.fuzz.sequences import registered
from sipfsm.message import parse_message_untrusted

patient = settings(max_examples=25, deadline=None)


def filled(message: bytes) -> bytes:
    """A template with something in place of its words."""
    for word, value in ((b"{caller}", b"h:1"), (b"{aor}", b"sip:u@h"), (b"{transport}", b"UDP")):
        message = message.replace(word, value)
    return message.replace(b"{", b"").replace(b"}", b"")


def check(script: Script, players: tuple[str, ...]) -> None:
    assert script.players == players
    assert script.messages >= 1
    for step in script.steps:
        assert isinstance(step, Pause) or step.who in players


@patient
@given(dialogs())
def test_a_dialog_is_a_whole_call(script: Script) -> None:
    check(script, ("caller", "callee"))
    methods = [step.message.split()[0] for step in script.steps if isinstance(step, Send)]
    assert methods[0] == b"INVITE"
    assert b"ACK" in methods
    assert any(isinstance(step, Answer) and step.status >= 200 for step in script.steps)


@patient
@given(call_sequences())
def test_a_sequence_has_both_sides(script: Script) -> None:
    check(script, ("caller", "callee"))
    assert registered(script).steps[0] != script.steps[0]


@patient
@given(call_sequences(relays=False))
def test_a_sequence_for_a_server_that_answers_itself(script: Script) -> None:
    check(script, ("caller",))


@patient
@given(decorated(invite()))
def test_a_decorated_message_is_read(message: bytes) -> None:
    read = parse_message_untrusted(filled(message))
    assert read.cseq.method == "INVITE"


@patient
@given(st.data())
def test_a_broken_message_is_another_one(data: st.DataObject) -> None:
    assert isinstance(data.draw(broken(invite())), bytes)


def test_the_same_seed_gives_the_same_sequences() -> None:
    first = list(generate(call_sequences(), 60, 7))
    assert first == list(generate(call_sequences(), 60, 7))
    assert first != list(generate(call_sequences(), 60, 8))
    assert len(first) == 60


@pytest.mark.parametrize("number", [0, 2])
def test_a_script_without_a_step(number: int) -> None:
    script = Script((Pause("1"), Send("caller", b"x"), Pause("2")))
    shorter = script.without(number)
    assert len(shorter.steps) == 2
    assert shorter.messages == 1
