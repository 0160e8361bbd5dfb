"""A run that the exploration found, done again by the running transaction layer in virtual time.

What the network does to each message and what the transaction users choose is taken from the run; what the
machines do is left to them, their timers included. So the run says when a message arrives, and the layer says
what comes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from math import ceil

import trio
from trio.testing import wait_all_tasks_blocked

from sipfsm.counters import Counters
from sipfsm.fsm import Engine, Timing, load_model
from sipfsm.message import Request, Response, make_ack, make_cancel, make_response
from sipfsm.simulation.network import Network, Packet
from sipfsm.transaction import ClientTransaction, ServerTransaction, TransactionLayer
from sipfsm.transport import Flow, HostPort, Target, TransportError
from sipfsm.verify.results import Step
from sipfsm.verify.scenario import TICK, Message, Role, Scenario
from tests.simulation.elements import request

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
A_MOMENT = 0.0002
"""Seconds: the n-th step of a run comes n moments before or after its instant.

So it comes before the timers that are due then, or after them, which were started at an earlier step.
"""


@dataclass
class Letter:
    """A datagram that is on its way until the run says what becomes of it."""

    kind: Message
    sent_in: int
    """The tick."""
    packet: Packet


class Post(Network):
    """A network that holds every datagram."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[Letter] = []
        self.invite_branch = ""

    def send_datagram(self, source: HostPort, destination: HostPort, data: bytes) -> None:
        packet = Packet(trio.current_time(), "UDP", source, destination, data)
        self.record(packet)
        if b"CSeq: 1 CANCEL" in data and packet.start_line.startswith("SIP/2.0 "):
            return  # the exploration leaves the transaction of CANCEL out
        tick = round(packet.sent_at / TICK)
        if abs(packet.sent_at / TICK - tick) > 0.25:
            tick = ceil(packet.sent_at / TICK)  # Timer `trying`: 0.2 s, in the exploration a whole tick
        self.letters.append(Letter(self._kind(packet), tick, packet))

    def _kind(self, packet: Packet) -> Message:
        line = packet.start_line
        if line.startswith("SIP/2.0 "):
            return {"1": Message.PROVISIONAL, "2": Message.SUCCESS}.get(line[8], Message.FAILURE)
        if line.startswith("CANCEL "):
            return Message.CANCEL
        if not line.startswith("ACK "):
            return Message.REQUEST
        return Message.ACK if self.invite_branch.encode() in packet.data else Message.ACK_2XX

    def take(self, step: Step) -> Letter:
        """Take out the message that a step is about."""
        assert step.age is not None
        for letter in self.letters:
            if letter.kind == step.message and letter.sent_in == step.at - step.age:
                self.letters.remove(letter)
                return letter
        raise AssertionError(f"no {step.message} was sent at tick {step.at - step.age}: {self.letters}")

    def deliver(self, letter: Letter) -> None:
        self.deliver_at(trio.current_time(), partial(self._arrive, letter.packet))


@dataclass
class Outcome:
    """What the transaction users were told, and what is left."""

    caller: list[str] = field(default_factory=list)
    callee: list[str] = field(default_factory=list)
    clients: int = 0
    servers: int = 0


