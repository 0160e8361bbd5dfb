"""The composition of a forking proxy: a caller, the proxy with its six machines, and two servers."""

from collections.abc import Callable

from sipfsm.fsm import Model
from sipfsm.verify.composition import Broken, Composition
from sipfsm.verify.fork_ends import CalleeSide, CallerSide
from sipfsm.verify.fork_mail import MAILS, Kind, mail_number
from sipfsm.verify.fork_proxy import ProxySide
from sipfsm.verify.machine import Machine
from sipfsm.verify.scenario import Fork, ForkProperty


class Forking(Composition):
    """A forking proxy between a caller and two servers, as `docs/explanation/verification.md` defines it."""

    circle = ForkProperty.F4

    def __init__(self, fork: Fork, find: Callable[[str], Model]) -> None:
        """Begin.

        Args:
            fork: who takes part.
            find: gives the model of a name.
        """
        self._properties = fork.properties
        roles = {"server": fork.server, "context": fork.context, "branch": fork.branch, "client": fork.client}
        machines = {
            name: Machine(role.applied(find(role.model)), reliable=fork.network.reliable)
            for name, role in roles.items()
        }
        caller = CallerSide(fork.caller)
        self._proxy = ProxySide(machines, fork.properties)
        callees = [CalleeSide(fork.callee, place) for place in (0, 1)]
        cancels = [mail_number(Kind.CANCEL, place) for place in (0, 1)]
        super().__init__(
            fork.network,
            [caller, self._proxy, *callees],
            MAILS,
            watched=frozenset(cancels),
            bits=(8, 22, 8, 8),
        )
        self.begin(0, caller.begin())

    def at_end(self, state: int) -> Broken:
        """Give what is broken if nothing can happen any more."""
        _caller, proxy, *callees = self.parts(state)
        broken = []
        if proxy.begun and proxy.upstream is None:
            broken.append((ForkProperty.F1, "no final response goes upstream"))
        if not self.medium.states[self.flying(state)].marked and any(each.waits for each in callees):
            broken.append((ForkProperty.F3, "a callee rings for ever, and gets no CANCEL"))
        if not self._proxy.ended(proxy):
            broken.append(
                (ForkProperty.F4, "nothing can happen any more, but a machine of the proxy is left")
            )
        return tuple(item for item in broken if item[0] in self._properties)
