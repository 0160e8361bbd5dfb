"""The words of all reports."""

from __future__ import annotations

from collections import Counter

from sipfsm.fuzz.runner import Result
from sipfsm.fuzz.verdict import Judgement, Outcome, Verdict


def verdict_line(verdict: Verdict) -> str:
    """Return the outcome of a case in a few words."""
    if verdict.outcome is Outcome.DEVIATES:
        return f"deviates ({verdict.level})"
    return str(verdict.outcome)


def details(verdict: Verdict) -> list[str]:
    """Return what there is to say about a case beside its outcome: one sentence each."""
    if verdict.outcome is Outcome.DEVIATES:
        return unique([str(each) for each in verdict.deviations])
    return [verdict.reason] if verdict.reason else []


def unique(texts: list[str]) -> list[str]:
    """Return texts without those that were there before."""
    return list(dict.fromkeys(texts))


def summary(result: Result) -> str:
    """Return the whole run in one sentence."""
    counted = Counter(each.outcome for each in result.verdicts)
    parts = [f"{counted[outcome]} {outcome}" for outcome in Outcome]
    text = f"{len(result.verdicts)} cases in {result.seconds:.0f} s: {', '.join(parts)}."
    if result.lost:
        return f"{text} The target was lost: {result.lost}."
    return f"{text} The run was ended early." if result.interrupted else text


def deviations(result: Result) -> list[tuple[Verdict, Judgement]]:
    """Return each deviation once, with the case that shows it best: the shortest that is about it."""
    found: dict[str, list[tuple[Verdict, Judgement]]] = {}
    for verdict in result.verdicts:
        for judgement in verdict.deviations:
            found.setdefault(judgement.rule.id, []).append((verdict, judgement))

    def worth(pair: tuple[Verdict, Judgement]) -> tuple[bool, bool, float]:
        verdict, judgement = pair
        return judgement.expectation is None, judgement.rule.id not in verdict.rules, verdict.seconds

    return [min(pairs, key=worth) for pairs in found.values()]
