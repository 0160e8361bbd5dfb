"""The server's own life: what each request gets at each time of it; every row fires in the running server."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from sipfsm.config import Settings
from sipfsm.fsm import Engine, Instance, Row, Timing, load_model
from sipfsm.life import _engine
from sipfsm.location import Binding
from sipfsm.location.sql import SqlLocation
from sipfsm.message import Request
from sipfsm.server import Server, ServerError
from sipfsm.simulation.phone import DOMAIN, Phone
from sipfsm.simulation.scene import Scene, scene, simulated

T = TypeVar("T")


async def ended(stage: Scene) -> float:
    """Tell the server to end, if nobody has done so yet; return the seconds until it has."""
    if stage.server.life.state == "Serving":
        stage.server.end()
    began = trio.current_time()
    await stage.server.life.ended.wait()
    return trio.current_time() - began


async def unanswered(stage: Scene, *methods: str) -> tuple[Phone, Phone]:
    """Return a caller and a callee that has got these requests of hers, and is silent."""
    alice, bob = await stage.phone("alice"), await stage.phone("bob")
    await bob.register()
    for method in methods:
        await alice.send(alice.request(method, bob.aor))
        await bob.receive(method)
    return alice, bob


# ---- a server that ends in order


@simulated()
async def test_draining_refuses_what_is_new_and_lets_the_old_end(scene: Scene) -> None:
    """What is within a dialog is taken: an ACK, and the BYE that ends the call."""
    alice, bob = await unanswered(scene, "INVITE", "MESSAGE")
    scene.server.end()
    await trio.sleep(0.1)
    for method, uri in (("INVITE", bob.aor), ("OPTIONS", f"sip:{DOMAIN}"), ("REGISTER", f"sip:{DOMAIN}")):
        await alice.send(alice.request(method, uri))
        refusal = await alice.receive_later(503)
        assert refusal.response.headers.lines(b"retry-after") == [b"10"]
    bob.answer(bob.got("INVITE")[0], 200)
    answer = await alice.receive_later(200)
    await alice.send(alice.in_dialog("ACK", answer.response))
    await bob.receive("ACK")
    await alice.send(alice.in_dialog("BYE", answer.response, cseq=2))
    bob.answer(await bob.receive("BYE"), 200)
    await alice.receive(200)
    assert scene.server.life.state == "Draining"
    bob.answer(bob.got("MESSAGE")[0], 200)
    assert await ended(scene) < 0.3
    await alice.receive(200, within=0)


@simulated()
async def test_a_cancel_is_taken_while_draining(scene: Scene) -> None:
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite = await alice.send(alice.request("INVITE", bob.aor))
    received = await bob.receive("INVITE")
    bob.answer(received, 180)
    await alice.receive(180)
    scene.server.end()
    await trio.sleep(0.1)
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    bob.answer(await bob.receive("CANCEL"), 200)
    bob.answer(received, 487)
    await alice.receive(487)
    await ended(scene)


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_what_is_not_answered_in_time_gets_503_before_the_server_ends(protocol: str) -> None:
    """Also over a stream, whose writer is a task; and phones that ring are told to stop."""

    @simulated()
    async def script(scene: Scene) -> None:
        alice, phones = await scene.phone("alice"), [await scene.phone("bob") for _ in range(2)]
        for phone in phones:
            await phone.register()
        for method in ("INVITE", "MESSAGE"):
            request = alice.request(method, phones[0].aor, protocol=protocol)
            await alice.send(request, protocol=protocol)
            for phone in phones:
                await phone.receive(method)
        ringing, silent = phones
        ringing.answer(ringing.got("INVITE")[0], 180)
        assert 3 <= await ended(scene) < 4
        for _ in range(2):
            await alice.receive_later(503, within=0)
        await ringing.receive_later("CANCEL", within=0)
        assert silent.got("CANCEL") == []

    script()


@simulated()
async def test_what_is_heard_after_the_503_is_nobodys_any_more(scene: Scene) -> None:
    alice, bob = await unanswered(scene, "INVITE", "MESSAGE")
    scene.server.end()
    for _ in range(2):
        await alice.receive_later(503, within=3.1)
    alice.inbox.clear()
    bob.answer(bob.got("INVITE")[0], 486)
    bob.answer(bob.got("MESSAGE")[0], 404)
    await ended(scene)
    assert [each.kind for each in alice.inbox if each.kind != 503] == []


@simulated()
async def test_an_idle_server_ends_without_much_ado(scene: Scene) -> None:
    assert await ended(scene) == pytest.approx(0.1)


@pytest.mark.parametrize("seconds", [0.0, 1.0, 3.05])
def test_told_twice_it_ends_at_once(seconds: float) -> None:
    """While requests in progress are awaited, and in the farewell."""

    @simulated()
    async def script(scene: Scene) -> None:
        alice, _bob = await unanswered(scene, "MESSAGE")
        scene.server.end()
        await trio.sleep(seconds)
        scene.server.end()
        assert await ended(scene) == 0
        await alice.receives_nothing() if seconds < 3 else await alice.receive(503, within=0)

    script()


@simulated()
async def test_the_statistics_name_the_state(scene: Scene) -> None:
    assert scene.server.statistics()["state"] == "Serving"
    await unanswered(scene, "MESSAGE")
    scene.server.end()
    assert scene.server.statistics()["state"] == "Draining"
    await ended(scene)
    assert scene.server.statistics()["state"] == "Ended"


# ---- registrations that the disk keeps waiting


class Disk:
    """A disk in virtual time, that can be stopped for a while."""

    def __init__(self) -> None:
        self._turns = trio.Event()
        self._turns.set()

    def stop(self) -> None:
        """Let what is written from now on wait."""
        self._turns = trio.Event()

    def go_on(self) -> None:
        """Write what waits."""
        self._turns.set()

    async def do(self, blocking: Callable[[], T]) -> T:
        await self._turns.wait()
        return blocking()


def with_a_disk(
    script: Callable[[Scene, Disk], Awaitable[None]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, tuple[Binding, ...]]:
    """Run a script on a server whose location service is on such a disk; return what is stored in the end."""
    disk = Disk()
    monkeypatch.setattr(SqlLocation, "_in_thread", lambda _location, blocking: disk.do(blocking))
    stored: dict[str, tuple[Binding, ...]] = {}

    async def main() -> None:
        path = folder / "location.db"
        async with scene(location=f"sqlite:{path}") as stage:
            try:
                await script(stage, disk)
            finally:
                disk.go_on()  # or the location service would wait for it for ever
            await stage.settle()
        async with trio.open_nursery() as nursery:
            location = SqlLocation(path, clock=stage.server.surroundings.clock)
            await nursery.start(location.run)
            stored.update({user: location.bindings(f"sip:{user}@{DOMAIN}") for user in ("alice", "bob")})
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return stored


def register(phone: Phone) -> Request:
    return phone.request("REGISTER", f"sip:{DOMAIN}", to=f"<{phone.aor}>")


async def registering(stage: Scene, disk: Disk) -> tuple[Phone, Phone]:
    """Return two phones; the registration of the first is being written, that of the second waits."""
    alice, bob = await stage.phone("alice"), await stage.phone("bob")
    disk.stop()
    for phone in (alice, bob):
        await phone.send(register(phone))
        await trio.sleep(0.1)
    return alice, bob


def test_a_registration_that_gets_503_takes_no_effect_and_one_that_is_written_gets_its_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """:rfc:`3261#section-10.3` step 7: a request that fails leaves nothing behind."""

    async def script(stage: Scene, disk: Disk) -> None:
        alice, bob = await registering(stage, disk)
        stage.server.end()
        await trio.sleep(3.1)
        refusal = await bob.receive_later(503, within=0)
        assert refusal.response.headers.lines(b"retry-after") == [b"10"]
        await trio.sleep(0.5)
        disk.go_on()
        await alice.receive_later(200)
        assert await ended(stage) < 0.3

    stored = with_a_disk(script, tmp_path, monkeypatch)
    assert [len(bindings) for bindings in stored.values()] == [1, 0]


def test_a_registration_whose_outcome_nobody_knows_in_time_gets_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either answer could be false, and the phone asks again."""

    async def script(stage: Scene, disk: Disk) -> None:
        alice, bob = await registering(stage, disk)
        assert await ended(stage) == pytest.approx(4.1, abs=0.05)
        await bob.receive_later(503, within=0)
        assert [each.kind for each in alice.log] == [100]

    stored = with_a_disk(script, tmp_path, monkeypatch)
    assert [len(bindings) for bindings in stored.values()] == [1, 0]


