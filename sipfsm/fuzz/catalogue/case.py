"""A named case of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sipfsm.fuzz.catalogue.messages import register
from sipfsm.fuzz.pattern import Pattern, response
from sipfsm.fuzz.rules import Rule
from sipfsm.fuzz.script import Receive, Script, Send, Silence, Step


class Part(StrEnum):
    """What a target has to play for a case to be about it."""

    ANY = "any"
    """Whatever answers OPTIONS."""
    PROXY = "proxy"
    """It passes requests on to a callee that we play."""
    REGISTRAR = "registrar"
    """It takes registrations."""
    UAS = "uas"
    """It answers calls itself."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    Attributes:
        name: short, in lower case with hyphens; unique.
        title: what has to happen, as one sentence without a full stop.
        part: what the target has to play.
        steps: what happens; a registration of the callee comes before them where the target needs one.
        rows: the rows of the models that it shows.
        players: who takes part.
        unreliable: whether it says something about UDP only.
        registers: whether its callee has to be registered, or is called by its own address just as well.
    """

    name: str
    title: str
    part: Part
    steps: tuple[Step, ...]
    rows: tuple[str, ...] = ()
    players: tuple[str, ...] = ("caller",)
    unreliable: bool = False
    registers: bool = True

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules beside the models that its steps name."""
        return tuple(
            step.rule for step in self.steps if isinstance(step, Receive | Silence) and step.rule is not None
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all rows and rules that it is about."""
        return tuple(dict.fromkeys([*self.rows, *(rule.id for rule in self.rules)]))

    def script(self, *, registrar: bool) -> Script:
        """Return what is to be played; with the callees registered first if the target is a registrar."""
        steps: tuple[Step, ...] = self.steps
        if registrar and self.registers and len(self.players) > 1:
            first = [step for who in self.players[1:] for step in registration(who)]
            steps = (*first, *steps)
        return Script(steps, self.players)


def answered(
    name: str,
    title: str,
    data: bytes,
    answer: Pattern,
    rule: Rule,
    *,
    part: Part = Part.ANY,
    within: str = "1.5",
    valid: bool = True,
    rows: tuple[str, ...] = (),
    unreliable: bool = False,
) -> Case:
    """Return the case of one request, and of the answer that a rule wants.

    Args:
        name: as of `Case`.
        title: as of `Case`.
        data: the template of the request.
        answer: what has to come.
        rule: what wants it.
        part: as of `Case`.
        within: how soon.
        valid: whether the request is as it should be.
        rows: as of `Case`.
        unreliable: as of `Case`.
    """
    steps = (Send("caller", data, valid=valid), Receive("caller", answer, within=within, rule=rule))
    return Case(name, title, part, steps, rows, unreliable=unreliable)


def registration(who: str) -> tuple[Step, ...]:
    """Return the steps that register a callee for the user of the case."""
    message = register(
        who=who,
        contact=f"<{{{who}_uri}}>",
        branch=f"{{branch_register_{who}}}",
        call_id=f"{{call_id_register_{who}}}",
    )
    return (
        Send(who, message),
        Receive(who, response(200, 299, method="REGISTER")),
    )
