"""How the tables of this folder write down what a machine must do, so that they can be read beside an RFC.

Nothing here looks into `models/`: the tables are typed from the RFC texts, and would prove nothing otherwise.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sipfsm.fsm import Action, Effect, Event, StartTimer, StopTimer, Timer

U = "U"
"""An unreliable transport, such as UDP."""
R = "R"
"""A reliable transport, such as TCP."""
UR = "UR"
"""The same on both transport classes."""


class Case(NamedTuple):
    """One row of a table on one or both transport classes; a row can have several cases."""

    row: str
    on: str
    """`U`, `R` or `UR`."""
    state: str
    events: str
    """One event, or several that are to have the same result, parted by blanks."""
    effects: str
    """In their order: names of actions, `start A 0.5` (in seconds) and `stop A`, parted by commas."""
    next: str
    running: str = ""
    """The timers that run afterwards, with the seconds they were started with: `A 0.5, B 32`."""
    also: str = ""
    """Rows that a timer of zero seconds fires in the same step."""
    after: str | None = None
    """The events that lead to `state`, where it is not the usual way there."""


class Single(NamedTuple):
    """A case for one event on one transport class: what one test checks."""

    model: str
    case: Case
    event: Event
    reliable: bool
    way: tuple[Event, ...]

    @property
    def label(self) -> str:
        """The id of the test: row, event, transport class, and the way where it is not the usual one."""
        way = f"-after-{self.way[-1]}" if self.case.after is not None and self.way else ""
        return f"{self.case.row}-{self.event}-{R if self.reliable else U}{way}"


class Table(NamedTuple):
    """The cases of one model, and how its states are reached."""

    model: str
    ways: dict[str, str]
    """For each state the events that lead to it from the start; not to be had where it ends at once."""
    cases: list[Case]

    def singles(self) -> Iterable[Single]:
        """Yield every case for each of its events and transport classes."""
        for case in self.cases:
            way = self.ways[case.state] if case.after is None else case.after
            for event in case.events.split():
                for on in case.on:
                    yield Single(self.model, case, Event(event), on == R, events(way))


def events(text: str) -> tuple[Event, ...]:
    """Read events parted by blanks."""
    return tuple(Event(name) for name in text.split())


def effects(text: str) -> list[Effect]:
    """Read effects as `Case.effects` writes them."""
    return [_effect(part.split()) for part in _parts(text)]


def _effect(words: list[str]) -> Effect:
    match words:
        case ["start", timer, seconds]:
            return StartTimer(Timer(timer), float(seconds))
        case ["stop", timer]:
            return StopTimer(Timer(timer))
        case [action]:
            return Action(action)
        case _:
            raise AssertionError(f"no effect is written like this: {words}")


def running(text: str) -> dict[Timer, float]:
    """Read timers as `Case.running` writes them."""
    return {Timer(timer): float(seconds) for timer, seconds in (part.split() for part in _parts(text))}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")] if text else []
