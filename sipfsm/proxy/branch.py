"""A branch of a response context: one destination, and the client transactions that try to reach it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from sipfsm.fsm import TIMER_EVENTS, Action, Driver, Event, Timer
from sipfsm.logs import log_step
from sipfsm.message import MessageError, Request, Response, make_cancel
from sipfsm.message.refusal import RefusedError
from sipfsm.proxy.forwarding import (
    DIALOG_METHODS,
    Interface,
    prepare_forwarded,
    record_route,
)
from sipfsm.proxy.targets import Destination
from sipfsm.transaction import Alarms, ClientTransaction
from sipfsm.transport import Target, TransportError

if TYPE_CHECKING:
    from sipfsm.proxy.context import ResponseContext


class Branch(Driver[Response]):
    """Runs the model `branch`: a client transaction as its proxy sees it, with Timer C and CANCEL."""

    __slots__ = ("_alarms", "_context", "_destination", "_next", "_request", "_targets", "client")

    def __init__(self, context: ResponseContext, request: Request, destination: Destination) -> None:
        """Put the branch into its initial state; `run` sends the request, which is the branch's own copy."""
        super().__init__(context.proxy.branch_engine.create(reliable=False))
        self._context = context
        self._alarms: Alarms[Timer] = Alarms(context.proxy.transactions.timers, self._timer_fired)
        self._destination = destination
        prepare_forwarded(request, destination)
        self._request: Request | None = request
        self._targets: list[Target] = []
        self._next: ClientTransaction | None = None
        self.client: ClientTransaction | None = None

    async def run(self) -> None:
        """Try to reach the destination, and live until the last client transaction is gone."""
        try:
            self._targets = await self._locate()
            self.handle(Event.TU_INVITE if self._context.is_invite else Event.TU_REQUEST)
            while self._next is not None:
                self.client, self._next = self._next, None
                await self.client.run()
            self.handle(Event.CLIENT_GONE)
        finally:
            self._alarms.close()
            self.client = self._next = None  # which knows us as its user: no circle is left behind

    async def _locate(self) -> list[Target]:
        assert self._request is not None
        try:
            proxy = self._context.proxy
            targets = await proxy.resolver.resolve(proxy.next_hop(self._request, self._destination))
            return proxy.ways(targets, self._request, self._context.server.flow)
        except (MessageError, RefusedError, TransportError) as error:
            self._context.proxy.note_unroutable(error)
        return []

    def start_timer(self, timer: Timer, delay: float) -> None:
        """Have a timer fire in `delay` seconds."""
        self._alarms.start(timer, delay)

    def stop_timer(self, timer: Timer) -> None:
        """Stop a timer."""
        self._alarms.stop(timer)

    def stepped(self, event: Event, before: str) -> None:
        """Log the step, if every event is to be logged."""
        if self._context.proxy.transactions.tracing:
            log_step(self, self._context.server.key, event, before)

    def _timer_fired(self, timer: Timer) -> None:
        self.handle(TIMER_EVENTS[timer])

    # ---- what the client transaction tells

    def response_arrived(self, response: Response) -> None:
        """Take a response (:rfc:`3261#section-16.7` step 3: the topmost Via is ours, and goes).

        One that has no other Via is for nobody. If it is a final one, the client transaction has its outcome
        and the branch will get none: that is as if nobody had answered (step 6).
        """
        response.headers.pop_first_value(b"via")
        if b"via" not in response.headers:
            self._context.proxy.counters.count("dropped.response.no-more-via")
            if response.status >= 200:
                self.handle(Event.TIMEOUT)
            return
        response.headers.straighten()
        self.handle(_event_of(response.status), response)

    def timed_out(self) -> None:
        """Take note that no final response came; another target may be left.

        What is no INVITE is not tried again: its own client has given it up by now. Nor is UDP tried in place
        of TCP, which is for who takes no connection (:rfc:`3261#section-18.1.1`).
        """
        assert self.client is not None
        tried = self.client.target
        if tried.protocol == "TCP" and self._targets[:1] == [tried._replace(protocol="UDP")]:
            self._targets.pop(0)
        another = bool(self._targets) and self._context.is_invite
        self.handle(Event.TARGET_FAILED if another else Event.TIMEOUT)

    def transport_failed(self, error: TransportError) -> None:
        """Take note that the request could not be sent; another target may be left."""
        self._context.proxy.note_unroutable(error)
        self.handle(Event.TARGET_FAILED if self._targets else Event.TRANSPORT_ERROR)

    # ---- actions

    def _send_request(self, _response: Response | None) -> None:
        if not self._targets:
            self.handle(Event.TRANSPORT_ERROR)
            return
        target = self._targets.pop(0)
        request = self._request
        assert request is not None
        # The last copy is the transaction's to keep, and to let go of.
        self._request = request.copy() if self._targets else None
        context = self._context
        flow = context.server.flow
        try:
            outgoing = Interface(target.protocol, context.proxy.transport.sent_by_to(target, prefer=flow))
        except TransportError as error:
            self.transport_failed(error)
            return
        if request.method in DIALOG_METHODS:
            token = context.proxy.relay.token(request)
            record_route(request, Interface.of(flow), outgoing, token)
        branch = context.proxy.transactions.new_branch() + self._destination.mark
        self._next = ClientTransaction(
            context.proxy.transactions, request, target, self, prefer=flow, branch=branch
        )

    def _send_cancel(self, _response: Response | None) -> None:
        client = self.client
        assert client is not None
        cancel = make_cancel(client.request)
        cancel.headers.remove(b"via")  # the transaction puts it on again, with the same branch
        layer = self._context.proxy.transactions
        transaction = ClientTransaction(
            layer, cancel, client.target, Unheard(), prefer=self._context.server.flow, branch=client.branch
        )
        self._context.proxy.start_soon(transaction.run)

    def _abandon_client(self, _response: Response | None) -> None:
        assert self.client is not None
        self.client.abandon()
        if self._next is not None:  # the client had failed in this very instant, and the next one not begun
            self._next.forget()
            self._next = None

    def _offer_provisional(self, response: Response | None) -> None:
        assert response is not None
        self._context.offer_provisional(response)

    def _offer_success(self, response: Response | None) -> None:
        assert response is not None
        self._context.offer_success(self, response)

    def _offer_failure(self, response: Response | None) -> None:
        assert response is not None
        self._context.offer_failure(self, response)

    def _offer_timeout(self, _response: Response | None) -> None:
        self._offer_own(408)

    def _offer_unavailable(self, _response: Response | None) -> None:
        self._offer_own(503)

    def _offer_cancelled(self, _response: Response | None) -> None:
        self._offer_own(487)

    def _offer_own(self, status: int) -> None:
        self._context.offer_own(self, status)

    def _terminate(self, _response: Response | None) -> None:
        self._context.branch_gone(self)

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        Action.SEND_REQUEST: _send_request,
        Action.SEND_CANCEL: _send_cancel,
        Action.ABANDON_CLIENT: _abandon_client,
        Action.OFFER_PROVISIONAL: _offer_provisional,
        Action.OFFER_SUCCESS: _offer_success,
        Action.OFFER_FAILURE: _offer_failure,
        Action.OFFER_TIMEOUT: _offer_timeout,
        Action.OFFER_UNAVAILABLE: _offer_unavailable,
        Action.OFFER_CANCELLED: _offer_cancelled,
        Action.TERMINATE: _terminate,
    }


def _event_of(status: int) -> Event:
    if status == 100:
        return Event.RESPONSE_100
    if status < 200:
        return Event.RESPONSE_101_199
    return Event.RESPONSE_2XX if status < 300 else Event.RESPONSE_300_699


class Unheard:
    """The user of a CANCEL: what is answered to it is of no consequence (:rfc:`3261#section-9.1`)."""

    def response_arrived(self, response: Response) -> None:
        """Do nothing."""

    def timed_out(self) -> None:
        """Do nothing."""

    def transport_failed(self, error: TransportError) -> None:
        """Do nothing."""
