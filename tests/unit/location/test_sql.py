"""The location service in a file: group commit, what survives, what is refused, what a failing disk does."""

import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import trio
import trio.testing

from sipfsm.location import Binding, Change, LocationError, LocationLimits, LocationReason
from sipfsm.location.sql import SqlLocation
from tests.unit.location.samples import ALICE, BOB, CLOCK, add, binding, put, running

MALLORY = "sip:mallory@example.com"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "location.db"


def service(path: Path, **limits: int) -> SqlLocation:
    return SqlLocation(path, clock=CLOCK, limits=LocationLimits(**limits))


async def stored(path: Path, aor: str) -> tuple[Binding, ...]:
    """Open the file again, as a restarted server would, and read."""
    location = service(path)
    async with running(location):
        return location.bindings(aor)


async def open_only(path: Path) -> None:
    """Open the file, which is expected to fail; if it does not, do not stay for ever."""
    with trio.fail_after(10):
        await service(path).run()


def change_file(path: Path, *statements: str) -> None:
    """Do something to the file with another program than ours."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@contextmanager
def listening(event: str) -> Iterator[list[Any]]:
    """Collect the first argument of every call of one of SQLAlchemy's engine events."""
    heard: list[Any] = []

    def listener(first: object, *_rest: object) -> None:
        heard.append(first)

    sa.event.listen(sa.Engine, event, listener)
    try:
        yield heard
    finally:
        sa.event.remove(sa.Engine, event, listener)


# ---- what is on the disk ----


def test_everything_of_a_binding_survives_a_restart(path: Path) -> None:
    odd = Binding(
        contact=b"sip:\xff%41\"'@[2001:db8::1]:5061;x=\xc3\xa9?Route=%3Csip:a%3E",
        q=0.123,
        expires_at=CLOCK.now + 0.1 + 1e-7,
        call_id=b"\xfe\x00\xc3\xa9@h".decode("utf-8", "surrogateescape"),
        cseq=2**31 - 1,
        path=(b"<sip:p1;lr>", b'"\xff, ;" <sip:p2;lr>', b""),
        params=b';+sip.instance="<urn:x>";\xff',
        received="udp:[2001:db8::1]:5060",
    )
    aor = b"sip:\xff\xc3\xa9@example.com".decode("utf-8", "surrogateescape")

    async def main() -> None:
        location = service(path)
        async with running(location):
            after = await location.update(aor, put(binding("a", q=0.2), odd, binding("b", q=0.2)))
        assert await stored(path, aor) == after

    trio.run(main)


def test_the_rows_are_readable_by_people(path: Path) -> None:
    async def main() -> None:
        async with running(location := service(path)):
            await location.update(ALICE, put(binding("a")))

    trio.run(main)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT aor, contact, typeof(contact) FROM binding").fetchall()
    assert rows == [(ALICE, "sip:a@192.0.2.1", "text")]


def test_what_has_expired_is_gone_after_a_restart(path: Path) -> None:
    async def main() -> None:
        async with running(location := service(path)):
            await location.update(ALICE, put(binding("past", ends=CLOCK.now + 1), binding("a")))
            await location.update(BOB, put(binding("b", ends=CLOCK.now + 1)))
        later = SqlLocation(path, clock=lambda: CLOCK.now + 1)
        async with running(later):
            assert later.bindings(ALICE) == (binding("a"),)
            assert later.count() == (1, 1)
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM binding").fetchone() == (1,)

    trio.run(main)


def test_a_sweep_deletes_the_rows(path: Path) -> None:
    async def main() -> None:
        now = CLOCK.now
        location = SqlLocation(path, clock=lambda: now)
        async with running(location):
            await location.update(ALICE, put(binding("a", ends=CLOCK.now + 1)))
            now += 1
            assert await location.sweep() == 1
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM binding").fetchone() == (0,)

    trio.run(main)


def test_file_and_folder_are_created_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "location.db"
    assert trio.run(stored, path, ALICE) == ()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


