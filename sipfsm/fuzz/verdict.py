"""Verdicts: what was seen of each rule, and what that makes of a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sipfsm.fuzz.pattern import Pattern
from sipfsm.fuzz.rules import Level, Rule


class Outcome(StrEnum):
    """What can be said of a rule, and of a case."""

    CONFORMANT = "conformant"
    DEVIATES = "deviates"
    NOT_OBSERVABLE = "not observable"


class Claim(StrEnum):
    """What a test without sipfsm has to check to see the same."""

    ARRIVES = "arrives"
    """A message that the pattern describes comes within the time."""
    STAYS_AWAY = "stays away"
    """No such message comes within the time."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What should have been seen, as data: for whoever plays the case again.

    Attributes:
        who: the player that looks.
        claim: what it looks for.
        pattern: the message.
        after: the number of the step after which it looks, counted from 0.
        within: for how many seconds.
        count: how many such messages have to come (`Claim.ARRIVES`), or may (`Claim.STAYS_AWAY`).
    """

    who: str
    claim: Claim
    pattern: Pattern
    after: int
    within: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """One rule, seen kept or broken once.

    Attributes:
        rule: what it is about.
        outcome: kept or broken.
        text: a sentence: the situation, what the rule asks for and, if it was broken, what came instead.
        time: seconds since the case began.
        expectation: what should have been seen; None where the rule was kept.
    """

    rule: Rule
    outcome: Outcome
    text: str
    time: float
    expectation: Expectation | None = None

    def __str__(self) -> str:
        return f"{self.text}: {self.rule.clause} ({kind_of(self.rule)} {self.rule.id})"


def kind_of(rule: Rule) -> str:
    """Return what the id of a rule names: a row of a model, or a rule beside the models."""
    return "rule" if rule.id[:1].islower() else "row"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a case.

    Attributes:
        case: its name.
        outcome: the worst that was seen of its rules.
        level: of the worst deviation; `Level.NONE` where there is none.
        reason: why it could not be observed; empty if it could.
        judgements: all that was seen, of the case's own rules first.
        rules: the ids of the case's own rules.
        seconds: how long it took.
        response_time: seconds until the target's first answer; None where there was none.
    """

    case: str
    title: str
    outcome: Outcome
    level: Level
    reason: str
    judgements: tuple[Judgement, ...]
    rules: tuple[str, ...]
    seconds: float
    response_time: float | None = None
    artifacts: list[str] = field(default_factory=list)

    @property
    def deviations(self) -> list[Judgement]:
        """The judgements that say so."""
        return [each for each in self.judgements if each.outcome is Outcome.DEVIATES]
