"""The composition of a scenario: a client transaction, a network, a server transaction."""

from collections.abc import Callable

from sipfsm.fsm import Model
from sipfsm.verify.client_side import MESSAGES, ClientSide
from sipfsm.verify.composition import Broken, Composition
from sipfsm.verify.machine import Machine
from sipfsm.verify.network import Mail
from sipfsm.verify.scenario import TO_SERVER, Message, Property, Scenario
from sipfsm.verify.server_side import ServerSide

_MAILS = tuple(
    Mail(message, 1, 1, ("client", "server"))
    if message in TO_SERVER
    else Mail(message, 0, 0, ("server", "client"))
    for message in MESSAGES
)


class Transactions(Composition):
    """Two transactions, as `docs/explanation/verification.md` defines it."""

    circle = Property.S4

    def __init__(self, scenario: Scenario, find: Callable[[str], Model]) -> None:
        """Begin.

        Args:
            scenario: who takes part.
            find: gives the model of a name.
        """
        self._properties = scenario.properties
        reliable = scenario.network.reliable
        client, server = (
            Machine(role.applied(find(role.model)), reliable=reliable)
            for role in (scenario.client, scenario.server)
        )
        self._client_side = ClientSide(scenario, client)
        watched = [Message.ACK] if Property.S3 in scenario.properties else []
        super().__init__(
            scenario.network,
            [self._client_side, ServerSide(scenario, server)],
            _MAILS,
            watched=frozenset(MESSAGES.index(message) for message in watched),
            bits=(16, 16),
        )
        self.begin(0, self._client_side.begin())

    def at_end(self, state: int) -> Broken:
        """Give what is broken if nothing can happen any more: S4, if a transaction is left."""
        gone = all(side.ended(part) for side, part in zip(self.sides, self.parts(state), strict=True))
        observed = Property.S4 in self._properties
        return (
            () if gone or not observed else ((Property.S4, "a transaction is left, but nothing can happen"),)
        )

    def confirm(self, state: int, broken: Broken) -> Broken:
        """Give those that are broken indeed: S3 depends on what the client heard, and the network lost."""
        heard = self.parts(state)[0].heard
        excused = not heard or self.medium.states[self.flying(state)].marked
        return tuple(item for item in broken if item[0] is not Property.S3 or not excused)
