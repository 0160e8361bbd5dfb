"""The core of the server gives each request to who answers it; the server starts and counts."""

import gc
import os
import resource
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
import trio
from structlog.testing import capture_logs

from sipfsm.config import Settings
from sipfsm.location import Binding, LocationCount
from sipfsm.location.store import SqliteStore
from sipfsm.message import Message, parse_message_untrusted
from sipfsm.server import Server, ServerError, ServerInfo, serve
from sipfsm.simulation.phone import DOMAIN
from sipfsm.simulation.scene import Scene, simulated
from sipfsm.transaction import ClientTransaction
from sipfsm.transport import Target

LOOPBACK = ("udp:127.0.0.1:0", "tcp:127.0.0.1:0")


# ---- who answers


@simulated()
async def test_options_to_the_server_itself_tells_what_it_can(scene: Scene) -> None:
    """:rfc:`3261#section-11.2`: capabilities, no body, and no Allow from a proxy."""
    alice = await scene.phone("alice")
    for uri in ("sip:example.com", "sip:192.0.2.10", "sip:192.0.2.10:5060;transport=udp"):
        await alice.send(alice.request("OPTIONS", uri))
        headers = (await alice.receive(200)).response.headers
        assert headers.lines(b"supported") == [b"path"]
        assert b"allow" not in headers
        for name in (b"accept", b"accept-encoding", b"accept-language"):
            assert name in headers


@pytest.mark.parametrize(("required", "status"), [("foo, path", 420), ("path", 200)])
@simulated()
async def test_options_to_the_server_itself_may_require_what_it_supports(
    scene: Scene, required: str, status: int
) -> None:
    """:rfc:`3261#section-8.2.2.3`."""
    alice = await scene.phone("alice")
    await alice.send(alice.request("OPTIONS", "sip:example.com", fields=[("Require", required)]))
    assert (await alice.receive(status)).response.unsupported == ([] if status == 200 else ["foo"])


@simulated()
async def test_options_to_a_user_goes_to_the_user(scene: Scene) -> None:
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("OPTIONS", bob.aor))
    bob.answer(await bob.receive("OPTIONS"), 200)
    assert (await alice.receive(200)).response.to.tag == f"bob-{bob.host}"


@simulated(trusted=("192.0.2.0/24",))
async def test_register_goes_to_the_registrar_of_its_domain(scene: Scene) -> None:
    alice, registrar = await scene.phone("alice"), await scene.phone("registrar")
    await alice.register()
    assert scene.server.location.count() == LocationCount(aors=1, bindings=1)
    foreign = alice.request("REGISTER", f"sip:{registrar.host}", to=f"<sip:alice@{registrar.host}>")
    await alice.send(foreign)
    registrar.answer(await registrar.receive("REGISTER"), 200)
    await alice.receive(200)


@simulated()
async def test_a_binding_remembers_the_flow_that_it_came_over(scene: Scene) -> None:
    alice = await scene.phone("alice")
    await alice.register()
    [binding] = scene.server.location.bindings("sip:alice@example.com")
    assert binding.received == f"udp:{alice.host}:5060"


@simulated()
async def test_what_is_malformed_where_only_the_core_looks_is_answered_with_400(scene: Scene) -> None:
    alice = await scene.phone("alice")
    await alice.send(alice.request("OPTIONS", "sip:example.com", fields=[("Require", "a b")]))
    assert (await alice.receive(400)).response.reason == "Not a token in Require"
    await alice.send(alice.request("INVITE", "sip:bob@example.com", fields=[("Proxy-Require", "<>")]))
    await alice.receive(400)
    assert scene.counted("refused.bad-token") == 2


@simulated()
async def test_an_empty_proxy_require_asks_for_nothing(scene: Scene) -> None:
    alice = await scene.phone("alice")
    await alice.send(alice.request("INVITE", "sip:bob@example.com", fields=[("Proxy-Require", "")]))
    await alice.receive(480)


# ---- work that raises


def fails(*_: object) -> NoReturn:
    """Stand for anything that has a bug."""
    raise RuntimeError("a bug")


def forgive(scene: Scene, *labels: str) -> None:
    """Check that there were faults of these kinds, so that the end of the test does not complain of them."""
    for label in labels:
        assert scene.server.counters.pop(label) >= 1


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "MESSAGE"])
@simulated()
async def test_work_that_raises_is_answered_with_500(
    scene: Scene, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug that one request brings to light ends that request, and no other."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    uri = "sip:example.com" if method == "REGISTER" else bob.aor
    with monkeypatch.context() as patch:
        patch.setattr(scene.server.location, "bindings", fails)
        patch.setattr(scene.server.location, "submit", fails)
        await alice.send(alice.request(method, uri, to=f"<{bob.aor}>"))
        await alice.receive(500)
    forgive(scene, "faults.transaction")
    await alice.send(alice.request("MESSAGE", bob.aor))
    bob.answer(await bob.receive("MESSAGE"), 200)
    await alice.receive(200)


@simulated()
async def test_a_bug_in_forwarding_is_answered_with_500(scene: Scene) -> None:
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("INVITE", bob.aor))
    await bob.receive("INVITE")
    await _break_all_contexts(scene)
    await alice.receive(500)
    forgive(scene, "faults.proxy")


