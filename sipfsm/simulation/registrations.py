"""A registrar as a plain dictionary (:rfc:`3261#section-10.3`), and what went over the wire judged by it."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from sipfsm.message import Request, Response, parse_message_untrusted
from sipfsm.simulation.judge import must
from sipfsm.simulation.network import Packet

DEFAULT_EXPIRES, MIN_EXPIRES, MAX_EXPIRES = 3600, 60, 86_400
"""Seconds, as a server has them that is told nothing else."""

REMEMBERED = 200.0
"""Seconds after which no copy of a REGISTER can come any more."""


@dataclass(slots=True)
class Bound:
    """What is remembered of a contact."""

    until: float
    """The instant at which it ends."""
    call_id: str
    cseq: int


@dataclass
class Registrations:
    """What each address-of-record is bound to. Contacts are text: two are one only if written alike."""

    bound: defaultdict[str, dict[str, Bound]] = field(default_factory=lambda: defaultdict(dict))

    def live(self, aor: str, now: float) -> dict[str, Bound]:
        """Return the contacts of an address-of-record that have not ended."""
        return {contact: each for contact, each in self.bound[aor].items() if each.until > now}

    def register(self, request: Request, now: float) -> int:
        """Carry out a REGISTER; return the status of its answer. Nothing changes but with a 200."""
        aor, after = str(request.to.uri), self.live(str(request.to.uri), now)
        asked = [(str(each.uri), self._interval(request, each.expires)) for each in request.contacts]
        if request.contact_is_star:
            if request.expires != 0:
                return 400
            asked = [(contact, 0) for contact in after]
        if any(0 < seconds < MIN_EXPIRES for _, seconds in asked):
            return 423
        for contact, _ in asked:
            old = after.get(contact)
            if old is not None and old.call_id == request.call_id and request.cseq.number <= old.cseq:
                return 500
        for contact, seconds in asked:
            after.pop(contact, None)
            if seconds:
                after[contact] = Bound(now + seconds, request.call_id, request.cseq.number)
        self.bound[aor] = after
        return 200

    @staticmethod
    def _interval(request: Request, own: int | None) -> int:
        wanted = request.expires if own is None else own
        return DEFAULT_EXPIRES if wanted is None else min(wanted, MAX_EXPIRES)


class Answer(NamedTuple):
    """What a REGISTER is to be answered."""

    at: float
    status: int
    listed: dict[str, int]
    """The contacts, with the seconds that are left of each."""


class RegistrarJudge:
    """Follows the REGISTERs that arrive at a registrar, and judges each of its answers.

    Packets are to be given in the order of sending, those of other methods may be among them.
    """

    def __init__(self, own: Iterable[str]):
        """Begin with nothing bound.

        Args:
            own: the addresses of the registrar.
        """
        self.model = Registrations()
        self.judged = 0
        """Answers that were compared."""
        self._own = frozenset(own)
        self._waiting: list[tuple[float, int, Request]] = []
        self._numbers = count()
        self._answers: dict[str | None, Answer] = {}

    def take(self, packet: Packet) -> None:
        """Take a packet.

        Raises:
            Violation: it is an answer, and not the one that the dictionary gives.
        """
        if b"REGISTER" not in packet.data:
            return
        message = parse_message_untrusted(packet.data)
        if message.cseq.method != "REGISTER":
            return
        if isinstance(message, Request):
            if packet.destination.host in self._own:
                self._waiting += [(at, next(self._numbers), message) for at in packet.arrives_at]
        elif packet.source.host in self._own and message.status >= 200:
            self.advance(packet.sent_at)
            self._judge(message)

    def advance(self, now: float) -> None:
        """Carry out what has arrived by then, in the order of arrival; copies of a request do nothing."""
        self._waiting.sort(key=lambda each: each[:2])
        while self._waiting and self._waiting[0][0] <= now:
            at, _, request = self._waiting.pop(0)
            branch = request.via.branch
            if branch not in self._answers:
                status = self.model.register(request, at)
                live = self.model.live(str(request.to.uri), at)
                listed = {contact: math.ceil(each.until - at - 1e-3) for contact, each in live.items()}
                self._answers[branch] = Answer(at, status, listed if status == 200 else {})
        for branch in [branch for branch, each in self._answers.items() if each.at < now - REMEMBERED]:
            del self._answers[branch]

    def _judge(self, response: Response) -> None:
        answer = self._answers.get(response.via.branch)
        must(answer is not None, "an answer to a REGISTER that never came", "3261 10.3")
        assert answer is not None
        name = f"REGISTER of {response.call_id}, CSeq {response.cseq.number}"
        must(response.status == answer.status, f"{name}: {response.status}, not {answer.status}", "3261 10.3")
        listed = {str(each.uri): each.expires for each in response.contacts}
        must(listed == answer.listed, f"{name}: told {listed}, not {answer.listed}", "3261 10.3 step 8")
        self.judged += 1
