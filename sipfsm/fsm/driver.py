"""Carrying out what a machine asks for: the frame that all users of an instance share."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from sipfsm.fsm.effects import StartTimer
from sipfsm.fsm.engine import Instance
from sipfsm.fsm.vocabulary import Action, Event, Timer

M = TypeVar("M")


class Driver(Generic[M]):
    """Feeds an instance with events, and performs the effects of each step before it takes the next event.

    An effect may cause further events, of this machine or, by way of another one, again of this machine. They
    wait until all effects of the step are performed, so that no step begins within another one.

    Attributes:
        instance: the machine.
        performers: what performs each action: a method that takes what came with the event.
    """

    __slots__ = ("_busy", "_inbox", "instance")

    performers: ClassVar[Mapping[Action, Callable[[Any, Any], None]]]

    def __init__(self, instance: Instance) -> None:
        """Take over an instance in whatever state it is."""
        self.instance = instance
        # A list, though taken from in front: it holds one or two events, and a deque begins at 600 bytes.
        self._inbox: list[tuple[Event, M | None]] = []
        self._busy = False

    @property
    def state(self) -> str:
        """The state that the machine is in."""
        return self.instance.state

    @property
    def terminated(self) -> bool:
        """Whether the machine has reached its end."""
        return self.instance.terminated

    def handle(self, event: Event, message: M | None = None) -> None:
        """Have the machine take an event, with what came with it, and perform what it asks for."""
        if self._busy:
            self._inbox.append((event, message))
            return
        self._busy = True
        try:
            self._step(event, message)
            while self._inbox:
                self._step(*self._inbox.pop(0))
        finally:
            self._busy = False
            self._inbox.clear()

    def _step(self, event: Event, message: M | None) -> None:
        instance = self.instance
        before = instance.state
        effects = instance.handle(event)
        self.stepped(event, before)
        for effect in effects:
            if isinstance(effect, Action):
                self.performers[effect](self, message)
            elif isinstance(effect, StartTimer):
                self.start_timer(effect.timer, effect.delay)
            else:
                self.stop_timer(effect.timer)

    def start_timer(self, timer: Timer, delay: float) -> None:
        """Have a timer fire in `delay` seconds; it replaces a running one of its name."""
        raise NotImplementedError

    def stop_timer(self, timer: Timer) -> None:
        """Stop a timer."""
        raise NotImplementedError

    def stepped(self, event: Event, before: str) -> None:
        """Take note of a step, before its effects are performed; `before` is the state that it began in."""
