"""Random updates, many at the same time, leave in every location service what they leave in a dictionary."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipfsm.location import Binding, Change, LocationLimits, LocationService
from tests.unit.location.samples import ALICE, BOB, Clock, openers, running

CONTACTS = (b"sip:a@h", b"sip:b@h", b"tel:+1", b"\xff\x00\xc3\xa9")


@dataclass(frozen=True)
class Register:
    """Binds each contact for `lasts` seconds, as a REGISTER does; none for zero seconds."""

    aor: str
    contacts: tuple[bytes, ...]
    lasts: float
    q: float
    path: tuple[bytes, ...]

    def change(self, now: float) -> Change:
        def apply(live: tuple[Binding, ...]) -> tuple[Binding, ...]:
            kept = [one for one in live if one.contact not in self.contacts]
            if self.lasts:
                ends = now + self.lasts
                kept += [Binding(contact, self.q, ends, "c", 1, self.path) for contact in self.contacts]
            return tuple(kept)

        return apply


@dataclass(frozen=True)
class Pass:
    """Lets time pass."""

    seconds: float


@dataclass(frozen=True)
class Restart:
    """Stops the service, and starts another one on the same file."""


registers = st.builds(
    Register,
    aor=st.sampled_from([ALICE, BOB]),
    contacts=st.lists(st.sampled_from(CONTACTS), unique=True).map(tuple),
    lasts=st.sampled_from([0, 1, 60, 0.5]),
    q=st.sampled_from([0.0, 0.5, 1.0]),
    path=st.lists(st.binary(max_size=5), max_size=2).map(tuple),
)
Step = list[Register] | Pass | Restart
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.lists(registers, min_size=1, max_size=5)
    | st.builds(Pass, st.sampled_from([0.5, 1.0, 30.0, 60.0]))
    | st.builds(Restart),
    max_size=8,
)


class Dictionary:
    """The location service in its simplest form."""

    def __init__(self) -> None:
        self.held: dict[str, list[Binding]] = {}

    def live(self, aor: str, now: float) -> tuple[Binding, ...]:
        live = [one for one in self.held.get(aor, []) if one.expires_at > now]
        return tuple(sorted(live, key=lambda one: one.q, reverse=True))

    def register(self, request: Register, now: float) -> tuple[Binding, ...]:
        self.held[request.aor] = list(request.change(now)(self.live(request.aor, now)))
        return self.live(request.aor, now)


async def play(kind: str, script: Sequence[Step]) -> None:
    clock, model = Clock(), Dictionary()
    with tempfile.TemporaryDirectory() as folder:
        opener = openers(Path(folder))[kind]
        location = opener(clock, LocationLimits())
        remaining = list(script)
        while remaining:
            async with running(location):
                while remaining and not isinstance(step := remaining.pop(0), Restart):
                    await play_step(step, location, model, clock)
                    for aor in (ALICE, BOB):
                        assert location.bindings(aor) == model.live(aor, clock.now)
            if kind == "sql":
                location = opener(clock, LocationLimits())


async def play_step(step: Step, location: LocationService, model: Dictionary, clock: Clock) -> None:
    async def register(request: Register) -> None:
        expected = model.register(request, clock.now)  # the order of the calls is the order of the updates
        assert await location.update(request.aor, request.change(clock.now)) == expected

    if isinstance(step, Pass):
        clock.now += step.seconds
        await location.sweep()
    elif isinstance(step, list):
        async with trio.open_nursery() as nursery:
            for request in step:
                nursery.start_soon(register, request)


@settings(max_examples=100, deadline=None)
@given(steps)
def test_memory_equals_a_dictionary(script: list[Step]) -> None:
    trio.run(play, "memory", script)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_sql_equals_a_dictionary(script: list[Step]) -> None:
    trio.run(play, "sql", script)
