"""Race conditions of a dialog, found by looking at every message that any run delivers.

"Race conditions are generated when the dialog state of the receiving side differs from that of the sending
side" (:rfc:`5407#section-2`): so each message carries the state in which its sender was, and is compared with
the state of who gets it. An offer is compared likewise with what either side knows of pending offers.
"""

from collections.abc import Callable
from typing import NamedTuple

from sipfsm.fsm import Model
from sipfsm.verify.call import Calling
from sipfsm.verify.call_agent import AgentState
from sipfsm.verify.call_mail import KINDS, LANES, OFFERING, End, Pending, Sent
from sipfsm.verify.composition import Composition, Edge
from sipfsm.verify.explore import Violation
from sipfsm.verify.results import Counterexample
from sipfsm.verify.scenario import Call
from sipfsm.verify.trace import tell
from sipfsm.verify.walk import Walk

_HAS_SESSION = {"Moratorium", "Established"}


class Crossing(NamedTuple):
    """A message that comes to a dialog in another state than that in which it was sent."""

    message: str
    by: End
    """Who sends it."""
    sent_in: str
    received_in: str
    pending: Pending | None = None
    """Of an offer that comes to a dialog in which another one is pending: whose that is."""


Found = dict[Crossing, tuple[Edge, ...]]
"""For each race, in the order in which they are met, the steps of a shortest run to it."""


def find_crossings(composition: Composition) -> Found:
    """Explore a call breadth first, and keep the first run to each race."""
    found: Found = {}
    seen: set[tuple[int, int]] = set()
    walk = Walk(composition)
    for state, edge in walk:
        if edge[2] != "deliver" or edge[3] is None:
            continue
        mail = edge[3].mail
        met = (mail, composition.receiver(state, mail))
        if met not in seen:
            seen.add(met)
            place = composition.medium.mails[mail].to
            crossing = crossing_of(KINDS[mail], composition.parts(state)[place])
            if crossing is not None and crossing not in found:
                found[crossing] = (*walk.way(state), edge)
    return found


def find_runs(call: Call, find: Callable[[str], Model]) -> dict[Crossing, Counterexample]:
    """Explore a call, and tell a shortest run to each race.

    Args:
        call: who takes part, within which bounds.
        find: gives the model of a name.
    """
    composition = Calling(call, find)
    observed = call.properties[0]
    return {
        crossing: tell(composition, call.name, observed, Violation(path, "a race"), LANES)
        for crossing, path in find_crossings(composition).items()
    }


def crossing_of(message: Sent, receiver: AgentState) -> Crossing | None:
    """Tell which race the delivery of a message is, if it is one; `receiver` is who gets it, before that."""
    offers = message.name in OFFERING and receiver.name in _HAS_SESSION
    pending = receiver.pending if offers and receiver.pending != message.pending else None
    if message.state == receiver.name and pending is None:
        return None
    return Crossing(message.name, message.by, message.state, receiver.name, pending)