class Caller:
    """The client's transaction user."""

    def __init__(self, played: "Replay") -> None:
        self._played = played

    def response_arrived(self, response: Response) -> None:
        kind = {1: Message.PROVISIONAL, 2: Message.SUCCESS}.get(response.status // 100, Message.FAILURE)
        self._played.outcome.caller.append(kind)
        if kind is Message.SUCCESS and self._played.method == "INVITE":
            self._played.acknowledge(response)

    def timed_out(self) -> None:
        self._played.outcome.caller.append("timeout")

    def transport_failed(self, error: TransportError) -> None:
        raise AssertionError(error)


class Unheard(Caller):
    """Who sent the CANCEL, whose answer is of no account."""

    def response_arrived(self, response: Response) -> None:
        pass

    def timed_out(self) -> None:
        pass


class Replay:
    """Two layers and the run between them."""

    def __init__(self, scenario: Scenario) -> None:
        self.method = "INVITE" if scenario.method == "INVITE" else "OPTIONS"
        self.outcome = Outcome()
        self.post = Post()
        self.engines = _engines(scenario)
        self._served: list[ServerTransaction] = []
        self.client_layer = self._layer(CLIENT)
        self.server_layer = self._layer(SERVER)
        self._client = ClientTransaction(
            self.client_layer, request(self.method), Target("UDP", SERVER, 5060), Caller(self)
        )
        self.post.invite_branch = self._client.branch
        self._target = Target("UDP", SERVER, 5060)

    def _layer(self, host: str) -> TransactionLayer:
        layer = TransactionLayer(Timing(), Counters(), engines=self.engines)
        layer.transport = self.post.transport([f"udp:{host}:5060"], layer, counters=layer.counters)
        layer.user = self
        return layer

    # ---- the server's transaction user

    def serve(self, transaction: ServerTransaction) -> None:
        transaction.user = self
        if transaction.request.method == "CANCEL":
            invite = self.server_layer.find_cancelled(transaction.request)
            transaction.respond(make_response(transaction.request, 200))
            if invite is not None and not invite.answered:
                invite.respond(make_response(invite.request, 487))
            return
        self.outcome.callee.append("request")
        self._served.append(transaction)
        self._invite = transaction.request.copy()

    def take_stray(self, stray: Request, flow: Flow) -> None:
        assert stray.method in {"ACK", "CANCEL"}

    def ack_arrived(self, ack: Request) -> None:
        pass

    def answer_lost(self) -> None:
        self.outcome.callee.append("timeout")

    def cancelled(self) -> None:
        pass

    # ---- the client's transaction user

    def acknowledge(self, response: Response) -> None:
        ack = make_ack(self._sent, response)
        ack.headers.remove(b"via")
        flow = self.client_layer.transport.flow_to_nowait(self._target, prefer=None)
        assert flow is not None
        self.client_layer.send_statelessly(ack, self._target, self.client_layer.new_branch(), prefer=flow)

    # ---- the run

    async def play(self, steps: tuple[Step, ...], *, rest: float = 3600) -> Outcome:
        """Do the steps; then let an hour pass, in which nothing more arrives."""
        async with trio.open_nursery() as outer, trio.open_nursery() as self._nursery:
            await outer.start(self.post.run)
            for layer in (self.client_layer, self.server_layer):
                await outer.start(layer.run)
                await outer.start(layer.transport.run)  # type: ignore[attr-defined]
            fired: set[int] = set()
            for number, step in enumerate(steps):
                await self._do(number, step, fired)
            await trio.sleep(rest)
            self.outcome.clients = len(self.client_layer.clients)
            self.outcome.servers = len(self.server_layer.servers)
            outer.cancel_scope.cancel()
        return self.outcome

    async def _do(self, number: int, step: Step, fired: set[int]) -> None:
        if step.what == "fire":
            fired.add(step.at)
        if step.what in {"fire", "pass"}:
            return
        instant = step.at * TICK + number * (A_MOMENT if step.at in fired else -A_MOMENT)
        await trio.sleep_until(max(instant, trio.current_time()))
        if step.what == "start":
            self._sent = self._client.request
            self._nursery.start_soon(self._client.run)
        elif step.what == "choose":
            self._choose(step.detail)
        else:
            letter = self.post.take(step)
            if step.what == "duplicate":
                self.post.letters += [letter, letter]
            elif step.what == "deliver":
                self.post.deliver(letter)
        await wait_all_tasks_blocked()

    def _choose(self, choice: str) -> None:
        statuses = {"1xx": 180, "2xx": 200, "repeat": 200, "3xx-6xx": 486}
        if choice in statuses:
            response = make_response(self._invite, statuses[choice], to_tag="314159")
            self._served[0].respond(response)
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


def _engines(scenario: Scenario) -> Mapping[str, Engine]:
    engines = {}
    for side, part in (("client", scenario.client), ("server", scenario.server)):
        for method, name in (("INVITE", f"invite-{side}"), ("OTHER", f"non-invite-{side}")):
            role = part if method == scenario.method else Role(model=name)
            engines[name] = Engine(role.applied(load_model(role.model)), Timing())
    return engines


def replay(scenario: Scenario, steps: tuple[Step, ...]) -> Outcome:
    """Do a run again, with the models and the timers of a scenario."""

    async def play() -> Outcome:
        return await Replay(scenario).play(steps)

    return trio.run(play, clock=trio.testing.MockClock(autojump_threshold=0))