def test_a_registration_that_the_disk_is_done_with_in_time_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(stage: Scene, disk: Disk) -> None:
        phones = await registering(stage, disk)
        stage.server.end()
        await trio.sleep(1)
        disk.go_on()
        for phone in phones:
            await phone.receive(200)
        assert await ended(stage) < 0.3

    stored = with_a_disk(script, tmp_path, monkeypatch)
    assert [len(bindings) for bindings in stored.values()] == [1, 1]


# ---- every row


async def told_and_idle(stage: Scene) -> None:
    await ended(stage)


async def told_again(stage: Scene) -> None:
    await unanswered(stage, "MESSAGE")
    stage.server.end()
    stage.server.end()


async def requests_all_the_time(stage: Scene) -> None:
    """One in progress until time is up, one that is answered after that, and one in the last moment."""
    alice, bob = await unanswered(stage, "MESSAGE")
    stage.server.end()
    for seconds in (1.0, 2.02, 0.06):
        await trio.sleep(seconds)
        for to in (f"<{bob.aor}>", f"<{bob.aor}>;tag=1"):
            await alice.send(alice.request("OPTIONS", f"sip:{DOMAIN}", to=to))
    await ended(stage)
    assert [each.kind for each in alice.log if each.kind != 100] == [503, 200, 503, 503, 200, 503, 200]


