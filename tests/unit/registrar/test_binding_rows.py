"""Every row of the model `binding` fires in a running registrar and location service, and the log tells."""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import trio
from structlog.testing import capture_logs

from sipfsm.fsm import Engine, Timing, load_model
from sipfsm.location import LocationService, MemoryLocation, address_of_record
from sipfsm.location.sql import SqlLocation
from sipfsm.message import Request, Response, SipUri, check_untrusted, parse_message_untrusted
from sipfsm.registrar import Registrar

START = 1_700_000_000.0
BOB = "sip:bob@example.com"


def register(*contacts: str, cseq: int = 1) -> Request:
    lines = [
        "REGISTER sip:example.com SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1",
        "Max-Forwards: 70",
        f"To: <{BOB}>",
        f"From: <{BOB}>;tag=1",
        "Call-ID: c1@phone",
        f"CSeq: {cseq} REGISTER",
        *(f"Contact: {contact}" for contact in contacts),
        "Content-Length: 0",
        "",
        "",
    ]
    request = parse_message_untrusted("\r\n".join(lines).encode())
    check_untrusted(request)
    assert isinstance(request, Request)
    return request


class Bench:
    """A registrar and its location service that log every event, with a clock to turn by hand."""

    def __init__(self, path: Path | None) -> None:
        self.now = START
        self.path = path
        self.open()

    def clock(self) -> float:
        return self.now

    def open(self) -> None:
        """Begin with an empty memory, or with what is on the disk."""
        self.location: LocationService
        if self.path is None:
            self.location = MemoryLocation(clock=self.clock, tracing=True)
        else:
            self.location = SqlLocation(self.path, clock=self.clock, tracing=True)
        self.registrar = Registrar(self.location, domains=["example.com"], clock=self.clock, tracing=True)

    async def send(self, *contacts: str, cseq: int = 1) -> Response:
        return await self.registrar.answer(register(*contacts, cseq=cseq))


async def live(bench: Bench) -> None:
    """Have everything happen to bindings that can happen without a restart."""
    assert (await bench.send("<sip:a@h>;expires=0")).status == 200
    assert (await bench.send("<sip:a@h>", cseq=2)).status == 200
    assert (await bench.send("<sip:a@h>", cseq=2)).status == 500
    assert (await bench.send("<sip:a@h>", cseq=3)).status == 200
    assert (await bench.send("<sip:a@h>;expires=0", cseq=4)).status == 200
    await bench.send("<sip:n@h;security=on>, <sip:n@h;security=off>", cseq=5)
    assert (await bench.send("<sip:n@h>;expires=60", cseq=6)).headers.lines(b"contact") == [
        b"<sip:n@h>;expires=60"
    ]
    bench.now += 60
    assert await bench.location.sweep() == 1


LIVE = {
    ("Absent", "unregister", "Absent", "sip:a@h"),
    ("Absent", "register", "Active", "sip:a@h"),
    ("Active", "out_of_order", "Active", "sip:a@h"),
    ("Active", "register", "Active", "sip:a@h"),
    ("Active", "unregister", "Terminated", "sip:a@h"),
    ("Absent", "register", "Active", "sip:n@h;security=on"),
    ("Absent", "register", "Active", "sip:n@h;security=off"),
    ("Active", "register", "Active", "sip:n@h;security=on"),
    ("Active", "replaced", "Terminated", "sip:n@h;security=off"),
    ("Active", "expired", "Terminated", "sip:n@h"),
}
"""What `live` has the log say: state, event, next state, contact."""

RESTORED = ("Absent", "restored", "Active", "sip:a@h")


Log = list[MutableMapping[str, Any]]


@pytest.fixture
def log() -> Iterator[Log]:
    with capture_logs() as lines:
        yield lines


def steps(log: Log) -> set[tuple[object, ...]]:
    lines = [line for line in log if line.get("model") == "binding"]
    return {(line["was"], line["trigger"], line["state"], line["key"]) for line in lines}


async def run_once(bench: Bench, use: Callable[[Bench], Awaitable[None]]) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(bench.location.run)
        await use(bench)
        nursery.cancel_scope.cancel()


def test_these_are_all_rows_there_are() -> None:
    rows = Engine(load_model("binding"), Timing()).rows
    assert set(rows) == {(state, event) for state, event, *_ in LIVE | {RESTORED}}


@pytest.mark.parametrize("kind", ["memory", "sql"])
def test_what_happens_to_a_binding_is_a_row(kind: str, tmp_path: Path, log: Log) -> None:
    bench = Bench(tmp_path / "location.db" if kind == "sql" else None)
    trio.run(run_once, bench, live)
    assert steps(log) == LIVE


def test_what_is_on_the_disk_is_restored_unless_its_time_is_over(tmp_path: Path, log: Log) -> None:
    async def bind(bench: Bench) -> None:
        await bench.send("<sip:a@h>;expires=120, <sip:b@h>;expires=60")

    async def look(bench: Bench) -> None:
        uri = parse_bob()
        assert [one.contact for one in bench.location.bindings(address_of_record(uri))] == [b"sip:a@h"]

    bench = Bench(tmp_path / "location.db")
    trio.run(run_once, bench, bind)
    log.clear()
    bench.now += 60
    bench.open()
    trio.run(run_once, bench, look)
    assert steps(log) == {RESTORED}


def parse_bob() -> SipUri:
    uri = register().to.uri
    assert isinstance(uri, SipUri)
    return uri


def test_a_request_that_fails_leaves_all_bindings_as_they_were() -> None:
    """:rfc:`3261#section-10.3` step 7: if one update fails, none takes effect."""

    async def use(bench: Bench) -> None:
        before = (await bench.send("<sip:a@h>, <sip:b@h>", cseq=5)).headers.lines(b"contact")
        await bench.send("<sip:c@h>", cseq=6)
        assert (await bench.send("<sip:a@h>, <sip:c@h>", cseq=6)).status == 500
        assert (await bench.send("*", cseq=6)).status == 400  # no Expires
        after = (await bench.send()).headers.lines(b"contact")
        assert after == [*before, b"<sip:c@h>;expires=3600"]

    trio.run(run_once, Bench(None), use)
