"""Every row of the model `update` fires in the running location service, and the log tells.

What each of the scenes is about is checked where it stands, in `test_sql`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from structlog.testing import capture_logs

from sipfsm.fsm import Engine, Instance, Row, Timing, load_model
from sipfsm.location import update
from sipfsm.location.sql import SqlLocation
from tests.unit.location import test_sql as scenes
from tests.unit.location.samples import ALICE, CLOCK, binding, put, running


def an_exception_of_the_change(path: Path) -> None:
    def change(live: object) -> tuple[()]:
        raise LookupError("no")

    async def main() -> None:
        async with running(location := scenes.service(path)):
            with pytest.raises(LookupError):
                await location.update(ALICE, change)

    trio.run(main)


SCENES: dict[str, Callable[[Path], None]] = {
    "UPD-01": scenes.test_updates_that_wait_together_share_a_commit,
    "UPD-02": scenes.test_updates_that_wait_together_share_a_commit,
    "UPD-03": an_exception_of_the_change,
    "UPD-04": scenes.test_a_caller_cancelled_while_waiting_takes_the_update_back,
    "UPD-06": scenes.test_updates_that_wait_together_share_a_commit,
    "UPD-07": scenes.test_a_value_that_no_column_can_hold_fails_alone,
    "UPD-08": scenes.test_an_update_that_the_database_refuses_fails_alone,
    "UPD-09": scenes.test_who_builds_on_an_update_that_the_database_refuses_fails_with_it,
    "UPD-10": scenes.test_a_commit_under_way_is_finished_and_shown_when_its_caller_is_cancelled,
}

A_BUG = {"UPD-05", "UPD-11"}
"""One update is in the writer's hands when it fails, the others wait."""


@pytest.fixture
def fired(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The rows that have fired so far."""
    rows: set[str] = set()

    def note(_instance: Instance, row: Row) -> None:
        rows.add(row.id)

    monkeypatch.setattr(update._engine(), "observer", note)
    return rows


def test_these_are_all_rows_there_are() -> None:
    assert {row.id for row in Engine(load_model("update"), Timing()).rows.values()} == {*SCENES, *A_BUG}


@pytest.mark.parametrize("row", SCENES)
def test_a_row_fires(row: str, tmp_path: Path, fired: set[str]) -> None:
    SCENES[row](tmp_path / "location.db")
    assert row in fired


def test_the_rows_of_a_bug_in_the_writer_fire(
    tmp_path: Path, fired: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes.test_a_bug_in_the_writer_leaves_no_caller_waiting(tmp_path / "location.db", monkeypatch)
    assert fired >= A_BUG


def test_the_log_tells_of_each_step(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(location := SqlLocation(tmp_path / "location.db", clock=CLOCK, tracing=True)):
            await location.update(ALICE, put(binding("a")))

    with capture_logs() as log:
        trio.run(main)
    steps = [line for line in log if line.get("model") == "update"]
    assert [(line["trigger"], line["state"]) for line in steps] == [
        ("submitted", "Waiting"),
        ("decided", "Writing"),
        ("committed", "Terminated"),
    ]
    assert {line["key"] for line in steps} == {ALICE}
