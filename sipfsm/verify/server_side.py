"""The server's side of a composition: the server transaction and its user, the callee."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sipfsm.fsm import TIMER_EVENTS, Action, Event
from sipfsm.verify.client_side import MESSAGES
from sipfsm.verify.machine import Local, Machine
from sipfsm.verify.scenario import T1, T2, TO_SERVER, Message, Property, Scenario
from sipfsm.verify.side import Label, Outcome, Side

Phase = Literal["idle", "asked", "repeating", "settled"]

EVENT_OF = {
    Message.PROVISIONAL: Event.TU_101_199,
    Message.SUCCESS: Event.TU_2XX,
    Message.FAILURE: Event.TU_300_699,
}


class Repetition(NamedTuple):
    """The callee repeats its 2xx (:rfc:`3261#section-13.3.1.4`)."""

    interval: int
    next: int
    rest: int


class ServerState(NamedTuple):
    """A state of this side."""

    machine: Local
    last: Message | None
    """The response that the transaction remembers."""
    phase: Phase
    provisionals: int = 0
    """How many the callee may still send, while it is asked."""
    patience: int | None = None
    """How long the callee may still think, while it is asked."""
    repetition: Repetition | None = None


@dataclass
class _Step:
    """What is gathered while a step is carried out."""

    state: ServerState
    sent: list[Message] = field(default_factory=list)
    broken: list[tuple[Property, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def set(self, **changes: object) -> None:
        self.state = self.state._replace(**changes)  # type: ignore[arg-type]


class ServerSide(Side[ServerState]):
    """Follows `docs/explanation/verification.md`, where its words stand."""

    def __init__(self, scenario: Scenario, machine: Machine) -> None:
        """Begin with a callee that knows of nothing."""
        self._callee = scenario.callee
        self._is_invite = scenario.method == "INVITE"
        self._properties = scenario.properties
        self._machine = machine
        super().__init__(ServerState(machine.initial, None, "idle"))

    def deadlines(self, state: ServerState) -> Iterable[int]:
        """Yield the remaining ticks of everything that runs."""
        yield from (left for _timer, left, _interval in state.machine.timers)
        if state.patience is not None:
            yield state.patience
        if state.repetition is not None:
            yield state.repetition.next
            yield state.repetition.rest

    def may_choose(self, state: ServerState) -> bool:
        """Whether the callee may answer now."""
        return state.phase == "asked" and bool(self._callee.answers)

    def aged(self, state: ServerState, passed: int) -> ServerState:
        """Give the state in some ticks."""
        patience = None if state.patience is None else state.patience - passed
        repetition = state.repetition
        if repetition is not None:
            interval, following, rest = repetition
            repetition = Repetition(interval, following - passed, rest - passed)
        return state._replace(machine=state.machine.later(passed), patience=patience, repetition=repetition)

    def ended(self, state: ServerState) -> bool:
        """Whether the transaction is gone, or never was."""
        return state.machine == self._machine.initial

    def moves(self, state: ServerState) -> Iterator[Outcome[ServerState]]:
        """Yield the timers that fire, and what the callee may do."""
        for timer in state.machine.due:
            step = _Step(state)
            rows = self._feed(step, TIMER_EVENTS[timer])
            yield self._outcome(step, Label("fire", "server", timer, rows))
        if state.phase == "asked":
            yield from self._answers(state)
        if state.repetition is not None:
            yield from self._repetitions(state, state.repetition)

    def _answers(self, state: ServerState) -> Iterator[Outcome[ServerState]]:
        settled = state._replace(phase="settled", provisionals=0, patience=None)
        answers = self._callee.answers
        if "1xx" in answers and state.provisionals:
            yield self._answer(state._replace(provisionals=state.provisionals - 1), Message.PROVISIONAL)
        if "2xx" in answers:
            repeating = settled._replace(phase="repeating", repetition=Repetition(T1, T1, 64 * T1))
            repeats = self._is_invite and self._callee.repeats_2xx
            yield self._answer(repeating if repeats else settled, Message.SUCCESS)
        if "3xx-6xx" in answers:
            yield self._answer(settled, Message.FAILURE)
        if state.patience == 0 and "abandon" in self._callee.at_last:
            step = _Step(settled)
            yield self._outcome(
                step, Label("choose", "callee", "abandon", self._feed(step, Event.TU_ABANDON))
            )
        if state.patience == 0 and "mute" in self._callee.at_last:
            yield self._outcome(_Step(settled), Label("choose", "callee", "mute"))

    def _answer(self, state: ServerState, response: Message) -> Outcome[ServerState]:
        step = _Step(state)
        rows = self._feed(step, EVENT_OF[response], response)
        return self._outcome(step, Label("choose", "callee", response, rows))

    def _repetitions(self, state: ServerState, repetition: Repetition) -> Iterator[Outcome[ServerState]]:
        if repetition.next == 0:
            interval = min(2 * repetition.interval, T2)
            following = state._replace(repetition=Repetition(interval, interval, repetition.rest))
            step = _Step(following)
            if self.ended(state):
                step.sent.append(Message.SUCCESS)
                rows: tuple[str, ...] = ()
            else:
                rows = self._feed(step, Event.TU_2XX, Message.SUCCESS)
            yield self._outcome(step, Label("choose", "callee", "repeat", rows))
        if repetition.rest == 0:
            step = _Step(state._replace(phase="settled", repetition=None))
            yield self._outcome(step, Label("choose", "callee", "settle"))

    def take(self, state: ServerState, mail: int) -> Outcome[ServerState]:
        """Take a request, an ACK or a CANCEL."""
        message = MESSAGES[mail]
        assert message in TO_SERVER
        step = _Step(state)
        rows: tuple[str, ...] = ()
        if message is Message.REQUEST:
            rows = self._feed(step, Event.INVITE if self._is_invite else Event.REQUEST)
        elif message is Message.ACK:
            rows = self._feed(step, Event.ACK)
        elif message is Message.ACK_2XX and state.phase == "repeating":
            step.set(phase="settled", repetition=None)
        elif message is Message.CANCEL and state.phase == "asked":
            step.set(phase="settled", provisionals=0, patience=None)
            rows = self._feed(step, Event.TU_300_699, Message.FAILURE)
        return self._outcome(step, Label("deliver", "server", message, rows))

    def _feed(self, step: _Step, event: Event, response: Message | None = None) -> tuple[str, ...]:
        """Have the machine take an event, and carry out what it asks for."""
        after, actions, rows = self._machine.step(step.state.machine, event)
        step.set(machine=after)
        for action in actions:
            if action is Action.SEND_RESPONSE and response is not None:
                self._send(step, response)
            elif action is Action.SEND_TRYING:
                self._send(step, Message.PROVISIONAL)
            elif action is Action.RESEND_RESPONSE and step.state.last is not None:
                step.sent.append(step.state.last)
            elif action is Action.PASS_REQUEST:
                self._asked(step)
            elif action is Action.INFORM_TIMEOUT:
                self._timed_out(step)
        if after == self._machine.initial:
            step.set(last=None)
        return rows

    def _timed_out(self, step: _Step) -> None:
        step.told.append("timeout")
        if self._is_invite:
            self._break(step, Property.S3, "the client heard the final response, but no ACK of it came")

    def _send(self, step: _Step, response: Message) -> None:
        step.sent.append(response)
        step.set(last=response)

    def _asked(self, step: _Step) -> None:
        step.told.append(Message.REQUEST)
        if step.state.phase == "idle":
            callee = self._callee
            step.set(phase="asked", provisionals=callee.provisionals, patience=callee.within)
        else:
            self._break(step, Property.S1, "the callee is given the request a second time")

    def _break(self, step: _Step, broken: Property, reason: str) -> None:
        if broken in self._properties:
            step.broken.append((broken, reason))

    def _outcome(self, step: _Step, label: Label) -> Outcome[ServerState]:
        sent = tuple(MESSAGES.index(message) for message in step.sent)
        return Outcome(step.state, sent, tuple(step.broken), label._replace(told=tuple(step.told)))
