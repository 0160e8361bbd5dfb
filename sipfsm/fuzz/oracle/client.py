"""A client transaction of the target, followed from the server's side."""

from __future__ import annotations

from sipfsm.fsm import Action, Event, Timer
from sipfsm.fuzz.oracle.bench import Bench
from sipfsm.fuzz.oracle.follower import Duty, Follower
from sipfsm.fuzz.pattern import Pattern
from sipfsm.fuzz.player.recording import Packet
from sipfsm.fuzz.rules import rule_of_row
from sipfsm.fuzz.verdict import Claim, Expectation
from sipfsm.message import Request, Response


class ClientFollower(Follower):
    """Follows one client transaction: responses go in, the request, its copies and its ACK come out."""

    def __init__(self, bench: Bench, packet: Packet, request: Request) -> None:
        """Begin with the first copy of the request that a player got."""
        self.invite = request.method == "INVITE"
        super().__init__(bench, "invite-client" if self.invite else "non-invite-client")
        self.timer = Timer.A if self.invite else Timer.E
        self.who = packet.who
        self.request = request
        self.data = packet.data
        self.began = packet.time
        self.branch = request.via.branch or ""
        self.step = packet.step
        rows = self.take(Event.TU_REQUEST, packet.time)
        self.done(Action.SEND_REQUEST)
        bench.kept_rows(rows, packet.time)

    # ---- what goes in

    def response(self, packet: Packet, response: Response) -> None:
        """Take a response that the callee sent."""
        if response.status < 200:
            event = Event.RESPONSE_1XX
        else:
            event = Event.RESPONSE_2XX if response.status < 300 else Event.RESPONSE_300_699
        self.input(event, packet.time, packet.step)

    # ---- what comes out

    def ack(self, packet: Packet) -> None:
        """Judge an ACK with the branch of this INVITE."""
        self.advance(packet.time)
        duty = self.done(Action.SEND_ACK)
        if duty is not None:
            text = f"in {duty.state}, a final response got its ACK"
            self.bench.kept(rule_of_row(duty.row), text, packet.time)
        elif self.state == "Accepted" and self.last_row is not None:
            text = "in Accepted, the transaction sends no ACK, but one came with the branch of the INVITE"
            expectation = Expectation(
                self.who, Claim.STAYS_AWAY, Pattern("ACK", branch_of="INVITE"), self.step, 1.0
            )
            self.bench.broken(rule_of_row(self.last_row), text, packet.time, expectation)

    def request_again(self, packet: Packet) -> None:
        """Judge a copy of the request."""
        now = packet.time
        self.advance(now)
        if self.instance.terminated:
            return
        duty = self.done(Action.RESEND_REQUEST)
        if duty is None and self.fire_early(self.timer, now):
            duty = self.done(Action.RESEND_REQUEST)
        if duty is not None:
            self.rebase(self.timer, duty, now)
            self._repeated(duty, packet)
        elif not self.crossing(now):
            self._unasked(packet)

    def _repeated(self, duty: Duty, packet: Packet) -> None:
        rule = rule_of_row(duty.row)
        name = f"Timer {self.timer}"
        if packet.data == self.data:
            self.bench.kept(rule, f"in {duty.state}, {name} sent the request again", packet.time)
            return
        text = f"in {duty.state}, {name} must send the same request again, but another one came"
        self.bench.broken(rule, text, packet.time, None)

    def _unasked(self, packet: Packet) -> None:
        row = self.row_of(Event.TIMER_A if self.invite else Event.TIMER_E) or self.last_row
        if row is None:
            return
        method = self.request.method
        text = f"in {self.state}, {method} must not be sent again, but a copy came"
        if self.timer in self.timers:
            due, interval = self.timers[self.timer]
            ahead = due - packet.time
            timer = f"Timer {self.timer} of {interval:g} s"
            text = f"in {self.state}, {method} came again {ahead:.2f} s before {timer}"
        expectation = Expectation(self.who, Claim.STAYS_AWAY, Pattern(method), self.step, 1.0)
        self.bench.broken(rule_of_row(row), text, packet.time, expectation)

    def missed(self, duty: Duty) -> None:
        """Say what was owed."""
        waited = duty.latest - duty.due
        method = "ACK" if duty.action is Action.SEND_ACK else self.request.method
        if duty.action is Action.SEND_ACK:
            text = (
                f"in {duty.state}, a final response other than 2xx must get an ACK with the branch of the "
                f"INVITE, but none came for {waited:.1f} s"
            )
            count, within = 1, waited
            pattern = Pattern("ACK", branch_of="INVITE")
        else:
            text = f"in {duty.state}, Timer {self.timer} must send the {method} again, but it did not come"
            count, within, pattern = 2, duty.latest - self.began, Pattern(method)
        expectation = Expectation(self.who, Claim.ARRIVES, pattern, duty.step, within, count)
        self.bench.broken(rule_of_row(duty.row), text, duty.latest, expectation)
