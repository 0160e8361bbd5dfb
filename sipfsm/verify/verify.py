"""Verification as a whole: which scenarios a choice of models asks for, and what exploring each says."""

from collections.abc import Callable, Sequence
from itertools import product

from sipfsm.fsm import Model
from sipfsm.verify.explore import NO_LIMITS, Exploration, Limits, explore
from sipfsm.verify.kinds import Kind, kind_of
from sipfsm.verify.results import Result, Verdict
from sipfsm.verify.scenario import Property, Role, Scenario
from sipfsm.verify.scenarios import SCENARIOS
from sipfsm.verify.trace import tell
from sipfsm.verify.transactions import Transactions

Find = Callable[[str], Model]
"""Gives the model of a name; what a user's own file is called is for whoever calls to know."""

_METHOD = {
    Kind.INVITE_CLIENT: "INVITE",
    Kind.INVITE_SERVER: "INVITE",
    Kind.OTHER_CLIENT: "OTHER",
    Kind.OTHER_SERVER: "OTHER",
}
_CLIENTS = (Kind.INVITE_CLIENT, Kind.OTHER_CLIENT)


def scenarios_for(models: Sequence[str], find: Find) -> list[Scenario]:
    """Give the built-in scenarios in which these models take part, each in the place of the built-in one.

    A client and a server of one method take part together; what is missing is the built-in machine.
    """
    chosen: dict[tuple[str, bool], list[str]] = {}
    for name in models:
        kind = kind_of(find(name))
        if kind in _METHOD:
            chosen.setdefault((_METHOD[kind], kind in _CLIENTS), []).append(name)
    return [
        _placed(scenario, client, server, find)
        for scenario in SCENARIOS
        for client, server in _pairs(
            chosen.get((scenario.method, True), []), chosen.get((scenario.method, False), [])
        )
    ]


def _pairs(clients: list[str], servers: list[str]) -> list[tuple[str | None, str | None]]:
    if not clients and not servers:
        return []
    some_client: list[str | None] = [*clients] or [None]
    some_server: list[str | None] = [*servers] or [None]
    return list(product(some_client, some_server))


def _placed(scenario: Scenario, client: str | None, server: str | None, find: Find) -> Scenario:
    places = {"client": client, "server": server}
    built_in = {"client": scenario.client.model, "server": scenario.server.model}
    others = {place: name for place, name in places.items() if name not in {None, built_in[place]}}
    if not others:
        return scenario
    names = [find(str(name)).name for name in others.values()]
    changes: dict[str, object] = {place: Role(model=str(name)) for place, name in others.items()}
    changes["name"] = f"{scenario.name}-with-{'-'.join(names)}"
    changes["title"] = f"{scenario.title}, with {' and '.join(names)}"
    return scenario.model_copy(update=changes)


def verify_scenario(scenario: Scenario, find: Find, limits: Limits = NO_LIMITS) -> Result:
    """Explore a scenario.

    Args:
        scenario: who takes part, within which bounds.
        find: gives the model of a name.
        limits: when to stop before the end.
    """
    composition = Transactions(scenario, find)
    found = explore(composition, scenario.properties, limits)
    lanes = ("caller", "client", "server", "callee")
    return Result(
        scenario=scenario.name,
        engine="explore",
        verdicts=tuple(
            Verdict(
                property=each,
                holds=_holds(found, each),
                counterexample=tell(composition, scenario.name, each, found.violations[each], lanes)
                if each in found.violations
                else None,
            )
            for each in scenario.properties
        ),
        states=found.states,
        steps=found.steps,
        depth=found.depth,
        complete=found.complete,
        overflowed=composition.medium.overflowed,
        seconds=found.seconds,
    )


def _holds(found: Exploration, each: Property) -> bool | None:
    if each in found.violations:
        return False
    return True if found.complete else None
