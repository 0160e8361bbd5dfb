"""Servers judged from outside: faults that were planted are found, and none is invented."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sipfsm.fuzz.runner import Result
from sipfsm.fuzz.setting import Role
from sipfsm.fuzz.verdict import Outcome
from tests.interop.faulty import FAULTS, FaultyServer
from tests.interop.judging import QUICK, SLOW, broken, chosen, judge, judge_all, outcome, sentences
from tests.interop.laboratory import Laboratory

T1 = 0.1

MUST_FIND = {
    "ack-branch": {"ICT-06", "ICT-10", "ack-of-failure"},
    "no-timer-g": {"IST-09"},
    "ghost-call": {"IST-22"},
    "success-again": {"IST-22"},
    "no-trying": {"IST-29"},
    "early-trying": {"NIST-21"},
    "ack-answered": {"ack-answered"},
    "response-via": {"response-via"},
    "another-response": {"IST-08", "NIST-15"},
    "cancel-unanswered": {"cancel-answered"},
    "cancel-ignored": {"BRA-18"},
    "no-to-tag": {"response-to"},
    "hops-kept": {"forwarded-hops"},
    "timer-e-flat": {"NICT-02"},
}
"""For each fault what names it: rows and rules that a verdict has to give, all of them."""

FOLLOWS = {
    "no-timer-g": {"IST-08"},
    "ack-branch": {"ack-via", "ICT-13"},
    "response-via": {"IST-02", "IST-29", "RCX-05", "IST-08", "IST-09", "fork-best"},
    "another-response": {"IST-09"},
    "cancel-ignored": {"cancelled-487", "RCX-07", "RCX-12", "RCX-10", "BRA-39", "BRA-19"},
    "cancel-unanswered": set(),
    "ghost-call": {"RCX-15", "ICT-18"},
}
"""What else breaks by the same fault: a server that does not see an answer does not act on it, either."""


def test_each_planted_fault_has_a_row_in_the_table() -> None:
    assert MUST_FIND.keys() == FAULTS.keys()


@pytest.mark.slow
def test_no_fault_is_invented_where_there_is_none(tmp_path: Path) -> None:
    with FaultyServer(tmp_path, t1=T1) as server:
        cases = [case for case in QUICK if case.part == "proxy"]
        result = judge(f"sip:127.0.0.1:{server.port}", cases, t1=T1)
    assert not broken(result), sentences(result)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Result]]:
    """What is said of each server with one fault."""
    folder = tmp_path_factory.mktemp("faulty")
    with ExitStack() as stack:
        servers = {fault: stack.enter_context(FaultyServer(folder, fault, t1=T1)) for fault in FAULTS}
        targets = {
            fault: (f"sip:127.0.0.1:{server.port}", chosen(*CASES_FOR[fault]))
            for fault, server in servers.items()
        }
        yield judge_all(targets, t1=T1)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_no_other(judged: dict[str, Result], fault: str) -> None:
    result = judged[fault]
    found = broken(result)
    assert MUST_FIND[fault] <= found, sentences(result)
    assert found <= MUST_FIND[fault] | FOLLOWS.get(fault, set()), sentences(result)


CASES_FOR = {
    "ack-branch": ("ack-of-failure", "ack-after-ringing", "invite-again-completed", "forwarding"),
    "no-timer-g": ("timer-g", "invite-again-completed", "ack-stops-timer-g"),
    "ghost-call": ("invite-again-accepted", "invite-again-completed", "ack-of-success"),
    "success-again": ("invite-again-accepted", "success-again", "ack-of-success"),
    "no-trying": ("invite-trying", "invite-again-completed", "timer-a"),
    "early-trying": ("no-early-100", "invite-trying"),
    "ack-answered": ("ack-of-success", "invite-again-completed"),
    "response-via": ("invite-again-completed", "forwarding"),
    "another-response": ("invite-again-completed", "request-again-completed", "forwarding"),
    "cancel-unanswered": ("cancel", "cancel-late"),
    "cancel-ignored": ("cancel", "cancel-late"),
    "no-to-tag": ("max-forwards-0", "register", "forwarding"),
    "hops-kept": ("forwarding", "timer-a", "ack-of-failure"),
    "timer-e-flat": ("timer-e", "timer-a"),
}


@pytest.mark.slow
def test_sipfsm_is_conformant(laboratory: Laboratory) -> None:
    server = laboratory.server(options=["--t1", f"{T1:g}"])
    result = judge(f"sip:127.0.0.1:{server.port}", t1=T1)
    assert not broken(result), sentences(result)
    observed = [each for each in result.verdicts if each.outcome is Outcome.CONFORMANT]
    assert len(observed) >= 50


@pytest.mark.slow
def test_sipfsm_is_conformant_over_tcp(laboratory: Laboratory) -> None:
    server = laboratory.server(options=["--t1", f"{T1:g}"])
    cases = [case for case in QUICK if not case.unreliable]
    result = judge(f"sip:127.0.0.1:{server.port};transport=tcp", cases, t1=T1)
    assert not broken(result), sentences(result)
    assert outcome(result, "cancel") is Outcome.CONFORMANT


def test_one_side_only(laboratory: Laboratory) -> None:
    server = laboratory.server(options=["--t1", f"{T1:g}"])
    cases = chosen("ack-of-failure", "max-forwards-0")
    for role, observed in ((Role.UAS, "max-forwards-0"), (Role.UAC, "ack-of-failure")):
        result = judge(f"sip:127.0.0.1:{server.port}", cases, t1=T1, role=role)
        for case in cases:
            conformant = outcome(result, case.name) is Outcome.CONFORMANT
            assert conformant == (case.name == observed or "RCX-05" in case.ids)


def test_the_slow_cases_are_in_the_catalogue() -> None:
    assert len(chosen(*SLOW)) == len(SLOW)
