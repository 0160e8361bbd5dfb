"""One machine against its obligations, in every order of events, tick by tick.

The machine runs on the engine that the server uses. What it asks for in each step is compared with what it is
obliged to; so is what it does by itself, and when. At one instant timers come before events.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

from sipfsm.fsm import (
    TIMER_EVENTS,
    Engine,
    Event,
    Model,
    StartTimer,
    StopTimer,
    Timer,
    Timing,
)
from sipfsm.verify.obligations import Deadline, Facts, Obligation, Obligations, Repetition
from sipfsm.verify.scenario import T1, ticks


class Running(NamedTuple):
    """A timer that runs."""

    timer: Timer
    left: int
    """Ticks until it fires."""
    interval: float
    """Seconds that it was last set to."""


class World(NamedTuple):
    """The machine and what has happened, at one instant."""

    state: str
    timers: tuple[Running, ...]
    facts: Facts
    ages: tuple[tuple[str, int], ...]
    """How many ticks ago the facts were noted that a deadline can still come of."""
    repeats: tuple[tuple[int, int], ...]
    """Of each repetition: ticks until the next one, and the interval before it; (-1, 0) if it is over."""


class Stepped(NamedTuple):
    """What the engine did."""

    state: str
    running: tuple[tuple[Timer, float], ...]
    """The timers that run, with the seconds that they were last set to."""
    started: dict[Timer, int]
    """The ticks of those that were started."""
    done: list[str]
    """What was asked for but timers, sorted."""


class Failure(NamedTuple):
    """An obligation that is not kept."""

    machine: str
    reliable: bool
    steps: tuple[str, ...]
    """What happened: events, timers, ticks."""
    reason: str


@dataclass(frozen=True)
class Watch:
    """A model, and what it is obliged to."""

    model: Model
    obligations: Obligations
    reliable: bool

    @cached_property
    def engine(self) -> Engine:
        """What runs the model."""
        return Engine(self.model, Timing())

    @cached_property
    def _read(self) -> Facts:
        """What is kept of what happened: the facts that something depends on."""
        return frozenset(self.obligations.facts)

    def search(self) -> tuple[int, Failure | None]:
        """Go through all worlds until an obligation is not kept; say how many there were."""
        start = World(
            self.model.initial, (), frozenset(), (), tuple((-1, 0) for _ in self.obligations.repeated)
        )
        before: dict[World, tuple[World | None, str]] = {start: (None, "")}
        todo = deque([start])
        while todo:
            world = todo.popleft()
            for what, after in self._steps(world):
                if isinstance(after, str):
                    return len(before), Failure(
                        self.model.name, self.reliable, (*_path(before, world), what), after
                    )
                if after is not None and after not in before:
                    before[after] = (world, what)
                    todo.append(after)
        return len(before), None

    # ---- steps: each leads to a world, to the end (None), or to a sentence that says what is wrong ---

    def _steps(self, world: World) -> Iterator[tuple[str, World | str | None]]:
        due = [running.timer for running in world.timers if running.left == 0]
        if due:
            yield from ((f"timer {timer}", self._fire(world, timer)) for timer in due)
            return
        expected = next(self._due(world), None)
        if expected is not None:
            yield "nothing", f"{' and '.join(expected.asks)} is due (RFC {expected.rfc}), and nothing happens"
            return
        for obligation in self.obligations.on_event:
            if _holds(obligation, world.facts):
                yield from ((event, self._take(world, Event(event), obligation)) for event in obligation.on)
        if world.timers or world.ages or any(left >= 0 for left, _interval in world.repeats):
            yield "tick", self._passed(world)

    def _take(self, world: World, event: Event, obligation: Obligation) -> World | str | None:
        if (world.state, event) not in self.engine.rows:
            return f"{event} can come in {world.state}, and no row waits for it"
        step = self._handle(world, event)
        asks = list(obligation.asks)
        for deadline in self.obligations.in_time:
            if deadline.since in obligation.notes and self._delay(deadline) == 0:
                asks += deadline.asks
        return self._compare(world, step, asks, obligation)

    def _fire(self, world: World, timer: Timer) -> World | str | None:
        step = self._handle(world, TIMER_EVENTS[timer])
        if not step.done:
            return f"timer {timer} fires for nothing"
        for expected in self._due(world):
            if sorted(expected.asks) == step.done:
                return self._compare(world, step, list(expected.asks), expected)
        return f"timer {timer} brings about {_names(step.done)}, which nothing asks for now"

    def _compare(
        self, world: World, step: Stepped, asks: list[str], duty: Obligation | Deadline | Repetition
    ) -> World | str | None:
        if step.done != sorted(asks):
            return f"the machine does {_names(step.done)}, and has to do {_names(asks)} (RFC {duty.rfc})"
        if "terminate" in step.done:
            return None
        if isinstance(duty, Repetition):
            return self._after(world, step, frozenset(), repeated=duty)
        return self._after(world, step, duty.notes)

    def _handle(self, world: World, event: Event) -> Stepped:
        """Have the engine take a step; how long timers still run is of no account to it, so it is kept."""
        running = tuple((each.timer, each.interval) for each in world.timers)
        key = (world.state, running, event)
        if key not in self._known:
            instance = self.engine.create(reliable=self.reliable)
            instance.state = world.state
            instance.running = dict(running)
            effects = instance.handle(event)
            self._known[key] = Stepped(
                instance.state,
                tuple(sorted(instance.running.items())),
                {
                    effect.timer: ticks(f"{effect.delay:g}")
                    for effect in effects
                    if isinstance(effect, StartTimer)
                },
                sorted(str(effect) for effect in effects if not isinstance(effect, StartTimer | StopTimer)),
            )
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[str, tuple[tuple[Timer, float], ...], Event], Stepped]:
        return {}

    def _after(
        self,
        world: World,
        step: Stepped,
        noted: Facts,
        *,
        repeated: Repetition | None = None,
    ) -> World:
        facts = world.facts | noted & self._read
        left = {running.timer: running.left for running in world.timers} | step.started
        timers = tuple(Running(timer, left[timer], interval) for timer, interval in step.running)
        ages = dict(world.ages) | dict.fromkeys(noted, 0)
        repeats = tuple(
            self._next(repetition, each, facts, noted, repetition is repeated)
            for repetition, each in zip(self.obligations.repeated, world.repeats, strict=True)
        )
        return World(step.state, timers, facts, self._kept(ages, facts), repeats)

    def _next(
        self, repetition: Repetition, now: tuple[int, int], facts: Facts, noted: Facts, repeated: bool
    ) -> tuple[int, int]:
        if self.reliable or repetition.lacks & facts:
            return (-1, 0)
        if repetition.since in noted:
            return (T1, T1)
        if not repeated:
            return now
        cap = _ticks(repetition.cap) if repetition.cap else 1 << 14
        interval = cap if repetition.flat in facts else min(2 * now[1], cap)
        return (interval, interval)

    def _passed(self, world: World) -> World:
        ages = {fact: age + 1 for fact, age in world.ages}
        return world._replace(
            timers=tuple(running._replace(left=running.left - 1) for running in world.timers),
            ages=self._kept(ages, world.facts),
            repeats=tuple((max(left - 1, -1), interval) for left, interval in world.repeats),
        )

    # ---- what is obliged now ----------------------------------------------------------------------------

    def _due(self, world: World) -> Iterator[Deadline | Repetition]:
        ages = dict(world.ages)
        for deadline in self.obligations.in_time:
            if ages.get(deadline.since) == self._delay(deadline) and _holds(deadline, world.facts):
                yield deadline
        for repetition, (left, _interval) in zip(self.obligations.repeated, world.repeats, strict=True):
            if left == 0:
                yield repetition

    def _delay(self, deadline: Deadline) -> int | None:
        text = deadline.reliable if self.reliable else deadline.unreliable
        return None if text is None else _ticks(text)

    def _kept(self, ages: dict[str, int], facts: Facts) -> tuple[tuple[str, int], ...]:
        """The ages that a deadline can still come of: its delay is not over, and no fact forbids it."""
        kept = set()
        for deadline in self.obligations.in_time:
            delay = self._delay(deadline)
            age = ages.get(deadline.since)
            if delay is not None and age is not None and age <= delay and not deadline.lacks & facts:
                kept.add((deadline.since, age))
        return tuple(sorted(kept))


_ticks = cache(ticks)


def _holds(duty: Obligation | Deadline, facts: Facts) -> bool:
    return duty.has <= facts and not duty.lacks & facts


def _names(done: list[str]) -> str:
    return " and ".join(sorted(done)) or "nothing"


def _path(before: dict[World, tuple[World | None, str]], world: World) -> tuple[str, ...]:
    steps: list[str] = []
    here: World | None = world
    while here is not None:
        here, what = before[here]
        steps.append(what)
    return tuple(reversed(steps[:-1]))
