"""A user agent of a call: its dialog, and what it knows of offers and answers, moved by their machines."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sipfsm.fsm import TIMER_EVENTS, Action, Event
from sipfsm.verify.call_mail import KINDS, LANES, OFFERING, REQUESTS, STATES, End, Pending, Sent, mail_number
from sipfsm.verify.machine import Local, Machine
from sipfsm.verify.scenario import Call, CallProperty
from sipfsm.verify.side import Label, Outcome, Side

_SENDS = {Action.SEND_REQUEST, Action.SEND_BYE}
_BYES = {Action.SEND_BYE, Action.ACCEPT_BYE}
_ENDS_A_CALL = {Event.BYE, Event.TU_BYE}
_REFUSALS = {Action.REJECT: 0, Action.REFUSE_PENDING: 491, Action.REFUSE_BUSY: 500}


class AgentState(NamedTuple):
    """Where a user agent is."""

    dialog: Local
    offer: Local
    gone: bool = False
    """Whether the dialog was there, and is no more."""
    pending: Pending = "nobody"
    """Whose offer is pending, by what was sent and came, whatever the machine says."""
    wishes: tuple[str, ...] = ()
    """The requests that its user may still send."""
    clock: int | None = None
    """For how many more ticks its user may do something now."""
    repeats: int = 0
    """How often the INVITE may still be sent again."""

    @property
    def name(self) -> str:
        """The state of the dialog as RFC 5407 names it; before it begins, that is Preparative too."""
        if self.gone:
            return "Morgue"
        return self.dialog.state if self.dialog.state in STATES else "Preparative"


@dataclass
class Step:
    """What is gathered while a step is carried out."""

    before: AgentState
    state: AgentState
    answering: bool
    """Whether a message of the other side is the cause; what is sent then belongs to the state after it."""
    rows: list[str] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    broken: list[tuple[CallProperty, str]] = field(default_factory=list)


class Agent(Side[AgentState]):
    """What both user agents have in common."""

    end: End

    def __init__(self, call: Call, dialog: Machine, offer: Machine, wishes: Sequence[str]) -> None:
        """Begin without a dialog."""
        self._call = call
        self._dialog = dialog
        self._offer = offer
        super().__init__(AgentState(dialog.initial, offer.initial, wishes=tuple(wishes)))

    # ---- time

    def deadlines(self, state: AgentState) -> Iterable[int]:
        """Yield the remaining ticks of everything that runs."""
        yield from (left for _timer, left, _interval in state.dialog.timers)
        if state.clock is not None:
            yield state.clock

    def may_choose(self, state: AgentState) -> bool:
        """Whether the user may do something now."""
        return state.clock is not None

    def aged(self, state: AgentState, passed: int) -> AgentState:
        """Give the state in some ticks."""
        clock = None if state.clock is None else state.clock - passed
        return state._replace(dialog=state.dialog.later(passed), clock=clock)

    def ended(self, state: AgentState) -> bool:
        """Whether there is no dialog."""
        return state.dialog == self._dialog.initial

    # ---- what happens without a message

    def moves(self, state: AgentState) -> Iterator[Outcome[AgentState]]:
        """Yield the timers that fire, and what the user may do."""
        for timer in state.dialog.due:
            step = self._begun(state)
            self._feed(step, TIMER_EVENTS[timer])
            yield self._outcome(step, "fire", timer)
        if state.clock is not None:
            yield from self.choices(state)

    @abstractmethod
    def choices(self, state: AgentState) -> Iterator[Outcome[AgentState]]:
        """Yield what the user may do."""

    def _wished(self, state: AgentState, *, also: Iterable[str] = ()) -> Iterator[Outcome[AgentState]]:
        """Yield the requests that the user may send in a confirmed dialog, or try to send in Mortal."""
        for wish in dict.fromkeys([*state.wishes, *also]):
            if wish in REQUESTS:
                yield self._chosen(state, wish)

    def _chosen(self, state: AgentState, wish: str) -> Outcome[AgentState]:
        step = self._begun(state)
        step.state = state._replace(wishes=tuple(each for each in state.wishes if each != wish))
        self._ask(step, wish.removeprefix("early "))
        return self._outcome(step, "choose", wish)

    def _ask(self, step: Step, request: str) -> None:
        """Have the user send a request within the dialog, if the machines allow it."""
        if request == "BYE":
            self._feed(step, Event.TU_BYE)
        elif request not in OFFERING or step.before.name == "Mortal" or self.make_offer(step):
            self._feed(step, Event.TU_REQUEST, request)

    def _rest(self, state: AgentState) -> Outcome[AgentState]:
        """Have the user do nothing more for now."""
        return self._outcome(self._begun(state._replace(clock=None)), "choose", "rest")

    # ---- what comes

    def take(self, state: AgentState, mail: int) -> Outcome[AgentState]:
        """Take a message."""
        message = KINDS[mail].name
        step = Step(state, state, answering=True)
        if message in REQUESTS:
            self._take_request(step, message)
        elif not state.gone:
            self._take_other(step, message)
        return self._outcome(step, "deliver", message)

    def _take_request(self, step: Step, request: str) -> None:
        """Take a request within the dialog; it is refused where there is none (3261 12.2.2)."""
        if step.before.gone:
            self._send(step, f"481 ({request})")
            return
        self._feed(step, Event.BYE if request == "BYE" else Event.REQUEST, request)
        self._check_answer(step, request)

    def _check_answer(self, step: Step, request: str) -> None:
        answers = [kind.name for kind in step.sent if kind.name.endswith(f" ({request})")]
        accepted, refused = [f"2xx ({request})"], [f"481 ({request})"]
        if step.before.name == "Mortal" and answers != (accepted if request == "BYE" else refused):
            self._break(step, CallProperty.D3, f"the {self.end} does not answer {request} as Mortal has to")
        is_refused_bye = request == "BYE" and answers == refused and step.before.name != "Preparative"
        if len(answers) != 1 or is_refused_bye:
            self._break(step, CallProperty.D6, f"the {self.end} does not answer {request} as it has to")

    def _take_other(self, step: Step, message: str) -> None:
        status, _, request = message.removesuffix(")").partition(" (")
        if not request:
            self.take_of_invite(step, message)
        elif status == "2xx" and request == "re-INVITE":
            self._feed_2xx(step, "ACK (re-INVITE)")
        if request in OFFERING and status != "ACK":
            self.settle_offer(step, Event.ANSWER)
        if status == "481" and step.state.name in {"Moratorium", "Established"}:
            self._feed(step, Event.TU_BYE)  # RFC 3261 12.2.1.2: SHOULD terminate the dialog

    @abstractmethod
    def take_of_invite(self, step: Step, message: str) -> None:
        """Take what belongs to the INVITE that began the dialog."""

    # ---- the machines

    def _begun(self, state: AgentState) -> Step:
        return Step(state, state, answering=False)

    def _feed(self, step: Step, event: Event, message: str = "") -> None:
        """Have the dialog take an event, and carry out what it asks for."""
        before = step.state
        after, actions, rows = self._dialog.step(before.dialog, event)
        step.rows += rows
        ended = after == self._dialog.initial != before.dialog
        step.state = before._replace(dialog=after, gone=ended)
        if step.state.name in {"Mortal", "Morgue"}:
            self.settle_offer(step, Event.STOP)
        if step.state.dialog.state != before.dialog.state:
            step.state = step.state._replace(clock=self._time_in(step.state))
        self._check(step, event, before, actions)
        for action in actions:
            self._perform(step, action, message)

    def _perform(self, step: Step, action: Action, message: str) -> None:
        if action in {Action.SEND_REQUEST, Action.SEND_RESPONSE}:
            self._send(step, message)
        elif action is Action.SEND_BYE:
            self._send(step, "BYE")
        elif action is Action.ACKNOWLEDGE:
            self._send(step, message or "ACK")
        elif action is Action.ACCEPT_BYE:
            self._send(step, "2xx (BYE)")
        elif action is Action.REFUSE_UNKNOWN:
            self._send(step, f"481 ({message})")
        elif action is Action.PASS_REQUEST and message in REQUESTS:
            self._answer(step, message)
        else:
            self.perform(step, action)

    def perform(self, step: Step, action: Action) -> None:
        """Carry out what only one of the two has to."""

    def _feed_2xx(self, step: Step, ack: str) -> None:
        """Take a 2xx to an INVITE: its ACK has to follow, now or when the user gives it."""
        self._feed(step, Event.RESPONSE_2XX, ack)
        acknowledged = any(kind.name == ack for kind in step.sent)
        if not acknowledged and step.state.name != "Moratorium":
            self._break(step, CallProperty.D2, f"the {self.end} does not acknowledge a 2xx")

    def _answer(self, step: Step, request: str) -> None:
        """Answer a request at once."""
        refusal = self.take_offer(step) if request in OFFERING else None
        if request in OFFERING and refusal is None:
            self.settle_offer(step, Event.TU_ANSWER)
        self._send(step, f"{refusal or '2xx'} ({request})")

    # ---- offers and answers

    def _feed_offer(self, step: Step, event: Event) -> int | None:
        """Have the machine of offers take an event; return the status that refuses it, 0 for our own."""
        after, actions, rows = self._offer.step(step.state.offer, event)
        step.rows += rows
        refused = [_REFUSALS[action] for action in actions if action in _REFUSALS]
        pending = step.state.pending if refused else self._pending_after(event)
        step.state = step.state._replace(offer=after, pending=pending)
        return refused[0] if refused else None

    def _pending_after(self, event: Event) -> Pending:
        here = LANES.index(self.end)
        if event is Event.TU_OFFER:
            return LANES[here]
        return LANES[1 - here] if event is Event.OFFER else "nobody"

    def make_offer(self, step: Step) -> bool:
        """Have the user make an offer; return whether it may."""
        pending = step.state.pending
        allowed = self._feed_offer(step, Event.TU_OFFER) is None
        if allowed != (pending == "nobody"):
            may = "makes an offer" if allowed else "may make no offer"
            self._break(step, CallProperty.D5, f"the {self.end} {may} while that of {pending} is pending")
        return allowed

    def take_offer(self, step: Step) -> int | None:
        """Take an offer of the other side; return the status that refuses it."""
        pending = step.state.pending
        refusal = self._feed_offer(step, Event.OFFER)
        due = None if pending == "nobody" else 491 if pending == self.end else 500
        if refusal != due:
            answers = "accepts an offer" if refusal is None else f"answers an offer with {refusal}"
            self._break(step, CallProperty.D5, f"the {self.end} {answers} while that of {pending} is pending")
        return refusal

    def settle_offer(self, step: Step, event: Event) -> None:
        """Have an offer be answered, by this user or the other side, or end with the dialog."""
        self._feed_offer(step, event)

    # ---- what is sent, and what is checked

    def _send(self, step: Step, message: str) -> None:
        state = step.state if step.answering else step.before
        pending = step.before.pending if message in OFFERING else "nobody"
        step.sent.append(Sent(message, self.end, state.name, pending))

    def _time_in(self, state: AgentState) -> int | None:
        """For how long the user may do something in a state that it has come to; None: it may not."""
        if state.name == "Mortal":
            return 0 if state.wishes else None
        return None if state.gone else self._call.within

    def _check(self, step: Step, event: Event, before: AgentState, actions: Sequence[Action]) -> None:
        if before.name == "Mortal" and _SENDS.intersection(actions):
            self._break(step, CallProperty.D3, f"the {self.end} sends a new request in Mortal")
        if before.name == "Established" != step.state.name and event not in _ENDS_A_CALL:
            self._break(step, CallProperty.D4, f"the dialog of the {self.end} ends without a BYE")
        if _BYES.intersection(actions) and step.state.name != "Mortal":
            self._break(step, CallProperty.D4, f"the dialog of the {self.end} is not Mortal after a BYE")

    def _break(self, step: Step, broken: CallProperty, reason: str) -> None:
        if broken in self._call.properties:
            step.broken.append((broken, reason))

    def _outcome(
        self, step: Step, what: Literal["fire", "choose", "deliver"], detail: str
    ) -> Outcome[AgentState]:
        sent = tuple(map(mail_number, step.sent))
        label = Label(what, self.end, detail, tuple(step.rows), state=step.state.name)
        return Outcome(step.state, sent, tuple(step.broken), label)
