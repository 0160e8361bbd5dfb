"""Client transactions (:rfc:`3261#section-17.1`, :rfc:`6026#section-7.2`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, ClassVar

from sipfsm.fsm import Action, Event
from sipfsm.message import Message, Request, Response, make_ack
from sipfsm.transaction.keys import client_key
from sipfsm.transaction.sending import add_via
from sipfsm.transaction.transaction import Transaction
from sipfsm.transaction.user import ClientUser
from sipfsm.transport import Flow, Target, TransportError

if TYPE_CHECKING:
    from sipfsm.transaction.layer import TransactionLayer


class ClientTransaction(Transaction[Response]):
    """Sends one request and takes its responses.

    Attributes:
        request: the request, with our Via on top as soon as it was sent; let go of when it is not needed any
            more, for most of a transaction's life is waiting for copies of what it has seen.
        branch: the branch of that Via.
        target: where it goes.
    """

    __slots__ = ("_data", "_error", "_flow", "_prefer", "_request", "_user", "branch", "target")

    def __init__(
        self,
        layer: TransactionLayer,
        request: Request,
        target: Target,
        user: ClientUser,
        *,
        prefer: Flow | None = None,
        branch: str | None = None,
    ) -> None:
        """Prepare; `run` sends the request.

        Args:
            layer: the transaction layer.
            request: without a Via of ours; it is changed, and must not be changed by others any more.
            target: where to send it.
            user: gets what becomes of it.
            prefer: a flow whose socket is to be used if it fits.
            branch: None for a new one; a CANCEL takes that of its INVITE.
        """
        self.branch = branch or layer.new_branch()
        engine = layer.invite_client if request.method == "INVITE" else layer.non_invite_client
        key = client_key(self.branch, request.method)
        super().__init__(layer, engine, key, reliable=target.protocol != "UDP")
        self._request: Request | None = request
        self.target = target
        self._user = user
        self._prefer = prefer
        self._flow: Flow | None = None
        self._data = b""
        self._error: TransportError | None = None
        layer.clients[key] = self

    @property
    def request(self) -> Request:
        """The request; to be asked for only while it is needed."""
        assert self._request is not None
        return self._request

    def begin(self) -> None:
        """Send the request."""
        self.handle(Event.TU_REQUEST)

    def abandon(self) -> None:
        """Wait no longer for a final response (:rfc:`3261#section-9.1`, `16.8`)."""
        self.handle(Event.TU_ABANDON)

    def forget(self) -> None:
        """Take the key out of the layer's table, and let go of the flow."""
        if self.layer.clients.get(self.key) is self:
            del self.layer.clients[self.key]
        if self._flow is not None:
            self._flow.unwatch(self._flow_ended)

    # ---- actions

    def _send_request(self, _message: Message | None) -> None:
        try:
            flow = self.layer.transport.flow_to_nowait(self.target, prefer=self._prefer)
        except TransportError as error:
            self._fail(error)
            return
        prefer, self._prefer = self._prefer, None
        if flow is None:
            self.start_soon(self._connect, prefer)
        else:
            self._send_over(flow)

    async def _connect(self, prefer: Flow | None) -> None:
        try:
            flow = await self.layer.transport.connect(self.target, prefer=prefer)
        except TransportError as error:
            self._fail(error)
        else:
            self._send_over(flow)

    def _send_over(self, flow: Flow) -> None:
        if self.terminated:
            return  # in the instant in which the connection was open at last
        self._flow = flow
        add_via(self.request, self.branch, flow)
        self._data = self.request.to_bytes()
        flow.watch(self._flow_ended)
        self._resend_request(None)

    def _resend_request(self, _message: Message | None) -> None:
        self._send(self._data)

    def _send_ack(self, response: Response | None) -> None:
        assert response is not None
        if self._flow is None:
            return  # what was not sent yet was not received by anybody
        ack = make_ack(self.request, response).to_bytes()
        if self._flow.closed:
            # The response came another way, and on a reliable transport nothing waits for it any more.
            connect = partial(self.layer.transport.connect, self.target)
            self.layer.send_when_connected(connect, methodcaller("send_nowait", ack))
        else:
            self._send(ack)

    def _send(self, data: bytes) -> None:
        assert self._flow is not None
        try:
            self._flow.send_nowait(data)
        except TransportError as error:
            self._fail(error)

    def _fail(self, error: TransportError) -> None:
        self._error = error
        self._send_failed(error)

    def _flow_ended(self, error: TransportError) -> None:
        self._fail(error)

    def _pass_response(self, response: Response | None) -> None:
        assert response is not None
        if response.status >= 200:
            self._data = b""
            if response.status < 300 or self.request.method != "INVITE":  # no ACK of ours will be needed
                self._request = None
        self.tell(self._user.response_arrived, response)

    def _inform_timeout(self, _message: Message | None) -> None:
        self.tell(self._user.timed_out)

    def _inform_transport_error(self, _message: Message | None) -> None:
        error = self._error or TransportError("unknown", "the request was not sent")
        self.tell(self._user.transport_failed, error)

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        Action.SEND_REQUEST: _send_request,
        Action.RESEND_REQUEST: _resend_request,
        Action.SEND_ACK: _send_ack,
        Action.PASS_RESPONSE: _pass_response,
        Action.INFORM_TIMEOUT: _inform_timeout,
        Action.INFORM_TRANSPORT_ERROR: _inform_transport_error,
        Action.HINT_TRANSPORT_ERROR: Transaction.ignore,
        Action.DROP: Transaction.drop,
        Action.TERMINATE: Transaction.terminate,
    }
