"""Race conditions of transactions and their users, found by looking for the shortest run to each.

None of them breaks a property: the machines get over it. But whoever writes a transaction user has to expect
it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from sipfsm.fsm import Model
from sipfsm.verify.composition import Composition, Edge
from sipfsm.verify.explore import Violation
from sipfsm.verify.results import Counterexample
from sipfsm.verify.scenario import AnyScenario, Message
from sipfsm.verify.scenarios import FORKS, SCENARIOS
from sipfsm.verify.side import Label
from sipfsm.verify.trace import tell
from sipfsm.verify.verify import compose, lanes_of
from sipfsm.verify.walk import Walk

Seen = Callable[[list[Any], Label], bool]
"""Whether a move is the race: of the states of the sides before it, and what the move is."""


class Race(NamedTuple):
    """A race condition."""

    name: str
    source: str
    text: str
    """What meets what, as sentences."""
    outcome: str
    scenario: AnyScenario
    seen: Seen


def _comes(message: Message, phase: str) -> Seen:
    """A message comes to a callee that is in a phase."""

    def seen(parts: list[Any], label: Label) -> bool:
        return (label.who, label.detail) == ("server", message) and parts[1].phase == phase

    return seen


def _2xx_while_cancelling(parts: list[Any], label: Label) -> bool:
    return label.who == "client" and Message.SUCCESS in label.told and parts[0].phase == "cancelling"


def _2xx_after_cancel_at_a_proxy(_parts: list[Any], label: Label) -> bool:
    return "BRA-27" in label.rows


def _second_2xx(_parts: list[Any], label: Label) -> bool:
    return "RCX-15" in label.rows


_INVITE = next(scenario for scenario in SCENARIOS if scenario.name == "invite")

RACES = (
    Race(
        "The INVITE comes again while the 2xx is on its way",
        "RFC 5407 3.1.1",
        "The callee has sent its 2xx, and has no ACK yet; then a copy of the INVITE arrives.",
        "The server transaction, still there in `Accepted`, absorbs it.",
        _INVITE,
        _comes(Message.REQUEST, "repeating"),
    ),
    Race(
        "CANCEL crosses the 2xx",
        "RFC 5407 3.1.2",
        "The caller hangs up while the 2xx is on its way: the CANCEL reaches a callee that has answered.",
        "The CANCEL has no effect; the call is there, and the caller has to end it with BYE.",
        _INVITE,
        _comes(Message.CANCEL, "repeating"),
    ),
    Race(
        "The 2xx comes after the caller has hung up",
        "RFC 3261 9.1, RFC 5407 3.1.2",
        "The same race as the caller sees it: it has sent a CANCEL, and gets a 2xx instead of a 487.",
        "The caller sends the ACK all the same, or the callee would repeat its 2xx.",
        _INVITE,
        _2xx_while_cancelling,
    ),
    Race(
        "The 2xx crosses the CANCEL of a proxy",
        "RFC 3261 9.1 and 16.7 step 5",
        "A branch of the proxy is being cancelled, and its callee answers with a 2xx.",
        "The proxy forwards it: row BRA-27.",
        FORKS[0],
        _2xx_after_cancel_at_a_proxy,
    ),
    Race(
        "Two callees answer",
        "RFC 3261 16.7 step 5",
        "One 2xx has gone upstream; another one comes from the other branch.",
        "The proxy forwards it, too: row RCX-15.",
        FORKS[0],
        _second_2xx,
    ),
)
"""What can be met in the compositions of transactions; those of a dialog are found by `crossings`."""


def find_race(race: Race, find: Callable[[str], Model]) -> Counterexample:
    """Find the shortest run that leads to a race.

    Raises:
        LookupError: no run does.
    """
    composition = compose(race.scenario, find)
    path = _shortest(composition, race.seen)
    observed = race.scenario.properties[0]
    return tell(
        composition, race.scenario.name, observed, Violation(path, race.outcome), lanes_of(race.scenario)
    )


def _shortest(composition: Composition, seen: Seen) -> tuple[Edge, ...]:
    walk = Walk(composition)
    for state, edge in walk:
        if edge[4] is not None and seen(composition.parts(state), edge[4].label):
            return (*walk.way(state), edge)
    raise LookupError("no run leads there")
