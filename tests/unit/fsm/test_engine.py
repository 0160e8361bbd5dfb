"""How an instance runs: effects in their order, timers of zero, stale timers, and who is told."""

import logging

import pytest

from sipfsm.fsm import Action, Effect, Engine, Event, Instance, Row, StartTimer, StopTimer, Timer, Timing
from tests.unit.fsm.samples import CHAIN, SAMPLE, changed, read, ready, with_rows

both_ways = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "stock"])


def instance(text: str, *, reliable: bool = False, compiled: bool = True) -> Instance:
    return ready(text, compiled=compiled).create(reliable=reliable)


@both_ways
def test_effects_come_in_order_before_leaving_entering(compiled: bool) -> None:
    chain = instance(CHAIN, compiled=compiled)
    assert not chain.terminated
    assert chain.handle(Event.INVITE) == [
        Action.PASS_REQUEST,
        StartTimer(Timer.A, 0.5),
        StartTimer(Timer.C, 185),
    ]
    assert chain.state == "Left"
    assert chain.running == {Timer.A: 0.5, Timer.C: 185}
    assert chain.handle(Event.TIMER_A) == [
        Action.DROP,
        StopTimer(Timer.C),
        Action.SEND_ACK,
        Action.SEND_REQUEST,
        StartTimer(Timer.B, 5),
    ]
    assert chain.state == "Right"


@both_ways
def test_a_timer_of_zero_fires_in_the_same_step(compiled: bool) -> None:
    chain = instance(CHAIN, reliable=True, compiled=compiled)
    assert chain.handle(Event.INVITE) == [
        Action.PASS_REQUEST,
        StartTimer(Timer.C, 185),
        Action.DROP,
        StopTimer(Timer.C),
        Action.SEND_ACK,
        Action.SEND_REQUEST,
        Action.REJECT,
        Action.RESEND_REQUEST,
        Action.TERMINATE,
    ]
    assert chain.terminated
    assert chain.running == {}


@both_ways
def test_of_two_timers_of_zero_the_first_to_start_fires_first(compiled: bool) -> None:
    text = changed(
        ('"start_A"]', '"start_A", "start_B"]\non_exit = ["stop_B"]'),
        (
            '"timer_A", before = ["resend_request", "back_off_A"]',
            '"timer_A", before = ["drop"], dest = "Over"',
        ),
        ('"response_1xx"', '"timer_B"'),
        ("[timers]", "[timers]\nB = { reliable = '0' }"),
        ('unreliable = "T1"', 'reliable = "0"'),
    )
    sample = instance(text, reliable=True, compiled=compiled)
    # The other one is stopped before it fires. As nobody was asked to start it, nobody is asked to stop it.
    assert sample.handle(Event.TU_REQUEST) == [Action.SEND_REQUEST, Action.DROP, Action.TERMINATE]


@both_ways
def test_a_row_to_its_own_state_leaves_and_enters_it(compiled: bool) -> None:
    chain = instance(CHAIN, compiled=compiled)
    chain.handle(Event.INVITE)
    assert chain.handle(Event.ACK) == [
        Action.PASS_ACK,
        StopTimer(Timer.A),
        StopTimer(Timer.C),
        Action.SEND_ACK,
        StartTimer(Timer.A, 0.5),
        StartTimer(Timer.C, 185),
    ]
    assert chain.state == "Left"


@both_ways
def test_a_row_without_dest_neither_leaves_nor_enters(compiled: bool) -> None:
    chain = instance(CHAIN, compiled=compiled)
    chain.handle(Event.INVITE)
    assert chain.handle(Event.REQUEST) == [StopTimer(Timer.A), Action.DROP]
    assert chain.handle(Event.REQUEST) == [Action.DROP]
    assert chain.running == {Timer.C: 185}
    assert chain.handle(Event.CANCEL) == []


@both_ways
def test_an_event_without_a_row_changes_nothing_and_logs_nothing(
    compiled: bool, caplog: pytest.LogCaptureFixture
) -> None:
    sample = instance(SAMPLE, compiled=compiled)
    with caplog.at_level(logging.DEBUG):
        assert sample.handle(Event.RESPONSE_2XX) == []  # known to the model, not in this state
        assert sample.handle(Event.INVITE) == []  # not known to the model
    assert sample.state == "Idle"
    assert caplog.records == []


@both_ways
def test_a_timer_that_does_not_run_is_stale(compiled: bool) -> None:
    chain = instance(CHAIN, compiled=compiled)
    chain.handle(Event.INVITE)
    chain.handle(Event.REQUEST)
    assert chain.handle(Event.TIMER_A) == []  # it was stopped
    assert chain.handle(Event.TIMER_B) == []  # it was never started; a row says so
    assert chain.handle(Event.TIMER_D) == []  # the model has none
    assert (chain.state, chain.running) == ("Left", {Timer.C: 185})


