"""Dialogs of simulated phones: the models `dialog-caller` and `dialog-callee` at work."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import trio

from sipfsm.fsm import TIMER_EVENTS, Action, Driver, Engine, Event, Timer
from sipfsm.message import NameAddr, Request, Response, SipUri, make_response
from sipfsm.simulation.offer import Offers
from sipfsm.transaction import Alarms, ServerTransaction, TimerQueue
from sipfsm.transport import Target
from sipfsm.transport.address import DEFAULT_PORT

MODELS = ("dialog-caller", "dialog-callee", "offer")

DialogId = tuple[str, str | None, str | None]
"""Call-ID, local tag and remote tag (:rfc:`3261#section-12`)."""


class Dialog(NamedTuple):
    """What one side keeps of a dialog (:rfc:`3261#section-12`)."""

    id: DialogId
    local: str
    remote: str
    target: str
    routes: tuple[str, ...]
    hop: Target
    """Where requests go: the first Route, or the other side's Contact."""


def dialog_of_caller(answer: Response) -> Dialog:
    """Make the dialog of who sent an INVITE, from a 2xx."""
    return _dialog(answer, answer.from_, answer.to, answer.contacts[0], answer.record_routes[::-1])


def dialog_of_callee(invite: Request, answer: Response) -> Dialog:
    """Make the dialog of who answers an INVITE."""
    return _dialog(answer, answer.to, invite.from_, invite.contacts[0], invite.record_routes)


def _dialog(
    answer: Response, local: NameAddr, remote: NameAddr, contact: NameAddr, routes: Sequence[NameAddr]
) -> Dialog:
    hop = (routes[0] if routes else contact).uri
    assert isinstance(hop, SipUri)
    return Dialog(
        (answer.call_id, local.tag, remote.tag),
        local.to_bytes().decode(),
        remote.to_bytes().decode(),
        str(contact.uri),
        tuple(route.to_bytes().decode() for route in routes),
        Target("UDP", hop.host, hop.port or DEFAULT_PORT),
    )


class DialogUser(Protocol):
    """The phone, as a dialog sees it: it sends what the machine asks for."""

    def confirmed(self, usage: "DialogUsage", dialog: Dialog) -> None:
        """Take note of a dialog that a 2xx has begun."""

    def acknowledge(self, dialog: Dialog, answer: Response) -> None:
        """Send the ACK of a 2xx."""

    def say_bye(self, dialog: Dialog) -> trio.Event:
        """Send a BYE; return what is set when its transaction has its outcome."""

    def say_update(self, dialog: Dialog, settled: Callable[[int | None], None]) -> None:
        """Send an UPDATE with an offer; `settled` is told the final status, None if there is none."""

    def forget(self, dialog: Dialog) -> None:
        """Let go of a dialog that is at its end."""


What = Request | Response | ServerTransaction
"""What comes with an event: an answer, a request, or the transaction of one that is to be answered."""


class DialogUsage(Driver[What]):
    """One side of a dialog.

    Attributes:
        dialog: what is kept of it; None before a 2xx.
        over: set when the session is over: a BYE was sent or has come, or the INVITE failed.
        farewell: set when the BYE that was sent has its outcome; None if none was sent.
        offers: what it knows of offers and answers.
    """

    model: ClassVar[str]

    def __init__(self, engines: Mapping[str, Engine], timers: TimerQueue, phone: DialogUser) -> None:
        """Begin in `Absent`; `timers` are where those of the machine wait."""
        super().__init__(engines[self.model].create(reliable=False))
        self.offers = Offers(engines["offer"])
        self._phone = phone
        self._alarms: Alarms[Timer] = Alarms(timers, self._timer_fired)
        self._answer: Response | None = None
        self.dialog: Dialog | None = None
        self.over = trio.Event()
        self.farewell: trio.Event | None = None

    def start_timer(self, timer: Timer, delay: float) -> None:
        """Have a timer fire in `delay` seconds."""
        self._alarms.start(timer, delay)

    def stop_timer(self, timer: Timer) -> None:
        """Stop a timer."""
        self._alarms.stop(timer)

    def _timer_fired(self, timer: Timer) -> None:
        self.handle(TIMER_EVENTS[timer])

    def stepped(self, _event: Event, _before: str) -> None:
        """Tell who waits for it that the session is over."""
        if self.state in {"Mortal", "Morgue"}:
            self.offers.handle(Event.STOP)
            self.over.set()

    def begin(self, dialog: Dialog) -> None:
        """Let a 2xx begin the dialog: from now on what belongs to it can come."""
        self.dialog = dialog
        self._phone.confirmed(self, dialog)

    async def end(self) -> None:
        """Hang up, unless the other side has done so, and wait for what comes of the BYE."""
        self.handle(Event.TU_BYE)
        if self.farewell is not None:
            await self.farewell.wait()

    def change(self) -> None:
        """Change the session: send an offer, unless one is pending."""
        if self.offers.make():
            self.handle(Event.TU_REQUEST)

    def _settled(self, status: int | None) -> None:
        """Take the outcome of an UPDATE; some end the dialog (:rfc:`3261#section-12.2.1.2`)."""
        self.offers.handle(Event.ANSWER)
        if status in {None, 408, 481}:
            self.handle(Event.TU_BYE)

    def send_request(self, _what: What | None) -> None:
        """Send an UPDATE; the INVITE, before there is a dialog, is sent by the phone itself."""
        if self.dialog is not None:
            self._phone.say_update(self.dialog, self._settled)

    def acknowledge(self, _what: What | None) -> None:
        """Send the ACK of the 2xx, anew for each copy of it."""
        assert self.dialog is not None
        assert self._answer is not None
        self._phone.acknowledge(self.dialog, self._answer)

    def send_bye(self, _what: What | None) -> None:
        """Send a BYE."""
        assert self.dialog is not None
        self.farewell = self._phone.say_bye(self.dialog)

    def pass_request(self, transaction: What | None) -> None:
        """Answer a request within the dialog: an UPDATE as `offer` says, any other one with 200."""
        assert isinstance(transaction, ServerTransaction)
        is_offer = transaction.request.method == "UPDATE"
        _respond(transaction, self.offers.take() if is_offer else 200)

    def accept_bye(self, transaction: What | None) -> None:
        """Answer a BYE with 200."""
        _respond(transaction, 200)

    def refuse(self, transaction: What | None) -> None:
        """Answer a request with 481."""
        _respond(transaction, 481)

    def ignore(self, _what: What | None) -> None:
        """Do nothing: the phone does it itself, or has nothing to do."""

    def terminate(self, _what: What | None) -> None:
        """Stop all timers; the phone lets go of the dialog."""
        self._alarms.close()
        if self.dialog is not None:
            self._phone.forget(self.dialog)


