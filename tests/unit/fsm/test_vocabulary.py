"""The vocabularies fit together: each timer has its event, its actions, and a name that says which."""

from sipfsm.fsm import TIMER_EVENTS, Action, Event, Timer, TimerVerb
from sipfsm.fsm.engine import CALLBACKS
from sipfsm.fsm.vocabulary import TIMER_ACTIONS


def test_each_timer_fires_an_event_of_its_own() -> None:
    assert {str(event) for event in Event if event.startswith("timer_")} == {
        f"timer_{timer}" for timer in Timer
    }
    assert all(TIMER_EVENTS[timer] == f"timer_{timer}" for timer in Timer)


def test_each_timer_has_four_actions() -> None:
    assert len(TIMER_ACTIONS) == 4 * len(Timer)
    assert TIMER_ACTIONS["start_trying"] == (TimerVerb.START, Timer.TRYING)
    assert TIMER_ACTIONS["back_off_A"] == (TimerVerb.BACK_OFF, Timer.A)
    assert TIMER_ACTIONS["cap_E"] == (TimerVerb.CAP, Timer.E)
    assert TIMER_ACTIONS["stop_cancel"] == (TimerVerb.STOP, Timer.CANCEL)


def test_no_action_has_the_name_of_a_timer_action() -> None:
    assert {str(action) for action in Action}.isdisjoint(TIMER_ACTIONS)


def test_the_engine_knows_what_to_do_for_every_name_that_a_model_may_write() -> None:
    assert set(CALLBACKS) == {str(action) for action in Action} | set(TIMER_ACTIONS)
