"""The INVITE machines of RFC 3261 differ from those in use in what RFC 6026 changed, and in nothing else."""

import pytest

from sipfsm.fsm import Model, Row, Timer, load_model

Difference = tuple[tuple[str, str | None, tuple[str, ...]], tuple[str, str | None, tuple[str, ...]]]

CHANGED: dict[str, dict[str, Difference]] = {
    # Source, dest and actions: as first published, and as :rfc:`6026#section-7` has them.
    "invite-client": {
        "ICT-05": (
            ("Calling", "Terminated", ("pass_response",)),
            ("Calling", "Accepted", ("pass_response",)),
        ),
        "ICT-09": (
            ("Proceeding", "Terminated", ("pass_response",)),
            ("Proceeding", "Accepted", ("pass_response",)),
        ),
        "ICT-23": (("Absent", None, ("pass_response",)), ("Absent", None, ("drop",))),
    },
    "invite-server": {
        "IST-04": (
            ("Proceeding", "Terminated", ("send_response",)),
            ("Proceeding", "Accepted", ("send_response",)),
        ),
        "IST-07": (
            ("Proceeding", "Terminated", ("inform_transport_error",)),
            ("Proceeding", None, ("inform_transport_error",)),
        ),
        "IST-15": (
            ("Completed", "Terminated", ("inform_transport_error",)),
            ("Completed", None, ("inform_transport_error",)),
        ),
    },
}

NEW = {
    "invite-client": {"ICT-18", "ICT-19", "ICT-20", "ICT-21", "ICT-22"},
    "invite-server": {"IST-22", "IST-23", "IST-24", "IST-25", "IST-26", "IST-27"},
}
"""The rows of the new state, Accepted."""

NEW_TIMER = {"invite-client": Timer.M, "invite-server": Timer.L}

both = pytest.mark.parametrize("name", sorted(CHANGED))


def pair(name: str) -> tuple[Model, Model]:
    return load_model(f"rfc3261/{name}"), load_model(name)


def by_id(model: Model) -> dict[str, Row]:
    return {row.id: row for row in model.transitions}


def essence(row: Row) -> tuple[str, str | None, tuple[str, ...]]:
    return row.source, row.dest, row.before


@both
def test_the_rows_that_differ(name: str) -> None:
    old, new = (by_id(model) for model in pair(name))
    assert {
        row_id: (essence(old[row_id]), essence(new[row_id]))
        for row_id in old.keys() & new.keys()
        if old[row_id] != new[row_id]
    } == CHANGED[name]


@both
def test_a_changed_row_still_waits_for_the_same(name: str) -> None:
    old, new = (by_id(model) for model in pair(name))
    assert all(old[row_id].trigger == new[row_id].trigger for row_id in CHANGED[name])


@both
def test_the_rows_that_are_new(name: str) -> None:
    old, new = (by_id(model) for model in pair(name))
    assert new.keys() - old.keys() == NEW[name]
    assert old.keys() - new.keys() == set()
    assert {new[row_id].source for row_id in NEW[name]} == {"Accepted"}


@both
def test_states_and_timers_are_the_same_but_for_the_new_ones(name: str) -> None:
    old, new = pair(name)
    timer = NEW_TIMER[name]
    assert {**old.states, "Accepted": new.states["Accepted"]} == new.states
    assert {**old.timers, timer: new.timers[timer]} == new.timers
    assert "Accepted" not in old.states
    assert timer not in old.timers
    assert (old.initial, old.final) == (new.initial, new.final)
