"""What is checked of a machine alone: the graph that its engine makes of it, in both classes of transport."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from sipfsm.fsm import TIMER_EVENTS, Event, Model, Timer
from sipfsm.verify.kinds import cells_of, live_events
from sipfsm.verify.machine import Local, Machine
from sipfsm.verify.results import Check, MachineResult

_CLASSES = {False: "unreliable", True: "reliable"}


class Spot(NamedTuple):
    """A state, and the timers that run in it; how long they still have is of no account here."""

    state: str
    running: frozenset[Timer]


class _Graph:
    """All spots that any sequence of events leads to, in one class of transport."""

    def __init__(self, model: Model, *, reliable: bool) -> None:
        self.model = model
        self.name = _CLASSES[reliable]
        self._machine = Machine(model, reliable=reliable)
        self._places: dict[Spot, Local] = {_spot(self._machine.initial): self._machine.initial}
        self.arrows: dict[Spot, dict[Event, Spot | None]] = {}
        self.fired: set[str] = set()
        todo = list(self._places)
        while todo:
            spot = todo.pop()
            self.arrows[spot] = {event: self._follow(spot, event, todo) for event in self._possible(spot)}

    def _possible(self, spot: Spot) -> Iterator[Event]:
        for event in Event:
            timer = _TIMER_OF.get(event)
            if timer is None or timer in spot.running:
                yield event

    def _follow(self, spot: Spot, event: Event, todo: list[Spot]) -> Spot | None:
        """Give the spot that an event leads to, None for the end."""
        after, _actions, rows = self._machine.step(self._places[spot], event)
        self.fired.update(rows)
        if after == self._machine.initial and spot.state != after.state:
            return None
        following = _spot(after)
        if following not in self._places:
            self._places[following] = after
            todo.append(following)
        return following

    def live(self) -> Iterator[Spot]:
        """Yield the spots of a machine that has begun and not ended."""
        return (spot for spot in self.arrows if spot.state != self.model.initial)


_TIMER_OF = {event: timer for timer, event in TIMER_EVENTS.items()}


def _spot(local: Local) -> Spot:
    return Spot(local.state, frozenset(timer for timer, _left, _interval in local.timers))


def check_machine(model: Model) -> MachineResult:
    """Check a machine alone."""
    graphs = [_Graph(model, reliable=reliable) for reliable in (False, True)]
    rows = Counter((row.source, trigger) for row in model.transitions for trigger in row.trigger)
    timers = {(spot.state, timer) for graph in graphs for spot in graph.live() for timer in spot.running}
    states = [state for state in model.states if state != model.initial and state not in model.final]
    ours = sum(timer.islower() for _state, timer in timers)
    return MachineResult(
        model=model.name,
        checks=(
            Check(name="complete", problems=tuple(_incomplete(model, states, timers))),
            Check(name="deterministic", problems=tuple(_ambiguous(rows))),
            Check(name="reachable", problems=tuple(_unreached(model, graphs))),
            Check(name="can end", problems=tuple(_endless(graphs))),
            Check(name="waits for nobody", problems=tuple(_stuck(graphs))),
        ),
        cells=len(cells_of(model)) * len(states) + len(timers) - ours,
        further_cells=ours,
        ignored=0 if cells_of(model) else _ignored(model, states),
        waits=_waits(graphs),
    )


def _ignored(model: Model, states: list[str]) -> int:
    pairs = {(state, event) for state in states for event in live_events(model)}
    return len(pairs - {(row.source, trigger) for row in model.transitions for trigger in row.trigger})


def _incomplete(model: Model, states: list[str], timers: set[tuple[str, Timer]]) -> Iterator[str]:
    rows = {(row.source, trigger) for row in model.transitions for trigger in row.trigger}
    for state in states:
        for cell in cells_of(model):
            for event in cell:
                if (state, event) not in rows:
                    yield f"state {state}: no row for {event}; one that does nothing says that it is expected"
    for state, timer in sorted(timers):
        if (state, TIMER_EVENTS[timer]) not in rows:
            yield f"state {state}: timer {timer} runs here, but no row waits for it"


def _ambiguous(rows: Counter[tuple[str, Event]]) -> Iterator[str]:
    for (state, event), count in rows.items():
        if count > 1:
            yield f"state {state}: {count} rows for {event}"


def _unreached(model: Model, graphs: list[_Graph]) -> Iterator[str]:
    reached = {spot.state for graph in graphs for spot in graph.arrows}
    for state in model.states:
        if state not in reached and state not in model.final:
            yield f"state {state}: no sequence of events leads here"
    fired = set().union(*(graph.fired for graph in graphs))
    for row in model.transitions:
        if row.id not in fired and row.acts:
            yield f"row {row.id}: no sequence of events fires it"


def _endless(graphs: list[_Graph]) -> Iterator[str]:
    for graph in graphs:
        can_end: set[Spot | None] = {None}
        while more := {spot for spot in graph.arrows if can_end & set(graph.arrows[spot].values())} - can_end:
            can_end |= more
        for state in sorted({spot.state for spot in graph.live() if spot not in can_end}):
            yield f"state {state}: from here no sequence of events leads to an end ({graph.name})"


def _stuck(graphs: list[_Graph]) -> Iterator[str]:
    for graph in graphs:
        for spot in graph.live():
            if not spot.running and not _others(graph, spot):
                yield f"state {spot.state}: no timer runs, and nobody can act ({graph.name})"
        yield from (f"{problem} ({graph.name})" for problem in _repeating(graph))


def _repeating(graph: _Graph) -> Iterator[str]:
    """Find spots from which timers alone lead round in a circle, for ever."""
    for spot in graph.live():
        if not spot.running:
            continue
        following = {graph.arrows[spot][TIMER_EVENTS[timer]] for timer in spot.running}
        if following == {spot}:
            yield f"state {spot.state}: timer {', '.join(sorted(spot.running))} fires here for ever"
        reached: set[Spot | None] = set()
        todo = list(following - {spot})
        while todo:
            here = todo.pop()
            if here is not None and here not in reached:
                todo += [graph.arrows[here][TIMER_EVENTS[timer]] for timer in here.running]
            reached.add(here)
        if spot in reached:
            yield f"state {spot.state}: timers alone lead away from here and back again, for ever"


def _others(graph: _Graph, spot: Spot) -> list[str]:
    """Tell who can lead on from a spot: by an event that is no timer and no error."""
    acting = {
        _who(event)
        for event, after in graph.arrows[spot].items()
        if after != spot and event is not Event.TRANSPORT_ERROR and event not in _TIMER_OF
    }
    return sorted(acting)


def _waits(graphs: list[_Graph]) -> dict[str, str]:
    waits: dict[str, set[str]] = {}
    for graph in graphs:
        for spot in graph.live():
            if not spot.running:
                waits.setdefault(spot.state, set()).update(_others(graph, spot))
    return {state: ", ".join(sorted(who)) or "nobody" for state, who in waits.items()}


def _who(event: Event) -> str:
    if event.startswith("tu_") or event is Event.CANCEL:
        return "the transaction user"
    if event in _FROM_BRANCHES:
        return "the branches"
    return "the client transaction" if event in _FROM_CLIENT else "the other side"


_FROM_CLIENT = {Event.TIMEOUT, Event.TARGET_FAILED, Event.CLIENT_GONE}

_FROM_BRANCHES = {
    Event.PROVISIONAL,
    Event.SUCCESS_INVITE,
    Event.SUCCESS_NON_INVITE,
    Event.FAILURE_PENDING,
    Event.FAILURE_LAST,
    Event.GLOBAL_FAILURE_PENDING,
    Event.GLOBAL_FAILURE_LAST,
    Event.BRANCHES_GONE,
}
