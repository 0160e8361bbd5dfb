"""The server's own life: the model `server` at work."""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, Protocol

import trio

from sipfsm.fsm import TIMER_EVENTS, Action, Driver, Engine, Event, Timer, Timing, load_model
from sipfsm.logs import log_step
from sipfsm.message import Request
from sipfsm.message.refusal import RefusedError
from sipfsm.transaction import ServerTransaction, TransactionLayer
from sipfsm.transaction.alarms import Alarms

_LOOK_SECONDS = 0.05
"""Between two looks whether requests in progress are answered: eighty in the life of a server."""


class Core(Protocol):
    """Who answers requests. No method of it may block."""

    def take(self, transaction: ServerTransaction) -> None:
        """Take a new request. It is to be answered by `ServerTransaction.respond`, now or later."""

    def give_up(self, transaction: ServerTransaction) -> None:
        """Answer a request in progress now, for the server ends; if that cannot be, do so when it can."""


@cache
def _engine() -> Engine:
    return Engine(load_model("server"), Timing())


class ServerLife(Driver[ServerTransaction]):
    """The life of one server, and so what each request gets.

    Attributes:
        core: who answers requests; set before the machine is told that the server has started.
        ended: is set at the end.
    """

    core: Core

    def __init__(self, transactions: TransactionLayer, *, tracing: bool = False) -> None:
        """Put the machine into its initial state.

        Args:
            transactions: where requests in progress are found; its timers are used, too.
            tracing: log every event, at level debug.
        """
        super().__init__(_engine().create(reliable=False))
        self.ended = trio.Event()
        self._transactions = transactions
        self._tracing = tracing
        self._alarms: Alarms[Timer] = Alarms(transactions.timers, self._timer_fired)
        self._nursery: trio.Nursery | None = None

    def begin(self, nursery: trio.Nursery) -> None:
        """Begin, in the nursery of the server."""
        self._nursery = nursery
        self.handle(Event.START)

    def take(self, transaction: ServerTransaction) -> None:
        """Have a new request get what there is for it in this state."""
        self.handle(_event_of(transaction.request), transaction)

    def start_timer(self, timer: Timer, delay: float) -> None:
        """Have a timer fire in `delay` seconds."""
        self._alarms.start(timer, delay)

    def stop_timer(self, timer: Timer) -> None:
        """Stop a timer."""
        self._alarms.stop(timer)

    def stepped(self, event: Event, before: str) -> None:
        """Log the step, if every event is to be logged."""
        if self._tracing:
            log_step(self, "server", event, before)

    def _timer_fired(self, timer: Timer) -> None:
        self.handle(TIMER_EVENTS[timer])

    def _in_progress(self) -> list[ServerTransaction]:
        return [each for each in self._transactions.servers.values() if not each.answered]

    async def _look_for_answers(self) -> None:
        while self._in_progress():  # noqa: ASYNC110 - all would have to tell, for the few seconds of an end
            await trio.sleep(_LOOK_SECONDS)
        self.handle(Event.ALL_ANSWERED)

    # ---- what the machine asks for

    def _take_request(self, transaction: ServerTransaction | None) -> None:
        assert transaction is not None
        self.core.take(transaction)

    def _refuse_request(self, transaction: ServerTransaction | None) -> None:
        assert transaction is not None
        refusal = RefusedError(503, None, {b"retry-after": b"10"})
        transaction.respond(refusal.response(transaction.request))

    def _await_answers(self, _transaction: ServerTransaction | None) -> None:
        assert self._nursery is not None  # the server has started
        self._nursery.start_soon(self._look_for_answers)

    def _give_up_requests(self, _transaction: ServerTransaction | None) -> None:
        for transaction in self._in_progress():
            transaction.tell(self.core.give_up, transaction)

    def _terminate(self, _transaction: ServerTransaction | None) -> None:
        self._alarms.close()
        self.ended.set()

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        Action.TAKE_REQUEST: _take_request,
        Action.REFUSE_REQUEST: _refuse_request,
        Action.AWAIT_ANSWERS: _await_answers,
        Action.GIVE_UP_REQUESTS: _give_up_requests,
        Action.TERMINATE: _terminate,
    }


def _event_of(request: Request) -> Event:
    if request.method == "CANCEL":
        return Event.CANCEL
    return Event.REQUEST_OUTSIDE_DIALOG if request.to.tag is None else Event.REQUEST_WITHIN_DIALOG
