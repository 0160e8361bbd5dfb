"""A network in memory: datagrams that get lost, doubled, delayed and overtaken, and streams that break.

Only the sockets are simulated: a node is the real `TransportLayer` on endpoints of this network, so that Via
marking, framing, connection reuse and limits are what runs in production. Time is Trio's, so under a
`MockClock` an hour of retransmissions takes milliseconds. All chance comes from one seed: the same seed and
the same sends give the same deliveries.

    network = Network(seed=1, link=Link(loss=0.1, duplication=0.1, latency=0.02, jitter=0.01))
    node = network.transport(["udp:192.0.2.1:5060"], receiver)
    await nursery.start(network.run)
    await nursery.start(node.run)
"""

import errno
import heapq
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count

import trio

from sipfsm.config import ListenAddress
from sipfsm.counters import Counters
from sipfsm.message import DEFAULT_LIMITS, Limits
from sipfsm.simulation.sockets import SimulatedStream, SimulatedTcp, SimulatedUdp
from sipfsm.transport import HostPort, Receiver, StreamLimits, Target, TransportError, TransportLayer
from sipfsm.transport.layer import EndpointFactory
from sipfsm.transport.sockets import socket_address

AN_INSTANT = 1e-6
"""Seconds between two things that would come at the same time."""


@dataclass(frozen=True, slots=True)
class Link:
    """How the network treats what goes from one host to another.

    Probabilities are from 0 to 1, times in seconds. Streams know no loss, doubling or overtaking, as TCP
    hides them; with a loss of 1 nothing arrives at all.
    """

    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    """How likely a datagram is held back by `hold`, so that later ones overtake it."""
    latency: float = 0.01
    jitter: float = 0.0
    """Up to so much is added to the latency, drawn for each datagram or piece of a stream."""
    hold: float = 0.05


@dataclass(slots=True)
class Packet:
    """A datagram, or one message on a stream, as the log has it."""

    sent_at: float
    protocol: str
    source: HostPort
    destination: HostPort
    data: bytes
    arrives_at: tuple[float, ...] = ()
    """When; several times if it was doubled, never if it was lost."""

    @property
    def start_line(self) -> str:
        """The first line of the message."""
        return self.data.partition(b"\r\n")[0].decode("ascii", "replace")


@dataclass(order=True, slots=True)
class _Delivery:
    at: float
    number: int
    deliver: Callable[[], None] = field(compare=False)


