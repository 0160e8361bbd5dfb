"""What an engine finds out, as data: the same for every engine, on screen, in a report and in JSON."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from sipfsm.verify.scenario import AnyProperty


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(_Strict):
    """What was looked for in a machine alone."""

    name: Literal["complete", "deterministic", "reachable", "can end", "waits for nobody"]
    problems: tuple[str, ...] = ()
    """A sentence for each place where it fails; none if it holds."""

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


class MachineResult(_Strict):
    """What was found out about a machine alone."""

    model: str
    checks: tuple[Check, ...]
    cells: int
    """Pairs of a live state and what can happen there: the RFC's own, so with Timers A to M."""
    further_cells: int
    """The same of timers that are our own."""
    ignored: int
    """Pairs for which there is no row, and need be none: what cannot happen there only its author knows."""
    waits: dict[str, str]
    """The live states in which no timer runs, each with who has to act."""

    @property
    def holds(self) -> bool:
        """Whether all checks hold."""
        return all(check.holds for check in self.checks)


class Step(_Strict):
    """One step of a run; which one it is follows from `what` and what belongs to it."""

    at: int
    """Ticks since the run began."""
    what: Literal["start", "deliver", "lose", "duplicate", "fire", "choose", "pass"]
    """`start` is the first step of every run; `pass` is time that passes."""
    who: str
    """The lane that it happens to: who gets the message, whose timer fires, who chooses; or `network`."""
    message: str | None = None
    """Of deliver, lose, duplicate: what was in flight."""
    way: tuple[str, str] | None = None
    """Of the same: the lanes of who sent it and who gets it."""
    age: int | None = None
    """Of the same: for how many ticks it was in flight."""
    detail: str = ""
    """Of fire: the timer. Of choose: the choice. Of pass: how many ticks."""
    rows: tuple[str, ...] = ()
    """The rows of the models that fired, by their ids."""
    sent: tuple[str, ...] = ()
    """What was handed to the network, in its order."""
    told: tuple[str, ...] = ()
    """What a transaction told its user, such as a response."""
    state: str = ""
    """Of a dialog: its state afterwards."""


class Counterexample(_Strict):
    """A run that breaks a property."""

    scenario: str
    property: AnyProperty
    reason: str
    """What happened in the last step, as a sentence."""
    lanes: tuple[str, ...] = ("caller", "client", "server", "callee")
    """Who takes part, in the order in which a picture shows them."""
    steps: tuple[Step, ...]
    circle: int | None = None
    """Of a run without an end: how many steps come before those that repeat for ever."""


class Verdict(_Strict):
    """Whether a property holds."""

    property: AnyProperty
    holds: bool | None
    """None: not decided, because the exploration was stopped before its end."""
    counterexample: Counterexample | None = None


class Result(_Strict):
    """What one engine found out about one scenario."""

    scenario: str
    engine: Literal["explore", "spin"]
    verdicts: tuple[Verdict, ...]
    states: int
    """Reachable global states that were seen, as `docs/explanation/verification.md` counts them."""
    steps: int
    """Steps between them that were taken; 0 where an engine does not count them."""
    depth: int
    """Steps of the longest of the shortest ways to a state; 0 where an engine does not know it."""
    complete: bool
    """Whether all states within the bounds were seen."""
    overflowed: bool | None = None
    """Whether `capacity` was ever exceeded: if not, it was no bound. None: not known."""
    seconds: float = 0.0

    @property
    def broken(self) -> bool:
        """Whether a property is known not to hold."""
        return any(verdict.holds is False for verdict in self.verdicts)
