"""Playing one script: each player with its own socket, one step after another."""

from __future__ import annotations

import re
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import trio

from sipfsm.fsm import Timing
from sipfsm.fuzz.pattern import Pattern
from sipfsm.fuzz.player.pace import Pace
from sipfsm.fuzz.player.recording import Address, Packet, Recording, StepReport, read
from sipfsm.fuzz.player.sockets import Datagrams, Flow, Socket, Streams
from sipfsm.fuzz.script import Answer, Pause, Receive, Script, Send, Silence, Step
from sipfsm.fuzz.target import Target, TargetLostError
from sipfsm.message import MessageError, Request, Response, make_response

_WORD = re.compile(rb"\{(\w+)\}")
_NESTED = {"aor"}
MAX_PACKETS = 2000
"""What a case keeps; a target that sends more is not listened to any longer."""


@dataclass(frozen=True, slots=True)
class Table:
    """What all cases of a run share.

    Attributes:
        target: the server under test.
        pace: how fast messages may be sent.
        timing: the timer values that the target is believed to have.
        tls: what certificates are held against; None for no TLS.
    """

    target: Target
    pace: Pace
    timing: Timing
    tls: ssl.SSLContext | None = None


async def play(
    script: Script,
    table: Table,
    words: dict[str, str] | None = None,
    *,
    began: Callable[[Recording], None] | None = None,
) -> Recording:
    """Play a script and return what happened.

    Args:
        script: the case.
        table: what all cases share.
        words: what stands for words in braces that are not made up here.
        began: is given the recording when it begins, for who wants it even if it is cut short.

    Raises:
        TargetLostError: the target cannot be reached any more.
    """
    stage = _Stage(script, table, words or {})
    if began is not None:
        began(stage.recording)
    lost: TargetLostError | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                await stage.open(nursery)
                nursery.start_soon(stage.watch_clock)
                await stage.perform()
            except TargetLostError as error:
                lost = error  # out of the nursery it would come wrapped in a group
            stage.end()
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await stage.close()
    if lost is not None:
        raise lost
    return stage.recording


