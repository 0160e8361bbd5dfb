"""Replaying a recording: each message goes to the followers that it concerns."""

from __future__ import annotations

import re

from sipfsm.fsm import Timing
from sipfsm.fsm.vocabulary import Event
from sipfsm.fuzz.oracle.bench import Bench
from sipfsm.fuzz.oracle.client import ClientFollower
from sipfsm.fuzz.oracle.follower import Follower
from sipfsm.fuzz.oracle.messages import (
    ACK_ANSWERED,
    ACK_VIA,
    CANCEL_VIA,
    RESPONSE_READABLE,
    RESPONSE_VIA,
    forwarded_faults,
    response_faults,
)
from sipfsm.fuzz.oracle.relay import BranchFollower, ContextFollower
from sipfsm.fuzz.oracle.server import ServerFollower
from sipfsm.fuzz.oracle.tolerance import Tolerance
from sipfsm.fuzz.pattern import Pattern
from sipfsm.fuzz.player.recording import Packet, Recording, StepReport
from sipfsm.fuzz.rules import Rule, rule_of_row
from sipfsm.fuzz.script import Receive, Silence
from sipfsm.fuzz.verdict import Claim, Expectation, Judgement
from sipfsm.message import MessageError, Request, Response


def judge(
    recording: Recording, timing: Timing, *, reliable: bool, tolerance: Tolerance | None = None
) -> list[Judgement]:
    """Judge a case by the models, by the rules for single messages, and by what its script asks for.

    Args:
        recording: what went over the wire.
        timing: the timer values that the target is believed to have.
        reliable: whether the transport is reliable.
        tolerance: how exact the target has to be.
    """
    bench = Bench(timing, (tolerance or Tolerance()).widened(recording.lag), reliable=reliable)
    _Court(bench, recording).sit()
    _judge_steps(bench, recording)
    return bench.judgements


def _judge_steps(bench: Bench, recording: Recording) -> None:
    """Judge by the steps of the script that name a rule."""
    for report in recording.reports:
        step = report.step
        if isinstance(step, Silence):
            _judge_one(bench, report, step.rule, "")
        elif isinstance(step, Receive) and step.rule is not None:
            _judge_one(bench, report, step.rule, _instead(recording, step.who, report.began))


def _instead(recording: Recording, who: str, since: float) -> str:
    """Return the start line of what a player got last, if that was not before."""
    for packet in reversed(recording.packets):
        if packet.who == who and not packet.sent and packet.time >= since - 0.01:
            return packet.data.partition(b"\r\n")[0].decode(errors="replace")
    return ""


def _judge_one(bench: Bench, report: StepReport, rule: Rule, instead: str) -> None:
    step, packet = report.step, report.packet
    assert isinstance(step, Receive | Silence)
    wanted = isinstance(step, Receive)
    if (packet is not None) == wanted:
        bench.kept(rule, rule.text, report.time)
        return
    lasting = bench.timing.delay(step.within if isinstance(step, Receive) else step.lasting)
    came = f"{step.pattern} came"
    if packet is None:
        came = f"{instead or 'nothing'} came instead of {step.pattern} within {lasting:g} s"
    claim = Claim.ARRIVES if wanted else Claim.STAYS_AWAY
    expectation = Expectation(step.who, claim, step.pattern, report.number - 1, lasting, int(wanted))
    bench.broken(rule, f"{rule.text}, but {came}", report.time, expectation)


_BRANCH = re.compile(rb"branch\s*=\s*([^;,\s]+)", re.IGNORECASE)


