"""The life of a binding: the model `binding` at work."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, ClassVar

from sipfsm.fsm import Action, Driver, Engine, Event, Timing, load_model
from sipfsm.location.binding import Binding
from sipfsm.logs import log_step

_HELD = "Active"
"""The state of a binding that the location service holds."""


@cache
def _engine() -> Engine:
    return Engine(load_model("binding"), Timing())


class BindingLife(Driver[Binding]):
    """One binding while something happens to it.

    Between two events a binding is a value that the location service holds, and holding it is its state: so
    it survives a restart, a hundred thousand of them cost no machine each, and what was decided about it and
    not committed never happened.

    Attributes:
        binding: what is bound; None before the binding is made and after it is removed.
        refused: whether the request has to fail.
    """

    __slots__ = ("_contact", "_tracing", "binding", "refused")

    def __init__(self, contact: bytes, binding: Binding | None, *, tracing: bool = False) -> None:
        """Put the machine into the state of a binding that is held, or of none.

        Args:
            contact: the contact URI, for the log.
            binding: what is held.
            tracing: log every event, at level debug.
        """
        super().__init__(_engine().create(reliable=False))
        if binding is not None:
            self.instance.state = _HELD
        self._contact = contact
        self.binding = binding
        self.refused = False
        self._tracing = tracing

    def stepped(self, event: Event, before: str) -> None:
        """Log the step, if every event is to be logged."""
        if self._tracing:
            log_step(self, self._contact, event, before)

    def _store_binding(self, binding: Binding | None) -> None:
        self.binding = binding

    def _remove_binding(self, _binding: Binding | None) -> None:
        self.binding = None

    def _refuse_update(self, _binding: Binding | None) -> None:
        self.refused = True

    def _terminate(self, _binding: Binding | None) -> None:
        """Do nothing: whoever holds the binding sees that it is gone."""

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        Action.STORE_BINDING: _store_binding,
        Action.REMOVE_BINDING: _remove_binding,
        Action.REFUSE_UPDATE: _refuse_update,
        Action.TERMINATE: _terminate,
    }


def expire(held: tuple[Binding, ...], now: float, *, tracing: bool = False) -> tuple[Binding, ...]:
    """Have those bindings end that are past their time at `now` (unix time), and give the others."""
    lives = [BindingLife(binding.contact, binding, tracing=tracing) for binding in held]
    for life, binding in zip(lives, held, strict=True):
        if binding.expires_at <= now:
            life.handle(Event.EXPIRED)
    return _bound(lives)


def restore(found: tuple[Binding, ...], *, tracing: bool = False) -> tuple[Binding, ...]:
    """Begin anew the life of bindings that were found on the disk."""
    lives = [BindingLife(binding.contact, None, tracing=tracing) for binding in found]
    for life, binding in zip(lives, found, strict=True):
        life.handle(Event.RESTORED, binding)
    return _bound(lives)


def _bound(lives: Iterable[BindingLife]) -> tuple[Binding, ...]:
    return tuple(life.binding for life in lives if life.binding is not None)