SERVER = """
import sys, trio
from sipfsm.location.sql import SqlLocation
from sipfsm.logs import configure_logging
from tests.unit.location.samples import CLOCK, binding, put

configure_logging()

async def register(location, number):
    for cseq in range(1, 1_000_000):
        aor = f"sip:{number}@example.com"
        await location.update(aor, put(binding("phone", cseq=cseq)))
        sys.stdout.write(f"{aor} {cseq}\\n")
        sys.stdout.flush()

async def main():
    location = SqlLocation(sys.argv[1], clock=CLOCK)
    async with trio.open_nursery() as nursery:
        await nursery.start(location.run)
        for number in range(20):
            nursery.start_soon(register, location, number)

trio.run(main)
"""


def test_every_acknowledged_binding_survives_kill_9(path: Path) -> None:
    """The server is killed in the midst of its work; what it said it has, it has."""
    command = [sys.executable, "-c", SERVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(300)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()  # what it said before it died
    assert process.returncode == -signal.SIGKILL
    acknowledged: dict[str, int] = {}
    for line in lines:
        aor, cseq = line.split()
        acknowledged[aor] = int(cseq)
    assert len(acknowledged) == 20

    async def main() -> None:
        location = service(path)
        async with running(location):
            for aor, cseq in acknowledged.items():
                (kept,) = location.bindings(aor)
                assert kept.cseq in (cseq, cseq + 1)  # the next one may have been committed and not said yet

    trio.run(main)


# ---- group commit ----


def test_updates_that_wait_together_share_a_commit(path: Path) -> None:
    async def main() -> None:
        async with running(location := service(path)):
            with listening("commit") as commits:
                async with trio.open_nursery() as nursery:
                    for number in range(400):
                        nursery.start_soon(location.update, f"sip:{number}@example.com", put(binding("a")))
            assert 1 <= len(commits) <= 4
            assert location.count().aors == 400

    trio.run(main)


def test_an_update_that_changes_nothing_commits_nothing(path: Path) -> None:
    async def main() -> None:
        async with running(location := service(path)):
            await location.update(ALICE, put(binding("a")))
            with listening("commit") as commits:
                await location.update(ALICE, lambda live: live)
                await location.update(BOB, put())
            assert commits == []

    trio.run(main)


def test_nothing_is_shown_before_it_is_committed(path: Path) -> None:
    """In the middle of the commit, in the worker thread, readers still see the old bindings."""
    seen: list[tuple[Binding, ...]] = []

    async def main() -> None:
        location = service(path)
        with at_commit(2, lambda: seen.append(trio.from_thread.run_sync(location.bindings, ALICE))):
            async with running(location):
                await location.update(ALICE, put(binding("a")))
                assert seen == [()]
                assert location.bindings(ALICE) == (binding("a"),)

    trio.run(main)


def test_the_queue_of_updates_is_bounded(path: Path) -> None:
    async def main() -> None:
        outcomes: list[LocationReason | None] = []
        async with running(location := service(path, pending_updates=5)):

            async def register(number: int) -> None:
                try:
                    await location.update(f"sip:{number}@example.com", put(binding("a")))
                    outcomes.append(None)
                except LocationError as error:
                    outcomes.append(error.reason)

            async with trio.open_nursery() as nursery:
                for number in range(8):
                    nursery.start_soon(register, number)
            assert sorted(outcomes, key=str) == [None] * 5 + [LocationReason.OVERLOADED] * 3
            await location.update(ALICE, put(binding("a")))  # room again

    trio.run(main)


# ---- cancellation ----


def test_a_caller_cancelled_while_waiting_takes_the_update_back(path: Path) -> None:
    """The caller gives up during the commit of somebody else's update."""

    async def main() -> None:
        location = service(path)
        scope = trio.CancelScope()

        async def impatient() -> None:
            with scope:
                await location.update(ALICE, put(binding("a")))

        async with trio.open_nursery() as callers:

            def try_and_give_up() -> None:
                trio.from_thread.run_sync(callers.start_soon, impatient)
                trio.from_thread.run(trio.testing.wait_all_tasks_blocked)
                trio.from_thread.run_sync(scope.cancel)
                trio.from_thread.run(trio.testing.wait_all_tasks_blocked)

            with at_commit(2, try_and_give_up):
                async with running(location):
                    await location.update(BOB, put(binding("b")))
                    assert scope.cancelled_caught
                    await location.update(BOB, put())
                    assert location.count() == (0, 0)
        assert await stored(path, ALICE) == ()

    trio.run(main)


def test_a_caller_may_be_cancelled_before_it_waits_for_what_is_committed(path: Path) -> None:
    async def main() -> None:
        async with running(location := service(path)):
            update = location.submit(ALICE, put(binding("a")))
            await location.update(BOB, put())  # after it
            with trio.CancelScope() as scope:
                scope.cancel()
                await update.outcome()
            assert scope.cancelled_caught
            assert location.bindings(ALICE) == (binding("a"),)
        assert await stored(path, ALICE) == (binding("a"),)

    trio.run(main)


def test_a_commit_under_way_is_finished_and_shown_when_its_caller_is_cancelled(path: Path) -> None:
    async def main() -> None:
        scope = trio.CancelScope()
        location = service(path)
        with at_commit(2, lambda: trio.from_thread.run_sync(scope.cancel)):
            async with running(location):
                with scope:
                    await location.update(ALICE, put(binding("a")))
                assert scope.cancelled_caught
                await location.update(BOB, put())  # after the commit under way
                assert location.bindings(ALICE) == (binding("a"),)
        assert await stored(path, ALICE) == (binding("a"),)

    trio.run(main)


def test_an_update_that_is_given_up_while_it_waits_says_so_and_changes_nothing(path: Path) -> None:
    async def main() -> None:
        async with running(location := service(path)):
            kept, taken_back = (location.submit(aor, put(binding("a"))) for aor in (ALICE, BOB))
            taken_back.give_up()
            with pytest.raises(LocationError) as caught:
                await taken_back.outcome()
            assert caught.value.reason is LocationReason.GIVEN_UP
            assert await kept.outcome() == (binding("a"),)
            kept.give_up()  # too late
            assert await kept.outcome() == (binding("a"),)
        assert await stored(path, ALICE) == (binding("a"),)
        assert await stored(path, BOB) == ()

    trio.run(main)


def test_stopping_the_service_commits_what_waits(path: Path) -> None:
    """The server is stopped during the commit of one update, while another one waits for its turn."""

    async def main() -> None:
        location = service(path)
        stop = trio.CancelScope()
        async with trio.open_nursery() as callers:

            def call_and_stop() -> None:
                trio.from_thread.run_sync(callers.start_soon, location.update, BOB, put(binding("b")))
                trio.from_thread.run(trio.testing.wait_all_tasks_blocked)
                trio.from_thread.run_sync(stop.cancel)

            with at_commit(2, call_and_stop), stop:
                async with running(location):
                    callers.start_soon(location.update, ALICE, put(binding("a")))
                    await trio.sleep_forever()
            with pytest.raises(LocationError) as caught:
                await location.update(MALLORY, put(binding("m")))
            assert caught.value.reason is LocationReason.NOT_RUNNING
        assert await stored(path, ALICE) == (binding("a"),)
        assert await stored(path, BOB) == (binding("b"),)

    trio.run(main)


def test_an_update_in_the_moment_of_the_stop_is_committed(path: Path) -> None:
    async def main() -> None:
        location = service(path)
        with trio.CancelScope() as stop:
            async with running(location):
                stop.cancel()
                with trio.CancelScope(shield=True):
                    await location.update(ALICE, put(binding("a")))
        assert await stored(path, ALICE) == (binding("a"),)

    trio.run(main)


def test_a_bug_in_the_writer_leaves_no_caller_waiting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # One update is in the writer's hands, the others wait.
    monkeypatch.setattr("sipfsm.location.sql._GROUP", 1)
    commits = 0

    def broken() -> None:
        nonlocal commits
        commits += 1
        if commits > 1:
            raise ZeroDivisionError

    async def register(location: SqlLocation, number: int) -> None:
        with pytest.raises(LocationError) as caught, trio.fail_after(10):
            await location.update(f"sip:{number}@example.com", put(binding("a")))
        assert caught.value.reason is LocationReason.NOT_RUNNING

    async def main() -> None:
        location = service(path)
        async with trio.open_nursery() as callers:
            with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
                async with running(location):
                    for number in range(5):
                        callers.start_soon(register, location, number)
                    await trio.sleep_forever()

    with at_every("commit", broken):
        trio.run(main)


@contextmanager
def at_every(event: str, act: Callable[[], object]) -> Iterator[None]:
    """Do something in the worker thread at one of SQLAlchemy's engine events."""

    def listener(_connection: sa.Connection) -> None:
        act()

    sa.event.listen(sa.Engine, event, listener)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, event, listener)


