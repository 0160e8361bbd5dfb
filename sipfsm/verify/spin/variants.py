"""Several models in one text, for they differ in little: a variable says which of them runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sipfsm.fsm import TIMER_EVENTS, Event, Timer
from sipfsm.verify.spin.machine import Machine, Perform

CHOSEN = "variant"
"""The variable; 0 is the first machine."""


@dataclass(frozen=True)
class Variants:
    """Machines of one name, of which one runs; it offers what a `Machine` does."""

    machines: tuple[Machine, ...]

    @property
    def name(self) -> str:
        """The name of all of them."""
        return self.machines[0].name

    @property
    def reliable(self) -> bool:
        """The class of the transport."""
        return self.machines[0].reliable

    @cached_property
    def running(self) -> list[Timer]:
        """The timers that can run in any of them."""
        return list(dict.fromkeys(timer for machine in self.machines for timer in machine.running))

    @cached_property
    def variables(self) -> dict[str, str]:
        """The variables of all of them."""
        return {name: kind for machine in self.machines for name, kind in machine.variables.items()}

    def constants(self) -> list[str]:
        """The names of the states, which are the same ones."""
        return self.machines[0].constants()

    def variable(self, timer: Timer) -> str:
        """Where the ticks that a timer has left are kept."""
        return self.machines[0].variable(timer)

    def waits(self, event: Event) -> str:
        """Whether a row waits for an event."""
        conditions = [
            f"({text}) && ({which})" for text, which in self._groups([m.waits(event) for m in self.machines])
        ]
        return " || ".join(f"({condition})" for condition in conditions)

    def step(self, event: Event, perform: Perform) -> list[str]:
        """The statements that have the machine take an event, in whatever state it is."""
        first = self.machines[0]
        options = []
        for state in first.states:
            bodies = [machine.body(state, event, perform) for machine in self.machines]
            for body, which in self._groups(bodies):
                if body is not None:
                    options.append(f":: {self.name} == {first.constant(state)} && ({which}) -> {body}")
        return [f"if {' '.join(options)} :: else -> skip fi"] if options else []

    def fire(self, timer: Timer, perform: Perform) -> tuple[str, list[str]]:
        """When a timer is due, and the statements that have it fire."""
        variable = self.variable(timer)
        statements = [f"{variable} = 0", *self.step(TIMER_EVENTS[timer], perform)]
        last = self.machines[0].interval(timer)
        if last in self.variables:
            statements.append(f"if :: {variable} == 0 -> {last} = 0 :: else -> skip fi")
        return f"{variable} == 1", statements

    @staticmethod
    def _groups(texts: list[str] | list[str | None]) -> Iterator[tuple[str | None, str]]:
        """Each text that differs, with when it is the one: a few numbers, or none of all others."""
        numbers: dict[str | None, list[int]] = {}
        for number, text in enumerate(texts):
            numbers.setdefault(text, []).append(number)
        usual = texts[0]
        others = [
            f"{CHOSEN} == {number}" for text, each in numbers.items() if text != usual for number in each
        ]
        yield usual, f"!({' || '.join(others)})" if others else "true"
        for text, each in numbers.items():
            if text != usual:
                yield text, " || ".join(f"{CHOSEN} == {number}" for number in each)
