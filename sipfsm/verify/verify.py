"""Verification as a whole: which scenarios a choice of models asks for, and what exploring each says."""

from collections.abc import Callable, Sequence

from sipfsm.fsm import Model
from sipfsm.verify.call import Calling
from sipfsm.verify.call_mail import LANES as CALL_LANES
from sipfsm.verify.composition import Composition
from sipfsm.verify.explore import NO_LIMITS, Exploration, Limits, explore
from sipfsm.verify.fork import Forking
from sipfsm.verify.fork_mail import LANES as FORK_LANES
from sipfsm.verify.kinds import Kind, kind_of
from sipfsm.verify.results import Result, Verdict
from sipfsm.verify.scenario import AnyProperty, AnyScenario, Call, Fork, Role
from sipfsm.verify.scenarios import CALLS, FORKS, SCENARIOS
from sipfsm.verify.trace import tell
from sipfsm.verify.transactions import Transactions

Find = Callable[[str], Model]
"""Gives the model of a name; what a user's own file is called is for whoever calls to know."""

_PLACES: dict[Kind, tuple[str, str]] = {
    Kind.INVITE_CLIENT: ("INVITE", "client"),
    Kind.INVITE_SERVER: ("INVITE", "server"),
    Kind.OTHER_CLIENT: ("OTHER", "client"),
    Kind.OTHER_SERVER: ("OTHER", "server"),
    Kind.BRANCH: ("fork", "branch"),
    Kind.RESPONSE_CONTEXT: ("fork", "context"),
    Kind.DIALOG_CALLER: ("call", "caller"),
    Kind.DIALOG_CALLEE: ("call", "callee"),
    Kind.OFFER: ("call", "offer"),
}
"""In which compositions a machine takes part, and as what."""

LANES = ("caller", "client", "server", "callee")
"""Who takes part in a composition of two transactions."""

Chosen = dict[tuple[str, str], str]
"""Names of models by what they play."""


def scenarios_for(models: Sequence[str], find: Find) -> list[AnyScenario]:
    """Give the built-in scenarios in which these models take part, each in the place of the built-in one.

    Machines that go together take part together; what is missing is the built-in machine. Of two models of
    one kind the last one counts.
    """
    chosen: Chosen = {}
    for name in models:
        place = _PLACES.get(kind_of(find(name)))
        if place is not None:
            chosen[place] = name
    wanted = {method for method, _place in chosen}
    scenarios: list[AnyScenario] = [
        _placed(scenario, chosen, scenario.method, find)
        for scenario in SCENARIOS
        if scenario.method in wanted
    ]
    if "fork" in wanted:
        # The transactions of a proxy are those of its INVITE.
        parts = {("fork", place): name for (method, place), name in chosen.items() if method != "OTHER"}
        scenarios += [_placed(fork, parts, "fork", find) for fork in FORKS]
    if "call" in wanted:
        scenarios += [_placed(call, chosen, "call", find) for call in CALLS]
    return scenarios


def _placed(scenario: AnyScenario, chosen: Chosen, method: str, find: Find) -> AnyScenario:
    others = {
        place: name
        for (its_method, place), name in chosen.items()
        if its_method == method and name != getattr(scenario, place).model
    }
    if not others:
        return scenario
    names = [find(name).name for name in others.values()]
    changes: dict[str, object] = {place: Role(model=name) for place, name in others.items()}
    changes["name"] = f"{scenario.name}-with-{'-'.join(names)}"
    changes["title"] = f"{scenario.title}, with {' and '.join(names)}"
    return scenario.model_copy(update=changes)


def lanes_of(scenario: AnyScenario) -> tuple[str, ...]:
    """Tell who takes part, in the order in which a picture shows them."""
    if isinstance(scenario, Call):
        return CALL_LANES
    return FORK_LANES if isinstance(scenario, Fork) else LANES


def compose(scenario: AnyScenario, find: Find) -> Composition:
    """Put the parts of a scenario together."""
    if isinstance(scenario, Call):
        return Calling(scenario, find)
    return Forking(scenario, find) if isinstance(scenario, Fork) else Transactions(scenario, find)


def verify_scenario(scenario: AnyScenario, find: Find, limits: Limits = NO_LIMITS) -> Result:
    """Explore a scenario.

    Args:
        scenario: who takes part, within which bounds.
        find: gives the model of a name.
        limits: when to stop before the end.
    """
    composition = compose(scenario, find)
    found = explore(composition, scenario.properties, limits)
    lanes = lanes_of(scenario)
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


def _holds(found: Exploration, each: AnyProperty) -> bool | None:
    if each in found.violations:
        return False
    return True if found.complete else None