@contextmanager
def at_commit(number: int, act: Callable[[], object]) -> Iterator[None]:
    """Do something in the worker thread at the moment of a commit; number 1 is that of opening the file."""
    commits = 0

    def count() -> None:
        nonlocal commits
        commits += 1
        if commits == number:
            act()

    with at_every("commit", count):
        yield


# ---- one server a file ----


def test_a_second_server_is_refused_with_a_sentence(path: Path) -> None:
    async def main() -> None:
        async with running(location := service(path)):
            with pytest.raises(LocationError, match=r"is in use: stop the other server") as caught:
                await open_only(path)
            assert caught.value.reason is LocationReason.IN_USE
            assert str(path) in caught.value.detail
            await location.update(ALICE, put(binding("a")))  # the first one goes on
        assert await stored(path, ALICE) == (binding("a"),)  # and frees the file when it stops

    trio.run(main)


def test_a_server_of_another_process_is_refused_too(path: Path) -> None:
    script = (
        "import sys, trio\n"
        "from sipfsm.location import LocationError\n"
        "from sipfsm.location.sql import SqlLocation\n"
        "try:\n"
        "    trio.run(SqlLocation(sys.argv[1]).run)\n"
        "except LocationError as error:\n"
        "    sys.exit(error.detail)\n"
    )

    async def main() -> subprocess.CompletedProcess[bytes]:
        async with running(service(path)):
            command = [sys.executable, "-c", script, str(path)]
            return await trio.run_process(command, capture_stderr=True, check=False)

    outcome = trio.run(main)
    assert outcome.returncode == 1
    assert f"{path} is in use".encode() in outcome.stderr