class _Stage:
    def __init__(self, script: Script, table: Table, words: dict[str, str]) -> None:
        self._table = table
        self._words = {
            "target": table.target.host_port,
            "transport": table.target.via_transport,
            "routes": "",
            "to_tag_param": "",
        } | words
        self.recording = Recording(script, words=self._words)
        self._sockets: dict[str, Socket] = {}
        self._flows: dict[int, Flow] = {}
        self._news = trio.Event()
        self._step = 0
        self._taken: set[int] = set()

    # ---- sockets

    async def open(self, nursery: trio.Nursery) -> None:
        self._began = trio.current_time()
        for name in self.recording.script.players:
            # Known to `close` first: opening it may be cut short when the time is up.
            socket = self._sockets[name] = self._make_socket(name)
            await socket.run(nursery)
            self._words[name] = socket.contact
            protocol = self._table.target.protocol
            suffix = "" if protocol == "udp" else f";transport={protocol}"
            self._words[f"{name}_uri"] = f"sip:{name}@{socket.contact}{suffix}"
        self._began = trio.current_time()
        self.recording.epoch = time.time()

    def _make_socket(self, name: str) -> Socket:
        table, target = self._table, self._table.target
        take = self._taker(name)
        if target.protocol == "udp":
            return Datagrams(target, take)
        if target.protocol in {"ws", "wss"}:
            from sipfsm.fuzz.player.websocket import WebSockets  # noqa: PLC0415 - takes long to load

            return WebSockets(target, take, tls=table.tls)
        return Streams(target, take, listens=target.protocol == "tcp" and name != "caller", tls=table.tls)

    def end(self) -> None:
        self.recording.seconds = self._now()

    async def close(self) -> None:
        for socket in self._sockets.values():
            await socket.close()

    async def watch_clock(self) -> None:
        """Note by how much this program is late itself."""
        while True:
            due = trio.current_time() + 0.05
            await trio.sleep_until(due)
            self.recording.lag = max(self.recording.lag, trio.current_time() - due)

    def _now(self) -> float:
        return trio.current_time() - self._began

    def _taker(self, who: str) -> Callable[[bytes, Address, Flow], None]:
        def take(data: bytes, source: Address, flow: Flow) -> None:
            if len(self.recording.packets) < MAX_PACKETS and data.strip(b"\r\n\0"):
                self._flows[len(self.recording.packets)] = flow
                packet = self._keep(who, data, sent=False, remote=source)
                self._learn(packet)
                self._news.set()
                self._news = trio.Event()

        return take

    def _keep(self, who: str, data: bytes, *, sent: bool, remote: Address, valid: bool = True) -> Packet:
        message, fault = read(data)
        local = self._sockets[who].local
        packet = Packet(self._now(), who, sent, data, self._step, local, remote, valid, message, fault)
        self.recording.packets.append(packet)
        return packet

    def _learn(self, packet: Packet) -> None:
        """Note what later messages of the dialog need (RFC 3261 12.1.2)."""
        message = packet.message
        if packet.who != "caller" or not isinstance(message, Response) or message.status == 100:
            return
        try:
            tag = message.to.tag
            if tag is not None and message.cseq.method != "CANCEL":
                self._words["to_tag_param"] = f";tag={tag}"
            if message.status < 300 and message.contacts:
                self._words["remote_uri"] = message.contacts[0].raw_uri.decode("ascii")
                routes = [f"Route: {route}\r\n" for route in reversed(message.record_routes)]
                self._words["routes"] = "".join(routes)
        except MessageError:
            return

    # ---- steps

    async def perform(self) -> None:
        for number, step in enumerate(self.recording.script.steps):
            self._step = number
            if not await self._perform(step):
                return

    async def _perform(self, step: Step) -> bool:
        """Play a step; False if the case cannot go on."""
        match step:
            case Send():
                await self._send(step.who, self._fill(step.message), None, valid=step.valid)
            case Answer():
                await self._answer(step)
            case Pause():
                await trio.sleep(self._table.timing.delay(step.lasting))
            case Silence():
                await self._wait(step, step.pattern, step.lasting)
            case Receive():
                if await self._wait(step, step.pattern, step.within) is None and not step.optional:
                    self.recording.stopped = (
                        f"{step.who} did not get {step.pattern} within {self._seconds(step)}"
                    )
                    return False
        return True

    def _seconds(self, step: Receive) -> str:
        return f"{self._table.timing.delay(step.within):g} s"

    async def _send(self, who: str, data: bytes, flow: Flow | None, *, valid: bool) -> None:
        await self._table.pace.turn()
        # Kept before it is sent: the answer may be here before this task runs again.
        target = (self._table.target.address, self._table.target.port)
        remote = flow if isinstance(flow, tuple) else target
        self._keep(who, data, sent=True, remote=remote, valid=valid)
        await self._sockets[who].send(data, flow)

    async def _answer(self, step: Answer) -> None:
        for number in range(len(self.recording.packets) - 1, -1, -1):
            packet = self.recording.packets[number]
            message = packet.message
            if packet.who != step.who or packet.sent or not isinstance(message, Request):
                continue
            if message.method == step.method:
                await self._send(step.who, self._response(step, message), self._flows[number], valid=True)
                return

    def _response(self, step: Answer, request: Request) -> bytes:
        tag = self._fill(step.tag.encode()).decode()
        response = make_response(request, step.status, step.reason or None, to_tag=tag)
        if step.method == "INVITE" and 100 < step.status < 300:
            response.headers.copy_lines(b"record-route", request.headers)
            contact = self._words[f"{step.who}_uri"]
            response.headers.add(b"contact", f"<{contact}>".encode())
        for line in step.fields:
            name, _, value = self._fill(line.encode()).partition(b":")
            response.headers.add(name.strip().lower(), value.strip())
        return response.to_bytes()

    async def _wait(self, step: Step, pattern: Pattern, lasting: str) -> Packet | None:
        """Wait until somebody gets such a message that no step has found yet, and report it."""
        assert isinstance(step, Receive | Silence)
        began = self._now()
        found = None
        with trio.move_on_after(self._table.timing.delay(lasting)):
            while (found := self._find(step, pattern)) is None:
                await self._news.wait()
        self.recording.reports.append(StepReport(self._step, step, began, self._now(), found))
        return found

    def _find(self, step: Receive | Silence, pattern: Pattern) -> Packet | None:
        filled = self._fill_pattern(pattern)
        branch = self._branch_of(step.who, pattern.branch_of)
        for number, packet in enumerate(self.recording.packets):
            if packet.sent or packet.who != step.who or number in self._taken or packet.message is None:
                continue
            if isinstance(step, Silence) and packet.step < self._step:
                continue
            if filled.matches(packet.message, branch):
                self._taken.add(number)
                return packet
        return None

    def _branch_of(self, who: str, method: str) -> str:
        for packet in reversed(self.recording.packets if method else []):
            message = packet.message
            if (
                packet.who == who
                and not packet.sent
                and isinstance(message, Request)
                and message.method == method
            ):
                return message.via.branch or ""
        return ""

    def _fill_pattern(self, pattern: Pattern) -> Pattern:
        fields = tuple((name, self._fill(text.encode()).decode()) for name, text in pattern.fields)
        return replace(pattern, fields=fields)

    def _fill(self, template: bytes) -> bytes:
        return _WORD.sub(self._word, template)

    def _word(self, match: re.Match[bytes]) -> bytes:
        name = match[1].decode("ascii", "replace")
        if name not in self._words:
            made_up = _made_up(name)
            if made_up is None:
                return match[0]  # braces of the message itself
            self._words[name] = made_up
        # What a person or a case gave may have words in it, too.
        return self._fill(self._words[name].encode()) if name in _NESTED else self._words[name].encode()


def _made_up(name: str) -> str | None:
    if name.startswith("branch"):
        return f"z9hG4bK{secrets.token_hex(8)}"
    return secrets.token_hex(6) if name.startswith(("call_id", "tag", "user")) else None
