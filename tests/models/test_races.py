"""Section 3 of RFC 5407, typed from its ladders, is found by looking at every delivery of every run."""

from collections.abc import Mapping

import pytest

from sipfsm.fsm import load_model
from sipfsm.verify.call import Calling
from sipfsm.verify.call_mail import KINDS, LANES, End
from sipfsm.verify.crossings import Crossing, find_crossings
from sipfsm.verify.dialog_races import SHOWN, lines_of, write_races
from sipfsm.verify.scenario import Call, Network
from sipfsm.verify.scenarios import CALLS
from tests.models.findings import RACES_PAGE, races

# In one process: it explores each call once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("explorations")]

PRE, EAR, MORA, EST, MORT = "Preparative", "Early", "Moratorium", "Established", "Mortal"

RFC: dict[str, list[Crossing]] = {
    # What is marked *race*: the message, who sends it, in which state, and in which state it comes; for the
    # races of section 3.3.1 and 3.3.2, and for case 2, whose offer is pending where it comes.
    "3.1.1": [Crossing("INVITE", "caller", PRE, MORA)],
    "3.1.2": [Crossing("CANCEL", "caller", EAR, MORA)],
    "3.1.3": [Crossing("BYE", "caller", EAR, MORA)],
    "3.1.4": [Crossing("re-INVITE", "caller", EST, MORA)],
    "3.1.5": [Crossing("re-INVITE", "caller", EST, MORA, "callee")],
    "3.1.6": [Crossing("BYE", "caller", EST, MORA)],
    "3.2.1": [Crossing("BYE", "callee", EST, MORT), Crossing("BYE", "caller", EST, MORT)],
    "3.2.2": [Crossing("re-INVITE", "callee", EST, MORT)],
    "3.2.3": [Crossing("2xx (re-INVITE)", "caller", EST, MORT)],
    "3.2.4": [Crossing("ACK", "caller", MORA, MORT)],
    "3.3.1": [
        Crossing("re-INVITE", "caller", EST, EST, "callee"),
        Crossing("re-INVITE", "callee", EST, EST, "caller"),
    ],
    "3.3.2": [
        Crossing("UPDATE", "caller", EST, EST, "callee"),
        Crossing("re-INVITE", "callee", EST, EST, "caller"),
    ],
    "3.3.3": [Crossing("REFER", "callee", EST, MORT)],
}

ANSWERS: dict[str, list[str]] = {
    # What the receiver sends at once, by the ladders of the RFC.
    "3.1.1": [],
    "3.1.2": [],
    "3.1.3": ["2xx (BYE)"],
    "3.1.4": ["2xx (re-INVITE)"],
    "3.1.5": ["491 (re-INVITE)"],
    "3.1.6": ["2xx (BYE)"],
    "3.2.1": ["2xx (BYE)"],
    "3.2.2": ["481 (re-INVITE)"],
    "3.2.3": ["ACK (re-INVITE)"],
    "3.2.4": [],
    "3.3.1": ["491 (re-INVITE)"],
    "3.3.2": ["491 (UPDATE)"],
    "3.3.3": ["481 (REFER)"],
}

OTHER: Mapping[str | None, End] = {"caller": "callee", "callee": "caller"}


def exchanged(crossing: Crossing) -> Crossing:
    return crossing._replace(by=OTHER[crossing.by], pending=OTHER.get(crossing.pending))


SCENARIO = {race.section: race.scenario for race in SHOWN}


@pytest.mark.parametrize("section", RFC)
def test_a_race_of_the_rfc_is_found(section: str) -> None:
    assert set(RFC[section]) <= races()[SCENARIO[section]].keys()


@pytest.mark.parametrize("section", RFC)
def test_it_is_given_its_section_and_no_other_line_is(section: str) -> None:
    marked = {line.crossing for line in lines_of(races()) if section in line.sections}
    assert set(RFC[section]) <= marked
    # Where the RFC says UA, it is the same for the other side.
    assert marked <= set(RFC[section]) | {exchanged(crossing) for crossing in RFC[section]}


@pytest.mark.parametrize("section", RFC)
def test_it_is_answered_as_the_rfc_says(section: str) -> None:
    run = races()[SCENARIO[section]][RFC[section][0]]
    last = run.steps[-1]
    assert last.what == "deliver"
    assert [name.partition(" [")[0] for name in last.sent] == ANSWERS[section]
    assert len(run.steps) <= 11


def test_most_of_what_is_found_the_rfc_does_not_show() -> None:
    lines = lines_of(races())
    assert len(lines) == 84
    assert sum(bool(line.sections) for line in lines) == 18


def test_a_callee_that_waits_for_the_ack_hangs_up_before_it_only_when_none_came_in_time() -> None:
    for call in CALLS:
        runs = [
            run for crossing, run in races()[call.name].items() if crossing[:3] == ("BYE", "callee", MORA)
        ]
        assert all(any("DLE-19" in step.rows for step in run.steps) for run in runs)
        assert all(run.steps[-1].at >= 64 for run in runs)


def test_users_who_only_wait_on_a_network_in_order_cross_nothing_but_a_copy_of_the_invite() -> None:
    network = Network(losses=0, duplicates=0, delay=0, reordering=False)
    call = Call(name="quiet", title="", network=network, within=0)
    found = find_crossings(Calling(call, load_model))
    assert {crossing.message for crossing in found} == {"INVITE"}


def test_the_kinds_of_mail_tell_sender_and_state() -> None:
    assert len(KINDS) == len(set(KINDS))
    assert {kind.by for kind in KINDS} == set(LANES)


def test_the_page_says_what_is_found() -> None:
    written = write_races(races())
    assert RACES_PAGE.read_text(encoding="utf-8") == written, "write it anew: python -m tests.models.findings"
    for section in RFC:
        assert f"### {section} " in written