# ---- files that are not for us ----


def test_a_newer_schema_is_refused_with_a_sentence(path: Path) -> None:
    trio.run(stored, path, ALICE)
    change_file(path, "UPDATE meta SET value = '2'")
    with pytest.raises(LocationError, match=r"has version 2 .* knows up to 1") as caught:
        trio.run(open_only, path)
    assert caught.value.reason is LocationReason.NEWER_SCHEMA


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE books (title TEXT)"],
        ["CREATE TABLE meta (name TEXT, value TEXT)", "INSERT INTO meta VALUES ('version', '1')"],
    ],
)
def test_a_database_of_something_else_is_refused_and_left_alone(path: Path, statements: list[str]) -> None:
    change_file(path, *statements)
    with pytest.raises(LocationError, match=r"something else than a location database") as caught:
        trio.run(open_only, path)
    assert caught.value.reason is LocationReason.NOT_OURS
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM sqlite_master WHERE name = 'binding'").fetchall() == []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE binding SET path = '5'",
        "UPDATE binding SET path = '{'",
        "UPDATE binding SET q = 7",
        "UPDATE binding SET q = 'much'",
        "UPDATE binding SET cseq = 'x'",
        "DROP TABLE binding",
    ],
)
def test_a_damaged_database_is_refused(path: Path, damage: str) -> None:
    async def main() -> None:
        async with running(location := service(path)):
            await location.update(ALICE, put(binding("a")))

    trio.run(main)
    change_file(path, damage)
    with pytest.raises(LocationError) as caught:
        trio.run(open_only, path)
    assert caught.value.reason is LocationReason.NOT_OURS


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(LocationError, match=r"damaged or holds something else") as caught:
        trio.run(open_only, path)
    assert caught.value.reason is LocationReason.NOT_OURS
    assert path.read_bytes().startswith(b"Dear diary")


