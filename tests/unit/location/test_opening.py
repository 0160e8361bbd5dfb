"""From a line of configuration to a location service."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from sipfsm.location import LocationCount, LocationError, LocationReason, MemoryLocation, open_location
from sipfsm.location.sql import SqlLocation
from tests.unit.location.samples import ALICE, Clock, binding, put, running


def test_memory() -> None:
    assert isinstance(open_location("memory"), MemoryLocation)


def test_a_file(tmp_path: Path) -> None:
    async def main() -> None:
        location = open_location(f"sqlite:{tmp_path / 'location.db'}")
        assert isinstance(location, SqlLocation)
        async with running(location):
            assert (tmp_path / "location.db").exists()

    trio.run(main)


@pytest.mark.parametrize("spec", ["", "Memory", "memory:", "sqlite", "sqlite:", "sqlite::memory:", "a.db"])
def test_anything_else_is_refused_with_a_sentence(spec: str) -> None:
    with pytest.raises(LocationError, match="write memory, or sqlite: and the path") as caught:
        open_location(spec)
    assert caught.value.reason is LocationReason.BAD_SPEC
    assert repr(spec) in caught.value.detail


def test_expired_bindings_are_swept_at_the_interval() -> None:
    clock = Clock()

    async def main() -> None:
        location = open_location("memory", clock=clock, sweep_interval=30.0)
        async with running(location):
            await location.update(ALICE, put(binding("a", ends=clock.now + 10)))
            clock.now += 10
            await trio.sleep(29)
            assert location.count() == LocationCount(aors=1, bindings=1)
            await trio.sleep(2)
            assert location.count() == LocationCount(aors=0, bindings=0)

    trio.run(main, clock=MockClock(autojump_threshold=0))