@simulated()
async def test_a_bug_after_the_answer_changes_nothing(scene: Scene) -> None:
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("INVITE", bob.aor))
    bob.answer(await bob.receive("INVITE"), 200)
    await alice.receive(200)
    await _break_all_contexts(scene)
    await alice.receives_nothing(60)
    forgive(scene, "faults.proxy")


@simulated()
async def test_a_bug_in_cancelling_is_counted_and_the_call_ends_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """:rfc:`3261#section-9.1`: 64*T1 after the CANCEL, the call counts as cancelled."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite = await alice.send(alice.request("INVITE", bob.aor))
    bob.answer(await bob.receive("INVITE"), 180)
    await alice.receive(180)
    with monkeypatch.context() as patch:
        patch.setattr(ClientTransaction, "begin", fails)
        await alice.send(alice.cancel(invite))
        await alice.receive(200)
        await alice.receive_later(487, within=33)
    forgive(scene, "faults.proxy")


async def _break_all_contexts(scene: Scene) -> None:
    async def breaks() -> None:
        fails()

    for client in scene.server.transactions.clients.values():
        assert client.nursery is not None
        client.nursery.start_soon(breaks)
    await trio.sleep(0.001)


@simulated()
async def test_a_bug_in_what_has_no_transaction_is_counted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    with monkeypatch.context() as patch:
        patch.setattr(scene.server.location, "bindings", fails)
        await alice.send(alice.request("ACK", bob.aor))
        await alice.receives_nothing()
    [label] = [label for label in scene.server.counters if label.startswith("faults")]
    forgive(scene, label)
    await alice.send(alice.request("ACK", bob.aor))
    await bob.receive("ACK")


@pytest.mark.parametrize(
    ("contact", "label"),
    [
        ("sip:bob@phone.example.net", "faults.proxy"),
        ("sip:bob@192.0.2.77;transport=tcp", "faults.transaction"),
    ],
)
@simulated()
async def test_so_is_one_in_finding_the_way_of_it(
    scene: Scene, contact: str, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread for a lookup, for instance. All other requests go on."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await scene.bind("bob", contact)
    with monkeypatch.context() as patch:
        patch.setattr(scene.directory, "resolve", fails)
        patch.setattr(scene.server.transport, "connect", fails)
        await alice.send(alice.request("ACK", bob.aor))
        await alice.receives_nothing()
    forgive(scene, label)
    await alice.send(alice.request("OPTIONS", "sip:example.com"))
    await alice.receive(200)


# ---- statistics


@simulated(log_level="debug")
async def test_statistics_tell_what_is_held(scene: Scene) -> None:
    """With every event logged, which must not change what happens."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    idle = scene.server.statistics()
    await bob.register()
    before = scene.server.statistics()
    assert (before["contexts"], before["bindings"]) == (0, 1)
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    during = scene.server.statistics()
    assert during["contexts"] == 1
    assert during["transactions"] == 3  # the REGISTER lingers
    assert isinstance(during["timers"], int)
    assert during["timers"] >= 4
    assert isinstance(during["counters"], dict)
    assert during["counters"]["received.udp"] == 2
    bob.answer(invite, 486)
    await alice.receive(486)
    await trio.sleep(100)
    after = scene.server.statistics()
    assert (after["contexts"], after["transactions"], after["timers"]) == (0, 0, 0)
    assert after["tasks"] == idle["tasks"]


# ---- starting


@simulated(limits={"max_transactions": 2, "max_bindings_per_aor": 1, "max_connections": 1})
async def test_the_limits_of_the_configuration_hold(scene: Scene) -> None:
    alice, bob, desk = await scene.phone("alice"), await scene.phone("bob"), await scene.phone("bob")
    await bob.register(protocol="TCP")
    await desk.send(desk.request("REGISTER", "sip:example.com", to=f"<{desk.aor}>"))
    [refusal] = [await desk.receive(403)]
    assert refusal.response.to.tag
    await alice.send(alice.request("MESSAGE", bob.aor))
    await alice.send(alice.request("MESSAGE", bob.aor))
    await alice.receive(503)
    await desk.send(desk.request("OPTIONS", "sip:example.com", protocol="TCP"), protocol="TCP")
    await desk.receives_nothing()
    assert scene.counted("connections.refused.total") == 1


