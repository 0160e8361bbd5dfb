"""Subscribers: phones that register, call each other and answer, on transactions of their own.

Unlike a `Phone`, which does what a script says, a subscriber acts by habit and by chance. Chance comes from
one seed. Some habits are bad ones: a phone vanishes in the middle of a call, an ACK is never sent, an answer
comes in spite of a CANCEL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import trio

from sipfsm.counters import Counters
from sipfsm.fsm import Engine, Timing
from sipfsm.message import Headers, NameAddr, Request, Response, SipUri, make_cancel, make_response
from sipfsm.simulation.network import Network
from sipfsm.transaction import ClientTransaction, ServerTransaction, TransactionLayer
from sipfsm.transport import Flow, Target, TransportError
from sipfsm.transport.address import DEFAULT_PORT

T1, T2, T64 = 0.5, 4.0, 32.0


@dataclass(frozen=True)
class Habits:
    """What people and their phones do, and how often. Probabilities are from 0 to 1, times in seconds."""

    calls_per_hour: float = 0.2
    talk: float = 60.0
    """How long a call lasts on average."""
    patience: tuple[float, float] = (12.0, 50.0)
    """Within which time a caller gives up."""
    ring: tuple[float, float] = (1.0, 15.0)
    """Within which time a callee answers, or declines."""
    answers: float = 0.66
    busy: float = 0.08
    declines: float = 0.04
    misbehaves: float = 0.04
    """Of callees: answers in spite of a CANCEL, or twice, or never. The rest lets it ring."""
    forgets_ack: float = 0.02
    """Of callers."""
    expires: int = 3600
    """Seconds that a registration asks for; it is refreshed somewhat before."""
    stays: float = 8 * 3600.0
    """How long a phone works on average before it vanishes without a word ..."""
    away: float = 900.0
    """... and how long it is away on average."""


class Tally(dict[str, int]):
    """How often what became of calls and registrations."""

    def add(self, what: str) -> None:
        """Count one more."""
        self[what] = self.get(what, 0) + 1


class Dialog(NamedTuple):
    """One side of a dialog (:rfc:`3261#section-12`)."""

    call_id: str
    local: str
    remote: str
    target: str
    routes: tuple[str, ...]
    hop: Target
    """Where requests go: the first Route, or the other side's Contact."""


class Exchange:
    """A request of ours, and what comes of it. Implements `sipfsm.transaction.ClientUser`."""

    def __init__(self, on_success: Callable[[Response], None] | None = None) -> None:
        self.over = trio.Event()
        """Set when there is a final response, or none to be expected any more."""
        self.heard = trio.Event()
        """Set by the first response of any kind."""
        self.final: Response | None = None
        self._on_success = on_success

    def response_arrived(self, response: Response) -> None:
        """Take a response."""
        self.heard.set()
        if response.status < 200:
            return
        if self.final is None:
            self.final = response
        if response.status < 300 and self._on_success is not None:
            self._on_success(response)
        self.over.set()

    def timed_out(self) -> None:
        """Take note that there is none."""
        self.over.set()

    def transport_failed(self, error: TransportError) -> None:
        """Take note that there will be none."""
        self.over.set()


class Answering:
    """An INVITE that is being answered. Implements `sipfsm.transaction.ServerUser`."""

    def __init__(self, transaction: ServerTransaction) -> None:
        self.transaction = transaction
        self.request = transaction.request
        self.wants_no_answer = trio.Event()

    def answer(self, status: int) -> None:
        """Answer without a body."""
        self.transaction.respond(make_response(self.request, status))

    def ack_arrived(self, ack: Request) -> None:
        """Do nothing: what has the branch of its INVITE is not the ACK that this phone waits for."""

    def answer_lost(self) -> None:
        """Do nothing: the other side has gone."""

    def cancelled(self) -> None:
        """Take note that the caller has given up."""
        self.wants_no_answer.set()


