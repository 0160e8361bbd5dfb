"""Every row of the machines, typed from the RFCs, against the models as the engine runs them."""

import csv
from functools import cache
from pathlib import Path

import pytest

from sipfsm.fsm import Effect, Engine, Event, Instance, Row, Timing, load_model
from tests.conformance import own_rows, rfc_rows
from tests.conformance.notation import Single, effects, running

RFC_SINGLES = [single for table in rfc_rows.TABLES for single in table.singles()]
OWN_SINGLES = [single for table in own_rows.TABLES for single in table.singles()]
SINGLES = RFC_SINGLES + OWN_SINGLES

TYPED_ELSEWHERE = Path(__file__).parents[2].parent / "shared" / "design" / "transactions.csv"
"""The same rows as prose, which a checkout of the project alone does not have."""


@cache
def engine(model: str) -> Engine:
    return Engine(load_model(model), Timing())


def led_to(model: str, state: str, way: tuple[Event, ...], *, reliable: bool) -> Instance:
    """An instance that has gone this way from the start."""
    instance = engine(model).create(reliable=reliable)
    for event in way:
        instance.handle(event)
    assert instance.state == state
    return instance


def fire(model: str, instance: Instance, event: Event) -> tuple[list[Effect], list[str]]:
    """Handle an event, and tell the effects and the ids of the rows that fired."""
    fired: list[str] = []

    def note(_instance: Instance, row: Row) -> None:
        fired.append(row.id)

    instance.engine = Engine(load_model(model), Timing(), observer=note)
    return instance.handle(event), fired


@pytest.mark.parametrize("single", SINGLES, ids=lambda single: single.label)
def test_row(single: Single) -> None:
    case = single.case
    instance = led_to(single.model, case.state, single.way, reliable=single.reliable)
    done, fired = fire(single.model, instance, single.event)
    assert done == effects(case.effects)
    assert instance.state == case.next
    assert instance.running == running(case.running)
    assert fired == [case.row, *case.also.split()]


@pytest.mark.parametrize("row", sorted(rfc_rows.NO_RETRANSMISSION))
def test_nothing_is_retransmitted_over_a_reliable_transport(row: str) -> None:
    single = next(single for single in RFC_SINGLES if single.case.row == row)
    instance = led_to(single.model, single.case.state, single.way, reliable=True)
    timers = dict(instance.running)
    assert fire(single.model, instance, Event(rfc_rows.NO_RETRANSMISSION[row])) == ([], [])
    assert (instance.state, instance.running) == (single.case.state, timers)


@pytest.mark.parametrize(("model", "state"), rfc_rows.ENDS_AT_ONCE.items())
def test_a_state_that_waits_for_copies_ends_at_once_over_a_reliable_transport(model: str, state: str) -> None:
    table = next(table for table in rfc_rows.TABLES if table.model == model)
    instance = engine(model).create(reliable=True)
    for event in table.ways[state].split():
        instance.handle(Event(event))
    assert instance.state == "Terminated"
    assert instance.running == {}


# ---- nothing is missing --------------------------------------------------------------------------


def test_there_are_84_rows() -> None:
    expected = {
        f"{machine}-{number:02}"
        for machine, count in rfc_rows.COUNTS.items()
        for number in range(1, count + 1)
    }
    assert len(expected) == 84
    assert {single.case.row for single in RFC_SINGLES} == expected


@pytest.mark.parametrize("row", sorted({single.case.row for single in RFC_SINGLES}))
def test_a_row_is_checked_on_both_transport_classes_where_both_have_it(row: str) -> None:
    cases = [single for single in RFC_SINGLES if single.case.row == row]
    checked = {single.reliable for single in cases}
    only_unreliable = (
        row in rfc_rows.NO_RETRANSMISSION or cases[0].case.state == rfc_rows.ENDS_AT_ONCE[cases[0].model]
    )
    assert checked == ({False} if only_unreliable else {False, True})


def typed_apart() -> dict[str, dict[str, str]]:
    if not TYPED_ELSEWHERE.is_file():
        pytest.skip("the table of the design is not beside this checkout")
    with TYPED_ELSEWHERE.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_no_row_of_the_design_is_missing() -> None:
    assert set(typed_apart()) == {single.case.row for single in RFC_SINGLES}


def test_every_row_leads_from_and_to_where_the_design_says() -> None:
    nowhere = {"—": "Absent", "(no match)": "Absent"}
    said = {
        row_id: (nowhere.get(row["state"], row["state"]), nowhere.get(row["next"], row["next"]))
        for row_id, row in typed_apart().items()
    }
    typed = {
        single.case.row: (single.case.state, single.case.next)
        for single in RFC_SINGLES
        if not single.case.also  # a timer of zero leads further in the same step
    }
    assert typed == said


@pytest.mark.parametrize("model", sorted({single.model for single in SINGLES}))
def test_the_model_has_the_typed_rows_and_no_others(model: str) -> None:
    typed = {(s.case.state, s.event): s.case.row for s in SINGLES if s.model == model}
    assert {key: row.id for key, row in engine(model).rows.items()} == typed


# ---- totality ------------------------------------------------------------------------------------

FROM_THE_SERVER = ["response_1xx", "response_2xx", "response_300_699", "transport_error"]
TO_AN_INVITE = ["invite", "ack", "tu_100 tu_101_199", "tu_2xx", "tu_300_699 tu_408", "transport_error"]
TO_A_REQUEST = ["request", "tu_100", "tu_101_199", "tu_2xx tu_300_699", "tu_408", "transport_error"]

