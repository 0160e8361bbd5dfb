"""Generated sequences against a target; each deviation is played again to be sure, and shrunk."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.strategies import SearchStrategy

from sipfsm.fsm import load_model
from sipfsm.fuzz.oracle.bench import MODELS
from sipfsm.fuzz.player import Recording
from sipfsm.fuzz.player.play import Table
from sipfsm.fuzz.rules import Level, Rule, rule_of_row
from sipfsm.fuzz.runner import Result, Runner
from sipfsm.fuzz.script import Script
from sipfsm.fuzz.sequences import call_sequences, dialogs, registered
from sipfsm.fuzz.setting import Role, Setting, find_setting
from sipfsm.fuzz.target import TargetLostError
from sipfsm.fuzz.verdict import Judgement, Outcome, Verdict

AT_ONCE = 12
"""Sequences that are played side by side."""

BATCH = 40
"""Sequences that are made at a time."""

MAX_SHRINKS = 40
"""How often a sequence is played at most to find a shorter one."""


@dataclass(slots=True)
class Plan:
    """How long to go on.

    Attributes:
        examples: the most sequences.
        seconds: the most seconds; None for no limit.
        seed: what the sequences follow from.
    """

    examples: int
    seconds: float | None
    seed: int


@dataclass(slots=True)
class Seen:
    """What became of a rule in all sequences."""

    kept: int = 0
    broken: int = 0
    rule: Rule | None = None
    shortest: Script | None = None
    recording: Recording | None = None
    judgement: Judgement | None = None


@dataclass(slots=True)
class Campaign:
    """A run of the fuzzer.

    Attributes:
        played: how many sequences were played.
        scope: is to be cancelled by who wants no more sequences.
        seen: what became of each rule, by its id.
        slowest: the longest that the target took for a first answer, in seconds.
    """

    table: Table
    setting: Setting
    plan: Plan
    role: Role = Role.BOTH
    progress: Callable[[Campaign], None] | None = None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    played: int = 0
    seen: dict[str, Seen] = field(default_factory=dict)
    slowest: float = 0.0

    async def run(self, result: Result) -> None:
        """Play until the plan is fulfilled, somebody ends it or the target is lost; shrink what deviates."""
        began = trio.current_time()
        runner = Runner(self.table, self.setting, self.role)
        scripts = generate(self._strategy(), self.plan.examples, self.plan.seed)
        try:
            with self.scope, trio.move_on_after(self.plan.seconds or float("inf")):
                await self._play_all(runner, scripts)
            result.interrupted = self.scope.cancelled_caught
            await self._settle_all(runner)
        except TargetLostError as error:
            result.lost = f"{error} (after {self.played} sequences; seed {self.plan.seed})"
            result.last = runner.played_last()
        result.seconds = trio.current_time() - began
        self._report(result)

    def _strategy(self) -> SearchStrategy[Script]:
        if not self.setting.proxy:
            return call_sequences(relays=False)
        sequences = dialogs() | call_sequences()
        return sequences.map(registered) if self.setting.registrar else sequences

    # ---- playing

    async def _play_all(self, runner: Runner, scripts: Iterator[Script]) -> None:
        lost: list[TargetLostError] = []
        limit = trio.Semaphore(AT_ONCE)

        async def one(script: Script) -> None:
            try:
                recording, judgements = await runner.play_and_judge(script)
                self._note(script, recording, judgements)
                await runner.probe()
            except TargetLostError as error:
                lost.append(error)
                nursery.cancel_scope.cancel()
            finally:
                limit.release()

        async with trio.open_nursery() as nursery:
            for script in scripts:
                await limit.acquire()
                nursery.start_soon(one, script)
        if lost:
            raise lost[0]

    def _note(self, script: Script, recording: Recording, judgements: list[Judgement]) -> None:
        self.played += 1
        self.slowest = max(self.slowest, recording.response_time or 0.0)
        for judgement in judgements:
            seen = self.seen.setdefault(judgement.rule.id, Seen(rule=judgement.rule))
            if judgement.outcome is Outcome.CONFORMANT:
                seen.kept += 1
                continue
            seen.broken += 1
            if seen.shortest is None or script.messages < seen.shortest.messages:
                seen.shortest, seen.recording, seen.judgement = script, recording, judgement
        if self.progress is not None:
            self.progress(self)

    # ---- shrinking

    async def _settle_all(self, runner: Runner) -> None:
        lost: list[TargetLostError] = []

        async def one(seen: Seen) -> None:
            try:
                await self._settle(runner, seen)
            except TargetLostError as error:
                lost.append(error)

        async with trio.open_nursery() as nursery:
            for seen in self.seen.values():
                if seen.broken:
                    nursery.start_soon(one, seen)
        if lost:
            raise lost[0]

    async def _settle(self, runner: Runner, seen: Seen) -> None:
        """See if a deviation comes again, and with how few steps; what does not come again is none."""
        assert seen.shortest is not None
        script = seen.shortest
        if not await self._again(runner, script, seen):
            seen.broken, seen.judgement = 0, None
            return
        left = MAX_SHRINKS
        number = len(script.steps) - 1
        while number >= 0 and left > 0:
            shorter = script.without(number)
            left -= 1
            if shorter.messages and await self._again(runner, shorter, seen):
                script = shorter
            number -= 1
        await self._again(runner, script, seen)

    async def _again(self, runner: Runner, script: Script, seen: Seen) -> bool:
        """Play a script, and keep what was seen if it deviates in the same way."""
        assert seen.rule is not None
        recording, judgements = await runner.play_and_judge(script)
        for judgement in judgements:
            if judgement.outcome is Outcome.DEVIATES and judgement.rule.id == seen.rule.id:
                seen.shortest, seen.recording, seen.judgement = script, recording, judgement
                return True
        return False

    # ---- what was found

    def _report(self, result: Result) -> None:
        """Give a verdict for each row of the models, and for each rule beside them that was seen."""
        rules = {
            row.id: rule_of_row(row, f"in {row.source}, {row.trigger[0]}")
            for name in MODELS
            for row in load_model(name).transitions
        }
        for identity, seen in self.seen.items():
            if seen.rule is not None:
                rules.setdefault(identity, seen.rule)
        for identity, rule in rules.items():
            verdict = self._verdict(rule, self.seen.get(identity, Seen()))
            result.verdicts.append(verdict)
            found = self.seen.get(identity)
            if verdict.outcome is Outcome.DEVIATES and found is not None and found.recording is not None:
                result.recordings[verdict.case] = found.recording

    def _verdict(self, rule: Rule, seen: Seen) -> Verdict:
        title = f"{rule.text or rule.id} ({rule.clause})"
        if seen.broken and seen.judgement is not None:
            outcome, level, reason = Outcome.DEVIATES, rule.level, ""
            judgements: tuple[Judgement, ...] = (seen.judgement,)
        elif seen.kept:
            outcome, level, reason = Outcome.CONFORMANT, Level.NONE, f"seen {seen.kept} times"
            judgements = ()
        else:
            outcome, level, reason = Outcome.NOT_OBSERVABLE, Level.NONE, "never seen from outside"
            judgements = ()
        seconds = 0.0 if seen.recording is None else seen.recording.seconds
        return Verdict(rule.id, title, outcome, level, reason, judgements, (rule.id,), seconds)


def generate(strategy: SearchStrategy[Script], examples: int, seed: int) -> Iterator[Script]:
    """Make scripts; the same ones from the same seed.

    Args:
        strategy: what to draw from.
        examples: how many, at most.
        seed: what they follow from.
    """
    # What Hypothesis keeps for next time is of no use here, and not to be left where the program was started.
    set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "sipfsm-hypothesis")
    made = 0
    for batch in range(-(-examples // BATCH)):
        for script in _batch(strategy, min(BATCH, examples - made), seed + batch):
            made += 1
            yield script


def _batch(strategy: SearchStrategy[Script], count: int, seed: int) -> list[Script]:
    found: list[Script] = []

    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(script: Script) -> None:
        found.append(script)

    collect()
    return found[:count]


async def run_fuzz(
    table: Table,
    user: str,
    role: Role | None,
    plan: Plan,
    progress: Callable[[Campaign], None] | None = None,
    *,
    scope: trio.CancelScope | None = None,
) -> Result:
    """Find out what the target is, and fuzz it.

    Args:
        table: what all sequences share.
        user: the user to call where the target answers itself.
        role: which side to judge; None: what can be seen.
        plan: how long to go on.
        progress: is called after each sequence.
        scope: is to be cancelled by who wants no more sequences; what deviates is still shrunk.
    """
    target = table.target
    result = Result(str(target), protocol=target.protocol, address=target.host_port, timing=table.timing)
    try:
        result.setting = await find_setting(table, user)
    except TargetLostError as error:
        result.lost = str(error)
        return result
    ends = scope or trio.CancelScope()
    await Campaign(table, result.setting, plan, role or Role.BOTH, progress, ends).run(result)
    return result
