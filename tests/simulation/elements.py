"""Two ends of the simulated network: a transaction layer with a small transaction user, and a bare peer.

A scene has both, and nothing takes any time on the way between them unless its link says so. A scene begins
at the instant 0; all instants are whole milliseconds after that.

    async with scene("UDP") as it:
        client, caller = it.send("INVITE")
        await it.until(600)
        it.peer.reply(180)
        await it.until(60_000)
        assert it.wire("INVITE ") == [0, 500]
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from sipfsm.counters import Counters
from sipfsm.fsm import Timing
from sipfsm.message import MessageError, Request, Response, make_response, parse_message_untrusted
from sipfsm.simulation.network import Link, Network, Packet
from sipfsm.transaction import ClientTransaction, ServerTransaction, TransactionLayer
from sipfsm.transaction.keys import Key
from sipfsm.transport import Flow, StreamLimits, Target, TransportError
from sipfsm.transport.udp import DatagramEndpoint

ELEMENT, PEER = "192.0.2.1", "192.0.2.2"
"""The hosts of the transaction layer and of the peer; both listen on port 5060, on UDP and TCP."""

INSTANT = Link(latency=0.0)

T = TypeVar("T")


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test in virtual time."""
    trio.run(test, clock=MockClock(autojump_threshold=0))


