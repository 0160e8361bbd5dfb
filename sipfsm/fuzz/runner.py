"""Running cases side by side: each with its own sockets, and a look at the target after each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from operator import itemgetter

import trio

from sipfsm.fsm import Timing
from sipfsm.fuzz.catalogue.case import Case, Part
from sipfsm.fuzz.catalogue.messages import request
from sipfsm.fuzz.oracle import judge
from sipfsm.fuzz.pattern import FINAL
from sipfsm.fuzz.player import Recording, play
from sipfsm.fuzz.player.play import Table
from sipfsm.fuzz.rules import Level
from sipfsm.fuzz.script import Receive, Script, Send
from sipfsm.fuzz.setting import Role, Setting, find_setting, whole_call
from sipfsm.fuzz.target import TargetLostError
from sipfsm.fuzz.verdict import Judgement, Outcome, Verdict

AT_ONCE = 24
"""Cases that are played side by side: most of them only wait for timers."""

MAX_LAG = 0.4
"""Seconds by which our own clock may have been late in a case that counts."""

ATTEMPTS = 3
"""How often a case is played for a clock that is late."""

RECENT = 48
"""How many cases are kept to tell what was sent before the target was lost."""

PROBES = 4
"""How often the target is asked whether it is alive, a second each, before it counts as lost."""


@dataclass(slots=True)
class Result:
    """What a run found.

    Attributes:
        target: as the person named it.
        setting: what the target was found to be; None if it was lost before.
        verdicts: one for each case, in the order of the catalogue.
        lost: why the run ended early; empty if it did not.
        interrupted: whether somebody ended it early.
        seconds: how long it took.
        protocol: what the target speaks.
        address: its host and port.
        timing: the timer values that it is believed to have.
        recordings: what went over the wire in each case that deviates, by its name.
        last: what was played when the target was lost, the likeliest reason first.
        last_artifacts: the files that were written of it.
    """

    target: str
    setting: Setting | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    lost: str = ""
    interrupted: bool = False
    seconds: float = 0.0
    protocol: str = "udp"
    address: str = ""
    timing: Timing = field(default_factory=Timing)
    recordings: dict[str, Recording] = field(default_factory=dict)
    last: list[Recording] = field(default_factory=list)
    last_artifacts: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 conformant, 1 deviations, 3 target lost, 130 interrupted."""
        if self.lost:
            return 3
        if self.interrupted:
            return 130
        return int(any(each.outcome is Outcome.DEVIATES for each in self.verdicts))


_UNFIT = {
    Part.ANY: "the target does not answer OPTIONS",
    Part.PROXY: "the target passes nothing on to our callee",
    Part.REGISTRAR: "the target takes no registrations",
    Part.UAS: "the target answers no calls itself",
}

Progress = Callable[[Verdict], None]


async def run_cases(
    table: Table,
    user: str,
    role: Role | None,
    cases: Sequence[Case],
    progress: Progress | None = None,
    *,
    scope: trio.CancelScope | None = None,
) -> Result:
    """Find out what the target is, and judge it by cases.

    Args:
        table: what all cases share.
        user: the user to call where the target answers itself.
        role: which side to judge; None: what can be seen.
        cases: of the catalogue.
        progress: is told of each verdict, in the order in which they come.
        scope: is to be cancelled by who wants it to end early; the result has what was seen by then.
    """
    target = table.target
    result = Result(str(target), protocol=target.protocol, address=target.host_port, timing=table.timing)
    try:
        result.setting = await find_setting(table, user)
    except TargetLostError as error:
        result.lost = str(error)
    else:
        with scope or trio.CancelScope() as ends:
            await Runner(table, result.setting, role or Role.BOTH).run(cases, result, progress)
        result.interrupted = ends.cancelled_caught
    return result


