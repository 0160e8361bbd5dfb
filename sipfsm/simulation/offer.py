"""Offers and answers of simulated phones: the model `offer` at work. What would be offered is left out."""

from collections.abc import Callable
from typing import Any, ClassVar

from sipfsm.fsm import Action, Driver, Engine, Event


class Offers(Driver[None]):
    """Whose offer is pending in a dialog, as one side knows."""

    def __init__(self, engine: Engine) -> None:
        """Begin before the first offer."""
        super().__init__(engine.create(reliable=False))
        self._refusal: int | None = None

    def make(self) -> bool:
        """Make an offer; return whether it may go out."""
        return self._refusal_of(Event.TU_OFFER) is None

    def take(self) -> int:
        """Take an offer, and answer it at once; return the status of the answer."""
        refusal = self._refusal_of(Event.OFFER)
        if refusal is not None:
            return refusal
        self.handle(Event.TU_ANSWER)
        return 200

    def _refusal_of(self, event: Event) -> int | None:
        self._refusal = None
        self.handle(event)
        return self._refusal

    def _reject(self, _nothing: None) -> None:
        self._refusal = 0

    def _refuse_pending(self, _nothing: None) -> None:
        self._refusal = 491

    def _refuse_busy(self, _nothing: None) -> None:
        self._refusal = 500

    def _terminate(self, _nothing: None) -> None:
        """Do nothing: the dialog that it belongs to is over."""

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        Action.REJECT: _reject,
        Action.REFUSE_PENDING: _refuse_pending,
        Action.REFUSE_BUSY: _refuse_busy,
        Action.TERMINATE: _terminate,
    }
