"""What client and server transactions share: a machine, its timers, and a nursery of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import structlog
import trio

from sipfsm.fsm import TIMER_EVENTS, Action, Effect, Engine, Event, StartTimer, StopTimer, Timer
from sipfsm.message import Message
from sipfsm.transaction.alarms import Alarms
from sipfsm.transaction.keys import Key
from sipfsm.transport import TransportError

if TYPE_CHECKING:
    from sipfsm.transaction.layer import TransactionLayer

log = structlog.get_logger("sipfsm.transaction")

M = TypeVar("M", bound=Message)


class Transaction(Generic[M]):
    """A machine that lives in a nursery of its own.

    Events come in synchronously, so that a step and its effects are never cut in half by a cancellation; what
    has to wait (a timer, a connection, the work of the transaction user) lives in the nursery, and ends with
    it. An event that an effect causes is handled after all effects of the step before it.
    """

    __slots__ = ("_alarms", "_busy", "_inbox", "_waiting", "instance", "key", "layer", "nursery")

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]]
    """What carries out each action: a method that takes the message of the event."""

    def __init__(self, layer: TransactionLayer, engine: Engine, key: Key, *, reliable: bool) -> None:
        """Put a machine into its initial state; `run` gives it a nursery."""
        self.layer = layer
        self.key = key
        self.instance = engine.create(reliable=reliable)
        self.nursery: trio.Nursery | None = None
        self._alarms: Alarms[Timer] = Alarms()
        self._inbox: deque[tuple[Event, M | None]] = deque()
        self._busy = False
        self._waiting: list[tuple[Callable[..., Awaitable[None]], tuple[Any, ...]]] = []

    @property
    def state(self) -> str:
        """The state that the machine is in."""
        return self.instance.state

    @property
    def terminated(self) -> bool:
        """Whether the machine has reached its end."""
        return self.instance.terminated

    def handle(self, event: Event, message: M | None = None) -> None:
        """Have the machine take an event, and carry out what it asks for."""
        self._inbox.append((event, message))
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox:
                self._step(*self._inbox.popleft())
        finally:
            self._busy = False
        self._alarms.rearm()

    def _step(self, event: Event, message: M | None) -> None:
        instance = self.instance
        before = instance.state
        effects = instance.handle(event)
        if self.layer.tracing:
            log.debug(
                "event",
                key=self.key,
                model=instance.engine.model.name,
                trigger=str(event),
                state=instance.state,
                came_from=before,
            )
        for effect in effects:
            self._perform(effect, message)

    def _perform(self, effect: Effect, message: M | None) -> None:
        if isinstance(effect, StartTimer):
            self._alarms.start(effect.timer, effect.delay)
        elif isinstance(effect, StopTimer):
            self._alarms.stop(effect.timer)
        else:
            self.performers[effect](self, message)

    def start_soon(self, work: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Have something done that may wait; it is cancelled when the transaction ends."""
        if self.nursery is None:
            self._waiting.append((work, args))
        elif not self.terminated:
            self.nursery.start_soon(self._guarded, work, args)

    async def run(self) -> None:
        """Live, in a nursery of one's own, until the machine reaches its end."""
        try:
            if not self.terminated:
                async with trio.open_nursery() as self.nursery:
                    for work, args in self._waiting:
                        self.nursery.start_soon(self._guarded, work, args)
                    self._waiting.clear()
                    await self._alarms.run(self._timer_fired)
                    self.nursery.cancel_scope.cancel()
        finally:
            self._alarms.close()
            self.forget()

    async def _guarded(self, work: Callable[..., Awaitable[None]], args: tuple[Any, ...]) -> None:
        try:
            await work(*args)
        except Exception:
            # A bug in one transaction's work must not end all the others.
            self.layer.counters.count("faults.transaction")
            log.exception("work failed", key=self.key, state=self.state)
            self.work_failed()

    def work_failed(self) -> None:
        """Clean up after work that raised what it should not have."""
        self.handle(Event.TU_ABANDON)

    def _timer_fired(self, timer: Timer) -> None:
        self.handle(TIMER_EVENTS[timer])

    def _send_failed(self, error: TransportError) -> None:
        self.layer.counters.count(f"transport-error.{error.reason}")
        self.handle(Event.TRANSPORT_ERROR)

    def forget(self) -> None:
        """Take the key out of the layer's table; the machine is at its end."""
        raise NotImplementedError

    # ---- actions that are the same for all four machines

    def terminate(self, _message: M | None) -> None:
        """Stop all timers, and let go of the key; `run` then ends."""
        self._alarms.close()
        self.forget()

    def drop(self, _message: M | None) -> None:
        """Count a message that goes no further."""
        self.layer.counters.count(f"dropped.transaction.{self.instance.engine.model.name}")

    def ignore(self, _message: M | None) -> None:
        """Do nothing: there is nobody to tell."""
