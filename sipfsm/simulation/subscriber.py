"""Subscribers: phones that register, call each other and answer, on transactions of their own.

Unlike a `Phone`, which does what a script says, a subscriber acts by habit and by chance. Chance comes from
one seed. Some habits are bad ones: a phone vanishes in the middle of a call, an ACK is never sent, an answer
comes in spite of a CANCEL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import trio

from sipfsm.counters import Counters
from sipfsm.fsm import Engine, Event, Timing
from sipfsm.message import Headers, Request, Response, make_cancel, make_response
from sipfsm.simulation.dialog import CalleeUsage, CallerUsage, Dialog, DialogId, DialogUsage, dialog_of_callee
from sipfsm.simulation.network import Network
from sipfsm.transaction import ClientTransaction, ServerTransaction, TransactionLayer
from sipfsm.transport import Flow, Target, TransportError

T64 = 32.0


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
    changes: float = 0.05
    """Of those who talk: changes the session meanwhile, with an UPDATE (:rfc:`3311`)."""
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


class Exchange:
    """A request of ours, and what comes of it. Implements `sipfsm.transaction.ClientUser`."""

    def __init__(self) -> None:
        self.over = trio.Event()
        """Set when there is a final response, or none to be expected any more."""
        self.heard = trio.Event()
        """Set by the first response of any kind."""
        self.final: Response | None = None

    def response_arrived(self, response: Response) -> None:
        """Take a response."""
        self.heard.set()
        if response.status < 200:
            return
        if self.final is None:
            self.final = response
        self.over.set()

    def timed_out(self) -> None:
        """Take note that there is none."""
        self.over.set()

    def transport_failed(self, _error: TransportError) -> None:
        """Take note that there will be none."""
        self.over.set()


class Asking(Exchange):
    """A request whose outcome somebody is told."""

    def __init__(self, settled: Callable[[int | None], None]) -> None:
        super().__init__()
        self._settled = settled

    def response_arrived(self, response: Response) -> None:
        """Take a response."""
        is_first = self.final is None
        super().response_arrived(response)
        if self.final is not None and is_first:
            self._settled(self.final.status)

    def timed_out(self) -> None:
        """Take note that there is none."""
        super().timed_out()
        self._settled(None)

    def transport_failed(self, error: TransportError) -> None:
        """Take note that there will be none."""
        super().transport_failed(error)
        self._settled(None)


class Calling(Exchange):
    """An INVITE of ours, and the dialogs that come of it: one for each To tag."""

    def __init__(self, new_usage: Callable[[], CallerUsage]) -> None:
        super().__init__()
        self._new_usage = new_usage
        self._usages: dict[str | None, CallerUsage] = {None: new_usage()}
        self._left = False
        self._usages[None].handle(Event.TU_INVITE)

    def response_arrived(self, response: Response) -> None:
        """Tell the dialog of its tag of a response; of one that is none, all."""
        super().response_arrived(response)
        if response.status >= 300:
            self._failed(response)
        elif response.status > 100:
            usage = self._usage(response.to.tag)
            usage.handle(Event.RESPONSE_1XX if response.status < 200 else Event.RESPONSE_2XX, response)
            if self._left and usage.dialog is not None:
                usage.handle(Event.TU_BYE)  # RFC 5407, appendix E: acknowledged, and ended at once

    def timed_out(self) -> None:
        """Take note that there is none: a 408 (:rfc:`3261#section-8.1.3.1`)."""
        super().timed_out()
        self._failed(None)

    def transport_failed(self, error: TransportError) -> None:
        """Take note that there will be none: a 503 (:rfc:`3261#section-8.1.3.1`)."""
        super().transport_failed(error)
        self._failed(None)

    def _failed(self, response: Response | None) -> None:
        for usage in self._usages.values():
            usage.handle(Event.RESPONSE_300_699, response)

    def _usage(self, tag: str | None) -> CallerUsage:
        if tag not in self._usages:
            first = self._usages.pop(None, None)
            self._usages[tag] = self._new_usage() if first is None else first
        return self._usages[tag]

    def cancel(self) -> None:
        """Send a CANCEL, if the machine allows it."""
        next(iter(self._usages.values())).handle(Event.TU_CANCEL)

    def abandon(self) -> None:
        """Wait no longer for a final response."""
        for usage in self._usages.values():
            usage.handle(Event.TU_ABANDON)

    def confirmed(self) -> list[CallerUsage]:
        """Give the dialogs that a 2xx has begun."""
        return [usage for usage in self._usages.values() if usage.dialog is not None]

    async def leave(self) -> None:
        """Hang up, in all dialogs; one that begins later is ended at once."""
        self._left = True
        for usage in self.confirmed():
            await usage.end()


class Answering:
    """An INVITE that is being answered. Implements `sipfsm.transaction.ServerUser`."""

    def __init__(self, transaction: ServerTransaction, usage: CalleeUsage, tag: str) -> None:
        self.transaction = transaction
        self.request = transaction.request
        self.usage = usage
        self.tag = tag
        usage.handle(Event.INVITE, transaction)

    def answer(self, status: int) -> None:
        """Answer without a body, by way of the machine."""
        event = Event.TU_101_199 if status < 200 else Event.TU_300_699
        self.usage.handle(event, make_response(self.request, status, to_tag=self.tag))

    def answer_badly(self, response: Response) -> None:
        """Answer what no machine would."""
        self.transaction.respond(response)

    def accept(self, success: Response) -> None:
        """Answer with a 2xx: the dialog begins."""
        self.usage.begin(dialog_of_callee(self.request, success))
        self.usage.handle(Event.TU_2XX, success)

    def ack_arrived(self, ack: Request) -> None:
        """Do nothing: what has the branch of its INVITE is not the ACK that this phone waits for."""

    def answer_lost(self) -> None:
        """Do nothing: the other side has gone."""

    def cancelled(self) -> None:
        """Do nothing: the phone tells the machine of the CANCEL that came."""


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
            engines: of the four machines of transactions, and of the two of dialogs.
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
        self._usages: dict[DialogId, DialogUsage] = {}
        self._talking = 0
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
            self._usages.clear()
            self._talking = 0
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
        line = _Line(self, acknowledges=self._chance.random() >= self._habits.forgets_ack)

        def cancel() -> None:
            self._send_cancel(client)

        calling = Calling(lambda: CallerUsage(self._engines, self._layer.timers, line, cancel))
        client = self._begin(self._request("INVITE", callee), self._proxy, calling)
        with trio.move_on_after(self._chance.uniform(*self._habits.patience)):
            await calling.over.wait()
        gave_up = not calling.over.is_set()
        if gave_up:
            await self._give_up(client, calling)
        if calling.final is None:
            return "lost"
        if calling.final.status >= 300:
            return "cancelled" if gave_up else _OUTCOMES.get(calling.final.status, "refused")
        if not gave_up:  # or else the CANCEL has crossed the 2xx (RFC 5407 3.1.2)
            await self._talk(calling.confirmed()[0])
        await calling.leave()
        return "answered"

    async def _give_up(self, client: ClientTransaction, calling: Calling) -> None:
        """Cancel an INVITE (:rfc:`3261#section-9.1`) and wait for what comes of it."""
        with trio.move_on_after(T64):
            await calling.heard.wait()
        if not calling.over.is_set() and calling.heard.is_set():
            calling.cancel()
        with trio.move_on_after(T64):
            await calling.over.wait()
        if not calling.over.is_set():
            client.abandon()
            calling.abandon()

    def _send_cancel(self, client: ClientTransaction) -> None:
        cancel = make_cancel(client.request)
        cancel.headers.remove(b"via")
        self._begin(cancel, client.target, Exchange(), branch=client.branch)

    async def _talk(self, usage: DialogUsage) -> None:
        """Talk until one of the two hangs up, and perhaps change the session once meanwhile."""
        self._talking += 1
        length = self._chance.expovariate(1 / self._habits.talk)
        changes = self._chance.random() < self._habits.changes
        first = self._chance.uniform(0, length) if changes else length
        with trio.move_on_after(first):
            await usage.over.wait()
        if changes:
            usage.change()
            with trio.move_on_after(length - first):
                await usage.over.wait()
        self._talking -= 1

    # ---- dialogs, see `DialogUser`

    def confirmed(self, usage: DialogUsage, dialog: Dialog) -> None:
        """Take note of a dialog that a 2xx has begun."""
        self._usages[dialog.id] = usage

    def forget(self, dialog: Dialog) -> None:
        """Let go of a dialog."""
        self._usages.pop(dialog.id, None)

    def acknowledge(self, dialog: Dialog, answer: Response) -> None:
        """Send the ACK of a 2xx."""
        ack = self._in_dialog("ACK", dialog, answer.cseq.number)
        flow = self._layer.transport.flow_to_nowait(dialog.hop)
        assert flow is not None  # over UDP there is always one
        self._layer.send_statelessly(ack, [dialog.hop], self._layer.new_branch(), prefer=flow)

    def say_bye(self, dialog: Dialog) -> trio.Event:
        """Send a BYE."""
        self._cseq += 1
        exchange = Exchange()
        self._begin(self._in_dialog("BYE", dialog, self._cseq), dialog.hop, exchange)
        return exchange.over

    def say_update(self, dialog: Dialog, settled: Callable[[int | None], None]) -> None:
        """Send an UPDATE."""
        self._cseq += 1
        update = self._in_dialog("UPDATE", dialog, self._cseq)
        update.headers.add(b"contact", f"<{self._contact}>".encode())
        self._begin(update, dialog.hop, Asking(settled))

    # ---- being called

    def serve(self, transaction: ServerTransaction) -> None:
        """Take a new request."""
        request = transaction.request
        if request.method == "CANCEL":
            invite = self._layer.find_cancelled(request)
            if invite is not None and isinstance(invite.user, Answering):
                invite.user.usage.handle(Event.CANCEL, transaction)
            transaction.respond(make_response(request, _OK))
        elif request.to.tag is not None:
            self._serve_in_dialog(transaction)
        elif request.method == "INVITE":
            self._nursery.start_soon(self._answer, self._be_asked(transaction))
        else:
            transaction.respond(make_response(request, _OK))

    def _serve_in_dialog(self, transaction: ServerTransaction) -> None:
        """Take a request within a dialog, which may be none (:rfc:`3261#section-12.2.2`)."""
        usage = self._usage_of(transaction.request)
        if usage is None:
            transaction.respond(make_response(transaction.request, _NO_DIALOG))
        else:
            is_bye = transaction.request.method == "BYE"
            usage.handle(Event.BYE if is_bye else Event.REQUEST, transaction)

    def take_stray(self, request: Request, flow: Flow) -> None:
        """Take the ACK of a 2xx."""
        usage = self._usage_of(request)
        if request.method == "ACK" and usage is not None:
            usage.handle(Event.ACK, request)

    def _usage_of(self, request: Request) -> DialogUsage | None:
        return self._usages.get((request.call_id, request.to.tag, request.from_.tag))

    def _be_asked(self, transaction: ServerTransaction) -> Answering:
        usage = CalleeUsage(self._engines, self._layer.timers, self, transaction)
        answering = transaction.user = Answering(transaction, usage, self._token())
        return answering

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
            await answering.usage.cancelled.wait()
        if answering.usage.cancelled.is_set():
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
                answering.answer_badly(self._success(answering.request, "other"))
                await self._pick_up(answering)
            case _:  # not at all, but with provisional responses that mean nothing
                for status in (183, 199, 100):
                    answering.answer_badly(make_response(answering.request, status))
                await trio.sleep(100)
                answering.answer(500)

    async def _pick_up(self, answering: Answering) -> None:
        """Answer, talk once the ACK has come, and hang up; without an ACK the machine does so by itself."""
        answering.accept(self._success(answering.request, answering.tag))
        self._talking += 1
        await answering.usage.settled.wait()
        self._talking -= 1
        await self._talk(answering.usage)
        await answering.usage.end()

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
        headers.add(b"call-id", dialog.id[0].encode())
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


@dataclass(frozen=True)
class _Line:
    """A phone as the dialogs of one call of it see it: perhaps it forgets its ACKs."""

    phone: Subscriber
    acknowledges: bool

    def confirmed(self, usage: DialogUsage, dialog: Dialog) -> None:
        self.phone.confirmed(usage, dialog)

    def forget(self, dialog: Dialog) -> None:
        self.phone.forget(dialog)

    def acknowledge(self, dialog: Dialog, answer: Response) -> None:
        if self.acknowledges:
            self.phone.acknowledge(dialog, answer)

    def say_bye(self, dialog: Dialog) -> trio.Event:
        return self.phone.say_bye(dialog)

    def say_update(self, dialog: Dialog, settled: Callable[[int | None], None]) -> None:
        self.phone.say_update(dialog, settled)


_OK, _NO_DIALOG = 200, 481
_OUTCOMES = {486: "busy", 603: "declined", 487: "cancelled"}