class Runner:
    """Runs cases of the catalogue against one target."""

    def __init__(self, table: Table, setting: Setting, role: Role = Role.BOTH, *, replays: int = 1) -> None:
        """Prepare.

        Args:
            table: what all cases share.
            setting: what the target is.
            role: which side of it is judged.
            replays: how often a deviation has to come again before it is reported.
        """
        self._table = table
        self._setting = setting
        self._role = role
        self._replays = replays
        self._recent: deque[Recording] = deque(maxlen=RECENT)

    async def run(self, cases: Sequence[Case], result: Result, progress: Progress | None = None) -> None:
        """Run cases, and put the verdicts into the result in their order.

        A target that is lost ends the run: the result says so, and holds what was seen until then.
        """
        began = trio.current_time()
        verdicts: dict[str, Verdict] = {}
        # A phone has two lines; a proxy has more.
        limit = trio.CapacityLimiter(AT_ONCE if self._setting.proxy or not self._setting.uas else 2)

        async def one(case: Case) -> None:
            async with limit:
                if result.lost:
                    return
                try:
                    verdict, recording = await self.run_case(case)
                    await self.probe()
                except TargetLostError as error:
                    result.lost = f"{error} (during {case.name})"
                    result.last = self.played_last()
                    nursery.cancel_scope.cancel()
                    return
            verdicts[case.name] = verdict
            if verdict.deviations:
                result.recordings[case.name] = recording
            if progress is not None:
                progress(verdict)

        try:
            async with trio.open_nursery() as nursery:
                for case in cases:
                    nursery.start_soon(one, case)
        finally:
            result.verdicts = [verdicts[case.name] for case in cases if case.name in verdicts]
            result.seconds = trio.current_time() - began

    async def run_case(self, case: Case) -> tuple[Verdict, Recording]:
        """Play a case and judge it; what deviates is played again, and counts only if it deviates again."""
        if (reason := self._unfit(case)) is not None:
            return _unobserved(case, reason), Recording(Script(()))
        script = case.script(registrar=self._setting.registrar)
        recording, judgements = await self.play_and_judge(script)
        for _ in range(self._replays):
            broken = {each.rule.id for each in judgements if each.outcome is Outcome.DEVIATES}
            if not broken:
                break
            recording, again = await self.play_and_judge(script)
            confirmed = {each.rule.id for each in again if each.outcome is Outcome.DEVIATES} & broken
            judgements = [
                each for each in again if each.outcome is not Outcome.DEVIATES or each.rule.id in confirmed
            ]
        return verdict_of(case.name, case.title, case.ids, recording, judgements), recording

    async def play_and_judge(self, script: Script) -> tuple[Recording, list[Judgement]]:
        """Play a script once; once more while this machine is too slow to be a judge."""
        recording = await self._play(script)
        for _ in range(ATTEMPTS - 1):
            if recording.lag < MAX_LAG:
                break
            recording = await self._play(script)
        judgements = judge(recording, self._table.timing, reliable=self._table.target.reliable)
        return recording, [each for each in judgements if self._role.covers(each.rule.id)]

    async def _play(self, script: Script) -> Recording:
        return await play(script, self._table, self._setting.words, began=self._recent.append)

    def played_last(self) -> list[Recording]:
        """Return what was played last, each case once, the likeliest reason of the loss first.

        A message that ends a server gets no answer, and is sent when the last message comes from it.
        """
        end = max((_last_answer(each) for each in self._recent), default=0.0)
        unanswered = [(abs(at - end), each) for each in self._recent if (at := _unanswered(each)) is not None]
        by_case: dict[Script, Recording] = {}
        for _, recording in sorted(unanswered, key=itemgetter(0)):
            by_case.setdefault(recording.script, recording)
        return [*by_case.values()]

    def _unfit(self, case: Case) -> str | None:
        if not self._setting.offers(case.part):
            return _UNFIT[case.part]
        if not any(self._role.covers(identity) for identity in case.ids):
            return f"not on the side of --role {self._role}"
        if case.unreliable and self._table.target.reliable:
            return "says something about UDP only"
        return None

    async def probe(self) -> None:
        """See if the target is alive.

        Raises:
            TargetLostError: it does not answer any more.
        """
        if self._setting.options:
            script = Script(
                (Send("caller", request("OPTIONS", "sip:{target}")), Receive("caller", FINAL, within="1"))
            )
            words = {"aor": "sip:{target}"}
        else:
            script, words = whole_call(), {"remote_uri": "sip:{target}"} | self._setting.words
        for _ in range(PROBES):
            recording = await play(script, self._table, words)
            if not recording.stopped:
                return
        raise TargetLostError(f"{self._table.target} does not answer any more")


def _last_answer(recording: Recording) -> float:
    """Give when the last message came from the target, in seconds since 1970; 0 if none did."""
    return max(
        (recording.epoch + packet.time for packet in recording.packets if not packet.sent), default=0.0
    )


def _unanswered(recording: Recording) -> float | None:
    """Give when the first message was sent after which none came; None if one came after all."""
    silence = [*takewhile(lambda packet: packet.sent, reversed(recording.packets))]
    return recording.epoch + silence[-1].time if silence else None


def verdict_of(
    name: str, title: str, ids: tuple[str, ...], recording: Recording, judgements: Sequence[Judgement]
) -> Verdict:
    """Make the verdict of a case of all that was judged in it."""
    own = set(ids)
    ordered = sorted(judgements, key=lambda each: (each.rule.id not in own, each.time))
    broken = [each for each in ordered if each.outcome is Outcome.DEVIATES]
    reason, level = "", Level.NONE
    if broken:
        outcome = Outcome.DEVIATES
        level = min((each.rule.level for each in broken), key=list(Level).index)
    elif any(each.rule.id in own for each in ordered):
        outcome = Outcome.CONFORMANT
    else:
        outcome = Outcome.NOT_OBSERVABLE
        reason = recording.stopped or "the target never came to it"
    return Verdict(
        name, title, outcome, level, reason, tuple(ordered), ids, recording.seconds, recording.response_time
    )


def _unobserved(case: Case, reason: str) -> Verdict:
    return Verdict(case.name, case.title, Outcome.NOT_OBSERVABLE, Level.NONE, reason, (), case.ids, 0.0)