@pytest.mark.parametrize("name", ["file/location.db", "folder"])
def test_a_file_that_cannot_be_opened_is_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(LocationError, match=r"cannot be opened .* it has to be a file") as caught:
        trio.run(open_only, tmp_path / name)
    assert caught.value.reason is LocationReason.CANNOT_OPEN


def test_before_it_runs_nothing_is_taken(path: Path) -> None:
    async def main() -> None:
        location = service(path)
        assert location.bindings(ALICE) == ()
        with pytest.raises(LocationError) as caught:
            await location.update(ALICE, put(binding("a")))
        assert caught.value.reason is LocationReason.NOT_RUNNING

    trio.run(main)
    assert not path.exists()


# ---- a disk that says no ----


def test_a_full_disk_fails_the_update_and_nothing_else(path: Path) -> None:
    """SQLite's page limit stands for the end of the disk: the same error from the same place."""
    wide = Binding(b"sip:a@h", 1.0, CLOCK.now + 60, "c", 1, path=(b"x" * 6_000,))

    async def main() -> None:
        with listening("connect") as connections:
            async with running(location := service(path)):
                (connection,) = connections
                before = await location.update(ALICE, put(binding("a")))
                pages = (await trio.to_thread.run_sync(connection.execute, "PRAGMA page_count")).fetchone()[0]
                await trio.to_thread.run_sync(connection.execute, f"PRAGMA max_page_count = {pages}")
                for _attempt in range(2):
                    with pytest.raises(LocationError, match=r"cannot be written: .*full") as caught:
                        await location.update(ALICE, put(wide))
                    assert caught.value.reason is LocationReason.COMMIT_FAILED
                    assert location.bindings(ALICE) == before
                assert await location.update(ALICE, put()) == ()  # what needs no room goes on
                await trio.to_thread.run_sync(connection.execute, "PRAGMA max_page_count = 100000")
                assert await location.update(BOB, put(wide)) == (wide,)
        assert await stored(path, ALICE) == ()
        assert await stored(path, BOB) == (wide,)

    trio.run(main)


def test_all_callers_of_a_group_learn_that_its_commit_failed(path: Path) -> None:
    trio.run(stored, path, ALICE)

    async def main() -> None:
        with listening("connect") as connections:
            async with running(location := service(path)):
                (connection,) = connections
                await trio.to_thread.run_sync(connection.execute, "PRAGMA query_only = ON")
                reasons: list[LocationReason] = []

                async def register(number: int) -> None:
                    with pytest.raises(LocationError) as caught:
                        await location.update(f"sip:{number}@example.com", put(binding("a")))
                    reasons.append(caught.value.reason)

                async with trio.open_nursery() as nursery:
                    for number in range(10):
                        nursery.start_soon(register, number)
                assert reasons == [LocationReason.COMMIT_FAILED] * 10
                assert location.count() == (0, 0)
                await trio.to_thread.run_sync(connection.execute, "PRAGMA query_only = OFF")
                await location.update(ALICE, put(binding("a")))

    trio.run(main)


TRIGGER = f"""CREATE TRIGGER no_mallory BEFORE INSERT ON binding WHEN NEW.aor = '{MALLORY}'
              BEGIN SELECT RAISE(ABORT, 'not him'); END"""


