"""The client's side of a composition: the client transaction and its user, the caller."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sipfsm.fsm import TIMER_EVENTS, Action, Event
from sipfsm.verify.machine import Local, Machine
from sipfsm.verify.scenario import TO_CLIENT, Message, Property, Scenario
from sipfsm.verify.side import Label, Move, Outcome, Side

Phase = Literal["idle", "waiting", "ringing", "cancelling", "over", "gave up"]

EVENT_OF = {
    Message.PROVISIONAL: Event.RESPONSE_1XX,
    Message.SUCCESS: Event.RESPONSE_2XX,
    Message.FAILURE: Event.RESPONSE_300_699,
}

MESSAGES = tuple(Message)


class ClientState(NamedTuple):
    """A state of this side."""

    machine: Local
    phase: Phase
    clock: int | None
    """The patience of the caller, or how long it waits after CANCEL; None if neither runs."""
    heard: bool = False
    """Whether a non-2xx final response was delivered to a transaction that was there; for S3."""


@dataclass
class _Step:
    """What is gathered while a step is carried out."""

    state: ClientState
    sent: list[Message] = field(default_factory=list)
    broken: list[tuple[Property, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def set(self, **changes: object) -> None:
        self.state = self.state._replace(**changes)  # type: ignore[arg-type]


class ClientSide(Side[ClientState]):
    """Follows `docs/explanation/verification.md`, where its words stand."""

    def __init__(self, scenario: Scenario, machine: Machine) -> None:
        """Begin before the start."""
        self._caller = scenario.caller
        self._is_invite = scenario.method == "INVITE"
        self._properties = scenario.properties
        self._machine = machine
        super().__init__(ClientState(machine.initial, "idle", None))

    def begin(self) -> Move:
        """Have the caller send its request."""
        patience = self._caller.patience if self._is_invite else None
        step = _Step(ClientState(self._machine.initial, "waiting", patience))
        rows = self._feed(step, Event.TU_REQUEST)
        return self.moved(self._outcome(step, Label("choose", "caller", "start", rows)))

    def deadlines(self, state: ClientState) -> Iterable[int]:
        """Yield the remaining ticks of everything that runs."""
        yield from (left for _timer, left, _interval in state.machine.timers)
        if state.clock is not None:
            yield state.clock

    def may_choose(self, state: ClientState) -> bool:
        """Whether the caller may cancel now."""
        return self._caller.may_cancel and state.phase == "ringing"

    def aged(self, state: ClientState, passed: int) -> ClientState:
        """Give the state in some ticks."""
        clock = None if state.clock is None else state.clock - passed
        return state._replace(machine=state.machine.later(passed), clock=clock)

    def ended(self, state: ClientState) -> bool:
        """Whether the transaction is gone."""
        return state.machine == self._machine.initial

    def moves(self, state: ClientState) -> Iterator[Outcome[ClientState]]:
        """Yield the timers that fire, and what the caller may do."""
        for timer in state.machine.due:
            step = _Step(state)
            rows = self._feed(step, TIMER_EVENTS[timer])
            yield self._outcome(step, Label("fire", "client", timer, rows))
        if self.may_choose(state) or (state.phase == "ringing" and state.clock == 0):
            step = _Step(
                state._replace(phase="cancelling", clock=self._caller.cancel_wait), [Message.CANCEL], []
            )
            yield self._outcome(step, Label("choose", "caller", "cancel"))
        if state.phase in {"waiting", "cancelling"} and state.clock == 0:
            step = _Step(state._replace(phase="gave up", clock=None))
            rows = self._feed(step, Event.TU_ABANDON)
            yield self._outcome(step, Label("choose", "caller", "give up", rows))

    def take(self, state: ClientState, mail: int) -> Outcome[ClientState]:
        """Take a response."""
        message = MESSAGES[mail]
        assert message in TO_CLIENT
        step = _Step(state)
        if message is Message.FAILURE and Property.S3 in self._properties and not self.ended(state):
            step.set(heard=True)
        rows = self._feed(step, EVENT_OF[message], message)
        return self._outcome(step, Label("deliver", "client", message, rows))

    def _feed(self, step: _Step, event: Event, response: Message | None = None) -> tuple[str, ...]:
        """Have the machine take an event, and carry out what it asks for."""
        after, actions, rows = self._machine.step(step.state.machine, event)
        step.set(machine=after)
        for action in actions:
            if action in {Action.SEND_REQUEST, Action.RESEND_REQUEST}:
                step.sent.append(Message.REQUEST)
            elif action is Action.SEND_ACK:
                step.sent.append(Message.ACK)
            elif action is Action.PASS_RESPONSE and response is not None:
                self._passed(step, response)
            elif action is Action.INFORM_TIMEOUT:
                self._timed_out(step)
        return rows

    def _passed(self, step: _Step, response: Message) -> None:
        step.told.append(response)
        phase = step.state.phase
        if response is Message.PROVISIONAL:
            if phase == "waiting":
                step.set(phase="ringing")
            return
        if phase == "gave up":
            self._break(step, Property.S5, f"the caller is given a {response} after it gave up")
        elif phase == "over" and not self._is_invite:
            self._break(step, Property.S2, "the caller is given a second final response")
        else:
            step.set(phase="over", clock=None)
        if response is Message.SUCCESS and self._is_invite:
            step.sent.append(Message.ACK_2XX)

    def _timed_out(self, step: _Step) -> None:
        step.told.append("timeout")
        if step.state.phase in {"over", "gave up"}:
            self._break(step, Property.S5, "the caller is told of a timeout after it had an outcome")
        step.set(phase="gave up", clock=None)

    def _break(self, step: _Step, broken: Property, reason: str) -> None:
        if broken in self._properties:
            step.broken.append((broken, reason))

    def _outcome(self, step: _Step, label: Label) -> Outcome[ClientState]:
        sent = tuple(MESSAGES.index(message) for message in step.sent)
        return Outcome(step.state, sent, tuple(step.broken), label._replace(told=tuple(step.told)))
