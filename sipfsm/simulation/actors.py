"""Callers and callees that act by themselves, as a plan says: well, badly, or not at all any more."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import trio

from sipfsm.message import Request, Response
from sipfsm.simulation.network import Network
from sipfsm.simulation.phone import DOMAIN, Phone, Received
from sipfsm.transport import Flow, TransportError

T1, T2, T64 = 0.5, 4.0, 32.0


@dataclass(frozen=True)
class Step:
    """A callee waits, then answers."""

    after: float
    """Seconds."""
    status: int
    tag: str


@dataclass(frozen=True)
class CalleePlan:
    """What a phone does with each new request."""

    protocol: str
    """Of its contact."""
    steps: tuple[Step, ...]
    """One after the other, whether they make sense or not."""
    obeys_cancel: bool
    answers_cancel: bool
    vanishes_at: float | None
    """Seconds from the beginning."""


@dataclass(frozen=True)
class CallerPlan:
    """What a phone does once."""

    method: str
    protocol: str
    starts_at: float
    size: int
    """Bytes of the body."""
    cancels_after: float | None
    """Seconds after its INVITE."""
    is_patient: bool
    """Whether its CANCEL waits for a provisional response, as it must."""
    acknowledges: bool
    vanishes_at: float | None


@dataclass(frozen=True)
class Binding:
    """One REGISTER."""

    after: float
    """Seconds after the one before; 0 for the same instant."""
    user: str
    contacts: tuple[tuple[str, int | None], ...]
    """Users of the contacts, each with its seconds; ``*`` for all."""
    expires: int | None
    """Seconds of the field Expires."""
    call_id: str
    cseq: int


@dataclass(frozen=True)
class RegistrantPlan:
    """What a phone registers, in order or not."""

    protocol: str
    bindings: tuple[Binding, ...]
    vanishes_at: float | None


class Caller(Phone):
    """Sends a request until it is answered; cancels and acknowledges if it is to."""

    def __init__(self, network: Network, host: str, plan: CallerPlan):
        super().__init__(network, f"alice{host.rpartition('.')[2]}", host, ["udp", "tcp"])
        self.plan = plan
        self.acknowledges = plan.acknowledges

    def take(self, message: Request | Response, flow: Flow) -> None:
        """Take a message from the network, and acknowledge a 2xx, each copy of it again."""
        super().take(message, flow)
        if not isinstance(message, Response) or message.cseq.method != "INVITE":
            return
        if 200 <= message.status < 300 and self.plan.acknowledges:
            ack = self.in_dialog("ACK", message, branch=f"z9hG4bK-ack-{message.to.tag}")
            flow.send_nowait(ack.to_bytes())

    async def play(self, uri: str) -> None:
        """Do what the plan says."""
        plan = self.plan
        await trio.sleep(plan.starts_at)
        request = self.request(plan.method, uri, protocol=plan.protocol, body=b"x" * plan.size)
        self.remember(request)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send_until_heard, request, 100 if plan.method == "INVITE" else 200)
            if plan.cancels_after is not None and plan.method == "INVITE":
                await trio.sleep(plan.cancels_after)
                if not plan.is_patient or await self._is_heard_of(request):
                    nursery.start_soon(self._send_until_heard, self.cancel(request), 200)

    async def _is_heard_of(self, request: Request) -> bool:
        with trio.move_on_after(T64):
            while not self._has_heard(request, 100):
                await self.wait_for_more()
        return self._has_heard(request, 100)

    def _has_heard(self, request: Request, at_least: int) -> bool:
        return any(
            each.message.status >= at_least
            for each in self.log
            if isinstance(each.message, Response)
            and each.message.via.branch == request.via.branch
            and each.message.cseq.method == request.method
        )

    async def _send_until_heard(self, request: Request, at_least: int) -> None:
        await send_until_heard(self, request, self.plan.protocol, lambda: self._has_heard(request, at_least))


async def send_until_heard(
    phone: Phone, request: Request, protocol: str, is_heard: Callable[[], bool]
) -> None:
    """Send a request as a client transaction does it: over UDP again and again, at most for 64*T1."""
    interval, left = T1, T64
    while left > 0 and not is_heard():
        with suppress(TransportError):
            await phone.send_raw(request.to_bytes(), protocol=protocol)
        if protocol != "UDP":
            return
        await trio.sleep(interval)
        left -= interval
        interval = 2 * interval if request.method == "INVITE" else min(2 * interval, T2)


class Registrant(Phone):
    """Registers contacts as its plan says, without waiting for the answer of one before it sends the next."""

    def __init__(self, network: Network, host: str, plan: RegistrantPlan):
        super().__init__(network, f"carol{host.rpartition('.')[2]}", host, ["udp", "tcp"])
        self.plan = plan

    async def play(self) -> None:
        """Do what the plan says."""
        async with trio.open_nursery() as nursery:
            for binding in self.plan.bindings:
                await trio.sleep(binding.after)
                nursery.start_soon(self._register, self._write(binding))

    def _write(self, binding: Binding) -> Request:
        fields = [("Contact", self._contact(*contact)) for contact in binding.contacts]
        if binding.expires is not None:
            fields.append(("Expires", str(binding.expires)))
        request = self.request(
            "REGISTER",
            f"sip:{DOMAIN}",
            to=f"<sip:{binding.user}@{DOMAIN}>",
            call_id=binding.call_id,
            cseq=binding.cseq,
            protocol=self.plan.protocol,
            fields=fields or [("Contact", "")],
        )
        if not fields:
            request.headers.remove(b"contact")
        return request

    @staticmethod
    def _contact(user: str, seconds: int | None) -> str:
        if user == "*":
            return user
        return f"<sip:{user}@192.0.2.250>" + ("" if seconds is None else f";expires={seconds}")

    async def _register(self, request: Request) -> None:
        branch = request.via.branch
        await send_until_heard(
            self,
            request,
            self.plan.protocol,
            lambda: any(each.message.via.branch == branch for each in self.log),
        )


class Callee(Phone):
    """Answers each request by its plan, and repeats the final response to an INVITE until an ACK comes."""

    def __init__(self, network: Network, host: str, plan: CalleePlan):
        super().__init__(network, "bob", host, ["udp", "tcp"])
        self.plan = plan
        self._last: dict[str | None, bytes] = {}
        self._acknowledged: set[str] = set()
        self._to_answer, self._waiting = trio.open_memory_channel[Received](1000)

    def take(self, message: Request | Response, flow: Flow) -> None:
        """Take a message from the network; what is new is answered by `play`."""
        super().take(message, flow)
        if not isinstance(message, Request):
            return
        received, branch = self.log[-1], message.via.branch
        if message.method == "ACK":
            self._acknowledged.add(message.call_id)
        elif message.method == "CANCEL":
            self._take_cancel(received)
        elif branch not in self._last:
            self._last[branch] = b""
            self._to_answer.send_nowait(received)
        elif self._last[branch]:
            self._reply(received, self._last[branch])

    async def play(self) -> None:
        """Do what the plan says, for each request that comes."""
        async with trio.open_nursery() as nursery:
            async for received in self._waiting:
                nursery.start_soon(self._answer_by_plan, received)

    def _take_cancel(self, cancel: Received) -> None:
        if self.plan.answers_cancel:
            self._reply(cancel, self.response(cancel, 200).to_bytes())
        branch = cancel.request.via.branch
        invites = [each for each in self.got("INVITE") if each.request.via.branch == branch]
        if self.plan.obeys_cancel and invites:
            self._reply(invites[0], self.response(invites[0], 487).to_bytes())

    async def _answer_by_plan(self, received: Received) -> None:
        async with trio.open_nursery() as nursery:
            for step in self.plan.steps:
                await trio.sleep(step.after)
                data = self.response(received, step.status, tag=f"{step.tag}-{self.host}").to_bytes()
                self._last[received.request.via.branch] = data
                self._reply(received, data)
                if step.status >= 200 and received.request.method == "INVITE":
                    nursery.start_soon(self._repeat, received, data)

    async def _repeat(self, received: Received, data: bytes) -> None:
        interval, left = T1, T64
        while left > 0 and received.request.call_id not in self._acknowledged:
            await trio.sleep(interval)
            left -= interval
            interval = min(2 * interval, T2)
            self._reply(received, data)

    def _reply(self, received: Received, data: bytes) -> None:
        with suppress(TransportError):
            self.reply(received, data)
