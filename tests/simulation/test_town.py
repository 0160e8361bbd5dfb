"""A small town: all rules hold, the same seed gives the same run, and a planted fault is found."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from sipfsm.fsm import Engine, Timing
from sipfsm.simulation import registrations
from sipfsm.simulation.network import Link
from sipfsm.simulation.scene import ready_engines
from sipfsm.simulation.subscriber import Habits
from sipfsm.simulation.town import Result, TownPlan, simulate
from tests.models.changes import changed

BUSY = TownPlan(
    users=24,
    proxies=3,
    hours=1.5,
    link=Link(loss=0.1, duplication=0.05, reordering=0.1, latency=0.02, jitter=0.03),
    habits=Habits(calls_per_hour=4, talk=30, stays=3000, away=300, misbehaves=0.2, forgets_ack=0.1),
    seed=11,
)


@pytest.mark.slow
def test_a_town_keeps_all_rules() -> None:
    told: list[float] = []
    result = simulate(BUSY, tick=lambda part: told.append(part.now))
    assert result.violations == []
    tally = result.tally
    outcomes = ("answered", "busy", "declined", "cancelled", "refused", "lost", "interrupted")
    assert tally["calls"] > 80
    assert sum(tally.get(outcome, 0) for outcome in outcomes) == tally["calls"]
    assert {"answered", "busy", "cancelled"} <= tally.keys()
    assert tally["registered"] >= BUSY.users
    assert result.messages > 2000
    assert 0 < result.lost < result.messages / 5
    assert result.checks > tally["calls"]
    assert told == [300.0 * n for n in range(1, int((1.5 * 3600 + 700) // 300) + 1)]
    assert result.counters["received.udp"] > 1000


def test_another_seed_is_another_run_and_so_is_another_network() -> None:
    plan = replace(BUSY, users=4, hours=0.2)
    first = simulate(plan)
    assert simulate(plan).digest == first.digest
    assert simulate(replace(plan, seed=12)).digest != first.digest
    assert simulate(replace(plan, link=Link())).digest != first.digest


@pytest.mark.slow
def test_the_same_seed_is_the_same_run_in_another_process() -> None:
    script = (
        "from sipfsm.logs import configure_logging; configure_logging('error');"
        "from tests.simulation.test_town import *;"
        "result = simulate(replace(BUSY, hours=0.5)); print(result.digest, result.messages)"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert told[0] == told[1]
    digest, messages = told[0].split()
    assert len(digest) == 32
    assert int(messages) > 500


def simulate_with(name: str, row: str) -> Result:
    """Simulate proxies of which one row of a machine does nothing."""
    idle = Engine(changed(name, row, before=()), Timing())
    return simulate(replace(BUSY, hours=0.7), engines={**ready_engines(Timing()), name: idle})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "row", "what"),
    [
        ("response-context", "RCX-15", "was not sent on (RFC 3261 16.7 step 5)"),
        ("response-context", "RCX-05", "an INVITE without a final response (RFC 3261 16.7 step 6)"),
        ("invite-server", "IST-05", "an INVITE without a final response (RFC 3261 16.7 step 6)"),
    ],
)
def test_a_planted_fault_is_found_and_told_as_the_ladder_of_its_call(name: str, row: str, what: str) -> None:
    result = simulate_with(name, row)
    found = next(each for each in result.violations if what in each.what)
    assert found.where.startswith("proxy")
    assert ", call " in found.where
    assert found.ladder.splitlines()[0].split()[0] == "time"
    assert "---- INVITE -" in found.ladder
    assert "proxy1" in found.ladder or "proxy2" in found.ladder or "proxy3" in found.ladder


def test_a_row_that_stores_no_end_leaves_something_and_that_is_told() -> None:
    immortal = Engine(changed("invite-server", "IST-18", "IST-10", dest=None, before=()), Timing())
    plan = replace(BUSY, users=10, hours=0.3, habits=replace(BUSY.habits, busy=1.0, calls_per_hour=20))
    result = simulate(plan, engines={**ready_engines(Timing()), "invite-server": immortal})
    assert any(
        each.what.startswith("left of requests that are over: {'servers'") for each in result.violations
    )


def test_an_answer_to_a_register_that_the_dictionary_does_not_give_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registrations, "MAX_EXPIRES", 100)  # less than the proxies grant
    result = simulate(replace(BUSY, users=2, hours=0.05))
    found = result.violations[0]
    assert found.where in {"proxy1", "proxy2"}
    assert found.what.endswith("(RFC 3261 10.3 step 8)")
    assert "200 (REGISTER)" in found.ladder


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"users": 1}, "2 to 60,000 users, not 1"),
        ({"proxies": 0}, "1 to 200 proxies, not 0"),
        ({"hours": 0}, "above 0 and at most a year, not 0"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(change: dict[str, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        simulate(replace(BUSY, **change))  # type: ignore[arg-type]
