"""The transaction layer: finds the transaction of each message, or makes one (:rfc:`3261#section-17`)."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import structlog
import trio

from sipfsm.counters import Counters
from sipfsm.fsm import Action, Engine, Timing, make_engines
from sipfsm.message import MessageError, Request, Response, acknowledges_stateless, make_response
from sipfsm.transaction.alarms import TimerQueue
from sipfsm.transaction.classify import event_of_response
from sipfsm.transaction.client import ClientTransaction
from sipfsm.transaction.keys import Key, TokenBytes, methodless_key, new_branch, response_key, server_key
from sipfsm.transaction.sending import add_via
from sipfsm.transaction.server import ServerTransaction
from sipfsm.transaction.user import TransactionUser
from sipfsm.transport import Flow, Target, Transport, TransportError

log = structlog.get_logger("sipfsm.transaction")

MAX_TRANSACTIONS = 500_000
"""Server transactions alive at once, unless the configuration says otherwise."""

MAX_PENDING_SENDS = 1_000
"""Messages without a transaction that wait for a connection at once."""


MODELS = ("invite-client", "invite-server", "non-invite-client", "non-invite-server")
"""The four machines of section 17."""


class TransactionLayer:
    """All transactions of an element. Implements `sipfsm.transport.Receiver`.

    Attributes:
        transport: the transport layer; set before anything is received.
        user: the core; likewise.
        clients: the client transactions by their keys.
        servers: the server transactions by their keys.
        others: those of requests that are no INVITE, by their keys without the method: a CANCEL does not say
            which method it is for.
        acks: those of :rfc:`2543` elements that may get an ACK, by its key.
        timers: the timers of all transactions.
        tracing: whether every event is logged.
    """

    transport: Transport
    user: TransactionUser

    def __init__(
        self,
        timing: Timing,
        counters: Counters,
        *,
        compiled: bool = True,
        max_transactions: int = MAX_TRANSACTIONS,
        tracing: bool = False,
        timer_slack: float = 0.0,
        token_bytes: TokenBytes = secrets.token_bytes,
        engines: Mapping[str, Engine] | None = None,
    ) -> None:
        """Make the machines ready.

        Args:
            timing: T1, T2, T4.
            counters: where drops and errors are counted.
            compiled: False runs every event through stock `transitions`.
            max_transactions: server transactions alive at once, not counting those of CANCEL; further
                requests get 503.
            tracing: log every event with key, model and state, at level debug.
            timer_slack: seconds that timers may fire late, so that several can fire at once.
            token_bytes: what branches are made of.
            engines: of `MODELS`, by name; None to make them. They keep nothing of a transaction, so that
                several layers can share them.
        """
        self.counters = counters
        self._token_bytes = token_bytes
        self.tracing = tracing
        self.timing = timing
        self.timers = TimerQueue(self._timer_failed, slack=timer_slack)
        self.clients: dict[Key, ClientTransaction] = {}
        self.servers: dict[Key, ServerTransaction] = {}
        self.others: dict[Key, ServerTransaction] = {}
        self.acks: dict[Key, ServerTransaction] = {}
        engines = engines or make_engines(timing, MODELS, compiled=compiled)
        self.invite_client = engines["invite-client"]
        self.invite_server = engines["invite-server"]
        self.non_invite_client = engines["non-invite-client"]
        self.non_invite_server = engines["non-invite-server"]
        self._max_transactions = max_transactions
        self._nursery: trio.Nursery | None = None
        self._pending_sends = 0

    def new_branch(self) -> str:
        """Return a branch that no other transaction has or will have."""
        return new_branch(self._token_bytes)

    def held(self) -> dict[str, int]:
        """Tell how much is held at this moment of what has to go again; without requests all is 0."""
        return {
            "clients": len(self.clients),
            "servers": len(self.servers),
            "servers for CANCEL": len(self.others),
            "acks": len(self.acks),
            "timers": len(self.timers),
            "sends": self._pending_sends,
            "transaction tasks": len(self._nursery.child_tasks) if self._nursery is not None else 0,
        }

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hold the nursery that all server transactions live in, until cancelled."""
        try:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                await self.timers.run()
        finally:
            self._nursery = None

    def _timer_failed(self, fault: Exception) -> None:
        self.counters.count("faults.timer")
        log.error("timer failed", exc_info=fault)

    # ---- what the transport layer calls

    def receive(self, message: Request | Response, flow: Flow) -> None:
        """Give a message to its transaction. Never blocks."""
        if isinstance(message, Response):
            self._receive_response(message)
        else:
            self._receive_request(message, flow)

    def refuse(self, error: MessageError, flow: Flow) -> None:
        """Answer a request that is not well-formed, without a transaction (:rfc:`3261#section-8.2.7`)."""
        request, status = error.message, error.status
        if isinstance(request, Request) and status is not None:
            reason = error.phrase if status == 400 else None
            self.respond_statelessly(make_response(request, status, reason), request, flow)

    def _receive_response(self, response: Response) -> None:
        key = response_key(response)
        transaction = self.clients.get(key)
        if transaction is not None:
            transaction.handle(event_of_response(response), response)
            return
        # RFC 6026 7.2 and RFC 4320 4.2, rows ICT-23 and NICT-16: the model says what becomes of a stray.
        engine = self.invite_client if response.cseq.method == "INVITE" else self.non_invite_client
        if engine.create(reliable=False).handle(event_of_response(response)) == [Action.DROP]:
            self.counters.count("dropped.response.stray")

    def _receive_request(self, request: Request, flow: Flow) -> None:
        key = server_key(request)
        transaction = self.servers.get(key)
        if transaction is None and request.method == "ACK":
            transaction = self.acks.get(key)
        if transaction is not None:
            transaction.receive(request)
        elif request.method == "ACK" and acknowledges_stateless(request):
            # RFC 3261 8.2.7: it is for an answer that left no transaction behind, so for nobody else.
            self.counters.count("absorbed.ack")
        elif self._is_stray(request):
            self.user.take_stray(request, flow)
        elif self._nursery is None or self._is_too_much(request):
            self.counters.count("refused.overload")
            self.respond_statelessly(make_response(request, 503), request, flow)
        else:
            transaction = ServerTransaction(self, request, flow, key)
            self._nursery.start_soon(transaction.run)
            transaction.receive(request)

    def _is_too_much(self, request: Request) -> bool:
        # A CANCEL, of which an INVITE can have one, makes room.
        return len(self.servers) >= self._max_transactions and request.method != "CANCEL"

    def _is_stray(self, request: Request) -> bool:
        if request.method == "ACK":
            return True
        return request.method == "CANCEL" and self.find_cancelled(request) is None

    # ---- what the core calls

    def find_cancelled(self, cancel: Request) -> ServerTransaction | None:
        """Return the server transaction that a CANCEL is for, if any (:rfc:`3261#section-9.2`)."""
        invite = self.servers.get(server_key(cancel, "INVITE"))
        return self.others.get(methodless_key(cancel)) if invite is None else invite

    def respond_statelessly(self, response: Response, request: Request, flow: Flow) -> None:
        """Send a response without a transaction; drop and count it where that would take a connection."""
        try:
            reply_flow = self.transport.reply_flow_nowait(request.via, flow)
            if reply_flow is None:
                self.counters.count("dropped.send.stateless-response")
            else:
                reply_flow.send_nowait(response.to_bytes())
        except TransportError as error:
            self.counters.count(f"transport-error.{error.reason}")

    def send_statelessly(
        self, request: Request, targets: Sequence[Target], branch: str, *, prefer: Flow
    ) -> None:
        """Send a request without a transaction: an ACK for a 2xx, above all (:rfc:`3261#section-16.11`).

        Args:
            request: without a Via of ours; it is changed.
            targets: where to send it: to the first that can be reached. Nobody learns whether it arrived.
            branch: for the Via of ours.
            prefer: a flow whose socket is to be used if it fits.
        """
        try:
            flow = self.transport.flow_to_nowait(targets[0], prefer=prefer)
        except TransportError:
            flow = None  # who connects comes to the same, and goes on to the next target
        if flow is None:
            connect = partial(self._connect_to_one, targets, prefer)
            self.send_when_connected(connect, partial(_send_with_via, request, branch))
            return
        try:
            _send_with_via(request, branch, flow)
        except TransportError as error:
            self.counters.count(f"transport-error.{error.reason}")

    async def _connect_to_one(self, targets: Sequence[Target], prefer: Flow) -> Flow:
        *others, last = targets
        for target in others:
            try:
                return await self.transport.connect(target, prefer=prefer)
            except TransportError as error:
                self.counters.count(f"transport-error.{error.reason}")
        return await self.transport.connect(last, prefer=prefer)

    def send_when_connected(
        self, connect: Callable[[], Awaitable[Flow]], send: Callable[[Flow], None]
    ) -> None:
        """Send what no transaction waits for, over a connection that has to be opened first.

        Args:
            connect: opens the connection; may raise `TransportError`, which is counted.
            send: is given the connection; likewise.
        """
        if self._nursery is None or self._pending_sends >= MAX_PENDING_SENDS:
            self.counters.count("dropped.send.overload")
        else:
            self._pending_sends += 1
            self._nursery.start_soon(self._connect_and_send, connect, send)

    async def _connect_and_send(
        self, connect: Callable[[], Awaitable[Flow]], send: Callable[[Flow], None]
    ) -> None:
        try:
            send(await connect())
        except TransportError as error:
            self.counters.count(f"transport-error.{error.reason}")
        except Exception:
            # Whatever it is, all transactions go on.
            self.counters.count("faults.transaction")
            log.exception("sending failed")
        finally:
            self._pending_sends -= 1


def _send_with_via(request: Request, branch: str, flow: Flow) -> None:
    add_via(request, branch, flow)
    flow.send_nowait(request.to_bytes())
