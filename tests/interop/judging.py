"""Judging a server from a test: the cases of the catalogue, without the command line."""

from __future__ import annotations

import trio

from sipfsm.fsm import Timing
from sipfsm.fuzz.catalogue import CASES, Case
from sipfsm.fuzz.player import Pace
from sipfsm.fuzz.player.play import Table
from sipfsm.fuzz.runner import Result, run_cases
from sipfsm.fuzz.setting import Role
from sipfsm.fuzz.target import find_target
from sipfsm.fuzz.verdict import Outcome

SLOW = {"timer-h", "timer-l", "timer-j", "timer-b", "timer-f", "no-408", "late-100", "timer-e-slows"}
"""Cases that wait for 64*T1 or for T2, which stays at 4 s when T1 is small."""

QUICK = [case for case in CASES if case.name not in SLOW]


def chosen(*names: str) -> list[Case]:
    """The cases of these names, in the order of the catalogue."""
    found = [case for case in CASES if case.name in names]
    assert len(found) == len(names), "there is no such case"
    return found


def judge(
    target: str,
    cases: list[Case] | None = None,
    *,
    t1: float = 0.5,
    role: Role | None = None,
    user: str = "sipfsm",
) -> Result:
    """Judge a server on this machine by cases; all quick ones, if nothing is said."""
    table = Table(find_target(target), Pace(400), Timing(t1=t1))
    return trio.run(run_cases, table, user, role, QUICK if cases is None else cases)


def judge_all(targets: dict[str, tuple[str, list[Case]]], *, t1: float) -> dict[str, Result]:
    """Judge several servers at a time, each by cases of its own; they mostly wait."""
    results: dict[str, Result] = {}

    async def one(name: str, target: str, cases: list[Case]) -> None:
        table = Table(find_target(target), Pace(400), Timing(t1=t1))
        results[name] = await run_cases(table, "sipfsm", None, cases)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for name, (target, cases) in targets.items():
                nursery.start_soon(one, name, target, cases)

    trio.run(main)
    return results


def broken(result: Result) -> set[str]:
    """The ids of all rows and rules that the server broke."""
    assert not result.lost, result.lost
    return {each.rule.id for verdict in result.verdicts for each in verdict.deviations}


def outcome(result: Result, name: str) -> Outcome:
    """The outcome of one case."""
    return next(verdict.outcome for verdict in result.verdicts if verdict.case == name)


def sentences(result: Result) -> str:
    """All that was said about deviations, to be shown when a test fails."""
    return "\n".join(f"{verdict.case}: {each}" for verdict in result.verdicts for each in verdict.deviations)
