"""What all followers of a case share: the engines, the tolerance and the list of judgements."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from sipfsm.fsm import Engine, Instance, Row, Timing, load_model
from sipfsm.fuzz.oracle.tolerance import Tolerance
from sipfsm.fuzz.rules import Level, Rule, rule_of_row
from sipfsm.fuzz.verdict import Expectation, Judgement, Outcome

MODELS = (
    "invite-server",
    "non-invite-server",
    "invite-client",
    "non-invite-client",
    "branch",
    "response-context",
)


class _Engines:
    """The machines for one choice of timers, which cost more than a case: all cases share them."""

    def __init__(self, timing: Timing) -> None:
        self.fired: list[Row] = []
        self.engines = {name: Engine(load_model(name), timing, observer=self._note) for name in MODELS}

    def _note(self, _instance: Instance, row: Row) -> None:
        self.fired.append(row)


_engines = cache(_Engines)


class Bench:
    """The engines of one run, and what was judged in the case at hand."""

    def __init__(self, timing: Timing, tolerance: Tolerance, *, reliable: bool) -> None:
        """Take the machines for these timers."""
        self.timing = timing
        self.tolerance = tolerance
        self.reliable = reliable
        self.judgements: list[Judgement] = []
        self._engines = _engines(timing)

    def create(self, model: str) -> Instance:
        """Make an instance of a model."""
        return self._engines.engines[model].create(reliable=self.reliable)

    def fired(self) -> list[Row]:
        """Return the rows that fired since the last time."""
        fired, self._engines.fired = self._engines.fired, []
        return fired

    def kept(self, rule: Rule, text: str, time: float) -> None:
        """Note that a rule was kept."""
        self.judgements.append(Judgement(rule, Outcome.CONFORMANT, text, time))

    def kept_rows(self, rows: Iterable[Row], time: float) -> None:
        """Note that rows were seen to happen."""
        broken = {each.rule.id for each in self.judgements if each.outcome is Outcome.DEVIATES}
        for row in rows:
            if row.id in broken:
                continue
            self.kept(rule_of_row(row), f"in {row.source}, {row.trigger[0]}", time)

    def broken(self, rule: Rule, text: str, time: float, expectation: Expectation | None) -> None:
        """Note that a rule was broken; where no RFC holds one, nothing can be."""
        if rule.level is not Level.NONE:
            self.judgements.append(Judgement(rule, Outcome.DEVIATES, text, time, expectation))
