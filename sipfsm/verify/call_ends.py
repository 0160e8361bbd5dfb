"""The two ends of a call: what the user of the caller may do, and that of the callee."""

from collections.abc import Iterator, Sequence

from sipfsm.fsm import Action, Event
from sipfsm.verify.call_agent import Agent, AgentState, Step
from sipfsm.verify.scenario import CallProperty
from sipfsm.verify.side import Move, Outcome

TIMER_B = 64
"""Ticks after which the transaction of an INVITE without a response ends (:rfc:`3261#section-17.1.1.2`)."""


class Caller(Agent):
    """Who sends the INVITE."""

    end = "caller"

    def begin(self) -> Move:
        """Send the INVITE."""
        step = self._begun(self.states[self.start]._replace(repeats=1))
        if self._call.offer_in == "INVITE":
            self.make_offer(step)
        self._feed(step, Event.TU_INVITE, "INVITE")
        return self.moved(self._outcome(step, "choose", "INVITE"))

    def choices(self, state: AgentState) -> Iterator[Outcome[AgentState]]:
        """Yield what the user may do; at last it hangs up."""
        if state.name == "Preparative" and state.repeats:
            again = self._begun(state._replace(repeats=0))
            self._send(again, "INVITE")
            yield self._outcome(again, "choose", "INVITE again")
        if state.name == "Early":
            yield from (self._chosen(state, wish) for wish in state.wishes if wish in {"CANCEL", "early BYE"})
        if state.name == "Moratorium":
            yield self._acknowledged(state)
        if state.name == "Moratorium" and "BYE" in state.wishes:
            yield self._chosen(state, "BYE")
        if state.name in {"Established", "Mortal"}:
            at_last = ["BYE"] if state.name == "Established" and state.clock == 0 else []
            yield from self._wished(state, also=at_last)
        if state.clock == 0 and state.name == "Preparative":
            yield self._timed_out(state)
        elif state.clock == 0 and state.name in {"Early", "Mortal"}:
            yield self._rest(state)

    def _time_in(self, state: AgentState) -> int | None:
        return TIMER_B if state.name == "Preparative" else super()._time_in(state)

    def _timed_out(self, state: AgentState) -> Outcome[AgentState]:
        """Have the transaction of the INVITE end without a response: that counts as a 408."""
        step = self._begun(state)
        self._feed(step, Event.RESPONSE_300_699)
        return self._outcome(step, "fire", "B")

    def _acknowledged(self, state: AgentState) -> Outcome[AgentState]:
        step = self._begun(state)
        self._feed(step, Event.TU_ACK)
        if self._call.offer_in == "2xx":
            self.settle_offer(step, Event.TU_ANSWER)
        return self._outcome(step, "choose", "ACK")

    def _ask(self, step: Step, request: str) -> None:
        if request == "CANCEL":
            self._feed(step, Event.TU_CANCEL)
        else:
            super()._ask(step, request)

    def perform(self, step: Step, action: Action) -> None:
        """Send CANCEL."""
        if action is Action.SEND_CANCEL:
            self._send(step, "CANCEL")

    def take_of_invite(self, step: Step, message: str) -> None:
        """Take a response to the INVITE."""
        if message == "1xx":
            self._feed(step, Event.RESPONSE_1XX)
        elif message == "3xx-6xx":
            self._feed(step, Event.RESPONSE_300_699)
        else:
            self._feed_2xx(step, "ACK")
            if step.before.name in {"Preparative", "Early"}:
                self._take_first_session(step)

    def _take_first_session(self, step: Step) -> None:
        if self._call.offer_in == "INVITE":
            self.settle_offer(step, Event.ANSWER)
        else:
            self.take_offer(step)

    def _check(self, step: Step, event: Event, before: AgentState, actions: Sequence[Action]) -> None:
        super()._check(step, event, before, actions)
        if before.name == "Moratorium" != step.state.name and Action.ACKNOWLEDGE not in actions:
            self._break(step, CallProperty.D2, "the caller leaves Moratorium without an ACK")


class Callee(Agent):
    """Who answers the INVITE."""

    end = "callee"

    def choices(self, state: AgentState) -> Iterator[Outcome[AgentState]]:
        """Yield what the user may do; at last it answers."""
        if state.name in {"Preparative", "Early"}:
            if state.name == "Preparative":
                yield self._answered(state, Event.TU_101_199, "1xx")
            yield self._answered(state, Event.TU_2XX, "2xx")
            yield self._answered(state, Event.TU_300_699, "3xx-6xx")
        elif state.name != "Moratorium":
            yield from self._wished(state)
        elif "BYE" in state.wishes and not self._call.waits_for_ack:
            yield self._chosen(state, "BYE")
        if state.clock == 0 and state.name not in {"Preparative", "Early"}:
            yield self._rest(state)

    def _answered(self, state: AgentState, event: Event, response: str) -> Outcome[AgentState]:
        step = self._begun(state)
        self._feed(step, event, response)
        if event is Event.TU_2XX and self._call.offer_in == "INVITE":
            self.settle_offer(step, Event.TU_ANSWER)
        elif event is Event.TU_2XX:
            self.make_offer(step)
        return self._outcome(step, "choose", response)

    def perform(self, step: Step, action: Action) -> None:
        """Repeat the 2xx; refuse the INVITE of a dialog that a BYE has ended."""
        if action is Action.RESEND_RESPONSE:
            self._send(step, "2xx")
        elif action is Action.REFUSE_INVITE:
            self._send(step, "3xx-6xx")

    def take_of_invite(self, step: Step, message: str) -> None:
        """Take the INVITE, a CANCEL or the ACK of the 2xx."""
        if message == "INVITE":
            self._feed(step, Event.INVITE)
            if step.before.dialog == self._dialog.initial and self._call.offer_in == "INVITE":
                self.take_offer(step)
        elif message == "ACK":
            self._feed(step, Event.ACK)
            if step.before.name == "Moratorium" and self._call.offer_in == "2xx":
                self.settle_offer(step, Event.ANSWER)
        else:
            self._cancelled(step)

    def _cancelled(self, step: Step) -> None:
        """Have the user answer 487 at once, in the state in which it is (:rfc:`5407`, appendix C)."""
        self._feed(step, Event.CANCEL)
        if step.state.name in {"Preparative", "Early"}:
            step.answering = False
            self._feed(step, Event.TU_300_699, "3xx-6xx")
