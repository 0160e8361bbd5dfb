"""What went over the wire, judged: the rules that a proxy keeps whatever its neighbours do.

Only what cannot be otherwise is judged. Where two things happen in the same instant, or a timer may or may
not have fired already, nothing is said.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sipfsm.ladder import Arrow, draw_ladder
from sipfsm.message import Request, Response, parse_message_untrusted
from sipfsm.simulation.network import Packet
from sipfsm.simulation.phone import SERVER

T64 = 32.0
SLACK = 0.3
"""Seconds around a timer in which it is not said whether it has fired."""

INSTANT = 1e-6

_NEVER_TO_OTHERS = frozenset({*range(101, 200), 408})
"""What a request that is no INVITE is never answered with (:rfc:`4320#section-4`)."""


class Violation(AssertionError):  # noqa: N818 - what was seen, not an error of the program
    """Something that must hold does not; the text says what, with the clause that asks for it."""


def must(holds: object, what: str, clause: str = "") -> None:
    """Check something that must hold.

    Args:
        holds: whether it does.
        what: what is to be said if it does not.
        clause: of the RFC that asks for it, such as ``3261 16.7 step 5``; empty if it is our own rule.

    Raises:
        Violation: it does not hold.
    """
    if not holds:
        raise Violation(f"{what} (RFC {clause})" if clause else what)


def ladder_of(packets: Iterable[Packet], names: Mapping[str, str] | None = None) -> str:
    """Draw packets as a ladder.

    Args:
        packets: in the order of sending.
        names: of hosts; others are called by their address.
    """
    return draw_ladder(arrow_of(packet, names or {}) for packet in packets)


def arrow_of(packet: Packet, names: Mapping[str, str]) -> Arrow:
    """Return the arrow that a packet is in a ladder; hosts that have no name are called by their address."""
    label, *words = packet.start_line.split(" ")
    if label == "SIP/2.0":
        label = f"{words[0]} ({parse_message_untrusted(packet.data).cseq.method})"
    source, destination = packet.source.host, packet.destination.host
    return Arrow(
        packet.sent_at,
        names.get(source, source),
        names.get(destination, destination),
        label,
        lost=not packet.arrives_at,
    )


class Heard(NamedTuple):
    """A response that the proxy sent, or that arrived at it."""

    at: float
    response: Response
    data: bytes


@dataclass
class Upstream:
    """A transaction between a caller and the proxy."""

    request: Request
    arrives_at: list[float] = field(default_factory=list)
    responses: list[Heard] = field(default_factory=list)

    @property
    def finals(self) -> list[Heard]:
        """The final responses in the order of sending."""
        return [each for each in self.responses if each.response.status >= 200]


@dataclass
class Downstream:
    """A transaction between the proxy and a callee."""

    request: Request
    sent_at: float
    responses: list[Heard] = field(default_factory=list)
    """In the order of their arrival."""

    @property
    def caller_branch(self) -> str | None:
        """The branch of the transaction upstream."""
        return self.request.vias[1].branch


class Wire:
    """All transactions on both sides of one proxy, put together from what was sent."""

    def __init__(self, log: Iterable[Packet], own: Iterable[str] = (SERVER,)):
        """Read a log.

        Args:
            log: packets in the order of sending; those of others than the proxy do not count.
            own: the addresses of the proxy.
        """
        hosts = frozenset(own)
        self.upstream: dict[tuple[str | None, str], Upstream] = {}
        self.downstream: dict[tuple[str | None, str], Downstream] = {}
        self.acks_in: list[tuple[float, Request]] = []
        self.acks_out: list[tuple[float, Request]] = []
        arrivals: dict[tuple[str | None, str], list[Heard]] = defaultdict(list)
        for packet in log:
            sends = packet.source.host in hosts
            if not sends and packet.destination.host not in hosts:
                continue
            message = parse_message_untrusted(packet.data)
            key = message.via.branch, message.cseq.method
            if isinstance(message, Response) and sends:
                if key in self.upstream:
                    self.upstream[key].responses.append(Heard(packet.sent_at, message, packet.data))
            elif isinstance(message, Response):
                arrivals[key] += [Heard(at, message, packet.data) for at in packet.arrives_at]
            elif message.method == "ACK" and sends:
                self.acks_out.append((packet.sent_at, message))
            elif message.method == "ACK" and not sends:
                self.acks_in += [(at, message) for at in packet.arrives_at if message.routes]
            elif sends:
                self.downstream.setdefault(key, Downstream(message, packet.sent_at))
            else:
                self.upstream.setdefault(key, Upstream(message)).arrives_at += packet.arrives_at
        for key, transaction in self.downstream.items():
            transaction.responses = sorted(arrivals[key], key=lambda heard: heard.at)

    def check_finals(self, *, reliably_heard: bool) -> None:
        """At most one final response that is not 2xx, none beside a 2xx, and none of nobody's.

        Args:
            reliably_heard: whether each INVITE that was sent must have got one.
        """
        for (_, method), transaction in self.upstream.items():
            failures = {each.data for each in transaction.finals if each.response.status >= 300}
            successes = {each.data for each in transaction.finals if each.response.status < 300}
            must(len(failures) <= 1, f"{method}: two failures", "3261 16.7 step 6")
            must(not (failures and successes), f"{method}: a failure beside a success", "3261 16.7 step 5")
            if method != "INVITE":
                must(len(successes) <= 1, f"{method}: two successes", "3261 16.7 step 5")
                statuses = {each.response.status for each in transaction.responses}
                must(statuses.isdisjoint(_NEVER_TO_OTHERS), f"{method}: a response of {statuses}", "4320 4")
            elif reliably_heard and transaction.arrives_at:
                must(transaction.finals, "an INVITE without a final response", "3261 16.7 step 6")

    def check_order(self) -> None:
        """No 100 of others, nothing provisional after a final response."""
        for transaction in self.upstream.values():
            if transaction.finals:
                late = [each for each in transaction.responses if each.response.status < 200]
                in_time = all(each.at <= transaction.finals[0].at for each in late)
                must(in_time, "a provisional response after a final one", "3261 16.7 step 5")

    def check_cancels(self) -> None:
        """CANCEL follows a provisional response, and comes before any final one."""
        for (branch, method), cancel in self.downstream.items():
            if method == "CANCEL" and (invite := self.downstream.get((branch, "INVITE"))):
                before = [each.response.status for each in invite.responses if each.at <= cancel.sent_at]
                must(before, "CANCEL before any response", "3261 9.1")
                sure = [each for each in invite.responses if each.at < cancel.sent_at - INSTANT]
                pending = all(each.response.status < 200 for each in sure)
                must(pending, "CANCEL after a final response", "3261 9.1")

    def check_successes(self) -> None:
        """Each 2xx to an INVITE is sent on in the instant in which it arrives, as long as it can be."""
        for (_, method), branch in self.downstream.items():
            if method != "INVITE":
                continue
            upstream = self.upstream[branch.caller_branch, "INVITE"]
            for heard in branch.responses:
                if 200 <= heard.response.status < 300 and self._is_due(branch, upstream, heard):
                    sent_on = any(
                        abs(each.at - heard.at) < INSTANT
                        and each.response.status == heard.response.status
                        and each.response.to.tag == heard.response.to.tag
                        for each in upstream.responses
                    )
                    what = f"a {heard.response.status} of {heard.at:g} s was not sent on"
                    must(sent_on, what, "3261 16.7 step 5")

    def _is_due(self, branch: Downstream, upstream: Upstream, heard: Heard) -> bool:
        """Say if it is certain that a 2xx had to be sent on."""
        first_final = next(each for each in branch.responses if each.response.status >= 200)
        if first_final.response.status >= 300 or heard.at > first_final.at + T64 - SLACK:
            return False
        # Given up before: nobody answered in time, or it was cancelled long ago.
        if branch.responses[0].at > branch.sent_at + T64 - 10:
            return False
        cancel = self.downstream.get((branch.request.via.branch, "CANCEL"))
        if cancel is not None and first_final.at > cancel.sent_at + T64 - SLACK:
            return False
        finals = upstream.finals
        if any(each.response.status >= 300 and each.at <= heard.at + INSTANT for each in finals):
            return False
        return not finals or heard.at < finals[0].at + T64 - SLACK

    def check_patience(self) -> None:
        """A failure is sent when no branch is pending any more: each has failed, or had its 64*T1."""
        for (_, method), branch in self.downstream.items():
            if method not in {"INVITE", "MESSAGE"} or branch.request.via.transport != "UDP":
                continue
            finals = self.upstream[branch.caller_branch, method].finals
            if finals and finals[0].response.status >= 300:
                answers = [each.at for each in branch.responses if each.response.status >= 200]
                over = min([*answers, branch.sent_at + T64 - SLACK])
                patient = over <= finals[0].at + INSTANT
                must(patient, f"{method}: a failure before the last branch ended", "3261 16.7 step 6")

    def check_acks(self) -> None:
        """Each ACK of a 2xx is sent on in the instant in which it arrives."""
        sent_on = {(round(at, 6), ack.call_id, ack.to.tag) for at, ack in self.acks_out}
        for at, ack in self.acks_in:
            known = (round(at, 6), ack.call_id, ack.to.tag) in sent_on
            must(known, f"an ACK of {at:g} s was not sent on", "3261 16.11")
