"""One machine against its obligations as Promela: the same that `sipfsm.verify.watch` does, by other means.

Both classes of transport are in one text; the first step chooses one. Each further step is an event, a timer
or a tick. What a step asks for is counted and compared within the step.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sipfsm.fsm import Action, Event, Model, Timing
from sipfsm.verify.obligations import Deadline, Obligation, Obligations, Repetition
from sipfsm.verify.scenario import T1, TICK, ticks
from sipfsm.verify.spin.machine import LONGEST, Machine
from sipfsm.verify.spin.run import VARIANT, Limits, run_spin, run_variants
from sipfsm.verify.spin.variants import CHOSEN, Variants

Duty = Obligation | Deadline | Repetition

NO_ROW, FOR_NOTHING, UNASKED = 253, 254, 255
"""What is printed as broken where it is not the number of a duty."""


class Alone(NamedTuple):
    """What SPIN found out about a machine alone."""

    states: int
    """Worlds of both classes of transport, as `sipfsm.verify.watch` counts them; not all if one is wrong."""
    reason: str | None
    """What is wrong; None if nothing is."""
    steps: tuple[str, ...]
    """What happened until then."""


def verify_alone(model: Model, obligations: Obligations, limits: Limits | None = None) -> Alone:
    """Have SPIN hold a machine against its obligations.

    Args:
        model: the machine.
        obligations: what it has to do.
        limits: how much the search may take.

    Raises:
        MissingProgramError: spin or gcc is not installed.
        SpinError: a limit was reached before the search began.
    """
    text = Text(model, obligations)
    search = run_spin(text.promela(), limits, quick=True)
    if not search.violations:
        # Neither the state before the class is chosen nor the one after the end is a world.
        return Alone(search.states - 2, None, ())
    *steps, broken = search.violations[0].trail
    return Alone(search.states - 2, text.reason(int(broken.split()[1])), tuple(steps))


def judge_mutants(
    model: Model, mutants: Sequence[Model], obligations: Obligations, limits: Limits | None = None
) -> list[bool]:
    """Have SPIN say of each mutant of a model whether it keeps the obligations; one verifier serves for all.

    Raises:
        MissingProgramError: spin or gcc is not installed.
        SpinError: a limit was reached before the end.
    """
    text = Text(model, obligations, tuple(mutants))
    return run_variants(text.promela(), len(mutants), limits)


@dataclass(frozen=True)
class Text:
    """Writes the text for one model."""

    model: Model
    obligations: Obligations
    mutants: tuple[Model, ...] = ()
    """Models of which one can take the place of the first one when the verifier is started."""

    @cached_property
    def machines(self) -> tuple[Machine | Variants, Machine | Variants]:
        """The machine over unreliable and over reliable transports."""
        return self._machine("unreliable", reliable=False), self._machine("reliable", reliable=True)

    def _machine(self, name: str, *, reliable: bool) -> Machine | Variants:
        first = Machine(name, self.model, Timing(), reliable, TICK)
        if not self.mutants:
            return first
        others = [Machine(name, mutant, Timing(), reliable, TICK, first) for mutant in self.mutants]
        return Variants((first, *others))

    @cached_property
    def duties(self) -> list[Duty]:
        """All duties; the place of each, from 1, is its number."""
        return self.obligations.duties

    @cached_property
    def actions(self) -> list[str]:
        """All actions that are counted."""
        asked = {action for duty in self.duties for action in duty.asks}
        done = {action for _where, action in self.model.actions() if action in set(Action)}
        return sorted(asked | done)

    @cached_property
    def aged(self) -> list[str]:
        """The facts that have a clock."""
        return list(dict.fromkeys(deadline.since for deadline in self.obligations.in_time))

    def reason(self, broken: int) -> str:
        """Say what is wrong."""
        if broken == NO_ROW:
            return "an event can come for which no row waits"
        if broken == FOR_NOTHING:
            return "a timer fires for nothing"
        if broken == UNASKED:
            return "a timer brings about what nothing asks for now"
        duty = self.duties[broken - 1]
        return f"{' and '.join(duty.asks) or 'nothing'} is what has to be done (RFC {duty.rfc})"

    # ---- what is kept ---------------------------------------------------------------------------------

    @cached_property
    def variables(self) -> dict[str, str]:
        """All variables but what counts actions, with their types."""
        kept = {"chosen": "byte", "over": "bit"}
        for machine in self.machines:
            kept |= machine.variables
        kept |= {f"fact_{fact}": "bit" for fact in self.obligations.facts}
        kept |= {f"age_{fact}": "short" for fact in self.aged}
        for number in range(len(self.obligations.repeated)):
            kept |= {f"next_{number}": "short", f"gap_{number}": "short"}
        return kept

    def _reset(self) -> str:
        return "; ".join(f"{name} = 0" for name in [*self.variables, "did"])

    # ---- expressions ----------------------------------------------------------------------------------

    @staticmethod
    def _holds(duty: Obligation | Deadline) -> list[str]:
        return [f"fact_{fact}" for fact in sorted(duty.has)] + [
            f"!fact_{fact}" for fact in sorted(duty.lacks)
        ]

    def _did(self, asks: Sequence[str]) -> str:
        return f"did == {sum(self._weight(action) for action in asks)}"

    @staticmethod
    def _delay(deadline: Deadline, *, reliable: bool) -> int | None:
        text = deadline.reliable if reliable else deadline.unreliable
        return None if text is None else ticks(text)

    def _due(self, *, reliable: bool) -> list[tuple[int, str]]:
        """The number of each duty that time alone can bring, with when it does."""
        found = []
        for number, duty in enumerate(self.duties, start=1):
            if isinstance(duty, Deadline) and (delay := self._delay(duty, reliable=reliable)) is not None:
                found.append((number, " && ".join([f"age_{duty.since} == {delay + 1}", *self._holds(duty)])))
            if isinstance(duty, Repetition) and not reliable:
                found.append((number, f"next_{self.obligations.repeated.index(duty)} == 1"))
        return found

    # ---- steps ----------------------------------------------------------------------------------------

    def _options(self, machine: Machine | Variants) -> Iterator[str]:
        due = self._due(reliable=machine.reliable)
        here = f"chosen == {2 if machine.reliable else 1}"
        firing = _any(f"{machine.variable(timer)} == 1" for timer in machine.running)
        owed = _any(f"({condition})" for _number, condition in due)
        calm = f"{here} && !({firing}) && !({owed})"
        for timer in machine.running:
            guard, statements = machine.fire(timer, self._count)
            yield _step(f"timer {timer}", f"{here} && {guard}", [*statements, self._fired(machine, due)])
        for number, condition in due:
            yield _step("nothing", f"{here} && !({firing}) && {condition}", [self._break(number)])
        for number, duty in enumerate(self.obligations.on_event, start=1):
            for event in duty.on:
                guard = " && ".join([calm, *self._holds(duty)])
                yield _step(event, guard, [self._taken(machine, Event(event), number)])
        clocks = [*(machine.variable(timer) for timer in machine.running), *self._clocks()]
        passed = [*(f"{clock} = ({clock} -> {clock} - 1 : 0)" for clock in clocks if "age_" not in clock)]
        passed += [f"age_{fact} = (age_{fact} -> age_{fact} + 1 : 0)" for fact in self.aged]
        yield _step("tick", f"{calm} && ({_any(clocks)})", [*passed, *self._kept(machine)])

    def _clocks(self) -> list[str]:
        return [
            *(f"age_{fact}" for fact in self.aged),
            *(f"next_{number}" for number in range(len(self.obligations.repeated))),
        ]

    def _taken(self, machine: Machine | Variants, event: Event, number: int) -> str:
        obligation = self.obligations.on_event[number - 1]
        step = "; ".join(machine.step(event, self._count) or ["skip"])
        asks = list(obligation.asks)
        for deadline in self.obligations.in_time:
            if deadline.since in obligation.notes and self._delay(deadline, reliable=machine.reliable) == 0:
                asks += deadline.asks
        met = self._met(machine, number, asks)
        compared = f"if :: {self._did(asks)} -> {met} :: else -> {self._break(number)} fi"
        return f"if :: {machine.waits(event)} -> {step}; {compared} :: else -> {self._break(NO_ROW)} fi"

    def _fired(self, machine: Machine | Variants, due: list[tuple[int, str]]) -> str:
        options = [
            f":: {condition} && {self._did(self.duties[number - 1].asks)}"
            f" -> {self._met(machine, number, self.duties[number - 1].asks)}"
            for number, condition in due
        ]
        nothing = f":: {self._did(())} -> {self._break(FOR_NOTHING)}"
        return f"if {nothing} {' '.join(options)} :: else -> {self._break(UNASKED)} fi"

    def _met(self, machine: Machine | Variants, number: int, asks: Sequence[str]) -> str:
        """What follows from a duty that was done."""
        duty = self.duties[number - 1]
        if Action.TERMINATE in asks:
            return f"{self._reset()}; over = 1"
        lines = ["did = 0"]
        if isinstance(duty, Repetition):
            place = self.obligations.repeated.index(duty)
            lines += [f"gap_{place} = {self._gap(duty, place)}", f"next_{place} = gap_{place} + 1"]
        else:
            for fact in sorted(duty.notes):
                lines += [f"fact_{fact} = 1"] if fact in self.obligations.facts else []
                lines += [f"age_{fact} = 1"] if fact in self.aged else []
            lines += self._begun(machine, duty)
            lines += self._kept(machine) if duty.notes else []
        return "; ".join(lines)

    def _begun(self, machine: Machine | Variants, duty: Obligation | Deadline) -> Iterator[str]:
        for place, repetition in enumerate(self.obligations.repeated):
            if repetition.since in duty.notes and not machine.reliable:
                yield f"gap_{place} = {T1}"
                yield f"next_{place} = {T1 + 1}"

    @staticmethod
    def _gap(duty: Repetition, place: int) -> str:
        cap = ticks(duty.cap) if duty.cap else LONGEST
        longer = f"(gap_{place} * 2 < {cap} -> gap_{place} * 2 : {cap})"
        return f"(fact_{duty.flat} -> {cap} : {longer})" if duty.flat else longer

    def _kept(self, machine: Machine | Variants) -> Iterator[str]:
        """Forget the clocks that nothing can come of any more."""
        for fact in self.aged:
            open_ = [
                " && ".join([f"age_{fact} <= {delay + 1}", *(f"!fact_{lack}" for lack in sorted(each.lacks))])
                for each in self.obligations.in_time
                if each.since == fact and (delay := self._delay(each, reliable=machine.reliable)) is not None
            ]
            yield f"if :: {_any(open_)} -> skip :: else -> age_{fact} = 0 fi"
        for place, duty in enumerate(self.obligations.repeated):
            ended = _any(f"fact_{lack}" for lack in sorted(duty.lacks))
            yield f"if :: {ended} -> next_{place} = 0; gap_{place} = 0 :: else -> skip fi"

    def _count(self, action: Action, event: Event) -> list[str]:
        return [f"did = did + {self._weight(action)}"]

    def _weight(self, action: str) -> int:
        """What an action adds to `did`: the numbers of all actions are kept in one, each up to 3."""
        return 1 << 2 * self.actions.index(action)

    def _break(self, number: int) -> str:
        return f'printf("@broken {number}\\n"); assert(false)'

    def promela(self) -> str:
        """The whole text."""
        unreliable, reliable = self.machines
        return "\n".join(
            [
                f"/* {self.model.name}, alone: generated from the model and its obligations. */",
                *unreliable.constants(),
                *reliable.constants(),
                *(f"{kind} {name};" for name, kind in self.variables.items()),
                "int did;",
                *([f"short {CHOSEN};"] if self.mutants else []),
                "active proctype machine() {",
                *([f'c_code {{ now.{CHOSEN} = atoi(getenv("{VARIANT}")); }};'] if self.mutants else []),
                "do",
                ":: d_step { !chosen && !over -> chosen = 1 }",
                ":: d_step { !chosen && !over -> chosen = 2 }",
                *self._options(unreliable),
                *self._options(reliable),
                "od",
                "}",
                "",
            ]
        )


def _step(what: str, guard: str, statements: list[str]) -> str:
    return f':: d_step {{ {guard} -> printf("@{what}\\n"); {"; ".join(statements)} }}'


def _any(conditions: Iterable[str]) -> str:
    return " || ".join(conditions) or "false"
