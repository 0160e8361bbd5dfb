"""Models with one mistake each: what a check is worth shows in how many of them it finds.

Each mutant is made of a model's data and read as its file would be, so that the schema has its say first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sipfsm.fsm import (
    TIMER_EVENTS,
    Effect,
    Engine,
    Event,
    Instance,
    Model,
    ModelError,
    StartTimer,
    StopTimer,
    Timer,
    Timing,
    make_model,
)
from sipfsm.fsm.vocabulary import TIMER_ACTIONS
from sipfsm.verify.scenario import ticks

Data = dict[str, Any]


@dataclass(frozen=True)
class Mutant:
    """A model with one mistake.

    Attributes:
        name: what was done to which row, state or timer, such as ``redirect ICT-05 to Completed``.
        model: the model; None if the schema refuses it.
        refusal: what the schema says, if it refuses.
    """

    name: str
    model: Model | None
    refusal: tuple[str, ...] = ()


def mutants(model: Model) -> list[Mutant]:
    """Make every mutant of a model, in an order that stays the same.

    A row is dropped, or leads to each other state, or stays; an action is dropped; a timer is dropped, for
    one class of transport or altogether, is half or twice as long, or does not back off as it should.
    """
    return [_read(name, data) for name, data in _mistakes(model)]


def _read(name: str, data: Data) -> Mutant:
    try:
        return Mutant(name, make_model(data, file=name))
    except ModelError as error:
        return Mutant(name, None, tuple(error.problems))


def _plain(model: Model) -> Data:
    """The model as its file says it, made anew at each call."""
    data = model.model_dump(mode="json", exclude_defaults=True)
    data["states"] = {name: state for name, state in data.get("states", {}).items() if state}
    return data


def _mistakes(model: Model) -> Iterator[tuple[str, Data]]:
    yield from _dropped_rows(model)
    yield from _redirected_rows(model)
    yield from _dropped_actions(model)
    yield from _dropped_timers(model)
    yield from _changed_delays(model)


def _dropped_rows(model: Model) -> Iterator[tuple[str, Data]]:
    for number, row in enumerate(model.transitions):
        data = _plain(model)
        del data["transitions"][number]
        yield f"drop row {row.id}", data


def _redirected_rows(model: Model) -> Iterator[tuple[str, Data]]:
    for number, row in enumerate(model.transitions):
        for dest in model.states:
            # Back to where nothing has begun is no mistake that anybody makes.
            if dest in {row.dest, row.source, model.initial}:
                continue
            data = _plain(model)
            data["transitions"][number]["dest"] = dest
            yield f"redirect {row.id} to {dest}", data
        if row.dest is not None:
            data = _plain(model)
            del data["transitions"][number]["dest"]
            yield f"let {row.id} stay", data


def _dropped_actions(model: Model) -> Iterator[tuple[str, Data]]:
    for number, row in enumerate(model.transitions):
        for place, action in enumerate(row.before):
            data = _plain(model)
            del data["transitions"][number]["before"][place]
            yield f"drop {action} of {row.id}", data
    for name, state in model.states.items():
        for when, actions in (("on_enter", state.on_enter), ("on_exit", state.on_exit)):
            for place, action in enumerate(actions):
                data = _plain(model)
                del data["states"][name][when][place]
                yield f"drop {action} of {when} of {name}", data


def _dropped_timers(model: Model) -> Iterator[tuple[str, Data]]:
    for timer, spec in model.timers.items():
        for transport in ("unreliable", "reliable"):
            if getattr(spec, transport) is not None:
                data = _plain(model)
                del data["timers"][timer][transport]
                yield f"drop timer {timer} over {transport} transports", data
        data = _plain(model)
        del data["timers"][timer]
        _forget(data, timer)
        yield f"drop timer {timer}", data


def _forget(data: Data, timer: str) -> None:
    """Take everything out that speaks of a timer, or the schema would refuse the rest."""
    gone = {name for name, (_verb, used) in TIMER_ACTIONS.items() if used == timer}
    for row in data["transitions"]:
        row["trigger"] = [event for event in row["trigger"] if event != f"timer_{timer}"]
        row["before"] = [action for action in row.get("before", []) if action not in gone]
    data["transitions"] = [row for row in data["transitions"] if row["trigger"]]
    for state in data["states"].values():
        for when in state:
            state[when] = [action for action in state[when] if action not in gone]


def _changed_delays(model: Model) -> Iterator[tuple[str, Data]]:
    for timer, spec in model.timers.items():
        for factor, word in ((0.5, "halve"), (2, "double")):
            data = _plain(model)
            entry = data["timers"][timer]
            for transport in ("unreliable", "reliable"):
                if entry.get(transport, "0") != "0":
                    entry[transport] = _times(factor, entry[transport])
            yield f"{word} timer {timer}", data
        if spec.backoff != 1:
            data = _plain(model)
            del data["timers"][timer]["backoff"]
            yield f"never back off timer {timer}", data
        if spec.cap is not None:
            data = _plain(model)
            del data["timers"][timer]["cap"]
            yield f"never cap timer {timer}", data


def _times(factor: float, delay: str) -> str:
    """A delay times a factor, as a model writes it."""
    if delay.startswith("max("):
        inner = delay.removeprefix("max(").removesuffix(")")
        return f"max({', '.join(_times(factor, part.strip()) for part in inner.split(','))})"
    return "+".join(_term(factor, term.strip()) for term in delay.split("+"))


def _term(factor: float, term: str) -> str:
    number, star, name = term.partition("*")
    if star:
        return f"{float(number) * factor:g}*{name}"
    return f"{float(term) * factor:g}" if term[0].isdigit() else f"{factor:g}*{term}"


def equivalent(model: Model, other: Model) -> bool:
    """Say whether no order of events and timers, tick by tick, tells two models apart.

    They are compared as they run: by what they ask for, by the timers that run, and by their ends.
    """
    return all(_alike(model, other, reliable=reliable) for reliable in (False, True))


_Timers = tuple[tuple[Timer, int, float], ...]
"""The timers that run, each with the ticks that it has left and the seconds that it was last set to."""


def _alike(model: Model, other: Model, *, reliable: bool) -> bool:
    engines = [Engine(each, Timing()) for each in (model, other)]
    start: tuple[tuple[str, ...], _Timers] = ((model.initial, other.initial), ())
    seen = {start}
    todo = [start]
    while todo:
        states, timers = todo.pop()
        for event in _possible(timers):
            pair = [
                _put(engine, state, timers, reliable=reliable)
                for engine, state in zip(engines, states, strict=True)
            ]
            effects = [[_shown(effect) for effect in instance.handle(event)] for instance in pair]
            if _different(pair, effects):
                return False
            if pair[0].terminated:
                continue
            after = (tuple(instance.state for instance in pair), _left(timers, pair[0], effects[0]))
            if after not in seen:
                seen.add(after)
                todo.append(after)
        if timers and all(left > 0 for _timer, left, _interval in timers):
            after = (states, tuple((timer, left - 1, interval) for timer, left, interval in timers))
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return True


def _possible(timers: _Timers) -> Iterator[Event]:
    """All events: those of timers that are due, and of those that do not run, as if they came late."""
    early = {TIMER_EVENTS[timer] for timer, left, _interval in timers if left > 0}
    return (event for event in Event if event not in early)


def _put(engine: Engine, state: str, timers: _Timers, *, reliable: bool) -> Instance:
    instance = engine.create(reliable=reliable)
    instance.state = state
    instance.running = {timer: interval for timer, _left, interval in timers}
    return instance


def _shown(effect: Effect) -> Effect | None:
    """An effect, but that a timer is stopped: which timers run is compared by itself."""
    return None if isinstance(effect, StopTimer) else effect


def _different(pair: list[Instance], effects: list[list[Effect | None]]) -> bool:
    one, two = ([effect for effect in each if effect is not None] for each in effects)
    return one != two or pair[0].running != pair[1].running or pair[0].terminated != pair[1].terminated


def _left(timers: _Timers, instance: Instance, effects: list[Effect | None]) -> _Timers:
    left = {timer: ticks_left for timer, ticks_left, _interval in timers}
    left |= {effect.timer: ticks(f"{effect.delay:g}") for effect in effects if isinstance(effect, StartTimer)}
    return tuple((timer, left[timer], interval) for timer, interval in sorted(instance.running.items()))
