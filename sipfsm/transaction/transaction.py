"""What client and server transactions share: a machine, its timers, and a nursery of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
import trio

from sipfsm.fsm import TIMER_EVENTS, Driver, Engine, Event, Timer
from sipfsm.logs import log_step
from sipfsm.message import Message
from sipfsm.transaction.alarms import Alarms
from sipfsm.transaction.keys import Key
from sipfsm.transport import TransportError

if TYPE_CHECKING:
    from sipfsm.transaction.layer import TransactionLayer

log = structlog.get_logger("sipfsm.transaction")

M = TypeVar("M", bound=Message)


class Transaction(Driver[M]):
    """A machine that lives in a nursery of its own.

    Events come in synchronously, so that a step and its effects are never cut in half by a cancellation; what
    has to wait (a timer, a connection, the work of the transaction user) lives in the nursery, and ends with
    it.
    """

    __slots__ = ("_alarms", "_ended", "_waiting", "key", "layer", "nursery")

    def __init__(self, layer: TransactionLayer, engine: Engine, key: Key, *, reliable: bool) -> None:
        """Put a machine into its initial state; `run` gives it a nursery."""
        super().__init__(engine.create(reliable=reliable))
        self.layer = layer
        self.key = key
        self.nursery: trio.Nursery | None = None
        self._alarms: Alarms[Timer] = Alarms(layer.timers, self._timer_fired)
        self._ended = trio.Event()
        self._waiting: list[tuple[Callable[..., Awaitable[None]], tuple[Any, ...]]] = []

    def start_timer(self, timer: Timer, delay: float) -> None:
        """Have a timer fire in `delay` seconds."""
        self._alarms.start(timer, delay)

    def stop_timer(self, timer: Timer) -> None:
        """Stop a timer."""
        self._alarms.stop(timer)

    def stepped(self, event: Event, before: str) -> None:
        """Log the step, if every event is to be logged."""
        if self.layer.tracing:
            log_step(self, self.key, event, before)

    def start_soon(self, work: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Have something done that may wait; it is cancelled when the transaction ends."""
        if self.nursery is None:
            self._waiting.append((work, args))
        elif not self.terminated:
            self.nursery.start_soon(self._guarded, work, args)

    async def run(self) -> None:
        """Live, in a nursery of one's own, until the machine reaches its end."""
        try:
            self.begin()
            if not self.terminated:
                async with trio.open_nursery() as self.nursery:
                    for work, args in self._waiting:
                        self.nursery.start_soon(self._guarded, work, args)
                    self._waiting.clear()
                    await self._ended.wait()
                    if self.nursery.child_tasks:
                        self.nursery.cancel_scope.cancel()
        finally:
            self._alarms.close()
            self.forget()
            # No circle is left that only the collector could undo.
            self._waiting.clear()
            self.nursery = None

    def begin(self) -> None:
        """Do what is done first of all in `run`."""

    async def _guarded(self, work: Callable[..., Awaitable[None]], args: tuple[Any, ...]) -> None:
        try:
            await work(*args)
        except Exception as fault:  # noqa: BLE001 - whatever it is, all other transactions go on
            self._note_fault(fault)

    def tell(self, told: Callable[..., None], *args: Any) -> None:
        """Tell the transaction user something; if it raises, the step is still carried out to its end."""
        try:
            told(*args)
        except Exception as fault:  # noqa: BLE001 - or timers would not start, and nothing end the transaction
            self._note_fault(fault)

    def _note_fault(self, fault: Exception) -> None:
        self.layer.counters.count("faults.transaction")
        log.error("work failed", key=self.key, state=self.state, exc_info=fault)
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
        self._ended.set()
        self.forget()

    def drop(self, _message: M | None) -> None:
        """Count a message that goes no further."""
        self.layer.counters.count(f"dropped.transaction.{self.instance.engine.model.name}")

    def ignore(self, _message: M | None) -> None:
        """Do nothing: there is nobody to tell."""
