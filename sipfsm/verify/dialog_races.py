"""The page of races: what crosses what in a dialog, and which of it RFC 5407 shows."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sipfsm.verify.call_mail import STATES
from sipfsm.verify.crossings import Crossing
from sipfsm.verify.findings import filled
from sipfsm.verify.ladder import ladder
from sipfsm.verify.results import Counterexample


class Race(NamedTuple):
    """A race of RFC 5407, or another one that is worth a picture."""

    section: str
    """Of RFC 5407; empty if it is not there."""
    title: str
    scenario: str
    """In which it is looked for."""
    crossing: Crossing
    outcome: str
    also: Crossing | None = None
    """The other half of a crossover, or the same with the sides exchanged."""


PRE, EAR, MORA, EST, MORT, MORG = "Preparative", "Early", "Moratorium", "Established", "Mortal", "Morgue"

SHOWN = (
    Race(
        "3.1.1",
        "Callee receives initial INVITE retransmission (Preparative) while in Moratorium",
        "call",
        Crossing("INVITE", "caller", PRE, MORA),
        "Nothing changes: no second call, and the 2xx is repeated by its own timer.",
    ),
    Race(
        "3.1.2",
        "Callee receives CANCEL (Early) while in Moratorium",
        "call",
        Crossing("CANCEL", "caller", EAR, MORA),
        "Nothing changes: the call is there, and the caller has to end it with a BYE.",
    ),
    Race(
        "3.1.3",
        "Callee receives BYE (Early) while in Moratorium",
        "call",
        Crossing("BYE", "caller", EAR, MORA),
        "The callee accepts the BYE and is Mortal, too. The caller acknowledges the 2xx all the same.",
    ),
    Race(
        "3.1.4",
        "Callee receives re-INVITE (Established) while in Moratorium, case 1",
        "call-re-invite",
        Crossing("re-INVITE", "caller", EST, MORA),
        "The answer to the first offer was in the 2xx, so none is pending: the re-INVITE is answered 200.",
    ),
    Race(
        "3.1.5",
        "Callee receives re-INVITE (Established) while in Moratorium, case 2",
        "call-late-offer",
        Crossing("re-INVITE", "caller", EST, MORA, "callee"),
        "The same crossing; but the first offer was in the 2xx, and its answer is in the ACK that has not "
        "come: an offer of the callee is pending, and the re-INVITE is answered 491.",
    ),
    Race(
        "3.1.6",
        "Callee receives BYE (Established) while in Moratorium",
        "call",
        Crossing("BYE", "caller", EST, MORA),
        "The callee accepts the BYE; the 2xx is repeated no more.",
    ),
    Race(
        "3.2.1",
        "UA receives BYE (Established) while in Mortal",
        "call",
        Crossing("BYE", "caller", EST, MORT),
        "Both get a 200.",
        also=Crossing("BYE", "callee", EST, MORT),
    ),
    Race(
        "3.2.2",
        "UA receives re-INVITE (Established) while in Mortal",
        "call-re-invite",
        Crossing("re-INVITE", "callee", EST, MORT),
        "The re-INVITE is answered 481.",
        also=Crossing("re-INVITE", "caller", EST, MORT),
    ),
    Race(
        "3.2.3",
        "UA receives 200 OK for re-INVITE (Established) while in Mortal",
        "call-re-invite",
        Crossing("2xx (re-INVITE)", "caller", EST, MORT),
        "It is acknowledged, and no session comes of it.",
        also=Crossing("2xx (re-INVITE)", "callee", EST, MORT),
    ),
    Race(
        "3.2.4",
        "Callee receives ACK (Moratorium) while in Mortal",
        "call-hasty-bye",
        Crossing("ACK", "caller", MORA, MORT),
        "Nothing changes; an answer in the ACK is ignored. The callee should not have sent this BYE: "
        "[a finding](findings.md#a-bye-before-the-ack). One that keeps to RFC 3261 15 meets such an ACK if "
        "the caller hangs up right after its ACK, and its BYE comes first.",
    ),
    Race(
        "3.3.1",
        "Re-INVITE crossover",
        "call-re-invite",
        Crossing("re-INVITE", "caller", EST, EST, "callee"),
        "The dialogs agree, the offers do not: each side has one pending when that of the other comes, and "
        "answers it 491.",
        also=Crossing("re-INVITE", "callee", EST, EST, "caller"),
    ),
    Race(
        "3.3.2",
        "UPDATE and re-INVITE crossover",
        "call-update",
        Crossing("UPDATE", "caller", EST, EST, "callee"),
        "The UPDATE is answered 491, and so is the re-INVITE at the other side.",
        also=Crossing("re-INVITE", "callee", EST, EST, "caller"),
    ),
    Race(
        "3.3.3",
        "Receiving REFER (Established) while in Mortal",
        "call-refer",
        Crossing("REFER", "callee", EST, MORT),
        "The REFER is answered 481.",
        also=Crossing("REFER", "caller", EST, MORT),
    ),
)
"""Section 3 of RFC 5407, in its order."""

NOTED = (
    Race(
        "",
        "A BYE overtakes all that could begin a dialog",
        "call-hasty-bye",
        Crossing("BYE", "callee", MORA, PRE),
        "The caller knows of no dialog: 481. What can come of it is [a "
        "finding](findings.md#a-bye-before-the-ack).",
    ),
    Race(
        "",
        "A 481 comes before the BYE that explains it",
        "call-refer",
        Crossing("481 (REFER)", "caller", MORT, EST),
        "The callee learns from the answer to its REFER that there is no dialog any more, and has to end it "
        "(RFC 3261 12.2.1.2 SHOULD): its BYE crosses that of the caller.",
    ),
    Race(
        "",
        "The ACK comes before the BYE that was sent first",
        "call",
        Crossing("ACK", "caller", MORT, MORA),
        "The caller has hung up early, and acknowledges the 2xx as it must. To the callee the call looks "
        "established, until the BYE comes.",
    ),
    Race(
        "",
        "An early BYE comes to a callee that has declined",
        "call",
        Crossing("BYE", "caller", EAR, MORG),
        "There is no dialog any more: 481 (RFC 3261 15.1.2 SHOULD), and that ends it at the caller as well.",
    ),
)
"""Races that RFC 5407 does not show."""


class Line(NamedTuple):
    """A race that an exploration found."""

    crossing: Crossing
    scenario: str
    """The first one in which it is met."""
    run: Counterexample
    """A shortest run in that scenario; the race is its last step."""

    @property
    def sections(self) -> list[str]:
        """The sections of RFC 5407 that show it."""
        return [race.section for race in SHOWN if self.crossing in {race.crossing, race.also}]


def lines_of(runs: Mapping[str, Mapping[Crossing, Counterexample]]) -> list[Line]:
    """Put together what was found in several scenarios, by the name of each."""
    lines: dict[Crossing, Line] = {}
    for scenario, found in runs.items():
        for crossing, run in found.items():
            lines.setdefault(crossing, Line(crossing, scenario, run))
    return list(lines.values())


_BEGINNING = (
    "*Race conditions are generated when the dialog state of the receiving side differs from that of the "
    "sending side* (RFC 5407 2). That sentence is all that was looked for. The composition of two user "
    "agents ([verification](verification.md#a-call)) was explored whole, within its bounds; each message "
    "carries the state in which its sender was, and every delivery to a dialog in another state is a line "
    "here. Then the lines that RFC 5407 shows were given their sections. So this is all that can cross in "
    "these scenarios; and in all runs that go on from there properties D1 to D6 hold, but for the finding "
    "that is named. This page is generated: `python -m tests.models.findings`."
)

_READING = (
    "States are written as in RFC 5407: Pre, Ear, Mora, Est, Mort, Morg. A message that is a user's own was "
    "sent in the state before the sending, an answer in the state that the request led to; *own offer* is "
    "that one of the receiver is pending. On the right of a run are the rows that fire, the state of the "
    "dialog where it changes, and what is sent. The time is in T1."
)


def write_races(runs: Mapping[str, Mapping[Crossing, Counterexample]]) -> str:
    """Write the page.

    Args:
        runs: by the name of a scenario, a shortest run to each race that was found in it.
    """
    return "\n".join(_page(runs)) + "\n"


def _page(runs: Mapping[str, Mapping[Crossing, Counterexample]]) -> Iterator[str]:
    lines = lines_of(runs)
    shown = sorted((line for line in lines if line.sections), key=lambda line: line.sections)
    others = [line for line in lines if not line.sections]
    yield from ["# Races", "", filled(_BEGINNING), "", filled(_READING)]
    counted = f"{len(lines)} lines: {len(shown)} that RFC 5407 shows, and {len(others)} that it does not."
    yield from ["", filled(counted), "", "## What RFC 5407 shows", ""]
    yield from _table(shown)
    for race in SHOWN:
        yield from _drawn(race, runs)
    yield from ["", "## What it does not show", "", filled(_OTHERS), ""]
    yield from _table(others)
    for race in NOTED:
        yield from _drawn(race, runs)


_OTHERS = (
    "Late copies and overtaken provisional responses mostly, which the rows have to bear; and some that a "
    "user "
    "agent is better prepared for, drawn below the table."
)


def _table(lines: list[Line]) -> Iterator[str]:
    yield "| RFC 5407 | message | from | sent in | comes in | what then | scenario | steps |"
    yield "|---|---|---|---|---|---|---|---:|"
    for line in lines:
        crossing, last = line.crossing, line.run.steps[-1]
        sent = ", ".join(name.partition(" [")[0] for name in last.sent)
        then = ": ".join(part for part in (", ".join(last.rows), sent) if part)
        cells = [
            ", ".join(line.sections) or "-",
            crossing.message,
            crossing.by,
            STATES[crossing.sent_in],
            STATES[crossing.received_in] + _pending(crossing),
            then or "nothing",
            f"`{line.scenario}`",
            str(len(line.run.steps)),
        ]
        yield f"| {' | '.join(cells)} |"


def _pending(crossing: Crossing) -> str:
    if crossing.pending is None:
        return ""
    return ", offer of the sender" if crossing.pending == crossing.by else ", own offer"


def _drawn(race: Race, runs: Mapping[str, Mapping[Crossing, Counterexample]]) -> Iterator[str]:
    run = runs[race.scenario][race.crossing]
    yield from [
        "",
        f"### {race.section} {race.title}".replace("  ", " "),
        "",
        f"Scenario `{race.scenario}`.",
        "",
    ]
    yield from ["```text", *ladder(run)[:-1], "```", "", filled(race.outcome)]
