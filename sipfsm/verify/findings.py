"""The page of findings: what is wrong with machines that were published, each with the run that shows it."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sipfsm.fsm import Model
from sipfsm.verify.ladder import ladder, mermaid
from sipfsm.verify.races import RACES, Race, find_race
from sipfsm.verify.report import describe
from sipfsm.verify.results import Counterexample, Result
from sipfsm.verify.scenario import AnyScenario
from sipfsm.verify.scenarios import CALL_FINDINGS, FINDINGS

Find = Callable[[str], Model]


class Finding(NamedTuple):
    """A finding, in words."""

    title: str
    text: str
    broken: str
    """The scenario that breaks a property."""
    holds: str | None
    """The scenario with the remedy, in which all holds."""
    remedy: str


TOLD = (
    Finding(
        "The ghost call",
        "The server transaction of RFC 3261 ends with its 2xx. A copy of the INVITE that comes "
        "later, here one "
        "that the network made, finds no transaction: the phone rings again, for a call that exists already.",
        "ghost-call",
        None,
        "RFC 6026 has the transaction stay in `Accepted` for 64\\*T1. With its machines S1 holds: scenario "
        "`invite`.",
    ),
    Finding(
        "Waiting for ever",
        "No timer of the INVITE client transaction runs in `Proceeding`. If the callee rings and then is "
        "switched off, the caller waits until its user does something.",
        "no-timer-c",
        "with-timer-c",
        "A caller that has Timer C (a proxy must have it) sends CANCEL, and gives up 64\\*T1 later.",
    ),
    Finding(
        "Timer L is too short",
        "The callee answers the first INVITE at once, and every response is lost. Timer A has the "
        "client send "
        "the last copy at 63\\*T1. Timer L ends at 64\\*T1: a copy that takes longer than one T1 "
        "is a new call. "
        "T4, the longest that a message can be on its way, is ten T1.",
        "short-timer-l",
        "longer-timer-l",
        "With 64\\*T1+T4 no copy comes too late, however long it takes up to T4.",
    ),
    Finding(
        "Timer J is too short",
        "The same with a request that is no INVITE: Timer E has the client send its last copy at "
        "63\\*T1 as well.",
        "short-timer-j",
        "longer-timer-j",
        "64\\*T1+T4 is enough here, too.",
    ),
    Finding(
        "A transaction that is given up",
        "A transaction user that ends its server transaction without an answer has copies of the "
        "request come "
        "as new requests. No RFC says how long it has to keep a transaction that it will not answer.",
        "abandoned",
        None,
        "Keep it for 64\\*T1+T4, as Timer `tu` of our machine does: scenario `non-invite`, where "
        "the callee may "
        "fall silent.",
    ),
    Finding(
        "A BYE before the ACK",
        "RFC 5407 3.2.4 has the callee send a BYE before the ACK of its 2xx has come, which Figure 2 allows. "
        "If the 2xx is lost, and the BYE overtakes the provisional response, then the caller knows of no "
        "dialog: it refuses the BYE with 481. The callee is done, and repeats its 2xx no more. Then the "
        "provisional response comes, Timer B is stopped, and the caller waits until its user does something.",
        "call-hasty-bye",
        "call",
        "RFC 3261 15 forbids it: no BYE of the callee before the ACK has come, or before 64\\*T1 have passed "
        "without one. A callee that keeps to that leaves nobody waiting, however many messages are lost.",
    ),
)

_BEGINNING = (
    "What the exploration finds in machines that were published, and in ours if they are used otherwise than "
    "meant. Each run is the shortest there is; the time is in T1. What the words mean: "
    "[verification](verification.md). This page is generated: `python -m tests.models.findings`."
)

_RACES = (
    "Runs in which messages cross, as transactions and a proxy see them. They were found by looking for the "
    "shortest run that leads there. In all runs that go on from there, every property holds: scenarios "
    "`invite` and `fork`. The races of a dialog, all those of RFC 5407 among them, have "
    "[a page of their own](races.md)."
)


def write_findings(results: Sequence[Result], find: Find) -> str:
    """Write the page.

    Args:
        results: of all `FINDINGS` and `CALL_FINDINGS`, and of the scenarios in which all holds.
        find: gives the model of a name.
    """
    by_name = {result.scenario: result for result in results}
    return "\n".join(_page(by_name, find)) + "\n"


def _page(results: dict[str, Result], find: Find) -> Iterator[str]:
    yield from ["# Findings", "", filled(_BEGINNING)]
    every: tuple[AnyScenario, ...] = (*FINDINGS, *CALL_FINDINGS)
    scenarios = {scenario.name: scenario for scenario in every}
    for finding in TOLD:
        yield from _finding(finding, results, scenarios)
    yield from ["", "## Races", "", filled(_RACES)]
    for race in RACES:
        yield from _race(race, find_race(race, find))


def filled(text: str) -> str:
    """Break a paragraph into lines."""
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def _finding(
    finding: Finding, results: dict[str, Result], scenarios: dict[str, AnyScenario]
) -> Iterator[str]:
    result = results[finding.broken]
    bounds = f"Scenario `{finding.broken}`: {describe(scenarios[finding.broken].network)}. {_count(result)}"
    yield from ["", f"## {finding.title}", "", filled(finding.text), "", filled(bounds)]
    for verdict in result.verdicts:
        if verdict.counterexample is not None:
            yield from _drawn(verdict.counterexample)
    yield from ["", filled(finding.remedy)]
    if finding.holds is not None:
        names = " ".join(verdict.property for verdict in results[finding.holds].verdicts if verdict.holds)
        count = _count(results[finding.holds])
        yield from ["", filled(f"Scenario `{finding.holds}`: {names} hold. {count}")]


def _count(result: Result) -> str:
    return f"{result.states:,} states, {'all' if result.complete else 'not all'} within the bounds."


def _race(race: Race, run: Counterexample) -> Iterator[str]:
    yield from ["", f"### {race.name}", "", filled(f"{race.source}. {race.text}")]
    yield from _drawn(run, with_property=False)
    yield from ["", race.outcome]


def _drawn(run: Counterexample, *, with_property: bool = True) -> Iterator[str]:
    lines = ladder(run)
    yield from ["", "```text", *(lines if with_property else lines[:-1]), "```", "", "```mermaid"]
    yield mermaid(run).rstrip()
    yield "```"