def now() -> int:
    """The instant."""
    return milliseconds(trio.current_time())


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def text(
    method: str = "INVITE",
    *,
    via: str | None = f"SIP/2.0/UDP {PEER}:5060;branch=z9hG4bK1",
    uri: str = "sip:bob@example.com",
    to: str = "<sip:bob@example.com>",
    number: int = 1,
    extra: str = "",
) -> bytes:
    """Write a request; `extra` is whole lines."""
    lines = [
        f"{method} {uri} SIP/2.0",
        *([] if via is None else [f"Via: {via}"]),
        "Max-Forwards: 70",
        f"To: {to}",
        "From: <sip:alice@example.com>;tag=88sja8x",
        "Call-ID: 987asjd97y7atg",
        f"CSeq: {number} {method}",
        *extra.splitlines(),
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def request(method: str = "INVITE", *, extra: str = "", to: str = "<sip:bob@example.com>") -> Request:
    """Make a request to be sent: one without a Via."""
    message = parse_message_untrusted(text(method, via=None, to=to, extra=extra))
    assert isinstance(message, Request)
    return message


class Table(dict[Key, T]):
    """Transactions by their keys; and when keys went."""

    def __init__(self) -> None:
        super().__init__()
        self.gone_at: list[int] = []

    def __delitem__(self, key: Key) -> None:
        super().__delitem__(key)
        self.gone_at.append(now())


class Caller:
    """Who sends a request: writes down what it is told, and when."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int | str]] = []
        self.responses: list[Response] = []
        self.react: Callable[[Response], None] = lambda _response: None

    def response_arrived(self, response: Response) -> None:
        self.told.append((now(), response.status))
        self.responses.append(response)
        self.react(response)

    def timed_out(self) -> None:
        self.told.append((now(), "timeout"))

    def transport_failed(self, error: TransportError) -> None:
        self.told.append((now(), error.reason))


class Answerer:
    """Who answers a request: writes down what it is told, and when. Answers an INVITE that is cancelled."""

    def __init__(self, transaction: ServerTransaction) -> None:
        self.told: list[tuple[int, str]] = []
        self.acks: list[Request] = []
        self._transaction = transaction

    def ack_arrived(self, ack: Request) -> None:
        self.told.append((now(), "ack"))
        self.acks.append(ack)

    def answer_lost(self) -> None:
        self.told.append((now(), "lost"))

    def cancelled(self) -> None:
        self.told.append((now(), "cancelled"))
        self._transaction.respond(make_response(self._transaction.request, 487))


class Element:
    """A transaction layer and its user, which answers nothing but CANCEL unless it is told how."""

    def __init__(self, network: Network, layer: TransactionLayer, *, stream: StreamLimits):
        self.counters = layer.counters
        self.layer = layer
        self.clients: Table[ClientTransaction] = Table()
        self.servers: Table[ServerTransaction] = Table()
        self.layer.clients, self.layer.servers = self.clients, self.servers
        listen = [f"udp:{ELEMENT}:5060", f"tcp:{ELEMENT}:5060"]
        self.transport = network.transport(listen, self.layer, counters=self.counters, stream=stream)
        self.layer.transport, self.layer.user = self.transport, self
        self.served: list[ServerTransaction] = []
        self.answerers: list[Answerer] = []
        self.strays: list[Request] = []
        self.answer: Callable[[ServerTransaction], None] = lambda _transaction: None

    @property
    def methods(self) -> list[str]:
        """The methods of the requests that were new to the layer."""
        return [str(transaction.key[-1]) for transaction in self.served if isinstance(transaction.key, tuple)]

    def serve(self, transaction: ServerTransaction) -> None:
        self.served.append(transaction)
        answerer = transaction.user = Answerer(transaction)
        self.answerers.append(answerer)
        if transaction.request.method == "CANCEL":
            self._cancel(transaction)
        else:
            self.answer(transaction)

    def take_stray(self, request: Request, flow: Flow) -> None:
        self.strays.append(request)

    def is_watching(self) -> list[tuple[str, int]]:
        """The addresses of which it still wants to be told when datagrams do not arrive there."""
        endpoints = [each for each in self.transport._endpoints if isinstance(each, DatagramEndpoint)]
        return [address for each in endpoints for address in each._watchers]

    def _cancel(self, transaction: ServerTransaction) -> None:
        """Do as a UAS does (:rfc:`3261#section-9.2`)."""
        invite = self.layer.find_cancelled(transaction.request)
        assert invite is not None
        assert invite.user is not None
        transaction.respond(make_response(transaction.request, 200))
        if not invite.answered:
            invite.user.cancelled()


class Peer:
    """The other end: has no transactions, and sends what a test wants it to."""

    def __init__(self, network: Network, protocol: str, stream: StreamLimits):
        listen = [f"udp:{PEER}:5060", f"tcp:{PEER}:5060"]
        self.transport = network.transport(listen, self, stream=stream)
        self.inbox: list[tuple[int, Request | Response, Flow]] = []
        self.react: Callable[[Request | Response], None] = lambda _message: None
        self._target = Target(protocol, ELEMENT, 5060)
        self._flow: Flow | None = None

    def receive(self, message: Request | Response, flow: Flow) -> None:
        self.inbox.append((now(), message, flow))
        self.react(message)

    def refuse(self, error: MessageError, flow: Flow) -> None:
        raise AssertionError(error)

    async def open(self) -> None:
        """Have a flow to the element."""
        self._flow = await self.transport.connect(self._target)

    def send(self, data: bytes) -> None:
        """Send to the element."""
        assert self._flow is not None
        self._flow.send_nowait(data)

    @property
    def requests(self) -> list[Request]:
        """The requests that came."""
        return [message for _, message, _ in self.inbox if isinstance(message, Request)]

    @property
    def responses(self) -> list[Response]:
        """The responses that came."""
        return [message for _, message, _ in self.inbox if isinstance(message, Response)]

    def came(self, start: str = "") -> list[int]:
        """When messages whose start line begins so came."""
        return [at for at, message, _ in self.inbox if message.start_line().startswith(start.encode())]

    def reply(self, status: int, *, to_tag: str = "99sa0xk") -> None:
        """Answer the first request that came."""
        self.reply_to(0, status, to_tag=to_tag)

    def reply_to(self, number: int, status: int, *, to_tag: str = "99sa0xk") -> None:
        """Answer the request that came as this one, over the flow that it came over or one to the element."""
        message, flow = [(each, flow) for _, each, flow in self.inbox if isinstance(each, Request)][number]
        response = make_response(message, status, to_tag=to_tag)
        (self._flow if flow.closed and self._flow is not None else flow).send_nowait(response.to_bytes())


class Scene:
    """An element and a peer on a network that runs."""

    def __init__(self, network: Network, element: Element, peer: Peer, protocol: str, nursery: trio.Nursery):
        self.network = network
        self.element = element
        self.peer = peer
        self.protocol = protocol
        self.nursery = nursery
        """For client transactions: the layer has its own for server transactions."""
        self.layer_scope = trio.CancelScope()
        """Of the task that runs the layer."""

    async def run_layer(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the layer until the end, or until it alone is cancelled."""
        with self.layer_scope:
            await self.element.layer.run(task_status=task_status)

    def send(
        self, message: Request | str, *, branch: str | None = None, port: int = 5060
    ) -> tuple[ClientTransaction, Caller]:
        """Send a request, or a usual one of a method, from the element to the peer's host."""
        if isinstance(message, str):
            message = request(message)
        caller, target = Caller(), Target(self.protocol, PEER, port)
        client = ClientTransaction(self.element.layer, message, target, caller, branch=branch)
        self.nursery.start_soon(client.run)
        return client, caller

    async def until(self, instant: int) -> None:
        """Let time pass until an instant, and let happen what happens then."""
        await trio.sleep_until(instant / 1000)
        await wait_all_tasks_blocked()

    def packets(self, start: str, source: str = ELEMENT) -> list[Packet]:
        """What was sent, by the element unless another host is given."""
        return self.network.sent(start, source=source)

    def wire(self, start: str, source: str = ELEMENT) -> list[int]:
        """When it was sent."""
        return [milliseconds(packet.sent_at) for packet in self.packets(start, source)]

    def answers(self) -> list[Response]:
        """What the element sent in response to requests, arrived or not."""
        messages = [parse_message_untrusted(packet.data) for packet in self.packets("SIP/2.0 ")]
        return [message for message in messages if isinstance(message, Response)]

    def statuses(self, source: str = ELEMENT) -> list[tuple[int, int]]:
        """When which responses were sent."""
        return [
            (milliseconds(packet.sent_at), int(packet.start_line[8:11]))
            for packet in self.packets("SIP/2.0 ", source)
        ]


@asynccontextmanager
async def scene(
    protocol: str = "UDP",
    *,
    timing: Timing | None = None,
    link: Link = INSTANT,
    icmp: bool = False,
    max_transactions: int = 1000,
    timer_slack: float = 0.0,
    compiled: bool = True,
    stream: StreamLimits | None = None,
    faults: int | None = 0,
) -> AsyncIterator[Scene]:
    """Run an element and a peer; at the end nothing may be left, and this many faults counted (None: any)."""
    network, stream = Network(link=link, icmp=icmp), stream or StreamLimits()
    layer = TransactionLayer(
        timing or Timing(),
        Counters(),
        compiled=compiled,
        max_transactions=max_transactions,
        timer_slack=timer_slack,
    )
    element = Element(network, layer, stream=stream)
    peer = Peer(network, protocol, stream)
    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as clients:
            it = Scene(network, element, peer, protocol, clients)
            for part in (network.run, it.run_layer, element.transport.run, peer.transport.run):
                await nursery.start(part)
            await wait_all_tasks_blocked()
            await peer.open()
            yield it
            clients.cancel_scope.cancel()
        nursery.cancel_scope.cancel()
    assert (element.layer.clients, element.layer.servers, element.layer.acks) == ({}, {}, {})
    assert element.is_watching() == []
    assert faults in (None, element.counters.total("faults"))
