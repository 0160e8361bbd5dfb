"""The obligations as data: they say one thing for each event, and nothing for ever."""

import pytest

from sipfsm.fsm import Event, load_model
from sipfsm.fsm.vocabulary import Action
from sipfsm.verify.obligations import OBLIGATIONS, Deadline, Facts, Obligation, Obligations

every_machine = pytest.mark.parametrize("name", OBLIGATIONS)


def reached(obligations: Obligations) -> set[Facts]:
    """All sets of facts that any order of events and deadlines leads to."""
    found: set[Facts] = {frozenset()}
    todo = list(found)
    while todo:
        facts = todo.pop()
        noting: list[Obligation | Deadline] = [*obligations.on_event, *obligations.in_time]
        for duty in noting:
            after = facts | duty.notes
            begun = duty.since in facts if isinstance(duty, Deadline) else True
            if begun and duty.has <= facts and not duty.lacks & facts and after not in found:
                found.add(after)
                todo.append(after)
    return found


@every_machine
def test_at_most_one_obligation_speaks_of_an_event(name: str) -> None:
    for facts in reached(OBLIGATIONS[name]):
        spoken = [
            event
            for duty in OBLIGATIONS[name].on_event
            if duty.has <= facts and not duty.lacks & facts
            for event in duty.on
        ]
        assert len(spoken) == len(set(spoken)), (facts, spoken)


@every_machine
def test_a_deadline_is_met_once(name: str) -> None:
    for deadline in OBLIGATIONS[name].in_time:
        assert "terminate" in deadline.asks or deadline.notes & deadline.lacks, deadline


@every_machine
def test_what_is_at_once_has_no_conditions(name: str) -> None:
    for deadline in OBLIGATIONS[name].in_time:
        if "0" in {deadline.reliable, deadline.unreliable}:
            assert not deadline.has | deadline.lacks


@every_machine
def test_the_words_are_those_of_the_models(name: str) -> None:
    for duty in OBLIGATIONS[name].duties:
        assert {Action(action) for action in duty.asks} <= set(Action)
    assert {Event(event) for duty in OBLIGATIONS[name].on_event for event in duty.on} <= set(Event)


@every_machine
def test_every_row_of_an_event_is_spoken_of(name: str) -> None:
    """So nothing that can happen to a machine is left out; timers are another matter."""
    spoken = {event for duty in OBLIGATIONS[name].on_event for event in duty.on}
    events = {event for row in load_model(name).transitions for event in row.trigger}
    assert {event for event in events if not event.startswith("timer_")} == spoken


@every_machine
def test_each_says_its_clause(name: str) -> None:
    for duty in OBLIGATIONS[name].duties:
        assert duty.rfc == "gap" or duty.rfc.split()[0] in {"3261", "4320", "6026"}, duty
