"""What is drawn of a model: all of it, and nothing else."""

import pytest

from sipfsm.fsm import load_model, model_names
from sipfsm.statechart import Origin, make_chart
from tests.unit.statechart.samples import sample


@pytest.mark.parametrize("name", model_names())
def test_every_row_state_and_timer_is_drawn(name: str) -> None:
    model = load_model(name)
    chart = make_chart(model)
    assert [
        (row.id, row.source, row.dest, row.events, row.actions, row.citation.text, row.note)
        for row in chart.rows
    ] == [
        (row.id, row.source, row.dest, tuple(map(str, row.trigger)), row.before, row.rfc, row.note)
        for row in model.transitions
    ]
    assert {state.name: (state.on_enter, state.on_exit) for state in chart.states} == {
        name: (state.on_enter, state.on_exit) for name, state in model.states.items()
    }
    assert {timer.name: (timer.unreliable, timer.reliable, timer.cap) for timer in chart.timers} == {
        str(timer): (spec.unreliable, spec.reliable, spec.cap) for timer, spec in model.timers.items()
    }
    assert (chart.initial, chart.final) == (model.initial, model.final)


def test_rows_are_either_arrows_or_stay() -> None:
    chart = sample()
    assert [row.id for row in chart.stays("Busy")] == ["SMP-02", "SMP-05"]
    assert {key: [row.id for row in rows] for key, rows in chart.arrows().items()} == {
        ("Idle", "Busy"): ["SMP-01"],
        ("Busy", "Idle"): ["SMP-03"],
        ("Busy", "Gone"): ["SMP-04"],
        ("Busy", "Busy"): ["SMP-06"],
    }


def test_delays_are_told_in_seconds_too() -> None:
    first, second = sample().timers
    assert (first.unreliable_seconds, first.reliable_seconds, first.cap_seconds) == (0.5, 1.0, 4.0)
    assert (second.unreliable_seconds, second.reliable_seconds) == (32.0, 0.0)
    assert (first.steps, second.steps) == ("x2 up to T2", "")


def test_what_rfc_6026_added_is_known_by_the_rows() -> None:
    client, server = make_chart(load_model("invite-client")), make_chart(load_model("invite-server"))
    for chart, timer in ((client, "M"), (server, "L")):
        assert [state.name for state in chart.states if state.origin is Origin.RFC_6026] == ["Accepted"]
        assert [each.name for each in chart.timers if each.origin is Origin.RFC_6026] == [timer]


def test_where_a_machine_begins_was_there_before_what_leads_back_to_it() -> None:
    assert {state.name: state.origin for state in sample().states} == {
        "Idle": Origin.RFC_3261,  # though RFC 6026 leads back to it
        "Busy": Origin.RFC_3261,
        "Gone": Origin.GAP,
    }


def test_a_timer_of_our_own_is_known_by_its_rows() -> None:
    timers = make_chart(load_model("non-invite-server")).timers
    assert {timer.name: timer.origin for timer in timers} == {
        "J": Origin.RFC_3261,
        "trying": Origin.OTHER,
        "tu": Origin.GAP,
    }
