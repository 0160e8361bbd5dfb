"""The catalogue: what it promises, and that it can be played."""

from __future__ import annotations

import re

import pytest

from sipfsm.fsm import DelayError, Timing, load_model
from sipfsm.fuzz.catalogue import CASES, Case, Part
from sipfsm.fuzz.oracle.bench import MODELS
from sipfsm.fuzz.rules import Level, rule_of_row
from sipfsm.fuzz.script import Pause, Receive, Send, Silence
from sipfsm.message import Request, parse_message_untrusted

ROWS = {row.id: row for name in MODELS for row in load_model(name).transitions}
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def test_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_a_rule_says_the_same_wherever_it_is_named() -> None:
    rules: dict[str, set[str]] = {}
    for case in CASES:
        for rule in case.rules:
            rules.setdefault(rule.id, set()).add(rule.clause)
    assert {name: clauses for name, clauses in rules.items() if len(clauses) > 1} == {}


@every_case
def test_a_case_is_about_something(case: Case) -> None:
    assert case.ids
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", case.name)
    assert not case.title.endswith(".")
    for number in case.ids:
        assert number in ROWS or number.islower() or number == "ICT-23"


@every_case
def test_a_case_can_be_played(case: Case) -> None:
    players = set(case.players)
    timing = Timing()
    for step in case.script(registrar=True).steps:
        if isinstance(step, Pause):
            assert timing.delay(step.lasting) > 0
        else:
            assert step.who in players
        if isinstance(step, Receive | Silence):
            delay = step.within if isinstance(step, Receive) else step.lasting
            try:
                assert timing.delay(delay) > 0
            except DelayError as error:
                pytest.fail(str(error))


@every_case
def test_what_is_called_valid_is(case: Case) -> None:
    words = {
        "callee": "127.0.0.1:2",
        "callee2": "127.0.0.1:3",
        "caller": "127.0.0.1:1",
        "target": "127.0.0.1:5060",
    }
    words |= {"transport": "UDP", "routes": "", "to_tag_param": ";tag=x"}
    for step in case.script(registrar=False).steps:
        if isinstance(step, Send) and step.valid:
            text = re.sub(
                r"\{(\w+)\}", lambda match: words.get(match[1], "sip:x@127.0.0.1"), step.message.decode()
            )
            message = parse_message_untrusted(re.sub("(=|: )sip:x@127.0.0.1", r"\1z9hG4bKx", text).encode())
            assert isinstance(message, Request) or case.name == "stray-response"


def test_the_rows_of_the_four_machines_that_can_be_seen_are_in_the_catalogue() -> None:
    """Rows with an action that shows, and those that absorb; not what nobody outside can bring about."""
    seen = {number for case in CASES for number in case.ids}
    wanted = {
        *("IST-01", "IST-02", "IST-03", "IST-04", "IST-05", "IST-08", "IST-09", "IST-10", "IST-11", "IST-16"),
        *(
            "IST-17",
            "IST-19",
            "IST-22",
            "IST-23",
            "IST-29",
            "NIST-01",
            "NIST-02",
            "NIST-05",
            "NIST-08",
            "NIST-15",
        ),
        *(
            "NIST-21",
            "ICT-01",
            "ICT-02",
            "ICT-04",
            "ICT-05",
            "ICT-06",
            "ICT-08",
            "ICT-10",
            "ICT-13",
            "ICT-18",
        ),
        *("ICT-23", "NICT-01", "NICT-02", "NICT-04", "NICT-05", "NICT-07", "NICT-12"),
    }
    assert wanted <= seen
    assert wanted <= ROWS.keys()


def test_each_part_has_cases() -> None:
    assert {case.part for case in CASES} == set(Part)


def test_the_level_of_a_row_is_that_of_its_clause() -> None:
    assert rule_of_row(ROWS["IST-09"]).level is Level.MUST
    assert rule_of_row(ROWS["IST-08"]).level is Level.SHOULD
    assert rule_of_row(ROWS["IST-17"]).level is Level.STATED
    assert rule_of_row(ROWS["IST-06"]).level is Level.NONE
    assert rule_of_row(ROWS["NIST-05"]).clause == "Erratum 1470"
    assert rule_of_row(ROWS["ICT-23"]).clause == "RFC 6026 7.2 and 7.3"