def _respond(transaction: What | None, status: int) -> None:
    assert isinstance(transaction, ServerTransaction)
    transaction.respond(make_response(transaction.request, status))


_COMMON: dict[Action, Callable[[Any, Any], None]] = {
    Action.ACKNOWLEDGE: DialogUsage.acknowledge,
    Action.SEND_BYE: DialogUsage.send_bye,
    Action.ACCEPT_BYE: DialogUsage.accept_bye,
    Action.REFUSE_UNKNOWN: DialogUsage.refuse,
    Action.SEND_REQUEST: DialogUsage.send_request,
    Action.REJECT: DialogUsage.ignore,
    Action.TERMINATE: DialogUsage.terminate,
}


class CallerUsage(DialogUsage):
    """The side of who sent the INVITE, with an offer in it; a To tag each."""

    model = "dialog-caller"

    def __init__(
        self,
        engines: Mapping[str, Engine],
        timers: TimerQueue,
        phone: DialogUser,
        cancel: Callable[[], None],
    ) -> None:
        """As `DialogUsage`; `cancel` sends a CANCEL for the INVITE."""
        super().__init__(engines, timers, phone)
        self._cancel = cancel
        self.offers.handle(Event.TU_OFFER)

    def _pass_response(self, response: What | None) -> None:
        """Acknowledge a 2xx at once; what rings or fails, or does not come, is for the phone to see."""
        if isinstance(response, Response) and 200 <= response.status < 300:
            self._answer = response
            self.offers.handle(Event.ANSWER)
            self.begin(dialog_of_caller(response))
            self.handle(Event.TU_ACK)

    def _send_cancel(self, _what: What | None) -> None:
        self._cancel()

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        **_COMMON,
        Action.PASS_REQUEST: DialogUsage.pass_request,
        Action.PASS_RESPONSE: _pass_response,
        Action.SEND_CANCEL: _send_cancel,
    }


class CalleeUsage(DialogUsage):
    """The side of who answers the INVITE.

    Attributes:
        settled: set when the ACK of the 2xx has come, or the session is over without one.
        cancelled: set when the caller wants no answer any more.
    """

    model = "dialog-callee"

    def __init__(
        self,
        engines: Mapping[str, Engine],
        timers: TimerQueue,
        phone: DialogUser,
        transaction: ServerTransaction,
    ) -> None:
        """As `DialogUsage`; `transaction` is that of the INVITE, in which there is an offer."""
        super().__init__(engines, timers, phone)
        self._transaction = transaction
        self.offers.handle(Event.OFFER)
        self.settled = trio.Event()
        self.cancelled = trio.Event()

    def stepped(self, event: Event, before: str) -> None:
        """Tell who waits for it that the 2xx is settled, or the session is over."""
        super().stepped(event, before)
        if self.state == "Established" or self.over.is_set():
            self.settled.set()

    def _pass_request(self, transaction: What | None) -> None:
        assert isinstance(transaction, ServerTransaction)
        if transaction.request.method == "CANCEL":
            self.cancelled.set()
        elif transaction is not self._transaction:
            self.pass_request(transaction)

    def _send_response(self, response: What | None) -> None:
        assert isinstance(response, Response)
        if 200 <= response.status < 300:
            self._answer = response
            self.offers.handle(Event.TU_ANSWER)
        self._transaction.respond(response)

    def _resend_response(self, _what: What | None) -> None:
        assert self._answer is not None
        self._transaction.respond(self._answer)

    def _refuse_invite(self, _what: What | None) -> None:
        _respond(self._transaction, 487)

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        **_COMMON,
        Action.PASS_REQUEST: _pass_request,
        Action.SEND_RESPONSE: _send_response,
        Action.RESEND_RESPONSE: _resend_response,
        Action.PASS_ACK: DialogUsage.ignore,
        Action.REFUSE_INVITE: _refuse_invite,
    }
