"""Where the built-in models can get to, as the engine runs them."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from sipfsm.fsm import Engine, Event, Instance, Timer, Timing, load_model

MODELS = [
    "invite-client",
    "non-invite-client",
    "invite-server",
    "non-invite-server",
    "branch",
    "response-context",
    "binding",
    "update",
    "connection",
    "server",
    "dialog-caller",
    "dialog-callee",
    "offer",
    "rfc3261/invite-client",
    "rfc3261/invite-server",
]


class Spot(NamedTuple):
    """A state, and the timers that run in it."""

    state: str
    running: frozenset[Timer]


@cache
def engine(model: str, *, compiled: bool = True) -> Engine:
    """The engine of a built-in model, with the default timer values."""
    return Engine(load_model(model), Timing(), compiled=compiled)


@cache
def explore(model: str, *, reliable: bool) -> dict[Spot, dict[Timer, float]]:
    """All spots that any sequence of events leads to, with the delays that the timers had at first."""
    start = engine(model).create(reliable=reliable)
    found = {_spot(start): dict(start.running)}
    todo = list(found)
    while todo:
        for after in steps(model, todo.pop(), found, reliable=reliable):
            spot = _spot(after)
            if spot not in found:
                found[spot] = dict(after.running)
                todo.append(spot)
    return found


def steps(
    model: str, spot: Spot, found: dict[Spot, dict[Timer, float]], *, reliable: bool
) -> Iterator[Instance]:
    """One instance for each event, after it has taken that event in this spot."""
    for event in Event:
        instance = put(engine(model), spot.state, found[spot], reliable=reliable)
        instance.handle(event)
        yield instance


def put(engine: Engine, state: str, running: dict[Timer, float], *, reliable: bool) -> Instance:
    """An instance that is put into a state, with timers that run."""
    instance = engine.create(reliable=reliable)
    instance.state = state
    instance.running = dict(running)
    return instance


def ways(model: str, *, reliable: bool) -> dict[Spot, set[Spot]]:
    """For each spot the spots that one event leads to."""
    found = explore(model, reliable=reliable)
    return {
        spot: {_spot(after) for after in steps(model, spot, found, reliable=reliable)} - {spot}
        for spot in found
    }


def _spot(instance: Instance) -> Spot:
    return Spot(instance.state, frozenset(instance.running))
