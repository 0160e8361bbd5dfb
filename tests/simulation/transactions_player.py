"""Two transaction layers that play a run of a composition of two transactions."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import trio

from sipfsm.counters import Counters
from sipfsm.fsm import Engine, Timing
from sipfsm.message import Request, Response, make_ack, make_cancel, make_response
from sipfsm.simulation.network import Packet
from sipfsm.simulation.scene import ready_engines
from sipfsm.transaction import ClientTransaction, ServerTransaction, TransactionLayer
from sipfsm.transport import Flow, Target, TransportError
from sipfsm.verify.results import Step
from sipfsm.verify.scenario import Message, Scenario
from tests.simulation.elements import request
from tests.simulation.player import Find, Player
from tests.simulation.post import status_of

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"

KINDS = {1: Message.PROVISIONAL, 2: Message.SUCCESS}
STATUSES = {"1xx": 180, "2xx": 200, "repeat": 200, "3xx-6xx": 486}
REQUESTS = {"CANCEL": Message.CANCEL, "ACK": Message.ACK}


class Caller:
    """The client's transaction user."""

    def __init__(self, player: "TransactionsPlayer") -> None:
        self._player = player

    def response_arrived(self, response: Response) -> None:
        kind = KINDS.get(response.status // 100, Message.FAILURE)
        self._player.tell("caller", kind)
        if kind is Message.SUCCESS and self._player.method == "INVITE":
            self._player.acknowledge(response)

    def timed_out(self) -> None:
        self._player.tell("caller", "timeout")

    def transport_failed(self, error: TransportError) -> None:
        raise AssertionError(error)


class Unheard(Caller):
    """Who sent the CANCEL, whose answer is of no account."""

    def response_arrived(self, response: Response) -> None:
        pass

    def timed_out(self) -> None:
        pass


class TransactionsPlayer(Player):
    """Two layers and the run between them."""

    def __init__(self, scenario: Scenario, find: Find) -> None:
        super().__init__()
        self.method = "INVITE" if scenario.method == "INVITE" else "OPTIONS"
        self._engines = self._make_engines(scenario, find)
        self._told: dict[str, list[str]] = {}
        self._served: list[ServerTransaction] = []
        self.client_layer = self._layer(CLIENT)
        self.server_layer = self._layer(SERVER)
        self._target = Target("UDP", SERVER, 5060)
        self._client = ClientTransaction(self.client_layer, request(self.method), self._target, Caller(self))

    def _make_engines(self, scenario: Scenario, find: Find) -> Mapping[str, Engine]:
        prefix = "invite" if scenario.method == "INVITE" else "non-invite"
        roles = {f"{prefix}-client": scenario.client, f"{prefix}-server": scenario.server}
        return {**ready_engines(Timing()), **{name: self.engine(role, find) for name, role in roles.items()}}

    def _layer(self, host: str) -> TransactionLayer:
        layer = TransactionLayer(Timing(), Counters(), engines=self._engines)
        layer.transport = self.post.transport([f"udp:{host}:5060"], layer, counters=layer.counters)
        layer.user = self
        return layer

    def read(self, packet: Packet) -> tuple[str, tuple[str, str]]:
        """Give kind and way of a datagram."""
        status = status_of(packet)
        if status is not None:
            return KINDS.get(status // 100, Message.FAILURE), ("server", "client")
        kind = REQUESTS.get(packet.start_line.split()[0], Message.REQUEST)
        if kind is Message.ACK and self._client.branch.encode() not in packet.data:
            kind = Message.ACK_2XX
        return kind, ("client", "server")

    def tell(self, lane: str, what: str) -> None:
        """Take note that a transaction user was told something."""
        self._told.setdefault(lane, []).append(what)

    def told(self) -> dict[str, list[str]]:
        """Give what both transaction users were told so far."""
        return {lane: list(told) for lane, told in self._told.items()}

    # ---- the server's transaction user

    def serve(self, transaction: ServerTransaction) -> None:
        transaction.user = self
        if transaction.request.method == "CANCEL":
            invite = self.server_layer.find_cancelled(transaction.request)
            transaction.respond(make_response(transaction.request, 200))
            if invite is not None and not invite.answered:
                invite.respond(make_response(invite.request, 487))
            return
        self.tell("callee", "request")
        self._served.append(transaction)
        self._invite = transaction.request.copy()

    def take_stray(self, stray: Request, flow: Flow) -> None:
        assert stray.method in {"ACK", "CANCEL"}

    def ack_arrived(self, ack: Request) -> None:
        pass

    def answer_lost(self) -> None:
        self.tell("callee", "timeout")

    def cancelled(self) -> None:
        pass

    # ---- the client's transaction user

    def acknowledge(self, response: Response) -> None:
        ack = make_ack(self._sent, response)
        ack.headers.remove(b"via")
        flow = self.client_layer.transport.flow_to_nowait(self._target, prefer=None)
        assert flow is not None
        self.client_layer.send_statelessly(ack, [self._target], self.client_layer.new_branch(), prefer=flow)

    # ---- the run

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[None]:
        """Run both layers."""
        async with trio.open_nursery() as outer, trio.open_nursery() as self._nursery:
            await outer.start(self.post.run)
            for layer in (self.client_layer, self.server_layer):
                await outer.start(layer.run)
                await outer.start(layer.transport.run)  # type: ignore[attr-defined]
            yield
            outer.cancel_scope.cancel()

    async def begin(self, step: Step) -> None:
        """Send the request."""
        self._sent = self._client.request
        self._nursery.start_soon(self._client.run)

    async def choose(self, step: Step) -> None:
        """Do what the caller or the callee chooses."""
        choice = step.detail
        if choice in STATUSES:
            self._served[0].respond(make_response(self._invite, STATUSES[choice], to_tag="314159"))
        elif choice == "abandon":
            self._served[0].abandon()
        elif choice == "give up":
            self._client.abandon()
        elif choice == "cancel":
            cancel = make_cancel(self._sent)
            cancel.headers.remove(b"via")
            transaction = ClientTransaction(
                self.client_layer, cancel, self._target, Unheard(self), branch=self._client.branch
            )
            self._nursery.start_soon(transaction.run)
        else:
            assert choice in {"mute", "settle"}, choice

    async def react(self, step: Step) -> None:
        """Do nothing more: the transaction users were told by their transactions."""

    def left(self) -> dict[str, object]:
        """Give the transactions, timers and faults."""
        left: dict[str, object] = {}
        for lane, layer in (("client", self.client_layer), ("server", self.server_layer)):
            held = {**layer.held(), "faults": layer.counters.total("faults")}
            left |= {f"{name} of the {lane}": n for name, n in held.items() if n}
        return left
