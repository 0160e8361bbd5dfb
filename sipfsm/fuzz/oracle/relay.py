"""A proxy's response context, followed from both sides: what the callee says has to come to the caller."""

from __future__ import annotations

from sipfsm.fsm import Action, Event, Timer
from sipfsm.fuzz.oracle.bench import Bench
from sipfsm.fuzz.oracle.follower import Duty, Follower
from sipfsm.fuzz.oracle.server import ServerFollower
from sipfsm.fuzz.pattern import Pattern
from sipfsm.fuzz.player.recording import Packet
from sipfsm.fuzz.rules import rule_of_row
from sipfsm.fuzz.verdict import Claim, Expectation
from sipfsm.message import Request, Response


class BranchFollower(Follower):
    """Follows one branch: the CANCEL that it owes the callee, and none before it may be sent."""

    def __init__(self, bench: Bench, packet: Packet, request: Request) -> None:
        """Begin with the request as the callee got it."""
        super().__init__(bench, "branch")
        self.who = packet.who
        self.request = request
        self.branch = request.via.branch or ""
        self.method = request.method
        self.step = packet.step
        self.cancelled = False
        self.take(Event.TU_INVITE if request.method == "INVITE" else Event.TU_REQUEST, packet.time)
        self.duties.clear()
        self.timers.pop(Timer.C, None)  # longer than any case

    def response(self, packet: Packet, response: Response) -> None:
        """Take a response that the callee sent."""
        self.input(_event(response), packet.time, packet.step)
        self.timers.pop(Timer.C, None)

    def cancel(self, now: float, step: int) -> None:
        """Take the wish of the caller, or of the response context, that this branch end."""
        self.input(Event.CANCEL, now, step)

    def cancel_arrived(self, packet: Packet) -> None:
        """Judge a CANCEL that the callee got."""
        self.advance(packet.time)
        duty = self.done(Action.SEND_CANCEL)
        if duty is not None:
            self.cancelled = True
            self.bench.kept(rule_of_row(duty.row), f"in {duty.state}, the callee got its CANCEL", packet.time)
            return
        row = self.row_of(Event.CANCEL)
        if self.state == "CancelPending" and row is not None and self.last_row is not None:
            text = "in CancelPending, no CANCEL may be sent before a provisional response, but one came"
            expectation = Expectation(self.who, Claim.STAYS_AWAY, Pattern("CANCEL"), self.step, 1.0)
            self.bench.broken(rule_of_row(self.last_row), text, packet.time, expectation)

    def missed(self, duty: Duty) -> None:
        """Say that the CANCEL is missing."""
        if duty.action is not Action.SEND_CANCEL:
            return
        waited = duty.latest - duty.due
        text = f"in {duty.state}, the callee must get a CANCEL, but none came for {waited:.1f} s"
        expectation = Expectation(self.who, Claim.ARRIVES, Pattern("CANCEL"), duty.step, waited, 1)
        self.bench.broken(rule_of_row(duty.row), text, duty.latest, expectation)


