"""A named case of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sipfsm.fuzz.catalogue.messages import register
from sipfsm.fuzz.pattern import response
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
