"""The driver performs the effects of one step after the other, whatever they bring about."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from sipfsm.fsm import Action, Driver, Event, Timer
from tests.unit.fsm.samples import CHAIN, SAMPLE, ready


def _performer(action: Action) -> Callable[[Any, Any], None]:
    return lambda driver, message: driver.perform(action, message)


class Recorder(Driver[str]):
    """Writes down what it is asked for; an action may bring about further events."""

    def __init__(self, text: str, *, follow: dict[Action, Event] | None = None) -> None:
        super().__init__(ready(text).create(reliable=False))
        self.done: list[object] = []
        self.follow = follow or {}

    def start_timer(self, timer: Timer, delay: float) -> None:
        self.done.append(("start", timer, delay))

    def stop_timer(self, timer: Timer) -> None:
        self.done.append(("stop", timer))

    def stepped(self, event: Event, before: str) -> None:
        self.done.append((event, before, self.state))

    def perform(self, action: Action, message: str | None) -> None:
        self.done.append((action, message))
        if action in self.follow:
            self.handle(self.follow[action], f"because of {action}")
            self.done.append("went on")

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        action: _performer(action) for action in Action
    }


def test_effects_are_performed_in_order_with_what_came() -> None:
    driver = Recorder(CHAIN)
    driver.handle(Event.INVITE, "an INVITE")
    driver.handle(Event.REQUEST)
    assert driver.done == [
        (Event.INVITE, "Idle", "Left"),
        (Action.PASS_REQUEST, "an INVITE"),
        ("start", Timer.A, 0.5),
        ("start", Timer.C, 185),
        (Event.REQUEST, "Left", "Left"),
        ("stop", Timer.A),
        (Action.DROP, None),
    ]


def test_an_event_that_an_effect_brings_about_waits_until_the_step_is_done() -> None:
    driver = Recorder(SAMPLE, follow={Action.SEND_REQUEST: Event.RESPONSE_2XX})
    driver.handle(Event.TU_REQUEST, "a request")
    assert driver.done == [
        (Event.TU_REQUEST, "Idle", "Busy"),
        (Action.SEND_REQUEST, "a request"),
        "went on",
        ("start", Timer.A, 0.5),
        (Event.RESPONSE_2XX, "Busy", "Over"),
        (Action.TERMINATE, "because of send_request"),
    ]
    assert driver.terminated


def test_an_effect_that_fails_leaves_a_driver_that_can_go_on() -> None:
    driver = Recorder(SAMPLE, follow={Action.SEND_REQUEST: Event.RESPONSE_2XX})

    def fail(timer: Timer, delay: float) -> None:
        raise OSError(f"{timer} {delay}")

    driver.start_timer = fail  # type: ignore[method-assign]
    with pytest.raises(OSError, match=r"A 0\.5"):
        driver.handle(Event.TU_REQUEST)
    assert (driver.state, driver.terminated) == ("Busy", False)
    driver.done.clear()
    driver.handle(Event.RESPONSE_1XX)  # and not the event that waited when it failed
    assert driver.done == [(Event.RESPONSE_1XX, "Busy", "Over"), (Action.TERMINATE, None)]


def test_a_driver_must_say_what_a_timer_is() -> None:
    class WithoutTimers(Driver[str]):
        performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
            Action.SEND_REQUEST: lambda _self, _message: None
        }

    with pytest.raises(NotImplementedError):
        WithoutTimers(ready(SAMPLE).create(reliable=False)).handle(Event.TU_REQUEST)
    with pytest.raises(NotImplementedError):
        WithoutTimers(ready(SAMPLE).create(reliable=False)).stop_timer(Timer.A)


def test_a_machine_without_timers_needs_a_driver_of_nothing_but_actions() -> None:
    class Plain(Driver[str]):
        performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
            Action.SEND_REQUEST: lambda _self, message: sent.append(message),
            Action.TERMINATE: lambda _self, _message: None,
        }

    sent: list[str] = []
    plain = Plain(ready(SAMPLE).create(reliable=True))
    plain.handle(Event.TU_REQUEST, "a request")
    plain.handle(Event.RESPONSE_2XX)
    assert (sent, plain.state) == (["a request"], "Over")
