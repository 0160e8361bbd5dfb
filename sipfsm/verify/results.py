"""What an engine finds out, as data: the same for every engine, on screen, in a report and in JSON."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from sipfsm.verify.scenario import Message, Property


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Strict):
    """One step of a run; which one it is follows from `what` and what belongs to it."""

    at: int
    """Ticks since the run began."""
    what: Literal["start", "deliver", "lose", "duplicate", "fire", "choose", "pass"]
    """`start` is the first step of every run; `pass` is time that passes."""
    who: Literal["client", "server", "caller", "callee", "network"]
    """Whom it happens to: the one that gets the message, whose timer fires, or who chooses."""
    message: Message | None = None
    """Of deliver, lose, duplicate: what was in flight."""
    age: int | None = None
    """Of the same: for how many ticks it was in flight."""
    detail: str = ""
    """Of fire: the timer. Of choose: the choice. Of pass: how many ticks."""
    rows: tuple[str, ...] = ()
    """The rows of the models that fired, by their ids."""
    sent: tuple[Message, ...] = ()
    """What was handed to the network, in its order."""


class Counterexample(_Strict):
    """A run that breaks a property."""

    scenario: str
    property: Property
    reason: str
    """What happened in the last step, as a sentence."""
    steps: tuple[Step, ...]


class Verdict(_Strict):
    """Whether a property holds."""

    property: Property
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