def settings(**changes: Any) -> Settings:
    return Settings(**{"listen": LOOPBACK, "location": "memory"} | changes)


def started(config: Settings) -> str:
    """Start a server and return the sentence with which it fails."""
    with pytest.RaisesGroup(pytest.RaisesExc(ServerError)) as caught:
        trio.run(Server(config).run)
    return str(caught.value.exceptions[0])


def test_an_address_that_is_taken_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert f"cannot listen on udp:127.0.0.1:{port}: " in started(
            settings(listen=(f"udp:127.0.0.1:{port}",))
        )


def test_a_location_service_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_bytes(b"this is no database" * 100)
    assert "no.db" in started(settings(location=f"sqlite:{tmp_path / 'no.db'}"))


def test_a_location_service_that_does_not_exist_is_refused() -> None:
    odd = settings().model_copy(update={"location": "stone:tablets"})
    with pytest.raises(ServerError, match="stone:tablets"):
        Server(odd)


# ---- what outlives a restart


class Datagrams:
    """A phone on a socket of its own, that nobody trusts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.socket = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def bind(self) -> None:
        await self.socket.bind(("127.0.0.1", 0))

    @property
    def address(self) -> str:
        host, port = self.socket.getsockname()
        return f"{host}:{port}"

    def request(self, method: str, uri: str, *fields: str, to: str, branch: str = "one") -> bytes:
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{method}{branch}",
            "Max-Forwards: 70",
            f"From: <sip:{self.name}@example.net>;tag=1",
            f"To: {to}",
            "Call-ID: one-call",
            f"CSeq: 1 {method}",
            *fields,
            "Content-Length: 0",
            "",
            "",
        ]
        return "\r\n".join(lines).encode()

    async def send(self, port: int, method: str, uri: str, *fields: str, to: str) -> None:
        await self.socket.sendto(
            self.request(method, uri, *fields, to=to, branch=str(port)), ("127.0.0.1", port)
        )

    async def receive(self, start: bytes) -> Message:
        """Return the next message that begins so."""
        with trio.fail_after(5):
            while not (data := await self.socket.recv(65_536)).startswith(start):
                pass
        return parse_message_untrusted(data)


@asynccontextmanager
async def restarted(port: int, location: str) -> AsyncIterator[int]:
    """Run a server on a UDP port, any free one for 0; yield the port."""
    config = settings(
        listen=[f"udp:127.0.0.1:{port}"], domains=["example.com"], trusted=["192.0.2.1"], location=location
    )
    async with trio.open_nursery() as nursery:
        info: ServerInfo = await nursery.start(Server(config).run)
        yield info.listeners[0].port
        nursery.cancel_scope.cancel()


async def bye_after_a_restart(location: str) -> bytes:
    """Set a call up, restart the server, hang up; return how the BYE that arrives begins, or its answer."""
    alice, bob, to = Datagrams("alice"), Datagrams("bob"), "<sip:bob@example.com>"
    await alice.bind()
    await bob.bind()
    contact = f"sip:bob@{bob.address}"
    heard: list[bytes] = []
    async with restarted(0, location) as port:
        await bob.send(port, "REGISTER", "sip:example.com", f"Contact: <{contact}>", to=to)
        await bob.receive(b"SIP/2.0 200")
        await alice.send(port, "INVITE", "sip:bob@example.com", to=to)
        [route] = (await bob.receive(b"INVITE")).headers.lines(b"record-route")
    async with restarted(port, location), trio.open_nursery() as nursery:

        async def hear(phone: Datagrams, start: bytes) -> None:
            await phone.receive(start)
            heard.append(start)
            nursery.cancel_scope.cancel()

        nursery.start_soon(hear, bob, b"BYE")
        nursery.start_soon(hear, alice, b"SIP/2.0 403")
        await alice.send(port, "BYE", contact, f"Route: {route.decode()}", to=f"{to};tag=2")
    alice.socket.close()
    bob.socket.close()
    return heard[0]


def test_a_call_can_be_ended_after_a_restart(tmp_path: Path) -> None:
    assert trio.run(bye_after_a_restart, f"sqlite:{tmp_path / 'location.db'}") == b"BYE"


def test_in_memory_the_secret_lasts_as_long_as_the_process() -> None:
    assert trio.run(bye_after_a_restart, "memory") == b"SIP/2.0 403"


def test_a_secret_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "location.db.key").write_text("?")
    assert "location.db.key is damaged" in started(settings(location=f"sqlite:{tmp_path / 'location.db'}"))


@pytest.mark.parametrize("level", ["debug", "info"])
def test_every_machine_is_traced_at_debug_and_none_above(level: str, tmp_path: Path) -> None:
    location = f"sqlite:{tmp_path / 'location.db'}"

    async def main() -> None:
        server = Server(
            settings(listen=LOOPBACK, domains=["example.com"], log_level=level, location=location)
        )
        async with trio.open_nursery() as nursery:
            info: ServerInfo = await nursery.start(server.run)
            async with await trio.open_tcp_stream("127.0.0.1", info.listeners[1].port):
                phone = Datagrams("bob")
                await phone.bind()
                contact = f"Contact: <sip:bob@{phone.address}>"
                port = info.listeners[0].port
                await phone.send(port, "REGISTER", "sip:example.com", contact, to="<sip:bob@example.com>")
                await phone.receive(b"SIP/2.0 200")
                phone.socket.close()
                nursery.cancel_scope.cancel()

    with capture_logs() as log:
        trio.run(main)
    models = {line["model"] for line in log if line["event"] == "event"}
    every = {"server", "non-invite-server", "binding", "update", "connection"}
    assert models == (every if level == "debug" else set())


# ---- serving until a signal comes


@pytest.fixture
def process() -> Iterator[None]:
    """Give back what `serve` changes for the whole process."""
    thresholds, files = gc.get_threshold(), resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    resource.setrlimit(resource.RLIMIT_NOFILE, files)


@pytest.mark.usefixtures("process")
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_another_has_it_tell_its_statistics(end: signal.Signals) -> None:
    infos: list[ServerInfo] = []

    def on_started(info: ServerInfo) -> None:
        infos.append(info)
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), end)

    with capture_logs() as logs:
        trio.run(lambda: serve(settings(), on_started=on_started))
    assert [each.protocol for each in infos[0].listeners] == ["UDP", "TCP"]
    events = [entry for entry in logs if entry["event"] in {"started", "statistics", "draining", "stopped"}]
    assert [entry["event"] for entry in events] == ["started", "statistics", "draining", "stopped"]
    assert events[2]["signal"] == end.name
    assert events[3]["contexts"] == 0


@pytest.mark.usefixtures("process")
@pytest.mark.parametrize(
    ("soft", "connections", "expected"), [(256, 512, 512 + 128), (256, 10, 256), (256, 10**7, None)]
)
def test_as_many_files_are_allowed_as_connections_may_need(
    soft: int, connections: int, expected: int | None
) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def on_started(info: ServerInfo) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    config = settings(limits={"max_connections": connections})
    with capture_logs() as logs:
        trio.run(lambda: serve(config, on_started=on_started))
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == (expected or hard)
    assert any(entry["event"] == "few open files allowed" for entry in logs) == (expected is None)


@simulated()
async def test_registers_that_arrive_together_take_effect_in_the_order_of_arrival(scene: Scene) -> None:
    """Whatever order Trio starts their tasks in (RFC 3261 10.3)."""
    phone = await scene.phone("alice")
    users = [f"user{number}" for number in range(12)]
    for user in users:
        for cseq in (1, 2):
            to = f"<sip:{user}@{DOMAIN}>"
            await phone.send(phone.request("REGISTER", f"sip:{DOMAIN}", to=to, call_id=user, cseq=cseq))
    await trio.sleep(1)
    assert [each.kind for each in phone.log] == [200] * 24
    for user in users:
        (binding,) = scene.server.location.bindings(f"sip:{user}@{DOMAIN}")
        assert binding.cseq == 2


def test_registers_that_are_read_in_one_go_share_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a disk that needs 10 ms for a commit would take no more than a hundred of them a second."""
    write, written = SqliteStore.write, []

    def note(store: SqliteStore, changes: Mapping[str, tuple[Binding, ...]]) -> None:
        written.append(len(changes))
        write(store, changes)

    async def main() -> None:
        location = f"sqlite:{tmp_path / 'location.db'}"
        server = Server(settings(listen=["udp:127.0.0.1:0"], domains=["example.com"], location=location))
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
            phone = Datagrams("phone")
            await phone.bind()
            flow = server.transport.flow_to_nowait(Target("UDP", *phone.socket.getsockname()))
            assert flow is not None
            for number in range(100):
                to, contact = f"<sip:{number}@example.com>", f"Contact: <sip:{number}@{phone.address}>"
                data = phone.request("REGISTER", "sip:example.com", contact, to=to, branch=str(number))
                server.transactions.receive(parse_message_untrusted(data), flow)
            for _ in range(100):
                await phone.receive(b"SIP/2.0 200")
            phone.socket.close()
            nursery.cancel_scope.cancel()

    monkeypatch.setattr(SqliteStore, "write", note)
    trio.run(main)
    assert written == [100]
