"""A town: several proxies, thousands of subscribers, a bad network, hours of virtual time, and one seed.

    result = simulate(TownPlan(users=200, hours=2, seed=7))
    assert not result.violations

Each subscriber registers with the proxy of its domain; calls to another domain go from proxy to proxy. While
they last, everything that goes over the wire is judged: each call by `judge.Wire`, at each proxy that it
passed; each answer to a REGISTER by a plain dictionary. At the end nothing may be left, and the accounts must
add up.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random

import trio
from trio.testing import MockClock

from sipfsm.config import Settings
from sipfsm.fsm import Engine, Timing
from sipfsm.server import Server, Surroundings
from sipfsm.simulation import dialog
from sipfsm.simulation.judge import Violation, Wire, ladder_of, must
from sipfsm.simulation.network import Link, Network, Packet
from sipfsm.simulation.registrations import RegistrarJudge
from sipfsm.simulation.scene import SETTLE, Directory, leftovers, ready_engines, unix_time
from sipfsm.simulation.schedule import scheduled_by
from sipfsm.simulation.subscriber import Habits, Subscriber, Tally
from sipfsm.transport import HostPort, Target

HOUR = 3600.0
MAX_USERS = 60_000
MAX_PROXIES = 200
TOLD = 5
"""Violations that are told; further ones are counted."""

_SWEEP = 300.0
"""Seconds between two judgements of the calls that are over."""
_QUIET = 300.0
"""Seconds after its last message after which nothing more can come of a call: Timer C is over by then."""


@dataclass(frozen=True)
class TownPlan:
    """What is simulated. The same plan gives the same run, byte for byte.

    Attributes:
        users: how many, 2 to 60,000.
        proxies: how many, 1 to 200, each with a domain of its own.
        hours: of virtual time.
        link: between any two hosts.
        habits: of the subscribers.
        seed: of everything that is left to chance.
    """

    users: int = 1000
    proxies: int = 3
    hours: float = 24.0
    link: Link = field(
        default_factory=lambda: Link(loss=0.02, duplication=0.01, reordering=0.01, latency=0.02, jitter=0.03)
    )
    habits: Habits = field(default_factory=Habits)
    seed: int = 1


@dataclass(frozen=True)
class Found:
    """Something that did not hold.

    Attributes:
        what: with the clause that asks for it.
        where: the proxy, and the Call-ID if it is about a call.
        ladder: what was sent of that call; empty if it is about none.
    """

    what: str
    where: str
    ladder: str = ""


@dataclass
class Result:
    """What came of a simulation."""

    plan: TownPlan
    tally: Tally = field(default_factory=Tally)
    violations: list[Found] = field(default_factory=list)
    checks: int = 0
    """Calls judged at a proxy, answers to REGISTER compared, and accounts."""
    messages: int = 0
    lost: int = 0
    counters: dict[str, int] = field(default_factory=dict)
    """Of all proxies together."""
    digest: str = ""
    """Of every packet: when, from where, to where, when it arrived, and each of its bytes."""
    seconds: float = 0.0
    """Wall time."""
    now: float = 0.0
    """Seconds of virtual time that have passed."""

    def find(self, violation: Violation, where: str, packets: list[Packet], names: Mapping[str, str]) -> None:
        """Take note of a violation."""
        ladder = ladder_of(packets, names) if packets and len(self.violations) < TOLD else ""
        self.violations.append(Found(str(violation), where, ladder))


class _Recorder:
    """Sees each packet once: counts, digests and judges, and forgets the calls that are over."""

    def __init__(self, result: Result, proxies: Mapping[str, str]):
        self.sent: dict[HostPort, int] = {}
        self.registrars = {host: RegistrarJudge([host]) for host in proxies}
        self.names: dict[str, str] = dict(proxies)
        self._result = result
        self._proxies = proxies
        self._calls: dict[bytes, list[Packet]] = {}
        self._digest = blake2b(digest_size=16)

    def take(self, packet: Packet) -> None:
        """Take what is sent."""
        result = self._result
        result.messages += 1
        result.lost += not packet.arrives_at
        source, destination = packet.source, packet.destination
        self.sent[source] = self.sent.get(source, 0) + 1
        line = f"{packet.sent_at!r} {packet.protocol} {source} {destination} {packet.arrives_at!r}\n"
        self._digest.update(line.encode())
        self._digest.update(packet.data)
        if b" REGISTER\r\n" in packet.data:
            self._take_registration(packet)
        else:
            self._calls.setdefault(_call_id(packet.data), []).append(packet)

    def _take_registration(self, packet: Packet) -> None:
        for host in (packet.source.host, packet.destination.host):
            if host in self.registrars:
                try:
                    self.registrars[host].take(packet)
                except Violation as violation:
                    self._result.find(violation, self._proxies[host], [packet], self.names)

    def judge(self, now: float) -> None:
        """Judge the calls of which nothing more can come."""
        for call_id, packets in list(self._calls.items()):
            last = max(packets[-1].sent_at, *packets[-1].arrives_at, 0)
            if last < now - _QUIET:
                del self._calls[call_id]
                self._judge_call(call_id.decode("ascii", "replace"), packets)

    def _judge_call(self, call_id: str, packets: list[Packet]) -> None:
        for host, name in self._proxies.items():
            if not any(host in (packet.source.host, packet.destination.host) for packet in packets):
                continue
            self._result.checks += 1
            try:
                wire = Wire(packets, own=[host])
                wire.check_finals(reliably_heard=True)
                wire.check_order()
                wire.check_patience()
                wire.check_cancels()
                wire.check_successes()
                wire.check_acks()
            except Violation as violation:
                self._result.find(violation, f"{name}, call {call_id}", packets, self.names)

    def hexdigest(self) -> str:
        """Return the digest of all that was sent."""
        return self._digest.hexdigest()


def _call_id(data: bytes) -> bytes:
    _, _, rest = data.partition(b"\r\nCall-ID:")
    return rest[: rest.find(b"\r\n")].strip()


class _Town:
    """The run itself."""

    def __init__(self, plan: TownPlan, engines: Mapping[str, Engine], tick: Callable[[Result], None]):
        self.result = Result(plan)
        self._plan = plan
        self._tick = tick
        self._engines = engines
        self._network = Network(seed=plan.seed, link=plan.link)
        self._hosts = {f"192.0.2.{index + 1}": f"proxy{index + 1}" for index in range(plan.proxies)}
        self._recorder = _Recorder(self.result, self._hosts)
        self._network.record = self._recorder.take
        self._servers: dict[str, Server] = {}

    async def run(self) -> None:
        """Live through the hours, and judge."""
        plan = self._plan
        async with trio.open_nursery() as nursery:
            await nursery.start(self._network.run)
            await self._start_proxies(nursery)
            nursery.start_soon(self._keep_books)
            with trio.move_on_at(plan.hours * HOUR):
                async with trio.open_nursery() as town:
                    for each, others in self._subscribers():
                        town.start_soon(each.live, others)
            await trio.sleep(SETTLE)
            self._close_books()
            nursery.cancel_scope.cancel()

    async def _start_proxies(self, nursery: trio.Nursery) -> None:
        directory = Directory()
        directory.names = {f"{name}.example": [host] for host, name in self._hosts.items()}
        for host, name in self._hosts.items():
            surroundings = Surroundings(
                clock=unix_time,
                token_bytes=Random(f"{self._plan.seed} {name}").randbytes,
                protocols=self._network.protocols,
                resolver=directory,
                engines=self._engines,
            )
            settings = Settings(
                listen=(f"udp:{host}:5060",),
                domains=(f"{name}.example",),
                location="memory",
                no_auth=True,
                trusted=(),
            )
            self._servers[host] = Server(settings, surroundings=surroundings)
            await nursery.start(self._servers[host].run)

    def _subscribers(self) -> list[tuple[Subscriber, list[str]]]:
        plan, proxies = self._plan, list(self._hosts.items())
        engines = {**ready_engines(Timing()), **{name: self._engines[name] for name in dialog.MODELS}}
        found = []
        for number in range(plan.users):
            host, name = proxies[number % len(proxies)]
            phone = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            self._recorder.names[phone] = f"user{number}"
            found.append(
                Subscriber(
                    self._network,
                    f"user{number}",
                    phone,
                    f"{name}.example",
                    Target("UDP", host, 5060),
                    habits=plan.habits,
                    chance=Random(f"{plan.seed} user{number}"),
                    tally=self.result.tally,
                    engines=engines,
                )
            )
        everybody = [each.aor for each in found]
        return [(each, everybody) for each in found]

    async def _keep_books(self) -> None:
        while True:
            await trio.sleep(_SWEEP)
            self.result.now = trio.current_time()
            self._recorder.judge(self.result.now)
            self._tick(self.result)

    def _close_books(self) -> None:
        """Judge all that is left, and check that nothing is left."""
        result, recorder = self.result, self._recorder
        result.now = trio.current_time()
        recorder.judge(float("inf"))
        for host, server in self._servers.items():
            result.checks += 1 + recorder.registrars[host].judged
            try:
                self._check_end(host, server)
            except Violation as violation:
                result.find(violation, self._hosts[host], [], recorder.names)
            for label, number in server.counters.items():
                result.counters[label] = result.counters.get(label, 0) + number
        result.counters = dict(sorted(result.counters.items()))
        result.digest = recorder.hexdigest()

    def _check_end(self, host: str, server: Server) -> None:
        left = leftovers(server)
        must(not left, f"left of requests that are over: {left}")
        address, counters = HostPort(host, 5060), server.counters
        arrived, sent = self._network.delivered.get(address, 0), self._recorder.sent.get(address, 0)
        must(
            counters["received.udp"] == arrived,
            f"{arrived} arrived, {counters['received.udp']} counted",
            "none",
        )
        must(counters["sent.udp"] == sent, f"{sent} were sent, {counters['sent.udp']} counted")
        registrar, now = self._recorder.registrars[host], trio.current_time()
        registrar.advance(now)
        for aor in list(registrar.model.bound):
            stored = {each.contact.decode() for each in server.location.bindings(aor)}
            expected = set(registrar.model.live(aor, now))
            must(stored == expected, f"{aor} is bound to {stored} instead of {expected}", "3261 10.3 step 7")


def simulate(
    plan: TownPlan,
    *,
    engines: Mapping[str, Engine] | None = None,
    tick: Callable[[Result], None] = lambda _: None,
) -> Result:
    """Run a simulation to its end. Not to be called from within Trio.

    Args:
        plan: what is simulated.
        engines: of the proxies, by the names of their models; None for the usual ones.
        tick: is called every five minutes of virtual time with what there is so far.

    Raises:
        ValueError: the plan has too few or too many of something.
        RuntimeError: this version of Trio cannot be made to follow from a seed.
    """
    if not 2 <= plan.users <= MAX_USERS:
        raise ValueError(f"there can be 2 to {MAX_USERS:,} users, not {plan.users:,}")
    if not 1 <= plan.proxies <= MAX_PROXIES:
        raise ValueError(f"there can be 1 to {MAX_PROXIES} proxies, not {plan.proxies}")
    if not 0 < plan.hours <= 24 * 366:
        raise ValueError(f"the hours must be above 0 and at most a year, not {plan.hours:g}")
    town = _Town(plan, engines or ready_engines(Timing()), tick)
    began = time.monotonic()
    with scheduled_by(plan.seed):
        trio.run(town.run, clock=MockClock(autojump_threshold=0))
    town.result.seconds = time.monotonic() - began
    return town.result