class Network:
    """Hosts, the links between them, and a log of what was sent."""

    def __init__(self, *, seed: int = 0, link: Link | None = None, icmp: bool = False):
        """Make an empty network.

        Args:
            seed: of everything that is left to chance.
            link: between any two hosts that `set_link` says nothing about.
            icmp: if who sends a datagram to where nobody listens is told so.
        """
        self.log: list[Packet] = []
        """What was sent, in the order of sending, lost or not."""
        self.record: Callable[[Packet], None] = self.log.append
        """Is given each packet when it is sent; for those who cannot keep them all."""
        self.delivered: dict[HostPort, int] = {}
        """How many datagrams arrived at each address that was bound."""
        self.drop_if: Callable[[Packet], bool] | None = None
        """Further datagrams to lose: for tests that want the loss of one certain message."""
        self._link = link or Link()
        self._links: dict[tuple[str, str], Link] = {}
        self._random = random.Random(seed)
        self._icmp = icmp
        self._bound: dict[Target, SimulatedUdp | SimulatedTcp] = {}
        self._streams: dict[SimulatedStream, None] = {}
        self._deliveries: list[_Delivery] = []
        self._instants: dict[float, bool] = {}  # at which something is due, and whether it is of a stream
        self._numbers = count()
        self._ports = count(49_152)
        self._earlier = trio.Event()

    def transport(
        self,
        listen: Iterable[str],
        receiver: Receiver,
        *,
        counters: Counters | None = None,
        limits: Limits = DEFAULT_LIMITS,
        stream: StreamLimits | None = None,
        aliases: Iterable[str] = (),
    ) -> TransportLayer:
        """Return the transport layer of a node, to be run as the real one.

        Args:
            listen: addresses, any IP literals, such as ``udp:192.0.2.1:5060``; port 0 takes a free one.
            receiver: gets what comes in.
            counters: where what happens is counted.
            limits: of one message.
            stream: of streams.
            aliases: further names of the node.
        """
        return TransportLayer(
            [ListenAddress.parse(text) for text in listen],
            receiver,
            counters=Counters() if counters is None else counters,
            limits=limits,
            stream=stream or StreamLimits(),
            aliases=list(aliases),
            protocols=self.protocols,
        )

    @property
    def protocols(self) -> Mapping[str, EndpointFactory]:
        """What binds a socket of this network, for each protocol."""
        return {"UDP": partial(SimulatedUdp, self), "TCP": partial(SimulatedTcp, self)}

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver what was sent when it is due, until cancelled."""
        task_status.started()
        while True:
            while self._deliveries and self._deliveries[0].at <= trio.current_time():
                delivery = heapq.heappop(self._deliveries)
                self._instants.pop(delivery.at, None)
                delivery.deliver()
            self._earlier = trio.Event()
            with trio.CancelScope(deadline=self._deliveries[0].at if self._deliveries else float("inf")):
                await self._earlier.wait()

    # ---- what a test may do to it

    def set_link(self, source: str, destination: str, link: Link) -> None:
        """Change the link from one host to another; the way back is a link of its own."""
        self._links[source, destination] = link

    def part(self, one: str, other: str) -> None:
        """Let nothing pass between two hosts, in both directions, until `join`."""
        self.set_link(one, other, Link(loss=1.0))
        self.set_link(other, one, Link(loss=1.0))

    def join(self, one: str, other: str) -> None:
        """Have the two hosts on the common link again."""
        self._links.pop((one, other), None)
        self._links.pop((other, one), None)

    def reset_streams(self, one: str, other: str) -> None:
        """Break all streams between two hosts at once; both sides notice."""
        for stream in list(self._streams):
            if {stream.local.host, stream.remote.host} == {one, other}:
                stream.break_off()

    def sent(self, start: str = "", *, source: str | None = None) -> list[Packet]:
        """Return what was sent, lost or not, whose start line begins so, and from one host if given."""
        return [
            packet
            for packet in self.log
            if packet.start_line.startswith(start) and source in (None, packet.source.host)
        ]

    # ---- what the endpoints use

    def link(self, source: str, destination: str) -> Link:
        """Return the link from one host to another."""
        return self._links.get((source, destination), self._link)

    def bind(self, endpoint: SimulatedUdp | SimulatedTcp, protocol: str, host: str, port: int) -> HostPort:
        """Take an address for an endpoint.

        Raises:
            OSError: it is in use.
        """
        address = HostPort(host, port or next(self._ports))
        if Target(protocol, *address) in self._bound:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        self._bound[Target(protocol, *address)] = endpoint
        return address

    def unbind(self, endpoint: SimulatedUdp | SimulatedTcp) -> None:
        """Let the address of an endpoint go."""
        key = Target(*endpoint.listener[:3])
        if self._bound.get(key) is endpoint:
            del self._bound[key]

    def bound(self, target: Target) -> SimulatedUdp | SimulatedTcp | None:
        """Return what is bound to an address."""
        return self._bound.get(target)

    def free_port(self) -> int:
        """Return a port for the near end of a connection."""
        return next(self._ports)

    def send_datagram(self, source: HostPort, destination: HostPort, data: bytes) -> None:
        """Send a datagram to its fate."""
        now = trio.current_time()
        link = self.link(source.host, destination.host)
        packet = Packet(now, "UDP", source, destination, data)
        # Always the same number of draws, so that one link's conditions do not change what others draw.
        lost, doubled = self._random.random() < link.loss, self._random.random() < link.duplication
        delays = [self._delay(link) for _ in range(2)]
        if not lost and not (self.drop_if is not None and self.drop_if(packet)):
            arrivals = [self._instant(now + delay) for delay in delays[: 2 if doubled else 1]]
            packet.arrives_at = tuple(arrivals)
        self.record(packet)
        for at in packet.arrives_at:
            self.deliver_at(at, partial(self._arrive, packet))

    def deliver_streamed(self, at: float, deliver: Callable[[], None]) -> float:
        """Call what brings a piece of a stream, and return when: at a time, or at the next free instant."""
        at = self._instant(at, alone=True)
        self.deliver_at(at, deliver)
        self._instants[at] = True
        return at

    def _instant(self, at: float, *, alone: bool = False) -> float:
        """Return when something can arrive so that all know what came first.

        A datagram is taken when it arrives. A piece of a stream is read by a task, and Trio has no order
        among tasks that are ready: so a piece has an instant of its own.
        """
        while at in self._instants and (alone or self._instants[at]):
            at += AN_INSTANT
        return at

    def deliver_at(self, at: float, deliver: Callable[[], None]) -> None:
        """Call something at a time; what was to be called at the same time earlier comes first."""
        self._instants.setdefault(at, False)
        if not self._deliveries or at < self._deliveries[0].at:
            self._earlier.set()
        heapq.heappush(self._deliveries, _Delivery(at, next(self._numbers), deliver))

    def stream_pair(self, near: HostPort, far: HostPort) -> tuple[SimulatedStream, SimulatedStream]:
        """Return the two ends of a stream."""
        one, other = SimulatedStream(self, near, far), SimulatedStream(self, far, near)
        one.peer, other.peer = other, one
        self._streams[one] = self._streams[other] = None
        return one, other

    def record_streamed(
        self, source: HostPort, destination: HostPort, data: bytes, arrives_at: float | None
    ) -> None:
        """Record a message that was sent on a stream; it arrives at no time if the way is cut."""
        arrivals = () if arrives_at is None else (arrives_at,)
        self.record(Packet(trio.current_time(), "TCP", source, destination, data, arrivals))

    def forget_stream(self, stream: SimulatedStream) -> None:
        """Know an end of a stream no longer."""
        self._streams.pop(stream, None)

    def _delay(self, link: Link) -> float:
        jitter, held = self._random.random(), self._random.random() < link.reordering
        return link.latency + jitter * link.jitter + (link.hold if held else 0.0)

    def _arrive(self, packet: Packet) -> None:
        endpoint = self.bound(Target("UDP", *packet.destination))
        if isinstance(endpoint, SimulatedUdp):
            self.delivered[packet.destination] = self.delivered.get(packet.destination, 0) + 1
            endpoint.take(packet.data, socket_address(*packet.source))
        elif self._icmp:
            back = self.link(packet.destination.host, packet.source.host)
            self.deliver_at(trio.current_time() + back.latency, partial(self._tell_sender, packet))

    def _tell_sender(self, packet: Packet) -> None:
        sender = self.bound(Target("UDP", *packet.source))
        if isinstance(sender, SimulatedUdp):
            failure = TransportError("refused", "nothing listens there, says ICMP")
            sender.take_failure(socket_address(*packet.destination), failure)

    def jitter(self, link: Link) -> float:
        """Return a delay for a piece of a stream."""
        return link.latency + self._random.random() * link.jitter
