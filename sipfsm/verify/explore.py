"""Exploration breadth first: all states of a composition, and the shortest run that breaks each property."""

import gc
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from sipfsm.verify.composition import Composition, Edge
from sipfsm.verify.scenario import AnyProperty

PACE = 4096
"""States between two looks at the clock."""


class Progress(NamedTuple):
    """How far an exploration is."""

    states: int
    waiting: int
    """Of these, how many have not been followed yet."""
    depth: int
    """How many steps the state followed last is away from the start."""
    seconds: float


@dataclass(frozen=True)
class Limits:
    """When to stop before the end."""

    states: int | None = None
    seconds: float | None = None
    stopped: Callable[[Progress], bool] = lambda _progress: False
    """Is asked now and then; it may tell somebody how far the exploration is."""


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Violation:
    """The first run found that breaks a property; no run that breaks it has fewer steps.

    A circle is the exception: it is one of those there are.
    """

    path: tuple[Edge, ...]
    """The steps after the start; the last one leads to no state."""
    reason: str
    circle: int | None = None
    """If the run has no end: after how many steps the circle begins."""


@dataclass
class Exploration:
    """What was found."""

    states: int = 0
    steps: int = 0
    depth: int = 0
    complete: bool = False
    seconds: float = 0.0
    violations: dict[AnyProperty, Violation] = field(default_factory=dict)


def explore(
    composition: Composition, properties: Iterable[AnyProperty], limits: Limits = NO_LIMITS
) -> Exploration:
    """Follow every step from every state, nearest states first.

    A step that breaks a property leads to no state. Of each property the first violation is kept.
    """
    with _without_collector():
        return _Search(composition, frozenset(properties), limits).run()


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the garbage collector from looking at millions of states again and again; none is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Search:
    """The states in the order in which they are met; each is known by its place in it."""

    def __init__(self, composition: Composition, properties: frozenset[AnyProperty], limits: Limits) -> None:
        self._composition = composition
        self._properties = properties
        self._limits = limits
        self._order = [composition.start]
        self._places = {composition.start: 0}
        # For each state the one it was met from; then, one after the other, what the steps of all lead to.
        self._parents = array("I", [0])
        self._targets = array("I")
        self._ends = array("Q")
        self._found = Exploration()
        self._began = time.monotonic()

    def run(self) -> Exploration:
        self._found.complete = self._follow_all()
        if (
            self._found.complete
            and self._composition.circle in self._properties - self._found.violations.keys()
        ):
            self._look_for_circles()
        self._found.states = len(self._order)
        self._found.seconds = time.monotonic() - self._began
        return self._found

    def _follow_all(self) -> bool:
        """Return whether there is nothing more to follow."""
        order, places, parents, targets = self._order, self._places, self._parents, self._targets
        edges_of = self._composition.edges
        level_ends = 1
        for place, state in enumerate(order):  # which grows on the way
            if place == level_ends:
                self._found.depth += 1
                level_ends = len(order)
            if place % PACE == 0 and self._must_stop(place):
                return False
            edges = edges_of(state)
            for edge in edges:
                if edge[1]:
                    self._break(place, edge)
                    continue
                after = edge[0]
                target = places.setdefault(after, len(order))
                if target == len(order):
                    order.append(after)
                    parents.append(place)
                targets.append(target)
            self._found.steps += len(edges)
            self._ends.append(len(targets))
            if not edges:
                self._end(place, state)
        self._composition.check_room()
        return True

    def _must_stop(self, place: int) -> bool:
        self._composition.check_room()
        progress = Progress(
            len(self._order), len(self._order) - place, self._found.depth, time.monotonic() - self._began
        )
        limits = self._limits
        return (
            (limits.states is not None and progress.states >= limits.states)
            or (limits.seconds is not None and progress.seconds >= limits.seconds)
            or limits.stopped(progress)
        )

    def _break(self, place: int, edge: Edge) -> None:
        for broken, reason in edge[1]:
            if broken not in self._found.violations:
                self._found.violations[broken] = Violation((*self._path(place), edge), reason)

    def _end(self, place: int, state: int) -> None:
        for broken, reason in self._composition.at_end(state):
            if broken not in self._found.violations:
                self._found.violations[broken] = Violation(self._path(place), reason)

    def _path(self, place: int) -> tuple[Edge, ...]:
        """Give the steps from the start to a state: no other way there is shorter."""
        path: list[Edge] = []
        while place:
            parent = self._parents[place]
            path.append(self._edge(parent, place))
            place = parent
        return tuple(reversed(path))

    def _edge(self, place: int, target: int) -> Edge:
        after = self._order[target]
        edges = self._composition.edges(self._order[place])
        return next(edge for edge in edges if edge[0] == after and not edge[1])

    # ---- runs without an end

    def _following(self, place: int) -> Sequence[int]:
        return self._targets[self._ends[place - 1] if place else 0 : self._ends[place]]

    def _look_for_circles(self) -> None:
        """Take away, again and again, states that no step leads to: circles are left, and what follows."""
        entries = array("I", bytes(4 * len(self._order)))
        for target in self._targets:
            entries[target] += 1
        todo = [place for place, count in enumerate(entries) if not count]
        while todo:
            for target in self._following(todo.pop()):
                entries[target] -= 1
                if not entries[target]:
                    todo.append(target)
        left = {place for place, count in enumerate(entries) if count}
        if left:
            self._break_in_circle(left)

    def _break_in_circle(self, left: set[int]) -> None:
        # A state that all that is left of leads nowhere else is behind the circles, not in one.
        while behind := {place for place in left if left.isdisjoint(self._following(place))}:
            left -= behind
        place = min(left)
        visited: list[int] = []
        while place not in visited:
            visited.append(place)
            place = next(target for target in self._following(place) if target in left)
        circle = [*visited[visited.index(place) :], place]
        way = self._path(place)
        steps = tuple(self._edge(here, there) for here, there in pairwise(circle))
        self._found.violations[self._composition.circle] = Violation(
            (*way, *steps), "this goes on for ever: what happens last can happen again and again", len(way)
        )