class _Court:
    def __init__(self, bench: Bench, recording: Recording) -> None:
        self._bench = bench
        self._recording = recording
        self._servers: dict[tuple[str, str], ServerFollower] = {}
        self._clients: dict[tuple[str, str, str], ClientFollower] = {}
        self._branches: dict[tuple[str, str], BranchFollower] = {}
        self._contexts: dict[tuple[str, str, int], ContextFollower] = {}
        self._muddled: set[str] = set()
        self._relays = len(recording.script.players) > 1

    def sit(self) -> None:
        for packet in self._recording.packets:
            try:
                self._hear(packet)
            except MessageError:
                continue  # what cannot be read belongs to no transaction
        end = self._recording.seconds
        for follower in self._all():
            follower.finish(end)

    def _all(self) -> list[Follower]:
        return [
            *self._servers.values(),
            *self._clients.values(),
            *self._branches.values(),
            *self._contexts.values(),
        ]

    def _hear(self, packet: Packet) -> None:
        message = packet.message
        if packet.sent:
            if self._muddles(packet):
                return
            if isinstance(message, Request):
                self._sent_request(packet, message)
            elif isinstance(message, Response):
                self._sent_response(packet, message)
        elif isinstance(message, Response):
            self._got_response(packet, message)
        elif isinstance(message, Request):
            self._got_request(packet, message)
        elif packet.fault:
            self._unreadable(packet)

    # ---- the players send

    def _muddles(self, packet: Packet) -> bool:
        """Whether a broken message takes a branch that another one has: answers cannot be told apart then."""
        found = _BRANCH.findall(packet.data)
        if not packet.valid:
            branches = {branch.decode("latin-1") for branch in found}
            for key in [key for key in self._servers if key[0] in branches]:
                del self._servers[key]
                self._muddled.add(key[0])
            if packet.fault:
                self._muddled |= branches
        return any(branch.decode("latin-1") in self._muddled for branch in found[:1])

    def _sent_request(self, packet: Packet, request: Request) -> None:
        branch = request.via.branch or ""
        if request.method == "ACK":
            self._sent_ack(packet, request, branch)
            return
        key = branch, request.method
        known = self._servers.get(key)
        if known is not None and known.data == packet.data:
            known.request_again(packet)
            return
        if known is not None:  # another request with the same branch is no copy of the first one
            del self._servers[key]
            self._muddled.add(branch)
            return
        if packet.fault:
            return  # nobody can be held to what cannot be read
        self._servers[key] = ServerFollower(self._bench, packet, request, relays=self._relays)
        if request.method == "CANCEL":
            self._cancelled(packet, request)

    def _sent_ack(self, packet: Packet, request: Request, branch: str) -> None:
        known = self._servers.get((branch, "INVITE"))
        if known is not None:
            known.ack(packet)
            return
        for server in self._servers.values():
            if server.invite and _same_call(server.request, request) and server.acknowledged is None:
                server.acknowledged = packet.time
                server.last_input = packet.time

    def _cancelled(self, packet: Packet, request: Request) -> None:
        context = self._contexts.get(_call(request))
        server = self._servers.get((request.via.branch or "", "INVITE"))
        if context is not None and server is not None and server.state == "Proceeding":
            context.cancel(packet)

    def _sent_response(self, packet: Packet, response: Response) -> None:
        branch = response.via.branch or ""
        client = self._clients.get((packet.who, branch, response.cseq.method))
        if client is not None:
            client.response(packet, response)
        follower = self._branches.get((packet.who, branch))
        context = self._contexts.get(_call(response))
        if follower is not None and context is not None and follower.method == response.cseq.method:
            if response.cseq.method == "INVITE" and response.status // 100 == 2:
                context.server.successes_relayed += 1
            context.offer(packet, response, follower)

    # ---- the target sends

    def _got_response(self, packet: Packet, response: Response) -> None:
        if packet.fault:
            self._unreadable(packet)
            return
        method = response.cseq.method
        branch = response.via.branch or ""
        if branch in self._muddled:
            return
        if method == "ACK":
            self._answered_ack(packet, response)
            return
        server = self._servers.get((branch, method)) or self._malformed(branch)
        if server is None or server.who != packet.who:
            self._astray(packet, response)
            return
        for rule, fault in response_faults(server.request, response):
            self._say(rule, fault, packet, f"a {response.status} to {method}", response)
        context = self._contexts.get(_call(response))
        if context is not None and context.server is server:
            context.response(packet, response)
        server.response(packet, response)

    def _malformed(self, branch: str) -> ServerFollower | None:
        """A request that does not say the same method twice is found by its branch alone."""
        for (known, _), server in self._servers.items():
            if known == branch and not server.valid:
                return server
        return None

    def _answered_ack(self, packet: Packet, response: Response) -> None:
        pattern = Pattern("ACK", (100, 699))
        expectation = Expectation(packet.who, Claim.STAYS_AWAY, pattern, self._step_of(packet), 1.0)
        text = f"an ACK gets no response, but a {response.status} came"
        self._bench.broken(ACK_ANSWERED, text, packet.time, expectation)

    def _astray(self, packet: Packet, response: Response) -> None:
        """A response whose top Via is of no request of this player."""
        sent = [each for each in self._servers.values() if each.who == packet.who]
        if not any(each.request.call_id == response.call_id for each in sent) or not sent:
            return
        text = f"a {response.status}: {RESPONSE_VIA.text}, but its top Via is {response.via}"
        pattern = Pattern(response.cseq.method, (response.status, response.status), (("Via", "{caller}"),))
        expectation = Expectation(packet.who, Claim.ARRIVES, _own_via(pattern), self._step_of(packet), 0.6, 1)
        self._bench.broken(RESPONSE_VIA, text, packet.time, expectation)

    def _unreadable(self, packet: Packet) -> None:
        text = f"a response is well-formed, but one cannot be read: {packet.fault}"
        self._bench.broken(RESPONSE_READABLE, text, packet.time, None)

    def _got_request(self, packet: Packet, request: Request) -> None:
        branch = request.via.branch or ""
        if request.method == "ACK":
            self._got_ack(packet, request, branch)
            return
        key = packet.who, branch, request.method
        known = self._clients.get(key)
        if known is not None:
            known.request_again(packet)
            return
        if request.method == "CANCEL" and (packet.who, branch) not in self._branches:
            return  # passed on without state, as one that belongs to nothing has to be (RFC 3261 16.10)
        self._clients[key] = ClientFollower(self._bench, packet, request)
        if request.method == "CANCEL":
            self._got_cancel(packet, request, branch)
        else:
            self._forwarded(packet, request, branch)

    def _got_ack(self, packet: Packet, request: Request, branch: str) -> None:
        client = self._clients.get((packet.who, branch, "INVITE"))
        if client is not None:
            client.ack(packet)
            self._say(ACK_VIA, _one_via(request, client.request), packet, "an ACK", None)

    def _got_cancel(self, packet: Packet, request: Request, branch: str) -> None:
        follower = self._branches.get((packet.who, branch))
        if follower is not None:
            follower.cancel_arrived(packet)
            self._say(CANCEL_VIA, _one_via(request, follower.request), packet, "a CANCEL", None)

    def _forwarded(self, packet: Packet, request: Request, branch: str) -> None:
        """A request of the caller came to the callee: its response context begins, or gets a branch."""
        server = self._server_of(request)
        if server is None:
            return
        for rule, fault in forwarded_faults(server.request, request):
            self._say(rule, fault, packet, f"a forwarded {request.method}", None)
        server.advance(packet.time)
        server.relayed = True
        context = self._contexts.get(_call(request))
        if context is None:
            context = self._contexts[_call(request)] = ContextFollower(self._bench, server)
        elif any(each.who == packet.who for each in context.branches):
            self._ghost(packet, request, server)
            return
        follower = BranchFollower(self._bench, packet, request)
        context.branches.append(follower)
        self._branches[packet.who, branch] = follower

    def _ghost(self, packet: Packet, request: Request, server: ServerFollower) -> None:
        """The same request came once more, as a new one."""
        if server.instance.terminated:
            return
        row = server.row_of(Event.INVITE if server.invite else Event.REQUEST)
        if row is None:
            return
        text = (
            f"in {server.state}, a retransmitted {request.method} is absorbed, but it came to the callee "
            "as a new one"
        )
        expectation = Expectation(packet.who, Claim.STAYS_AWAY, Pattern(request.method), server.step, 1.0)
        self._bench.broken(rule_of_row(row), text, packet.time, expectation)

    def _server_of(self, request: Request) -> ServerFollower | None:
        for server in self._servers.values():
            if server.request.method == request.method and _call(server.request) == _call(request):
                return server
        return None

    # ---- saying it

    def _say(self, rule: Rule, fault: str, packet: Packet, what: str, response: Response | None) -> None:
        if not fault:
            self._bench.kept(rule, f"{what}: {rule.text}", packet.time)
            return
        expectation = None
        if response is not None:
            pattern = Pattern(response.cseq.method, (response.status, response.status))
            expectation = _field_expectation(rule, pattern, packet.who, self._step_of(packet))
        self._bench.broken(rule, f"{what}: {rule.text}, but {fault}", packet.time, expectation)

    def _step_of(self, packet: Packet) -> int:
        """The step that sent the latest message before a packet."""
        steps = [each.step for each in self._recording.packets if each.sent and each.time <= packet.time]
        return steps[-1] if steps else 0


def _field_expectation(rule: Rule, pattern: Pattern, who: str, step: int) -> Expectation | None:
    if rule.id == "response-to":
        pattern = Pattern(pattern.method, pattern.statuses, (("To", ";\\s*tag="),))
    elif rule.id == "response-via":
        pattern = _own_via(pattern)
    else:
        return None
    return Expectation(who, Claim.ARRIVES, pattern, step, 0.6, 1)


def _own_via(pattern: Pattern) -> Pattern:
    return Pattern(pattern.method, pattern.statuses, (("Via", "{caller}"),))


def _one_via(request: Request, invite: Request) -> str:
    if len(request.vias) != 1:
        return f"it has {len(request.vias)} Via values"
    return "" if request.via == invite.via else f"its Via is {request.via}"


def _call(message: Request | Response) -> tuple[str, str, int]:
    method = "INVITE" if message.cseq.method == "CANCEL" else message.cseq.method
    return message.call_id, method, message.cseq.number


def _same_call(invite: Request, ack: Request) -> bool:
    return invite.call_id == ack.call_id and invite.cseq.number == ack.cseq.number
