"""Generated sequences through the transaction layer: after each step it is where the reference is.

Retransmissions and strays, messages that cross, transport errors, transaction users that answer well, badly
or not at all, and all timers, in virtual time; what the layer sends, tells and counts, its states, timers,
keys and tasks are compared after every step (`tests/fuzz/stage.py`).
"""

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.cells import Reached, all_cells, all_rows
from tests.fuzz.script import SCRIPTS, Do, Script, draw
from tests.fuzz.shrink import shrink
from tests.fuzz.stage import Mismatch, engines_with, play, play_all
from tests.models.changes import changed, without

SEQUENCES = 2_000
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "fuzzing.md"
PHASES = (Phase.generate, Phase.shrink)
BATCH = 50

ONLY_WITHOUT_THE_LAYER = {
    # Nothing is sent in these states, so the layer never reports an error of sending there.
    ("invite-server", "Confirmed", "transport error"),
    ("non-invite-server", "Trying", "transport error"),
}
ROWS_ONLY_WITHOUT_THE_LAYER = {
    "IST-21": "as above",
    "NIST-07": "as above",
    "ICT-11": "a timer that was stopped never fires through the layer",
    "IST-19": "likewise",
    "NICT-14": "likewise",
    "NIST-20": "Timer trying always comes before Timer tu, and leaves Trying",
    "ICT-23": "a stray response is given to no transaction",
    "NICT-16": "likewise",
}


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(SCRIPTS)
def test_the_layer_does_what_the_reference_does(script: Script) -> None:
    play(script)


@pytest.mark.slow
@pytest.mark.untraced
def test_the_layer_does_so_through_thousands_of_sequences_that_reach_all_there_is() -> None:
    chance, reached = Random(17), Reached()
    for _ in range(SEQUENCES // BATCH):
        for mismatch in play_all([draw(chance) for _ in range(BATCH)], reached).values():
            raise mismatch
    assert set(all_cells()) - reached.cells <= ONLY_WITHOUT_THE_LAYER
    assert all_rows() - reached.rows <= set(ROWS_ONLY_WITHOUT_THE_LAYER)


# ---- that a fault would be found, and how it would be told


FAULTS = [
    # machine, row, what is wrong with it, the clause, the longest sequence that may be needed to show it
    ("invite-server", "IST-08", {}, "3261 17.2.1", 3),
    ("invite-server", "IST-11", {}, "3261 17.2.1", 3),
    ("invite-server", "IST-22", {"before": ("resend_response", "pass_request")}, "6026 7.1", 3),
    ("invite-server", "IST-04", {"dest": "Terminated"}, "6026 7.1", 2),
    ("invite-client", "ICT-13", {}, "3261 17.1.1.2", 3),
    ("invite-client", "ICT-05", {"dest": "Terminated"}, "6026 7.2", 2),
    ("invite-client", "ICT-04", {"dest": None}, "3261 17.1.1.2", 2),
    ("invite-client", "ICT-02", {"before": ("resend_request",)}, "3261 17.1.1.2", 2),
    ("non-invite-client", "NICT-07", {"before": ("resend_request", "back_off_E")}, "3261 17.1.2.2", 4),
    ("non-invite-server", "NIST-06", {"before": ("send_response",)}, "4320 4.2", 2),
    ("non-invite-server", "NIST-15", {}, "3261 17.2.2", 3),
]


@pytest.mark.parametrize(("machine", "row", "change", "clause", "longest"), FAULTS, ids=str)
def test_a_planted_fault_is_found_and_told_in_a_few_messages(
    machine: str, row: str, change: dict[str, object], clause: str, longest: int
) -> None:
    engines = engines_with(changed(machine, row, **change) if change else without(machine, row))

    def fails(script: Script) -> str:
        try:
            play(script, engines=engines)
        except Mismatch as mismatch:
            return str(mismatch)
        return ""

    chance = Random(5)
    script = next(script for script in (draw(chance) for _ in range(3000)) if fails(script))
    small = shrink(script, lambda part: bool(fails(part)))
    told = fails(small)
    assert sum(step.what != "waits" for step in small) <= longest, small
    assert len(small) <= longest + 2
    assert re.search(rf"{row} .*\[{re.escape(clause)}.*\]", told), told


def test_hypothesis_shrinks_a_planted_fault_to_a_ladder_with_row_and_clause() -> None:
    engines = engines_with(without("invite-server", "IST-08"))

    @settings(max_examples=500, database=None, derandomize=True, report_multiple_bugs=False, phases=PHASES)
    @given(SCRIPTS)
    def search(script: Script) -> None:
        play(script, engines=engines)

    with pytest.raises(Mismatch) as found:
        search()
    told = str(found.value)
    assert told.count("->|") + told.count("|<-") == 3
    assert "IST-08 server INVITE" in told
    assert "[3261 17.2.1 SHOULD]" in told


def test_a_state_that_is_left_too_early_is_told_as_a_ladder() -> None:
    script = (Do("arrives", "INVITE"), Do("responds", "INVITE", 0, 486), Do("arrives", "INVITE"))
    with pytest.raises(Mismatch) as found:
        play(script, engines=engines_with(without("invite-server", "IST-08")))
    assert str(found.value) in PAGE.read_text()
    what, *drawn = str(found.value).splitlines()
    assert what == "the layer did this: nothing; it should have done this: sends INVITE 0 486"
    assert drawn[0].split() == ["time", "user", "layer", "peer"]
    assert drawn[1].split() == ["0.000", "|", "|<---", "INVITE", "0", "--------|"]
    assert drawn[2].endswith(
        "IST-01 server INVITE 0, Absent: invite, pass_request, to Proceeding  [3261 17.2.1 MUST]"
    )
    assert drawn[-1].endswith(
        "IST-08 server INVITE 0, Completed: invite, resend_response  [3261 17.2.1 SHOULD]"
    )