LIVE = {
    # Each live state of the four machines, with what can happen in it: the messages of the peer, the
    # responses of the TU, a transport error, and the timers of the RFCs, A to M, that run there. What
    # stands in one string is one cell: the RFC makes no difference.
    "invite-client": {
        "Calling": [*FROM_THE_SERVER, "timer_A", "timer_B"],
        "Proceeding": FROM_THE_SERVER,
        "Completed": [*FROM_THE_SERVER, "timer_D"],
        "Accepted": [*FROM_THE_SERVER, "timer_M"],
    },
    "non-invite-client": {
        "Trying": ["response_1xx", "response_2xx response_300_699", "transport_error", "timer_E", "timer_F"],
        "Proceeding": [
            "response_1xx",
            "response_2xx response_300_699",
            "transport_error",
            "timer_E",
            "timer_F",
        ],
        "Completed": ["response_1xx", "response_2xx response_300_699", "transport_error", "timer_K"],
    },
    "invite-server": {
        "Proceeding": TO_AN_INVITE,
        "Completed": [*TO_AN_INVITE, "timer_G", "timer_H"],
        "Confirmed": [*TO_AN_INVITE, "timer_I"],
        "Accepted": [*TO_AN_INVITE, "timer_L"],
    },
    "non-invite-server": {
        "Trying": TO_A_REQUEST,
        "Proceeding": TO_A_REQUEST,
        "Completed": [*TO_A_REQUEST, "timer_J"],
    },
}

CELLS = [
    (model, state, cell)
    for model, states in LIVE.items()
    for state, cells in states.items()
    for cell in cells
]


def test_there_are_81_live_cells() -> None:
    assert len(CELLS) == 20 + 14 + 28 + 19 == 81


@pytest.mark.parametrize(
    ("model", "state", "cell"), CELLS, ids=[f"{model}-{state}-{cell}" for model, state, cell in CELLS]
)
def test_every_live_cell_has_a_row(model: str, state: str, cell: str) -> None:
    for event in cell.split():
        assert (state, event) in engine(model).rows


BEYOND_THE_CELLS = {
    # Cells that have a row and are none of the 81. First what the RFCs say outside the table of the timers
    # (a 100 after 200 ms, :rfc:`4320#section-4.1`) and what stale timers do, then what is our own.
    "invite-client": [
        "Proceeding timer_A",
        "Proceeding timer_B",
        "Calling tu_abandon",
        "Proceeding tu_abandon",
    ],
    "non-invite-client": ["Completed timer_E", "Completed timer_F"],
    "invite-server": [
        "Confirmed timer_G",
        "Confirmed timer_H",
        "Proceeding timer_trying",
        "Proceeding tu_abandon",
    ],
    "non-invite-server": [
        "Trying timer_trying",
        "Trying tu_100_early",
        "Trying tu_abandon",
        "Trying timer_tu",
        "Proceeding tu_abandon",
        "Proceeding timer_tu",
    ],
}


@pytest.mark.parametrize("model", sorted(LIVE))
def test_the_rows_of_live_states_are_these_cells_and_no_others(model: str) -> None:
    cells = {
        (state, event) for state, cells in LIVE[model].items() for cell in cells for event in cell.split()
    }
    further = {(state, event) for state, event in (text.split() for text in BEYOND_THE_CELLS[model])}
    assert cells.isdisjoint(further)
    assert {key for key in engine(model).rows if key[0] != "Absent"} == cells | further


BRANCH = (
    "response_100 response_101_199 response_2xx response_300_699 timeout transport_error target_failed cancel"
)
CONTEXT = "provisional success_invite success_non_invite failure_pending failure_last global_failure_pending"

PROXY: dict[str, tuple[dict[str, str], str]] = {
    # The two machines of a proxy: every state but the first takes everything that can come from below or
    # above.
    "branch": (
        {
            "Calling": "timer_C",
            "Proceeding": "timer_C",
            "CancelPending": "timer_C",
            "Cancelling": "timer_cancel",
        },
        f"{BRANCH} client_gone",
    ),
    "response-context": ({}, f"{CONTEXT} global_failure_last cancel branches_gone"),
}


def test_the_states_of_a_binding() -> None:
    """10.3 has two, a binding exists or not, and one comparison, which concerns what exists."""
    cells = {"Absent": "register unregister restored"}
    cells["Active"] = "register unregister out_of_order replaced expired"
    assert set(engine("binding").rows) == {
        (state, event) for state, events in cells.items() for event in events.split()
    }


@pytest.mark.parametrize("model", sorted(PROXY))
def test_the_rows_of_a_proxy_are_these_cells_and_no_others(model: str) -> None:
    timers, everywhere = PROXY[model]
    states = set(engine(model).model.states) - {"Absent", "Terminated"}
    cells = {(state, event) for state in states for event in everywhere.split()} | set(timers.items())
    assert {key for key in engine(model).rows if key[0] != "Absent"} == cells


@pytest.mark.parametrize("model", sorted(LIVE))
def test_an_event_without_a_row_changes_nothing(model: str) -> None:
    table = next(table for table in rfc_rows.TABLES if table.model == model)
    for state, way in table.ways.items():
        for event in Event:
            if (state, event) not in engine(model).rows:
                instance = led_to(model, state, tuple(map(Event, way.split())), reliable=False)
                timers = dict(instance.running)
                assert instance.handle(event) == []
                assert (instance.state, instance.running) == (state, timers)
