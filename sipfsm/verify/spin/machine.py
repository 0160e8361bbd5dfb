"""One machine as Promela: its state, its timers in ticks, and what it does when an event comes.

A model has no guards, so all that happens at an event in a state is known beforehand, steps that a delay of 0
adds included. Each reaction is written as one straight run of statements.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from sipfsm.fsm import TIMER_EVENTS, Action, Event, Model, Row, Timer, TimerVerb, Timing
from sipfsm.fsm.vocabulary import TIMER_ACTIONS
from sipfsm.verify.spin.run import SpinError

Perform = Callable[[Action, Event], list[str]]
"""Says in Promela what an action does, with the event in whose step it is done."""

LONGEST = 32000
"""The longest delay in ticks: what is kept in a `short`, with some room."""


class TooLongError(SpinError):
    """A timer with more ticks than are counted; the text says which."""


@dataclass(frozen=True)
class Reaction:
    """What a machine does when an event comes: all actions in their order, and where it ends."""

    dest: str
    actions: tuple[str, ...]
    rows: tuple[str, ...]
    """Ids of the rows that fire; more than one where a timer of 0 seconds fires in the same step."""


@dataclass
class _Run:
    """A step as it is being worked out."""

    state: str
    actions: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    at_once: set[Timer] = field(default_factory=set)
    due: list[Timer] = field(default_factory=list)


@dataclass(frozen=True)
class Machine:
    """A model that stands in a composition under a name of its own.

    Attributes:
        name: begins the names of all its variables; letters, digits and `_`.
        model: what it runs.
        timing: the values of T1, T2, T4 and Timer C, in seconds.
        reliable: the class of the transport.
        tick: how many seconds a tick is.
        like: a machine of the same name whose numbers of states are to be taken.
    """

    name: str
    model: Model
    timing: Timing
    reliable: bool
    tick: float
    like: "Machine | None" = None

    @cached_property
    def delays(self) -> dict[Timer, int]:
        """The ticks of each timer that this class of transport runs; 0 fires within the step.

        Raises:
            TooLongError: a delay has too many ticks.
        """
        texts = {
            timer: spec.reliable if self.reliable else spec.unreliable
            for timer, spec in self.model.timers.items()
        }
        return {timer: self.ticks(timer, text) for timer, text in texts.items() if text is not None}

    def ticks(self, timer: Timer, text: str) -> int:
        """Turn a delay of the model into ticks, rounded up so that nothing but 0 is 0."""
        seconds = self.timing.delay(text)
        ticks = -int(-seconds // self.tick)
        if ticks > LONGEST:
            raise TooLongError(
                f"timer {timer} of {self.model.name} is {ticks} ticks long; SPIN can have {LONGEST}"
            )
        return ticks

    @cached_property
    def rows(self) -> dict[tuple[str, Event], Row]:
        """The row of each state and event."""
        return {(row.source, trigger): row for row in self.model.transitions for trigger in row.trigger}

    @cached_property
    def states(self) -> dict[str, int]:
        """The number of each state in the text; the initial one is 0, as all variables are at first."""
        if self.like is not None:
            return self.like.states
        live = [name for name in self.model.states if name not in {self.model.initial, *self.model.final}]
        return {name: number for number, name in enumerate([self.model.initial, *live])}

    @cached_property
    def running(self) -> list[Timer]:
        """The timers that can run between two steps."""
        return [timer for timer, ticks in self.delays.items() if ticks > 0]

    @cached_property
    def with_interval(self) -> set[Timer]:
        """The timers whose next delay depends on the last one."""
        back_off = {f"back_off_{timer}": timer for timer in self.running}
        return {back_off[action] for _where, action in self.model.actions() if action in back_off}

    def reaction(self, state: str, event: Event) -> Reaction | None:
        """Work out what an event does in a state; None if the state has no row for it."""
        if (state, event) not in self.rows:
            return None
        run = _Run(state)
        self._fire(run, event)
        while run.due:
            timer = run.due.pop(0)
            if timer in run.at_once:
                run.at_once.remove(timer)
                self._fire(run, TIMER_EVENTS[timer])
        return Reaction(run.state, tuple(run.actions), tuple(run.rows))

    def _fire(self, run: _Run, event: Event) -> None:
        row = self.rows.get((run.state, event))
        if row is None:
            return
        run.rows.append(row.id)
        for action in row.before:
            self._do(run, action)
        if row.dest is not None:
            for action in self.model.states[run.state].on_exit:
                self._do(run, action)
            run.state = row.dest
            for action in self.model.states[row.dest].on_enter:
                self._do(run, action)

    def _do(self, run: _Run, action: str) -> None:
        verb, timer = TIMER_ACTIONS.get(action, (None, None))
        if timer is None:
            if action == Action.TERMINATE:
                run.at_once.clear()
        elif timer not in self.delays:
            return
        elif self.delays[timer] == 0:
            if verb is TimerVerb.START:
                run.at_once.add(timer)
                run.due.append(timer)
            elif verb is TimerVerb.STOP:
                run.at_once.discard(timer)
            return
        run.actions.append(action)

    # ---- text -----------------------------------------------------------------------------------------
    # A timer that does not run is 0 and one that runs is 1 more than the ticks that it has left, so 1 is due.

    def variable(self, timer: Timer) -> str:
        """Where the ticks that a timer has left are kept."""
        return f"{self.name}_{timer}"

    def interval(self, timer: Timer) -> str:
        """Where the last delay of a timer is kept that backs off."""
        return f"{self.name}_{timer}_last"

    def constant(self, state: str) -> str:
        """The name of a state; a number makes it one of its own, whatever a user calls a state."""
        return f"{self.name}_in_{self.states[state]}_{re.sub(r'[^A-Za-z0-9]', '_', state)}"

    @cached_property
    def variables(self) -> dict[str, str]:
        """All variables with their types."""
        return {
            self.name: "byte",
            **{self.variable(timer): "short" for timer in self.running},
            **{self.interval(timer): "short" for timer in self.running if timer in self.with_interval},
        }

    def constants(self) -> list[str]:
        """The names of the states."""
        return [f"#define {self.constant(state)} {number}" for state, number in self.states.items()]

    def step(self, event: Event, perform: Perform) -> list[str]:
        """The statements that have the machine take an event, in whatever state it is.

        One that reaches a final state is as if it had never been: in its initial state, no timer runs.
        """
        bodies = ((state, self.body(state, event, perform)) for state in self.states)
        options = [
            f":: {self.name} == {self.constant(state)} -> {body}"
            for state, body in bodies
            if body is not None
        ]
        return [f"if {' '.join(options)} :: else -> skip fi"] if options else []

    def fire(self, timer: Timer, perform: Perform) -> tuple[str, list[str]]:
        """When a timer is due, and the statements that have it fire."""
        statements = [f"{self.variable(timer)} = 0", *self.step(TIMER_EVENTS[timer], perform)]
        if timer in self.with_interval:
            forget = f"if :: {self.variable(timer)} == 0 -> {self.interval(timer)} = 0 :: else -> skip fi"
            statements.append(forget)
        return f"{self.variable(timer)} == 1", statements

    def waits(self, event: Event) -> str:
        """Whether a row waits for an event."""
        waiting = [state for state in self.states if (state, event) in self.rows]
        return " || ".join(f"{self.name} == {self.constant(state)}" for state in waiting) or "false"

    def body(self, state: str, event: Event, perform: Perform) -> str | None:
        """The statements of one reaction; None if there is none."""
        reaction = self.reaction(state, event)
        if reaction is None:
            return None
        return "; ".join(self._statements(reaction, event, perform))

    def _statements(self, reaction: Reaction, event: Event, perform: Perform) -> Iterator[str]:
        yield f'printf("@rows {" ".join(reaction.rows)}\\n")'
        for action in reaction.actions:
            yield from self._statement(action, event, perform)
        if reaction.dest in self.model.final:
            yield from (f"{variable} = 0" for variable in self.variables)
        else:
            yield f"{self.name} = {self.constant(reaction.dest)}"

    def _statement(self, action: str, event: Event, perform: Perform) -> Iterator[str]:
        verb, timer = TIMER_ACTIONS.get(action, (None, None))
        if timer is None:
            if action == Action.TERMINATE:
                yield from (line for each in self.running for line in self._stop(each))
            yield from perform(Action(action), event)
        elif verb is TimerVerb.STOP:
            yield from self._stop(timer)
        else:
            yield from self._start(timer, self._delay(timer, verb))

    def _start(self, timer: Timer, delay: str) -> Iterator[str]:
        if timer in self.with_interval:
            yield f"{self.interval(timer)} = {delay}"
            delay = self.interval(timer)
        yield f"{self.variable(timer)} = {delay} + 1"

    def _stop(self, timer: Timer) -> Iterator[str]:
        yield f"{self.variable(timer)} = 0"
        if timer in self.with_interval:
            yield f"{self.interval(timer)} = 0"

    def _delay(self, timer: Timer, verb: TimerVerb | None) -> str:
        spec = self.model.timers[timer]
        cap = self.ticks(timer, spec.cap) if spec.cap is not None else LONGEST
        if verb is TimerVerb.CAP:
            return str(cap)
        if verb is TimerVerb.START:
            return str(self.delays[timer])
        # Rounded up, as every delay is.
        numerator, denominator = Fraction(spec.backoff).limit_denominator(1000).as_integer_ratio()
        longer = f"(({self.interval(timer)} * {numerator} + {denominator - 1}) / {denominator})"
        return f"({longer} < {cap} -> {longer} : {cap})"
