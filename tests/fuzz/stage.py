"""A transaction layer on a stage: every step of a script is done to it and to the reference, and compared.

The layer is the real one, with the intake in front of it; sockets and transaction user are the stage's own,
so that each effect of a step is seen in its order. The reference is `ReferenceMachine` with what a
transaction layer adds to the machines: keys, strays, and a transport error where sending fails.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import trio
from trio.testing import MockClock

from sipfsm.counters import Counters
from sipfsm.fsm import Engine, Model, Timing, load_model, make_engines
from sipfsm.ladder import Arrow, Note, draw_ladder
from sipfsm.message import DEFAULT_LIMITS, Request, Response, make_response, parse_message_untrusted
from sipfsm.transaction import ClientTransaction, ServerTransaction, TransactionLayer
from sipfsm.transaction.layer import MODELS
from sipfsm.transaction.transaction import Transaction
from sipfsm.transport import Flow, HostPort, Listener, Target, TransportError
from sipfsm.transport.intake import Intake
from sipfsm.transport.interface import Watcher
from sipfsm.transport.names import LocalNames
from tests.fuzz.cells import Reached
from tests.fuzz.reference import Reading, ReferenceMachine, Step
from tests.fuzz.script import Do, Script

HERE, PEER = "192.0.2.1", "192.0.2.2"
TIMING = Timing()
AFTERWARDS = 400.0
"""Seconds after which nothing can be left of what was given up."""

Seen = tuple[Any, ...]
"""Something that the layer did, as it looks from outside."""


class Mismatch(AssertionError):  # noqa: N818 - what it is, not an error of the program
    """The layer did something else than the reference."""


@cache
def reading(name: str) -> Reading:
    return Reading(load_model(name), TIMING)


def engines_with(*models: Model) -> dict[str, Engine]:
    """Make the machines ready, some of them by another model than their own, to see that it is found."""
    return ENGINES | {model.name: Engine(model, TIMING) for model in models}


ENGINES = make_engines(TIMING, MODELS)
"""Shared by all stages: they keep nothing of a transaction."""


# ---- what stands around the layer


class StageFlow:
    """A flow whose sending the stage sees, and can have fail."""

    closed = False
    remote = HostPort(PEER, 5060)
    local = HostPort(HERE, 5060)
    sent_by = f"{HERE}:5060"

    def __init__(self, stage: Stage, protocol: str):
        self.protocol = protocol
        self.reliable = protocol != "UDP"
        self._stage = stage
        self._watchers: list[Watcher] = []

    def send_nowait(self, data: bytes) -> None:
        if self._stage.failing:
            raise TransportError("refused", "the script says so")
        self._stage.seen.append(("sends", *_identity(data)))

    def watch(self, callback: Watcher) -> None:
        self._watchers.append(callback)

    def unwatch(self, callback: Watcher) -> None:
        if callback in self._watchers:
            self._watchers.remove(callback)

    def end(self) -> None:
        """Tell whoever watches, once, that the flow has ended."""
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            watcher(TransportError("reset", "the script says so"))


class StageTransport:
    """As much of a transport layer as the transaction layer uses."""

    listeners: Sequence[Listener] = ()

    def __init__(self, stage: Stage):
        self._stage = stage

    def flow_to_nowait(self, target: Target, *, prefer: Flow | None = None) -> Flow | None:
        flow = StageFlow(self._stage, target.protocol)
        self._stage.flows.append(flow)
        return flow

    def reply_flow_nowait(self, via: object, flow: Flow) -> Flow | None:
        return flow

    def sent_by_to(self, target: Target, *, prefer: Flow | None = None) -> str:
        return StageFlow.sent_by

    async def connect(self, target: Target, *, prefer: Flow | None = None) -> Flow:
        raise NotImplementedError

    async def connect_reply(self, via: object, flow: Flow) -> Flow:
        raise NotImplementedError

    def is_listening_at(self, host: str, port: int, protocol: str | None = None) -> bool:
        return host == HERE


class StageClient:
    """Who sent a request."""

    def __init__(self, seen: list[Seen], method: str, which: int):
        self._seen, self._name = seen, (method, which)

    def response_arrived(self, response: Response) -> None:
        self._seen.append(("tells response", *self._name, response.status))

    def timed_out(self) -> None:
        self._seen.append(("tells timeout", *self._name))

    def transport_failed(self, error: TransportError) -> None:
        self._seen.append(("tells failure", *self._name))


class StageServer:
    """Who answers a request."""

    def __init__(self, seen: list[Seen], method: str, which: int):
        self._seen, self._name = seen, (method, which)

    def ack_arrived(self, ack: Request) -> None:
        self._seen.append(("tells ACK", *self._name))

    def answer_lost(self) -> None:
        self._seen.append(("tells loss", *self._name))

    def cancelled(self) -> None:
        raise NotImplementedError


NAMES = LocalNames([])
NAMES.add(Listener("UDP", HERE, 5060, StageFlow.sent_by))
NAMES.add(Listener("TCP", HERE, 5060, StageFlow.sent_by))


def _identity(data: bytes) -> Seen:
    """What was sent: method and number of its transaction, and for a response the status."""
    found = _SENT.match(data)
    assert found is not None, data
    status, branch, method = found.groups()
    name = method.decode(), int(branch)
    return name if status is None else (*name, int(status))


FLAGS = re.DOTALL | re.IGNORECASE
_SENT = re.compile(rb"(?:SIP/2\.0 (\d+)|[A-Z]+ ).*?branch=z9hG4bK[sc](\d+).*?\r\nCSeq: 1 (\w+)\r\n", FLAGS)


@cache
def _request(method: str, which: int, *, via: bool) -> bytes:
    lines = [
        f"{method} sip:bob@example.com SIP/2.0",
        *([f"Via: SIP/2.0/{protocol(which)} {PEER}:5060;branch=z9hG4bKs{which}"] if via else []),
        "Max-Forwards: 70",
        "To: <sip:bob@example.com>",
        "From: <sip:alice@example.com>;tag=1",
        f"Call-ID: {which}",
        f"CSeq: 1 {method}",
        "Content-Length: 0",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


@cache
def _response(method: str, which: int, status: int) -> bytes:
    lines = [
        f"SIP/2.0 {status} Reason",
        f"Via: SIP/2.0/{protocol(which)} {HERE}:5060;branch=z9hG4bKc{which}",
        "To: <sip:bob@example.com>;tag=2",
        "From: <sip:alice@example.com>;tag=1",
        f"Call-ID: {which}",
        f"CSeq: 1 {method}",
        "Content-Length: 0",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def protocol(which: int) -> str:
    return "TCP" if which % 2 else "UDP"


# ---- what the reference makes of a step


class Reference:
    """The transactions as the models have them, and what is to be seen of them from outside."""

    def __init__(self, reached: Reached):
        self.servers: dict[tuple[str, int], ReferenceMachine] = {}
        self.clients: dict[tuple[str, int], ReferenceMachine] = {}
        self.seen: list[Seen] = []
        self.counted: dict[str, int] = {}
        self.failing = False
        self.steps: list[tuple[int, float, str, Step]] = []
        """All steps of all machines: after which step of the script, when, and whose they were."""
        self._number = -1
        self._watched: set[tuple[str, int]] = set()
        self._answered: set[int] = set()
        self._reached = reached
        self._now = 0.0

    def alive(self) -> dict[tuple[str, str, int], tuple[str, dict[str, float]]]:
        """State and running timers of each transaction that there is."""
        sides = (("server", self.servers), ("client", self.clients))
        return {
            (side, *key): (machine.state, machine.running)
            for side, table in sides
            for key, machine in table.items()
            if not machine.terminated
        }

    def do(self, step: Do, now: float) -> None:
        """Do a step of a script."""
        self._now = now
        self._number += 1
        key = step.method, step.which
        match step.what:
            case "arrives":
                self._arrives(*key)
            case "responds":
                self._feed("server", key, self._event_of_tu(key, step.status), step.status)
            case "sends" if key not in self.clients or self.clients[key].terminated:
                self.clients[key] = self._make("client", key)
                self._feed("client", key, "tu_request")
            case "answers":
                self._answers(key, step.status)
            case "abandons server":
                self._feed("server", key, "tu_abandon")
            case "abandons client":
                self._feed("client", key, "tu_abandon")
            case "breaks" if key in self._watched and not self.clients[key].terminated:
                self._watched.discard(key)
                self._count("transport-error.reset")
                self._feed("client", key, "transport_error")
            case "fails" | "mends":
                self.failing = step.what == "fails"

    def pass_time(self, until: float) -> None:
        """Let all timers fire that are due by then."""
        while True:
            tables = (("server", self.servers), ("client", self.clients))
            due = [(*each.next_timer(), side, key) for side, table in tables for key, each in table.items()]
            at, _, timer, side, key = min(due, default=(float("inf"), 0, "", "", ("", 0)))
            if at > until:
                return
            self._now = at
            self._feed(side, key, f"timer_{timer}")

    def _make(self, side: str, key: tuple[str, int]) -> ReferenceMachine:
        kind = "invite" if key[0] == "INVITE" else "non-invite"
        return ReferenceMachine(reading(f"{kind}-{side}"), reliable=protocol(key[1]) != "UDP")

    def _arrives(self, method: str, which: int) -> None:
        key = ("INVITE" if method == "ACK" else method), which
        machine = self.servers.get(key)
        if machine is None or machine.terminated:
            # RFC 3261 9.2: a CANCEL without a request that it could be for has no transaction.
            cancelled = [self.servers.get((name, which)) for name in ("INVITE", "MESSAGE")]
            strays = method == "CANCEL" and all(each is None or each.terminated for each in cancelled)
            if method == "ACK" or strays:
                self.seen.append(("tells stray", method, which))
                return
            self.servers[key] = self._make("server", key)
            self._answered.discard(id(self.servers[key]))
        event = {"INVITE": "invite", "ACK": "ack"}.get(method, "request")
        self._feed("server", key, event)

    def _event_of_tu(self, key: tuple[str, int], status: int) -> str:
        machine = self.servers.get(key)
        if status == 100 and key[0] != "INVITE" and machine is not None and not machine.reliable:
            return "tu_100_early" if "trying" in machine.running else "tu_100"
        if status < 200:
            return "tu_100" if status == 100 else "tu_101_199"
        return "tu_2xx" if status < 300 else "tu_408" if status == 408 else "tu_300_699"

    def _answers(self, key: tuple[str, int], status: int) -> None:
        machine = self.clients.get(key)
        if machine is None or machine.terminated:
            self._count("dropped.response.stray")
            return
        event = "1xx" if status < 200 else "2xx" if status < 300 else "300_699"
        self._feed("client", key, f"response_{event}", status)

    def _count(self, label: str) -> None:
        self.counted[label] = self.counted.get(label, 0) + 1

    def _feed(self, side: str, key: tuple[str, int], event: str, status: int = 0) -> None:
        """Give an event to a machine, and what its effects bring about."""
        machine = (self.servers if side == "server" else self.clients).get(key)
        todo = [(event, status)] if machine is not None else []
        while todo and machine is not None:
            event, status = todo.pop(0)
            step = machine.handle(event, self._now)
            name = machine.model.name
            self._reached.note(name, step.before, event, [row.id for row in step.rows])
            self.steps.append((self._number, self._now, f"{side} {key[0]} {key[1]}", step))
            todo += [
                ("transport_error", 0)
                for effect in step.effects
                if isinstance(effect, str) and not self._perform(effect, machine, side, key, status)
            ]

    def _perform(
        self, effect: str, machine: ReferenceMachine, side: str, key: tuple[str, int], status: int
    ) -> bool:
        """Note what is seen of an effect; say if it succeeded."""
        sent: Seen | None = None
        match effect:
            case "send_request" | "resend_request":
                self._watched.add(key)
                sent = "sends", *key
            case "send_ack":
                sent = "sends", "ACK", key[1]
            case "send_response":
                machine.last = status  # type: ignore[attr-defined]
                sent = "sends", *key, status
            case "send_trying":
                machine.last = 100  # type: ignore[attr-defined]
                sent = "sends", *key, 100
            case "resend_response":
                last = getattr(machine, "last", 0)
                sent = ("sends", *key, last) if last else None
            case "drop":
                self._count(f"dropped.transaction.{machine.model.name}")
            case "reject":
                self._count(f"rejected.tu.{machine.model.name}")
            case _:
                told = _TOLD.get(effect)
                if told is not None:
                    name = told[side] if isinstance(told, MappingProxyType) else told
                    self.seen.append((name, *key, status) if effect == "pass_response" else (name, *key))
        if sent is None:
            return True
        if self.failing:
            self._count("transport-error.refused")
            return False
        self.seen.append(sent)
        return True


_LOST = {"server": "tells loss"}
_TOLD: dict[str, Any] = {
    "pass_request": "tells request",
    "pass_ack": "tells ACK",
    "pass_response": "tells response",
    "inform_timeout": MappingProxyType(_LOST | {"client": "tells timeout"}),
    "inform_transport_error": MappingProxyType(_LOST | {"client": "tells failure"}),
}


# ---- the stage


class Stage:
    """A transaction layer, its surroundings, and the reference beside it. The layer's user is the stage."""

    def __init__(self, reached: Reached, engines: Mapping[str, Engine]):
        self.counters = Counters()
        self.layer = TransactionLayer(TIMING, self.counters, engines=engines)
        self.layer.transport = StageTransport(self)
        self.layer.user = self
        self.intake = Intake(self.layer, names=NAMES, counters=self.counters, limits=DEFAULT_LIMITS)
        self.seen: list[Seen] = []
        self.flows: list[StageFlow] = []
        self.failing = False
        self.reference = Reference(reached)
        self.served: dict[tuple[str, int], tuple[ServerTransaction, Request]] = {}
        self.clients: dict[tuple[str, int], tuple[ClientTransaction, StageFlow | None]] = {}
        self._arrivals = {name: StageFlow(self, name) for name in ("UDP", "TCP")}
        self._nursery: trio.Nursery

    # what the layer calls

    def serve(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        key = request.method, int((request.via.branch or "").removeprefix("z9hG4bKs"))
        self.served[key] = transaction, request
        transaction.user = StageServer(self.seen, *key)
        self.seen.append(("tells request", *key))

    def take_stray(self, request: Request, flow: Flow) -> None:
        which = int((request.via.branch or "").removeprefix("z9hG4bKs"))
        self.seen.append(("tells stray", request.method, which))

    # what a script does

    async def play(self, script: Script) -> None:
        """Do every step, then give everything up and wait; compare after each step.

        Raises:
            Mismatch: the layer and the reference differ.
        """
        async with trio.open_nursery() as self._nursery:
            await self._nursery.start(self.layer.run)
            try:
                for number, step in enumerate(script):
                    await self._do(step)
                    self._compare(script[: number + 1], thorough=step.what == "waits")
                await self._end(script)
            finally:
                self._nursery.cancel_scope.cancel()

    async def _end(self, script: Script) -> None:
        ends = [Do("abandons server", *key) for key in self.served]
        ends += [Do("abandons client", *key) for key in self.clients]
        for step in (*ends, Do("waits", seconds=AFTERWARDS)):
            await self._do(step)
        self._compare(script, thorough=True)
        held = {name: n for name, n in self.layer.held().items() if n}
        if held:
            raise Mismatch(self._tell(script, f"what is left of transactions that are over: {held}"))

    async def _do(self, step: Do) -> None:
        key = step.method, step.which
        match step.what:
            case "arrives":
                data = _request(*key, via=True)
                self.intake.take(data, self._arrivals[protocol(step.which)])
            case "responds" if key in self.served:
                transaction, request = self.served[key]
                transaction.respond(make_response(request, step.status))
            case "sends" if (f"z9hg4bkc{step.which}", step.method) not in self.layer.clients:
                await self._send(key)
            case "answers":
                self.intake.take(_response(*key, step.status), self._arrivals[protocol(step.which)])
            case "abandons server" if key in self.served:
                self.served[key][0].abandon()
            case "abandons client" if key in self.clients:
                self.clients[key][0].abandon()
            case "breaks" if key in self.clients:
                flow = self.clients[key][1]
                if flow is not None:
                    flow.end()
            case "fails" | "mends":
                self.failing = step.what == "fails"
        now = trio.current_time()
        self.reference.do(step, now)
        if step.what == "waits":
            await trio.sleep(step.seconds)
            self.reference.pass_time(trio.current_time())

    async def _send(self, key: tuple[str, int]) -> None:
        request = parse_message_untrusted(_request(*key, via=False))
        assert isinstance(request, Request)
        user = StageClient(self.seen, *key)
        target = Target(protocol(key[1]), PEER, 5060)
        client = ClientTransaction(self.layer, request, target, user, branch=f"z9hG4bKc{key[1]}")
        self.flows.clear()
        self._nursery.start_soon(client.run)
        for _ in range(2):  # Trio has no order among tasks that are ready; after two rounds it has begun
            await trio.lowlevel.checkpoint()
        self.clients[key] = client, self.flows[0] if self.flows else None

    # comparing

    def _compare(self, script: Script, *, thorough: bool) -> None:
        reference = self.reference
        if self.seen != reference.seen:
            raise Mismatch(self._tell(script, self._difference()))
        layer = self.layer
        tables: list[tuple[str, Iterable[Transaction[Any]]]] = [
            ("server", layer.servers.values()),
            ("client", layer.clients.values()),
        ]
        found = {
            (side, *_method_and_number(each.key)): (each.state, each.instance.running)
            for side, table in tables
            for each in table
        }
        expected = reference.alive()
        if found != expected:
            raise Mismatch(self._tell(script, f"there is {found}, where there should be {expected}"))
        timers = sum(len(running) for _, running in expected.values())
        if len(layer.timers) != timers:
            raise Mismatch(self._tell(script, f"{len(layer.timers)} timers run instead of {timers}"))
        if dict(self.counters) != reference.counted:
            text = f"counted was {dict(self.counters)} instead of {reference.counted}"
            raise Mismatch(self._tell(script, text))
        if thorough:
            tasks = layer.held()["transaction tasks"] + len(self._nursery.child_tasks) - 1
            if tasks != len(expected):
                raise Mismatch(self._tell(script, f"{tasks} tasks live for {len(expected)} transactions"))
        self.seen.clear()
        reference.seen.clear()

    def _difference(self) -> str:
        expected = "; ".join(_words(each) for each in self.reference.seen) or "nothing"
        seen = "; ".join(_words(each) for each in self.seen) or "nothing"
        return f"the layer did this: {seen}; it should have done this: {expected}"

    def _tell(self, script: Script, what: str) -> str:
        return f"{what}\n{ladder(script, self.reference)}"


def _method_and_number(key: Hashable) -> tuple[str, int]:
    """What a transaction key of a script says."""
    assert isinstance(key, tuple)
    return str(key[-1]), int(str(key[0]).removeprefix("z9hg4bks").removeprefix("z9hg4bkc"))


def _words(seen: Seen) -> str:
    return " ".join(map(str, seen))


def ladder(script: Script, reference: Reference) -> str:
    """Draw what was done, and the rows that the reference took, each with its clause."""
    events: list[Arrow | Note] = []
    now, done = 0.0, list(reference.steps)
    for number, step in enumerate(script):
        events.append(_drawn(step, now))
        events += [note for each in done if each[0] == number for note in _notes(*each[1:])]
        now += step.seconds
    events += [note for each in done if each[0] >= len(script) for note in _notes(*each[1:])]
    return draw_ladder(events, columns=("user", "layer", "peer"))


def _notes(at: float, whose: str, step: Step) -> Iterator[Note]:
    """The rows of a step, each with its clause."""
    for row in step.rows:
        text = f"{row.id} {whose}, {row.source}: {step.event}, {' '.join(row.before) or 'nothing'}"
        text += f", to {row.dest}" if row.dest else ""
        yield Note(at, f"{text}  [{row.rfc}]")


def _drawn(step: Do, at: float) -> Arrow | Note:
    label = f"{step.status} ({step.method} {step.which})" if step.status else f"{step.method} {step.which}"
    if step.what in {"arrives", "answers"}:
        return Arrow(at, "peer", "layer", label)
    if step.what in {"responds", "sends"}:
        return Arrow(at, "user", "layer", label)
    return Note(at, str(step))


def play(script: Script, reached: Reached | None = None, *, engines: Mapping[str, Engine] = ENGINES) -> None:
    """Play a script in virtual time.

    Args:
        script: the steps.
        reached: gets what the reference reached.
        engines: of the layer.

    Raises:
        Mismatch: the layer and the reference differ; the text has a ladder.
    """
    for failure in play_all([script], reached or Reached(), engines=engines).values():
        raise failure


def play_all(
    scripts: Sequence[Script], reached: Reached, *, engines: Mapping[str, Engine] = ENGINES
) -> dict[Script, Mismatch]:
    """Play scripts side by side in virtual time, each on a stage of its own; return those that failed.

    Most of the time that a script takes is Trio's, for each instant at which something happens; those who
    play side by side share many of them.
    """
    failures: dict[Script, Mismatch] = {}

    async def one(script: Script) -> None:
        try:
            await Stage(reached, engines).play(script)
        except* Mismatch as group:
            failures[script] = next(_leaves(group))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for script in scripts:
                nursery.start_soon(one, script)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return failures


def _leaves(group: BaseExceptionGroup[Mismatch]) -> Iterator[Mismatch]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _leaves(each)
        else:
            yield each