def test_an_update_that_the_database_refuses_fails_alone(path: Path) -> None:
    trio.run(stored, path, ALICE)
    change_file(path, TRIGGER)

    async def main() -> None:
        async with running(location := service(path)):

            async def mallory() -> None:
                with pytest.raises(LocationError, match="not him") as caught:
                    await location.update(MALLORY, add(binding("a")))
                assert caught.value.reason is LocationReason.NOT_STORABLE

            async with trio.open_nursery() as nursery:
                nursery.start_soon(location.update, ALICE, add(binding("a")))
                nursery.start_soon(mallory)
                nursery.start_soon(location.update, BOB, add(binding("a")))
            assert location.bindings(MALLORY) == ()
            assert location.bindings(ALICE) == location.bindings(BOB) == (binding("a"),)
        assert await stored(path, BOB) == (binding("a"),)

    trio.run(main)


def test_who_builds_on_an_update_that_the_database_refuses_fails_with_it(path: Path) -> None:
    trio.run(stored, path, ALICE)
    change_file(path, TRIGGER)
    order: list[str] = []

    def after_the_first(name: str) -> Change:
        def change(live: tuple[Binding, ...]) -> tuple[Binding, ...]:
            if name not in order:
                order.append(name)
            if name != order[0] and not live:
                raise LookupError("there is no first one")
            return (*live, binding(name))

        return change

    async def main() -> None:
        failures = set()
        async with running(location := service(path)):

            async def mallory(name: str) -> None:
                try:
                    await location.update(MALLORY, after_the_first(name))
                except (LocationError, LookupError) as error:
                    failures.add(type(error))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(mallory, "a")
                nursery.start_soon(mallory, "b")
            assert location.bindings(MALLORY) == ()
        assert failures == {LocationError, LookupError}

    trio.run(main)


def test_a_value_that_no_column_can_hold_fails_alone(path: Path) -> None:
    async def main() -> None:
        async with running(location := service(path)):
            with pytest.raises(LocationError) as caught:
                await location.update(ALICE, put(binding("a", cseq=2**64)))
            assert caught.value.reason is LocationReason.NOT_STORABLE
            await location.update(ALICE, put(binding("a")))

    trio.run(main)


def test_a_sweep_that_fails_does_not_end_the_service(path: Path) -> None:
    async def main() -> None:
        failed, swept = trio.Event(), trio.Event()
        now = CLOCK.now
        location = SqlLocation(path, clock=lambda: now, sweep_interval=0.001)
        with (
            listening("connect") as connections,
            at_every("rollback", lambda: trio.from_thread.run_sync(failed.set)),
            at_every("commit", lambda: trio.from_thread.run_sync(swept.set) if failed.is_set() else None),
            trio.fail_after(10),
        ):
            async with running(location):
                (connection,) = connections
                await location.update(ALICE, put(binding("a", ends=CLOCK.now + 1)))
                await trio.to_thread.run_sync(connection.execute, "PRAGMA query_only = ON")
                now += 1
                await failed.wait()
                await trio.to_thread.run_sync(connection.execute, "PRAGMA query_only = OFF")
                await swept.wait()
        assert location.count() == (0, 0)

    trio.run(main)


def test_a_sweep_that_cannot_write_is_tried_again(path: Path) -> None:
    async def main() -> None:
        now = CLOCK.now
        with listening("connect") as connections:
            location = SqlLocation(path, clock=lambda: now)
            async with running(location):
                (connection,) = connections
                await location.update(ALICE, put(binding("a", ends=CLOCK.now + 1)))
                now += 1
                await trio.to_thread.run_sync(connection.execute, "PRAGMA query_only = ON")
                with pytest.raises(LocationError):
                    await location.sweep()
                assert location.bindings(ALICE) == ()  # invisible all the same
                assert location.count() == (1, 1)
                await trio.to_thread.run_sync(connection.execute, "PRAGMA query_only = OFF")
                assert await location.sweep() == 1
                assert location.count() == (0, 0)

    trio.run(main)