class ContextFollower(Follower):
    """Follows the response context of one request: what its branches offer has to be forwarded.

    Attributes:
        server: the server transaction of the request.
        branches: what the callees got of it.
    """

    def __init__(self, bench: Bench, server: ServerFollower) -> None:
        """Begin when the first callee got the request."""
        super().__init__(bench, "response-context")
        self.server = server
        self.branches: list[BranchFollower] = []
        self.failures: list[int] = []
        self.take(Event.TU_REQUEST, server.began)
        self.duties.clear()
        self._forwarded: dict[int, Response] = {}

    # ---- what goes in

    def offer(self, packet: Packet, response: Response, branch: BranchFollower) -> None:
        """Take a response of the callee to one of the branches."""
        was = branch.state
        branch.response(packet, response)
        offered = self._offered(response, was)
        if offered is not None:
            self._take(offered, packet, response)

    def cancel(self, packet: Packet) -> None:
        """Take the caller's CANCEL."""
        self._take(Event.CANCEL, packet, None)

    def _offered(self, response: Response, was: str) -> Event | None:
        """Return what a response is to the context; None if it is nothing to it."""
        status = response.status
        invite = self.server.invite
        if status == 100 or (status < 200 and not invite):
            return None  # RFC 4320: what is no INVITE gets no other provisional response
        if status // 100 == 2:
            return Event.SUCCESS_INVITE if invite else Event.SUCCESS_NON_INVITE
        if was in {"Completed", "Terminated"}:
            return None
        if status < 200:
            return Event.PROVISIONAL
        self.failures.append(status)
        pending = any(branch.state not in {"Completed", "Terminated"} for branch in self.branches)
        if status >= 600:
            return Event.GLOBAL_FAILURE_PENDING if pending else Event.GLOBAL_FAILURE_LAST
        return Event.FAILURE_PENDING if pending else Event.FAILURE_LAST

    def _take(self, event: Event, packet: Packet, response: Response | None) -> None:
        self.advance(packet.time)
        self.step = packet.step
        self.last_input = packet.time
        if response is not None:
            self._offering = response
        cancels = any("cancel_branches" in row.before for row in self.take(event, packet.time))
        if cancels:
            for branch in self.branches:
                branch.cancel(packet.time, packet.step)

    def owe(self, duty: Duty) -> None:
        """Note a duty, with the response that has to be forwarded."""
        if duty.action in {Action.FORWARD_RESPONSE, Action.FORWARD_BEST}:
            if duty.action is Action.FORWARD_RESPONSE:
                self._forwarded[id(duty)] = self._offering
            super().owe(duty)

    # ---- what comes out

    def response(self, packet: Packet, response: Response) -> None:
        """Judge a response that the caller got."""
        self.advance(packet.time)
        for duty in list(self.duties):
            if self._fits(duty, response):
                self.duties.remove(duty)
                text = f"in {duty.state}, {duty.event} forwarded {response.status} to the caller"
                self.bench.kept(rule_of_row(duty.row), text, packet.time)
                return
        if response.status >= 300:
            self._wrong_failure(packet, response)

    def _fits(self, duty: Duty, response: Response) -> bool:
        if duty.action is Action.FORWARD_RESPONSE:
            offered = self._forwarded[id(duty)]
            return offered.status == response.status and offered.to.tag == response.to.tag
        return response.status >= 300 and response.status in self._possible()

    def _possible(self) -> set[int]:
        """The final responses that may be the best of those that came (RFC 3261 16.7 step 6)."""
        possible = set(self.failures) - {503}
        if 503 in self.failures:
            possible.add(500)
            if set(self.failures) == {503}:
                possible.add(503)  # "SHOULD NOT forward", if the proxy knows that it does not concern itself
        if any(status >= 600 for status in self.failures):
            return {status for status in self.failures if status >= 600}
        return possible or {408, 487, 503, 500}

    def _wrong_failure(self, packet: Packet, response: Response) -> None:
        duty = self.done(Action.FORWARD_BEST)
        if duty is None:
            return
        possible = sorted(self._possible())
        text = f"the callee answered {self.failures}, but the caller got {response.status}"
        pattern = Pattern(self.server.request.method, (possible[0], possible[-1]))
        expectation = Expectation(self.server.who, Claim.ARRIVES, pattern, duty.step, 0.5, 1)
        self.bench.broken(rule_of_row(duty.row), text, packet.time, expectation)

    def missed(self, duty: Duty) -> None:
        """Say what was not forwarded."""
        waited = duty.latest - duty.due
        method = self.server.request.method
        if duty.action is Action.FORWARD_RESPONSE:
            status = self._forwarded[id(duty)].status
            what, pattern = f"a {status} of the callee", Pattern(method, (status, status))
        else:
            what, pattern = "the best final response", Pattern(method, (300, 699))
        text = f"in {duty.state}, {what} must come to the caller, but it did not for {waited:.1f} s"
        expectation = Expectation(self.server.who, Claim.ARRIVES, pattern, duty.step, waited, 1)
        self.bench.broken(rule_of_row(duty.row), text, duty.latest, expectation)


def _event(response: Response) -> Event:
    status = response.status
    if status == 100:
        return Event.RESPONSE_100
    if status < 200:
        return Event.RESPONSE_101_199
    return Event.RESPONSE_2XX if status < 300 else Event.RESPONSE_300_699
