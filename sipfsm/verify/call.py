"""The composition of two user agents that have a dialog, and a network between them."""

from collections.abc import Callable

from sipfsm.fsm import Model
from sipfsm.verify.call_ends import Callee, Caller
from sipfsm.verify.call_mail import MAILS
from sipfsm.verify.composition import Broken, Composition
from sipfsm.verify.machine import Machine
from sipfsm.verify.scenario import Call, CallProperty


class Calling(Composition):
    """A call, as `docs/explanation/verification.md` defines it."""

    circle = CallProperty.D1

    def __init__(self, call: Call, find: Callable[[str], Model]) -> None:
        """Begin.

        Args:
            call: who takes part.
            find: gives the model of a name.
        """
        self._properties = call.properties
        caller_dialog, callee_dialog, offer = (
            Machine(role.applied(find(role.model)), reliable=call.network.reliable)
            for role in (call.caller, call.callee, call.offer)
        )
        self._caller = Caller(call, caller_dialog, offer, call.caller_wishes)
        self._callee = Callee(call, callee_dialog, offer, call.callee_wishes)
        super().__init__(
            call.network, [self._caller, self._callee], MAILS, watched=frozenset(), bits=(20, 20)
        )
        self.begin(0, self._caller.begin())

    def at_end(self, state: int) -> Broken:
        """Give what is broken if nothing can happen any more."""
        caller, callee = self.parts(state)
        left = [
            end
            for end, side, here in (("caller", self._caller, caller), ("callee", self._callee, callee))
            if not side.ended(here)
        ]
        if not left or CallProperty.D1 not in self._properties:
            return ()
        return ((CallProperty.D1, f"nothing can happen any more, and the {left[0]} still has its dialog"),)