@both_ways
def test_a_timer_that_fires_does_not_run_any_more(compiled: bool) -> None:
    chain = instance(CHAIN, compiled=compiled)
    chain.handle(Event.INVITE)
    assert chain.handle(Event.TIMER_C) == []
    assert chain.running == {Timer.A: 0.5}


@both_ways
def test_back_off_multiplies_the_last_delay_up_to_the_cap(compiled: bool) -> None:
    sample = instance(SAMPLE, compiled=compiled)
    sample.handle(Event.TU_REQUEST)
    delays = [effect.delay for _ in range(5) for effect in starts(sample.handle(Event.TIMER_A))]
    assert delays == [1, 2, 4, 4, 4]
    assert sample.fired_interval == 4


@both_ways
def test_back_off_without_a_cap_goes_on(compiled: bool) -> None:
    sample = instance(changed((', cap = "T2"', "")), compiled=compiled)
    sample.handle(Event.TU_REQUEST)
    delays = [effect.delay for _ in range(6) for effect in starts(sample.handle(Event.TIMER_A))]
    assert delays == [1, 2, 4, 8, 16, 32]


@both_ways
def test_cap_starts_a_timer_with_its_cap(compiled: bool) -> None:
    sample = instance(changed(("back_off_A", "cap_A")), compiled=compiled)
    sample.handle(Event.TU_REQUEST)
    assert sample.handle(Event.TIMER_A) == [Action.RESEND_REQUEST, StartTimer(Timer.A, 4)]


@both_ways
def test_a_class_that_is_not_named_does_not_run_the_timer(compiled: bool) -> None:
    sample = instance(SAMPLE, reliable=True, compiled=compiled)
    assert sample.handle(Event.TU_REQUEST) == [Action.SEND_REQUEST]
    assert sample.running == {}
    assert sample.handle(Event.TIMER_A) == []


@both_ways
def test_nothing_happens_after_the_end(compiled: bool) -> None:
    sample = instance(SAMPLE, compiled=compiled)
    sample.handle(Event.TU_REQUEST)
    assert sample.handle(Event.RESPONSE_1XX) == [Action.TERMINATE]
    assert sample.terminated
    assert sample.running == {}
    assert all(sample.handle(event) == [] for event in Event)


@both_ways
def test_each_step_returns_a_list_of_its_own(compiled: bool) -> None:
    sample = instance(SAMPLE, compiled=compiled)
    first = sample.handle(Event.TU_REQUEST)
    kept = list(first)
    sample.handle(Event.TIMER_A)
    assert first == kept


def test_instances_share_a_machine_and_nothing_else() -> None:
    engine = ready(SAMPLE)
    one, other = engine.create(reliable=False), engine.create(reliable=True)
    one.handle(Event.TU_REQUEST)
    assert (one.state, one.running) == ("Busy", {Timer.A: 0.5})
    assert (other.state, other.running) == ("Idle", {})
    assert one.engine.machine is other.engine.machine
    assert one.engine.machine.models == []


def test_delays_follow_the_timer_values() -> None:
    engine = Engine(read(SAMPLE), Timing(t1=1, t2=1.5))
    sample = engine.create(reliable=False)
    assert sample.handle(Event.TU_REQUEST) == [Action.SEND_REQUEST, StartTimer(Timer.A, 1)]
    assert sample.handle(Event.TIMER_A) == [Action.RESEND_REQUEST, StartTimer(Timer.A, 1.5)]


@both_ways
def test_the_observer_is_told_of_each_row_just_before_it_fires(compiled: bool) -> None:
    seen: list[tuple[str, str]] = []

    def observe(observed: Instance, row: Row) -> None:
        seen.append((observed.state, row.id))

    engine = Engine(read(CHAIN), Timing(), compiled=compiled, observer=observe)
    chain = engine.create(reliable=True)
    chain.handle(Event.ACK)  # has no row here
    chain.handle(Event.INVITE)
    chain.handle(Event.INVITE)
    assert seen == [("Idle", "CHN-01"), ("Left", "CHN-02"), ("Right", "CHN-03")]

    seen.clear()
    chain = engine.create(reliable=False)
    for event in (Event.INVITE, Event.TIMER_B, Event.TIMER_A, Event.TIMER_C):
        chain.handle(event)
    # A stale timer is seen by a row that does nothing, and by no other.
    assert seen == [("Idle", "CHN-01"), ("Left", "CHN-06"), ("Left", "CHN-02")]


def test_a_row_of_several_events_is_found_by_each() -> None:
    engine = ready(changed(with_rows("id = 'SAM-04', source = 'Busy', trigger = ['ack', 'cancel']")))
    found = {event for (_state, event), row in engine.rows.items() if row.id == "SAM-04"}
    assert found == {Event.ACK, Event.CANCEL}


def starts(effects: list[Effect]) -> list[StartTimer]:
    return [effect for effect in effects if isinstance(effect, StartTimer)]
