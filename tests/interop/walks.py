"""Walks through a machine in virtual time, and what our engine does on them: what others must do, too."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from sipfsm.fsm import (
    TIMER_EVENTS,
    Action,
    Engine,
    Event,
    Instance,
    Model,
    StartTimer,
    Timer,
    Timing,
)

TIMERS = {event: timer for timer, event in TIMER_EVENTS.items()}


class Advance(NamedTuple):
    """Let so many milliseconds pass; timers that are due fire."""

    milliseconds: int


Step = Event | Advance
Situation = tuple[str, frozenset[Timer]]
"""A state, and the timers that run in it."""


class Outcome(NamedTuple):
    """What a step led to."""

    state: str
    rows: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True)
class Walk:
    """Steps of one machine over one class of transport, from its beginning."""

    model: Model
    reliable: bool
    steps: tuple[Step, ...]


_ENGINES: dict[str, tuple[Engine, list[str]]] = {}


def _engine(model: Model) -> tuple[Engine, list[str]]:
    """An engine, and the list in which it notes the rows that it takes."""
    if model.name not in _ENGINES:
        rows: list[str] = []
        _ENGINES[model.name] = Engine(model, Timing(), observer=lambda _, row: rows.append(row.id)), rows
    return _ENGINES[model.name]


class Runner:
    """Our engine in virtual time."""

    def __init__(self, model: Model, *, reliable: bool):
        self.engine, self._rows = _engine(model)
        self.instance: Instance = self.engine.create(reliable=reliable)
        self.now = 0
        """Milliseconds."""
        self._order = count()
        self._alarms: list[tuple[int, int, Timer]] = []
        self._running: dict[Timer, int] = {}
        self._actions: list[str] = []

    def take(self, step: Step) -> Outcome:
        self._rows.clear()
        self._actions = []
        if isinstance(step, Advance):
            end = self.now + step.milliseconds
            while (alarm := self.next_alarm()) is not None and alarm[0] <= end:
                self.now, number, timer = heapq.heappop(self._alarms)
                assert self._running.pop(timer) == number
                self._handle(TIMER_EVENTS[timer])
            self.now = end
        else:
            self._handle(step)
        return Outcome(self.instance.state, tuple(self._rows), tuple(self._actions))

    @property
    def situation(self) -> Situation:
        """Where the machine is."""
        return self.instance.state, frozenset(self.instance.running)

    def next_alarm(self) -> tuple[int, Timer] | None:
        """When the next timer fires, and which."""
        while self._alarms and self._running.get(self._alarms[0][2]) != self._alarms[0][1]:
            heapq.heappop(self._alarms)
        return (self._alarms[0][0], self._alarms[0][2]) if self._alarms else None

    def _handle(self, event: Event) -> None:
        if self.instance.terminated:
            return
        for effect in self.instance.handle(event):
            if isinstance(effect, Action):
                self._actions.append(str(effect))
                if effect is Action.TERMINATE:
                    self._running.clear()
                continue
            self._running.pop(effect.timer, None)
            if isinstance(effect, StartTimer):
                number = self._running[effect.timer] = next(self._order)
                heapq.heappush(self._alarms, (self.now + round(effect.delay * 1000), number, effect.timer))


def ours(walk: Walk) -> list[Outcome]:
    """What our engine does on a walk."""
    runner = Runner(walk.model, reliable=walk.reliable)
    return [runner.take(step) for step in walk.steps]


def all_walks(model: Model) -> Iterator[Walk]:
    """Walks that try each event and each timer in each situation, and random ones.

    What leaves a situation as it is is tried in one walk, one after the other.
    """
    for reliable in (False, True):
        for way in ways(model, reliable=reliable):
            situation = _after(model, way, reliable=reliable).situation
            tries = [*_tries(model, way, reliable=reliable), *_early_timers(model, way, reliable=reliable)]
            stay = [s for s in tries if _after(model, (*way, s), reliable=reliable).situation == situation]
            yield Walk(model, reliable, (*way, *stay))
            yield from (Walk(model, reliable, (*way, step)) for step in tries if step not in stay)
        yield from random_walks(model, reliable=reliable, number=20, length=25)


def ways(model: Model, *, reliable: bool) -> list[tuple[Step, ...]]:
    """A shortest way to each situation."""
    found: dict[Situation, tuple[Step, ...]] = {}
    todo: list[tuple[Step, ...]] = [()]
    while todo:
        way = todo.pop(0)
        runner = _after(model, way, reliable=reliable)
        if runner.situation in found:
            continue
        found[runner.situation] = way
        if not runner.instance.terminated:
            todo += [(*way, step) for step in _tries(model, way, reliable=reliable)]
    return list(found.values())


def _after(model: Model, way: tuple[Step, ...], *, reliable: bool) -> Runner:
    runner = Runner(model, reliable=reliable)
    for step in way:
        runner.take(step)
    return runner


def _tries(model: Model, way: tuple[Step, ...], *, reliable: bool) -> Iterator[Step]:
    """Every event of the model, and time until the next timer fires, or the last.

    A timer that does not run can still come late. Only a row that does nothing sees it in our engine; a chart
    elsewhere has no such rule, and needs none: its timers are its own, and what it cancels never comes.
    """
    runner = _after(model, way, reliable=reliable)
    for event in _events(model):
        row = runner.engine.rows.get((runner.instance.state, event))
        if event not in TIMERS or (TIMERS[event] not in runner.instance.running and not (row and row.acts)):
            yield event
    alarm = runner.next_alarm()
    if alarm is not None:
        yield Advance(alarm[0] - runner.now)
        yield Advance(1_000_000)


def _early_timers(model: Model, way: tuple[Step, ...], *, reliable: bool) -> Iterator[Step]:
    """The timers that run, fired before their time: with the default values some would never come first."""
    runner = _after(model, way, reliable=reliable)
    yield from (event for event in _events(model) if TIMERS.get(event) in runner.instance.running)


def _events(model: Model) -> list[Event]:
    return list(dict.fromkeys(trigger for row in model.transitions for trigger in row.trigger))


def random_walks(model: Model, *, reliable: bool, number: int, length: int) -> Iterator[Walk]:
    """Walks of events and of time, the same ones each time."""
    choose = random.Random(f"{model.name} {reliable}")
    events = [event for event in _events(model) if event not in TIMERS]
    for _ in range(number):
        steps: list[Step] = []
        for _ in range(length):
            passing = choose.random() < 0.3
            steps.append(Advance(choose.randrange(1, 20_000)) if passing else choose.choice(events))
        yield Walk(model, reliable, tuple(steps))
