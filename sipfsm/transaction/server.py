"""Server transactions (:rfc:`3261#section-17.2`, :rfc:`6026#section-7.1`, :rfc:`4320#section-4`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, ClassVar

from sipfsm.fsm import Action, Event, Timer
from sipfsm.message import Message, Request, Response, make_response
from sipfsm.transaction.classify import event_of_request, event_of_tu_response
from sipfsm.transaction.keys import Key, is_unique, methodless_key, rfc2543_ack_key
from sipfsm.transaction.sending import add_length
from sipfsm.transaction.transaction import Transaction
from sipfsm.transaction.user import ServerUser
from sipfsm.transport import Flow, TransportError

if TYPE_CHECKING:
    from sipfsm.transaction.layer import TransactionLayer


class ServerTransaction(Transaction[Message]):
    """Takes one request and its retransmissions, and sends its responses.

    Attributes:
        request: the request as it came, the Via marked with its source; let go of when a final response was
            sent, for most of a transaction's life is waiting for copies of what it has seen.
        flow: the flow that it came over.
        user: gets what becomes of the answer; set by the core when it takes the request.
        answered: whether a final response was given.
        is_invite: whether the request is an INVITE.
    """

    __slots__ = (
        "_ack_key",
        "_data",
        "_methodless_key",
        "_reply_flow",
        "_request",
        "_unsent",
        "_via",
        "answered",
        "flow",
        "is_invite",
        "user",
    )

    def __init__(self, layer: TransactionLayer, request: Request, flow: Flow, key: Key) -> None:
        """Take a request; the core is told at once."""
        self.is_invite = request.method == "INVITE"
        engine = layer.invite_server if self.is_invite else layer.non_invite_server
        super().__init__(layer, engine, key, reliable=flow.reliable)
        self._request: Request | None = request
        self._via = request.via
        self.flow = flow
        self.user: ServerUser | None = None
        self.answered = False
        self._reply_flow: Flow | None = None
        self._data = b""
        self._unsent: dict[bytes, None] | None = None
        self._ack_key: Key | None = None
        layer.servers[key] = self
        self._methodless_key: Key | None = None
        if not self.is_invite and request.method != "CANCEL":
            self._methodless_key = methodless_key(request)
            layer.others[self._methodless_key] = self

    @property
    def request(self) -> Request:
        """The request; to be asked for only until a final response was sent."""
        assert self._request is not None
        return self._request

    def receive(self, request: Request) -> None:
        """Take the request itself, a retransmission of it, or the ACK of its final response."""
        self.handle(event_of_request(request), request)

    def respond(self, response: Response) -> None:
        """Send a response, if the machine allows it now.

        A 408 or a 101 to 199 to a request that is no INVITE is never sent (:rfc:`4320#section-4`), nor is
        anything but a 2xx after a 2xx; such a response is counted and dropped.
        """
        event = event_of_tu_response(response)
        if event is Event.TU_100 and not self.instance.reliable and self._trying_is_pending():
            event = Event.TU_100_EARLY
        self.handle(event, response)

    def _trying_is_pending(self) -> bool:
        return not self.answered and self.request.method != "INVITE" and Timer.TRYING in self.instance.running

    def abandon(self) -> None:
        """Say that there will be no further answer; without a final one the transaction ends silently."""
        self.handle(Event.TU_ABANDON)

    def work_failed(self) -> None:
        """Answer 500 if nothing was answered before the work failed."""
        if not self.answered:
            self.respond(make_response(self.request, 500))

    def forget(self) -> None:
        """Take the key out of the layer's table."""
        if self.layer.servers.get(self.key) is self:
            del self.layer.servers[self.key]
        if self._methodless_key is not None and self.layer.others.get(self._methodless_key) is self:
            del self.layer.others[self._methodless_key]
        self.user = None
        if self._ack_key is not None and self.layer.acks.get(self._ack_key) is self:
            del self.layer.acks[self._ack_key]

    # ---- actions

    def _pass_request(self, _message: Message | None) -> None:
        self.tell(self.layer.user.serve, self)

    def _pass_ack(self, ack: Message | None) -> None:
        assert isinstance(ack, Request)
        if self.user is not None:
            self.tell(self.user.ack_arrived, ack)

    def _send_response(self, response: Message | None) -> None:
        assert isinstance(response, Response)
        if response.status >= 200:
            self.answered = True
            if self._request is not None:
                self._expect_ack(self._request, response)
                self._request = None
        if self.flow.reliable:
            add_length(response)
        self._data = response.to_bytes()
        self._send()
        if self.state == "Accepted":
            self._data = b""  # RFC 6026 7.1: 2xx are repeated by the core, not by the transaction

    def _expect_ack(self, request: Request, response: Response) -> None:
        """Have the ACK of an :rfc:`2543` element found: its key says the To tag of the response."""
        if request.method == "INVITE" and not is_unique(self._via.branch):
            self._ack_key = rfc2543_ack_key(request, response.to.tag)
            self.layer.acks[self._ack_key] = self

    def _send_trying(self, _message: Message | None) -> None:
        self._data = make_response(self.request, 100).to_bytes()
        self._send()

    def _resend_response(self, _message: Message | None) -> None:
        if self._data:
            self._send()

    def _send(self) -> None:
        flow = self._reply_flow
        try:
            if flow is None or flow.closed:
                flow = self._reply_flow = self.layer.transport.reply_flow_nowait(self._via, self.flow)
            if flow is None:
                self._send_when_connected(self._data)
            else:
                flow.send_nowait(self._data)
        except TransportError as error:
            self._send_failed(error)

    def _send_when_connected(self, data: bytes) -> None:
        if self.terminated:  # by this very response, as on a reliable transport all but INVITE are
            connect = partial(self.layer.transport.connect_reply, self._via, self.flow)
            self.layer.send_when_connected(connect, methodcaller("send_nowait", data))
            return
        if self._unsent is None:
            self._unsent = {}
            self.start_soon(self._connect_and_send)
        self._unsent[data] = None  # copies of the request add nothing to what waits

    async def _connect_and_send(self) -> None:
        try:
            self._reply_flow = await self.layer.transport.connect_reply(self._via, self.flow)
            for data in self._unsent or ():
                self._reply_flow.send_nowait(data)
        except TransportError as error:
            self._send_failed(error)
        finally:
            self._unsent = None

    def _inform_lost(self, _message: Message | None) -> None:
        if self.user is not None:
            self.tell(self.user.answer_lost)

    def _reject(self, _message: Message | None) -> None:
        self.layer.counters.count(f"rejected.tu.{self.instance.engine.model.name}")

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        Action.PASS_REQUEST: _pass_request,
        Action.PASS_ACK: _pass_ack,
        Action.SEND_RESPONSE: _send_response,
        Action.SEND_TRYING: _send_trying,
        Action.RESEND_RESPONSE: _resend_response,
        Action.INFORM_TIMEOUT: _inform_lost,
        Action.INFORM_TRANSPORT_ERROR: _inform_lost,
        Action.REJECT: _reject,
        Action.DROP: Transaction.drop,
        Action.TERMINATE: Transaction.terminate,
    }
