"""A server transaction of the target, followed from the client's side."""

from __future__ import annotations

from sipfsm.fsm import Action, Event, Timer
from sipfsm.fuzz.oracle.bench import Bench
from sipfsm.fuzz.oracle.follower import Duty, Follower
from sipfsm.fuzz.pattern import ANY_RESPONSE, Pattern
from sipfsm.fuzz.player.recording import Packet
from sipfsm.fuzz.rules import rule_of_row
from sipfsm.fuzz.verdict import Claim, Expectation
from sipfsm.message import Request, Response

_REPEATS = (Action.RESEND_RESPONSE, Action.SEND_TRYING)


class ServerFollower(Follower):
    """Follows one server transaction: requests go in, responses come out.

    What the transaction user says cannot be seen before it is sent; so a new response is taken for the event
    that its transaction user caused, and the model says whether it may be sent now.
    """

    def __init__(self, bench: Bench, packet: Packet, request: Request, *, relays: bool) -> None:
        """Begin with the request that creates the transaction.

        Args:
            bench: what all followers share.
            packet: the request as it was sent.
            request: the same, read.
            relays: whether the transaction user is a proxy, so that the callee is one of our players.
        """
        self.invite = request.method == "INVITE"
        super().__init__(bench, "invite-server" if self.invite else "non-invite-server")
        self.who = packet.who
        self.request = request
        self.data = packet.data
        self.relayed = False
        """Whether it was seen to come to a callee; if not, a stateless server may have answered."""
        self.branch = request.via.branch or ""
        self.began = packet.time
        self.last: Response | None = None
        self.valid = packet.valid
        self.relays = relays
        self.early_ack = float("-inf")
        """When an ACK was sent before there was anything to acknowledge."""
        self.crossed = False
        """Whether that ACK may have come behind the response after all: then no timer is certain."""
        self.acknowledged: float | None = None
        """When the caller sent the ACK of a 2xx, which is no part of the transaction."""
        self.successes_relayed = 0
        """How many 2xx the callee sent; each of them may come once."""
        self.successes = 0
        self.input(Event.INVITE if self.invite else Event.REQUEST, packet.time, packet.step)

    # ---- what goes in

    def request_again(self, packet: Packet) -> None:
        """Take a retransmission."""
        self.input(Event.INVITE if self.invite else Event.REQUEST, packet.time, packet.step)
        if self.last is None:
            self.done(Action.RESEND_RESPONSE)  # nothing was sent that could be repeated

    def ack(self, packet: Packet) -> None:
        """Take the ACK of a final response other than 2xx."""
        if self.state == "Proceeding":
            self.early_ack = packet.time
        self.input(Event.ACK, packet.time, packet.step)

    # ---- what comes out

    def response(self, packet: Packet, response: Response) -> None:
        """Judge a response."""
        self.advance(packet.time)
        if self.instance.terminated:
            return
        if self.last is not None and same(self.last, response):
            self._repeated(packet, response)
        else:
            self._new(packet, response)

    def _repeated(self, packet: Packet, response: Response) -> None:
        now = packet.time
        if response.status // 100 == 2 and self.invite:
            self._success_again(packet)
            return
        if self._owed(now):
            return
        if response.status < 200 or self.crossing(now):
            return  # a transaction user may say that it still rings; or the copy was on its way
        self._unasked(packet, response)

    def _owed(self, now: float) -> bool:
        duty = self.done(*_REPEATS, now=now)
        if duty is None and self.fire_early(Timer.G, now):
            duty = self.done(*_REPEATS, now=now)
        if duty is None:
            return False
        self.rebase(Timer.G, duty, now)
        self.bench.kept(rule_of_row(duty.row), _done(duty, now), now)
        return True

    def _success_again(self, packet: Packet) -> None:
        """A copy of a 2xx comes from the transaction user, never from the transaction (RFC 6026 7.1)."""
        self.successes += 1
        now = packet.time
        settled = self.acknowledged is not None and now - self.acknowledged > self.bench.tolerance.crossing
        too_many = self.relays and self.successes > self.successes_relayed
        if not (settled or too_many) or (self.crossing(now) and not self._asked_again(now)):
            return
        row = self.row_of(Event.INVITE)
        if row is None:
            return
        since = "the callee sent no further one" if self.relays else "it had its ACK"
        text = f"in {self.state}, a retransmitted INVITE is absorbed, but a 2xx came again though {since}"
        self.bench.broken(rule_of_row(row), text, now, self._stays_away(packet, self._pattern((200, 299))))

    def _asked_again(self, now: float) -> bool:
        """Whether what was sent last was a copy of the INVITE: then it was this that got the 2xx."""
        return self.acknowledged is None or self.last_input > self.acknowledged

    def _unasked(self, packet: Packet, response: Response) -> None:
        row = self.row_of(Event.TIMER_G) or self.row_of(Event.REQUEST) or self.last_row
        if row is None or self.crossed:
            return
        state = self.state
        text = f"in {state}, the last response came again though nothing had asked for it"
        if Timer.G in self.timers:
            due, interval = self.timers[Timer.G]
            ahead = due - packet.time
            text = f"in {state}, the last response came again {ahead:.2f} s before Timer G of {interval:g} s"
        pattern = self._pattern((response.status, response.status))
        self.bench.broken(rule_of_row(row), text, packet.time, self._stays_away(packet, pattern))

    def _new(self, packet: Packet, response: Response) -> None:
        now, status = packet.time, response.status
        state = self.state
        if self.last is not None and status >= 200 and self._different(packet, response):
            return
        if status == 100 and self.last is None and self.valid:
            self.fire_early(Timer.TRYING, now)
        if status >= 300 and now - self.early_ack <= self.bench.tolerance.answer:
            self.crossed = True
        duty = self.done(Action.SEND_TRYING)
        if duty is not None and status == 100:
            self.bench.kept(rule_of_row(duty.row), f"in {duty.state}, 100 came when it was due", now)
            self.last = response
            return
        if self.last is None and self.invite:
            self._answered_in_time(now)
        rows = self.take(self._event(response, now), now)
        for duty in [each for each in self.duties if each.action is Action.SEND_RESPONSE]:
            self.duties.remove(duty)
            self.bench.kept(rule_of_row(duty.row), f"in {state}, {status} was sent", now)
            self.last = response
            self.successes += status // 100 == 2
            return
        if not rows:
            return
        text = f"in {state}, a {status} must not be sent"
        pattern = self._pattern((status, status))
        self.bench.broken(rule_of_row(rows[0]), text, now, self._stays_away(packet, pattern))

    def _answered_in_time(self, now: float) -> None:
        row = self.row_of(Event.TIMER_TRYING)
        if row is not None and self.valid:
            text = f"in {self.state}, the first response came within {now - self.began:.3f} s"
            self.bench.kept(rule_of_row(row), text, now)

    def _different(self, packet: Packet, response: Response) -> bool:
        """Whether a response came in place of the one that was to come again."""
        if self.state not in {"Completed", "Accepted", "Confirmed"}:
            return False
        event = Event.INVITE if self.invite else Event.REQUEST
        row = self.row_of(event)
        if row is None or (self.state == "Accepted" and self.relays):
            return self.state == "Accepted"  # another branch of a fork said yes, too
        assert self.last is not None
        self.done(*_REPEATS)
        text = f"in {self.state}, the last response was {_short(self.last)}, but {_short(response)} came"
        pattern = self._pattern((self.last.status, self.last.status))
        within = 0.5 if self.bench.reliable else 0.6 * self.bench.timing.t1
        expectation = self._arrives(pattern, self.step, 1, within=within)
        self.bench.broken(rule_of_row(row), text, packet.time, expectation)
        return True

    def _event(self, response: Response, now: float) -> Event:
        status = response.status
        if status >= 300:
            return Event.TU_408 if status == 408 else Event.TU_300_699
        if status >= 200:
            return Event.TU_2XX
        if status > 100:
            return Event.TU_101_199
        if not self.invite and not self.bench.reliable and self.state == "Trying":
            allowed = self.bench.timing.timer_e_at_t2
            if now - self.began < allowed - self.bench.tolerance.early(allowed):
                return Event.TU_100_EARLY
        return Event.TU_100

    # ---- what does not come

    def owe(self, duty: Duty) -> None:
        """Note a duty, if it is one: a malformed request may be dropped, nothing sent cannot be repeated."""
        if duty.action is Action.RESEND_RESPONSE and self.last is None:
            return
        if duty.action is Action.SEND_TRYING and not self.valid:
            return
        super().owe(duty)

    def missed(self, duty: Duty) -> None:
        """Say which response was owed."""
        if duty.action not in _REPEATS or self.crossed:
            return
        if duty.event == Event.TIMER_G and not self.relayed:
            return  # a stateless server has no timers (RFC 3261 8.2.7)
        waited = duty.latest - duty.due
        if duty.action is Action.SEND_TRYING:
            due = duty.due - self.began
            text = (
                f"in {duty.state}, a response is due within {due:g} s, but none came for {due + waited:.1f} s"
            )
            expectation = self._arrives(ANY_RESPONSE, duty.step, 1, within=due + waited)
        else:
            assert self.last is not None
            last = _short(self.last)
            if duty.event.startswith("timer_"):
                text = f"in {duty.state}, {duty.event} must send {last} again, but it did not come"
            else:
                text = (
                    f"in {duty.state}, a retransmitted {self.request.method} must get the last response "
                    f"again ({last}), but nothing came for {waited:.1f} s"
                )
            status = self.last.status
            # Shorter than Timer G, whose copy is another one.
            within = waited if self.bench.reliable else min(waited, 0.6 * self.bench.timing.t1)
            expectation = self._arrives(self._pattern((status, status)), duty.step, 1, within=within)
            if duty.event.startswith("timer_"):
                expectation = self._arrives(
                    self._pattern((status, status)), duty.step, 2, within=duty.latest - self.began
                )
        self.bench.broken(rule_of_row(duty.row), text, duty.latest, expectation)

    def _pattern(self, statuses: tuple[int, int]) -> Pattern:
        return Pattern(self.request.method, statuses)

    def _arrives(self, pattern: Pattern, step: int, count: int, *, within: float = 0.6) -> Expectation:
        return Expectation(self.who, Claim.ARRIVES, pattern, step, within, count)

    def _stays_away(self, packet: Packet, pattern: Pattern) -> Expectation:
        return Expectation(
            self.who, Claim.STAYS_AWAY, pattern, self.step, packet.time - self.last_input + 0.5
        )


def same(first: Response, second: Response) -> bool:
    """Say if two responses are the same one: dates and the like may differ in a copy."""
    return (
        first.status == second.status
        and first.body == second.body
        and all(first.headers.lines(name) == second.headers.lines(name) for name in (b"to", b"from", b"cseq"))
    )


def _short(response: Response) -> str:
    lines = response.headers.lines(b"to")
    tag = lines[0].rpartition(b";tag=")[2].decode(errors="replace") if lines and b";tag=" in lines[0] else ""
    return f"{response.status} {response.reason}".strip() + (f", To tag {tag[:12]}" if tag else "")


def _done(duty: Duty, now: float) -> str:
    if duty.event.startswith("timer_"):
        return f"in {duty.state}, {duty.event} sent the last response again"
    waited = max(0.0, now - duty.due)
    return f"in {duty.state}, a retransmission got the last response again within {waited:.3f} s"