class Subscriber:
    """One user with one phone."""

    def __init__(
        self,
        network: Network,
        name: str,
        host: str,
        domain: str,
        proxy: Target,
        *,
        habits: Habits,
        chance: Random,
        tally: Tally,
        engines: Mapping[str, Engine],
    ) -> None:
        """Make a phone that is switched off.

        Args:
            network: what it is connected to.
            name: of the user.
            host: the address of the phone.
            domain: where the user is registered.
            proxy: where all requests are sent that have no Route.
            habits: what it does, and how often.
            chance: where all that is left to chance comes from.
            tally: where the outcome of calls is counted.
            engines: of the four machines.
        """
        self.name = name
        self.host = host
        self.aor = f"sip:{name}@{domain}"
        self._domain = domain
        self._network = network
        self._proxy = proxy
        self._habits = habits
        self._chance = chance
        self._tally = tally
        self._engines = engines
        self._cseq = 0
        self._acknowledged: dict[tuple[str, str | None], trio.Event] = {}
        self._talking: dict[str, trio.Event] = {}
        self._layer: TransactionLayer
        self._nursery: trio.Nursery

    # ---- life

    async def live(self, others: Sequence[str]) -> None:
        """Work and be away in turn, until cancelled.

        Args:
            others: the addresses-of-record that it may call.
        """
        chance, habits = self._chance, self._habits
        while True:
            with trio.move_on_after(chance.expovariate(1 / habits.stays)):
                await self._work(others)
            self._acknowledged.clear()
            self._talking.clear()
            await trio.sleep(chance.expovariate(1 / habits.away))

    async def _work(self, others: Sequence[str]) -> None:
        layer = TransactionLayer(
            Timing(), Counters(), token_bytes=self._chance.randbytes, engines=self._engines
        )
        transport = self._network.transport([f"udp:{self.host}:5060"], layer)
        layer.transport, layer.user = transport, self
        self._layer = layer
        async with trio.open_nursery() as self._nursery:
            await self._nursery.start(layer.run)
            await self._nursery.start(transport.run)
            self._nursery.start_soon(self._stay_registered)
            await self._call_now_and_then(others)

    async def _stay_registered(self) -> None:
        chance, habits = self._chance, self._habits
        call_id = f"{self._token()}@{self.host}"
        await trio.sleep(chance.uniform(0, 60))
        while True:
            request = self._request("REGISTER", f"sip:{self._domain}", call_id=call_id)
            request.headers.add(b"expires", b"%d" % habits.expires)
            final = await self._ask(request, self._proxy, Exchange())
            registered = final is not None and final.status == 200
            self._tally.add("registered" if registered else "not registered")
            await trio.sleep(habits.expires * chance.uniform(0.8, 0.95) if registered else 30)

    async def _call_now_and_then(self, others: Sequence[str]) -> None:
        while True:
            await trio.sleep(self._chance.expovariate(self._habits.calls_per_hour / 3600))
            callee = self._chance.choice(others)
            if callee != self.aor and not self._talking:
                self._nursery.start_soon(self._call, callee)

    # ---- calling

    async def _call(self, callee: str) -> None:
        outcome = "interrupted"
        self._tally.add("calls")
        try:
            outcome = await self._call_and_talk(callee)
        finally:
            self._tally.add(outcome)

    async def _call_and_talk(self, callee: str) -> str:
        acknowledges = self._chance.random() >= self._habits.forgets_ack
        invite = self._request("INVITE", callee)
        dialogs: dict[str | None, Dialog] = {}

        def answered(response: Response) -> None:
            dialog = dialogs[response.to.tag] = _dialog_of_caller(response)
            if acknowledges:
                self._acknowledge(dialog, response.cseq.number)

        exchange = Exchange(answered)
        client = self._begin(invite, self._proxy, exchange)
        with trio.move_on_after(self._chance.uniform(*self._habits.patience)):
            await exchange.over.wait()
        gave_up = not exchange.over.is_set()
        if gave_up:
            await self._give_up(client, exchange)
        if exchange.final is None:
            return "lost"
        if exchange.final.status >= 300:
            return "cancelled" if gave_up else _OUTCOMES.get(exchange.final.status, "refused")
        await self._talk(dialogs)
        return "answered"

    async def _give_up(self, client: ClientTransaction, exchange: Exchange) -> None:
        """Cancel an INVITE (:rfc:`3261#section-9.1`) and wait for what comes of it."""
        with trio.move_on_after(T64):
            await exchange.heard.wait()
        if not exchange.over.is_set() and exchange.heard.is_set():
            cancel = make_cancel(client.request)
            cancel.headers.remove(b"via")
            self._begin(cancel, client.target, Exchange(), branch=client.branch)
        with trio.move_on_after(T64):
            await exchange.over.wait()
        if not exchange.over.is_set():
            client.abandon()

    async def _talk(self, dialogs: Mapping[str | None, Dialog]) -> None:
        """Talk in the first dialog, and end those of other branches that answered too."""
        first = next(iter(dialogs.values()))
        hung_up = self._talking[first.call_id] = trio.Event()
        with trio.move_on_after(self._chance.expovariate(1 / self._habits.talk)):
            await hung_up.wait()
        self._talking.pop(first.call_id, None)
        for dialog in list(dialogs.values()):
            if dialog is not first or not hung_up.is_set():
                await self._say_bye(dialog)

    def _acknowledge(self, dialog: Dialog, number: int) -> None:
        ack = self._in_dialog("ACK", dialog, number)
        flow = self._layer.transport.flow_to_nowait(dialog.hop)
        assert flow is not None  # over UDP there is always one
        self._layer.send_statelessly(ack, dialog.hop, self._layer.new_branch(), prefer=flow)

    async def _say_bye(self, dialog: Dialog) -> None:
        self._cseq += 1
        await self._ask(self._in_dialog("BYE", dialog, self._cseq), dialog.hop, Exchange())

    # ---- being called

    def serve(self, transaction: ServerTransaction) -> None:
        """Take a new request."""
        request = transaction.request
        if request.method == "INVITE":
            answering = transaction.user = Answering(transaction)
            self._nursery.start_soon(self._answer, answering)
            return
        if request.method == "CANCEL":
            invite = self._layer.find_cancelled(request)
            if invite is not None and isinstance(invite.user, Answering):
                invite.user.cancelled()
        if request.method == "BYE" and request.call_id in self._talking:
            self._talking[request.call_id].set()
        transaction.respond(make_response(request, _OK))

    def take_stray(self, request: Request, flow: Flow) -> None:
        """Take the ACK of a 2xx."""
        acknowledged = self._acknowledged.get((request.call_id, request.to.tag))
        if acknowledged is not None:
            acknowledged.set()

    async def _answer(self, answering: Answering) -> None:
        chance, habits = self._chance, self._habits
        draw = chance.random()
        if self._talking or draw < habits.busy:
            answering.answer(486)
            return
        draw -= habits.busy
        if draw < habits.misbehaves:
            await self._answer_badly(answering)
            return
        draw -= habits.misbehaves
        answering.answer(180)
        answers, declines = draw < habits.answers, draw < habits.answers + habits.declines
        with trio.move_on_after(chance.uniform(*habits.ring) if declines else 200):
            await answering.wants_no_answer.wait()
        if answering.wants_no_answer.is_set():
            answering.answer(487)
        elif answers:
            await self._pick_up(answering)
        else:
            answering.answer(603 if declines else 480)

    async def _answer_badly(self, answering: Answering) -> None:
        chance = self._chance
        await trio.sleep(chance.uniform(0, 20))
        match chance.randrange(3):
            case 0:  # in spite of a CANCEL
                await trio.sleep(20)
                await self._pick_up(answering)
            case 1:  # twice, as if it had forked itself
                answering.transaction.respond(self._success(answering.request, "other"))
                await self._pick_up(answering)
            case _:  # not at all, but with provisional responses that mean nothing
                for status in (183, 199, 100):
                    answering.answer(status)
                await trio.sleep(100)
                answering.answer(500)

    async def _pick_up(self, answering: Answering) -> None:
        """Answer, repeat the answer until the ACK comes (:rfc:`3261#section-13.3.1.4`), talk, and hang up."""
        invite = answering.request
        success = self._success(invite, self._token())
        dialog = _dialog_of_callee(invite, success)
        acknowledged = self._acknowledged[dialog.call_id, success.to.tag] = trio.Event()
        hung_up = self._talking[dialog.call_id] = trio.Event()
        interval, left = T1, T64
        while left > 0 and not acknowledged.is_set():
            answering.transaction.respond(success)
            with trio.move_on_after(interval):
                await acknowledged.wait()
            left -= interval
            interval = min(2 * interval, T2)
        if acknowledged.is_set():
            with trio.move_on_after(self._chance.expovariate(1 / self._habits.talk)):
                await hung_up.wait()
        del self._acknowledged[dialog.call_id, success.to.tag]
        self._talking.pop(dialog.call_id, None)
        if not hung_up.is_set():
            await self._say_bye(dialog)

    def _success(self, invite: Request, tag: str) -> Response:
        response = make_response(invite, _OK, to_tag=tag)
        response.headers.copy_lines(b"record-route", invite.headers)
        response.headers.add(b"contact", f"<{self._contact}>".encode())
        return response

    # ---- requests

    @property
    def _contact(self) -> str:
        return f"sip:{self.name}@{self.host}:5060"

    def _token(self) -> str:
        return self._chance.randbytes(6).hex()

    def _request(self, method: str, uri: str, *, call_id: str | None = None) -> Request:
        """Write a request outside of a dialog."""
        self._cseq += 1
        to = self.aor if method == "REGISTER" else uri
        headers = Headers()
        headers.add(b"max-forwards", b"70")
        headers.add(b"from", f"<{self.aor}>;tag={self._token()}".encode())
        headers.add(b"to", f"<{to}>".encode())
        headers.add(b"call-id", (call_id or f"{self._token()}@{self.host}").encode())
        headers.add(b"cseq", b"%d %b" % (self._cseq, method.encode()))
        headers.add(b"contact", f"<{self._contact}>".encode())
        headers.add(b"content-length", b"0")
        return Request(method, uri.encode(), headers)

    @staticmethod
    def _in_dialog(method: str, dialog: Dialog, number: int) -> Request:
        """Write a request in a dialog (:rfc:`3261#section-12.2.1.1`)."""
        headers = Headers()
        headers.add(b"max-forwards", b"70")
        for route in dialog.routes:
            headers.add(b"route", route.encode())
        headers.add(b"from", dialog.local.encode())
        headers.add(b"to", dialog.remote.encode())
        headers.add(b"call-id", dialog.call_id.encode())
        headers.add(b"cseq", b"%d %b" % (number, method.encode()))
        headers.add(b"content-length", b"0")
        return Request(method, dialog.target.encode(), headers)

    def _begin(
        self, request: Request, target: Target, exchange: Exchange, *, branch: str | None = None
    ) -> ClientTransaction:
        client = ClientTransaction(self._layer, request, target, exchange, branch=branch)
        self._nursery.start_soon(client.run)
        return client

    async def _ask(self, request: Request, target: Target, exchange: Exchange) -> Response | None:
        """Send a request, and wait for its final response; None if there is none."""
        self._begin(request, target, exchange)
        await exchange.over.wait()
        return exchange.final


_OK = 200
_OUTCOMES = {486: "busy", 603: "declined", 487: "cancelled"}


def _dialog_of_caller(answer: Response) -> Dialog:
    return _dialog(answer, answer.from_, answer.to, answer.contacts[0], answer.record_routes[::-1])


def _dialog_of_callee(invite: Request, answer: Response) -> Dialog:
    return _dialog(answer, answer.to, invite.from_, invite.contacts[0], invite.record_routes)


def _dialog(
    answer: Response, local: NameAddr, remote: NameAddr, contact: NameAddr, routes: Sequence[NameAddr]
) -> Dialog:
    hop = (routes[0] if routes else contact).uri
    assert isinstance(hop, SipUri)
    return Dialog(
        answer.call_id,
        local.to_bytes().decode(),
        remote.to_bytes().decode(),
        str(contact.uri),
        tuple(route.to_bytes().decode() for route in routes),
        Target("UDP", hop.host, hop.port or DEFAULT_PORT),
    )
