"""Runs of a composition by chance, for the running implementation to follow."""

from random import Random

from sipfsm.fsm import load_model
from sipfsm.verify.composition import Edge
from sipfsm.verify.explore import Violation
from sipfsm.verify.results import Step
from sipfsm.verify.scenario import AnyScenario
from sipfsm.verify.trace import tell
from sipfsm.verify.verify import compose, lanes_of


def walk(scenario: AnyScenario, seed: int) -> tuple[Step, ...]:
    """Take steps by chance until nothing can happen any more.

    Of the timers of one tick either all fire one after the other, or none does: where it is run, a timer does
    not wait for others.
    """
    composition, chance = compose(scenario, load_model), Random(seed)
    state, path = composition.start, list[Edge]()
    while edges := composition.edges(state):
        if path and path[-1][2] == "fire":
            edges = [edge for edge in edges if edge[2] == "fire"] or edges
        path.append(chance.choice(edges))
        state = path[-1][0]
        assert not path[-1][1], "a property is broken"
    assert not composition.at_end(state)
    run = Violation(tuple(path), "")
    return tell(composition, scenario.name, scenario.properties[0], run, lanes_of(scenario)).steps