async def told_again_when_time_is_up(stage: Scene) -> None:
    await unanswered(stage, "MESSAGE")
    stage.server.end()
    await trio.sleep(3.02)  # before it has looked whether all are answered
    stage.server.end()


async def nothing(_stage: Scene) -> None:
    pass


SCENES: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "SRV-01": nothing,
    "SRV-02": nothing,
    "SRV-05": told_again,
    "SRV-06": told_again,
    "SRV-07": nothing,
    "SRV-08": requests_all_the_time,
    "SRV-09": requests_all_the_time,
    "SRV-10": told_and_idle,
    "SRV-11": requests_all_the_time,
    "SRV-12": told_again,
    "SRV-13": requests_all_the_time,
    "SRV-14": requests_all_the_time,
    "SRV-15": requests_all_the_time,
    "SRV-16": told_again_when_time_is_up,
    "SRV-17": requests_all_the_time,
    "SRV-18": requests_all_the_time,
    "SRV-19": requests_all_the_time,
}

UNSTARTED = {"SRV-03", "SRV-04"}


@pytest.fixture
def fired(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The rows that have fired so far."""
    rows: set[str] = set()

    def note(_instance: Instance, row: Row) -> None:
        rows.add(row.id)

    monkeypatch.setattr(_engine(), "observer", note)
    return rows


def test_these_are_all_rows_there_are() -> None:
    rows = Engine(load_model("server"), Timing()).rows.values()
    assert {row.id for row in rows} == {*SCENES, *UNSTARTED}


@pytest.mark.parametrize("row", SCENES)
def test_a_row_fires(row: str, fired: set[str]) -> None:
    async def main() -> None:
        async with scene() as stage:
            await SCENES[row](stage)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert row in fired


def test_a_server_that_cannot_start_ends_by_its_row(tmp_path: Path, fired: set[str]) -> None:
    (tmp_path / "no.db").write_bytes(b"this is no database" * 100)
    server = Server(Settings(location=f"sqlite:{tmp_path / 'no.db'}"))
    with pytest.RaisesGroup(pytest.RaisesExc(ServerError, match="no.db")):
        trio.run(server.run)
    assert fired == {"SRV-01", "SRV-03"}


def test_a_server_that_is_stopped_while_it_starts_ends_by_its_row(fired: set[str]) -> None:
    async def main() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await Server(Settings(location="memory")).run()

    trio.run(main)
    assert fired == {"SRV-01", "SRV-04"}


@simulated(log_level="debug")
async def test_the_log_tells_of_each_step(scene: Scene) -> None:
    with capture_logs() as log:
        await ended(scene)
    steps = [line for line in log if line.get("model") == "server"]
    assert [(line["trigger"], line["state"]) for line in steps] == [
        ("told_to_end", "Draining"),
        ("all_answered", "Leaving"),
        ("timer_farewell", "Ended"),
    ]
    assert {line["key"] for line in steps} == {"server"}
