"""What every location service promises, checked on each of them."""

from pathlib import Path

import pytest
import trio
import trio.testing

from sipfsm.location import Binding, LocationCount, LocationError, LocationLimits, LocationReason
from tests.unit.location.samples import ALICE, BOB, CLOCK, Clock, Open, add, binding, openers, put, running


@pytest.fixture(params=["memory", "sql"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    return openers(tmp_path)[request.param]


def test_an_update_returns_the_live_bindings_highest_q_first(opener: Open) -> None:
    wanted = (
        binding("low", q=0.1),
        binding("first", q=0.5),
        binding("second", q=0.5),
        binding("dead", ends=CLOCK.now),
        binding("high"),
    )

    async def main() -> None:
        location = opener(CLOCK, LocationLimits())
        async with running(location):
            after = await location.update(ALICE, put(*wanted))
            names = [one.contact.split(b"@")[0] for one in after]
            assert names == [b"sip:high", b"sip:first", b"sip:second", b"sip:low"]
            assert location.bindings(ALICE) == after
            assert location.bindings(BOB) == ()

    trio.run(main)


def test_reading_is_no_checkpoint(opener: Open) -> None:
    async def main() -> None:
        location = opener(CLOCK, LocationLimits())
        async with running(location):
            await location.update(ALICE, put(binding("a")))
            with trio.testing.assert_no_checkpoints():
                location.bindings(ALICE)

    trio.run(main)


def test_a_change_sees_what_the_one_before_it_left(opener: Open) -> None:
    async def main() -> None:
        location = opener(CLOCK, LocationLimits(bindings_per_aor=100))
        async with running(location):
            async with trio.open_nursery() as nursery:
                for number in range(50):
                    nursery.start_soon(location.update, ALICE, add(binding(f"phone{number}")))
            assert len(location.bindings(ALICE)) == 50

    trio.run(main)


def test_a_binding_ends_at_its_time_and_not_before(opener: Open) -> None:
    async def main() -> None:
        clock = Clock()
        location = opener(clock, LocationLimits())
        async with running(location):
            short, long = binding("short", ends=clock.now + 60), binding("long", ends=clock.now + 61, q=0.5)
            await location.update(ALICE, put(short, long))
            clock.now += 59.9
            assert location.bindings(ALICE) == (short, long)
            clock.now += 0.1
            assert location.bindings(ALICE) == (long,)
            third = binding("third", q=0)
            assert await location.update(ALICE, add(third)) == (long, third)

    trio.run(main)


def test_an_exception_of_the_change_reaches_the_caller_and_changes_nothing(opener: Open) -> None:
    def broken(live: tuple[Binding, ...]) -> tuple[Binding, ...]:
        raise LookupError("no")

    async def main() -> None:
        location = opener(CLOCK, LocationLimits())
        async with running(location):
            before = await location.update(ALICE, put(binding("a")))
            with pytest.raises(LookupError):
                await location.update(ALICE, broken)
            assert location.bindings(ALICE) == before
            await location.update(BOB, put(binding("b")))  # and the service goes on

    trio.run(main)


def test_an_address_of_record_has_a_bounded_number_of_bindings(opener: Open) -> None:
    async def main() -> None:
        location = opener(CLOCK, LocationLimits(bindings_per_aor=2))
        async with running(location):
            full = await location.update(ALICE, put(binding("a"), binding("b")))
            with pytest.raises(LocationError) as caught:
                await location.update(ALICE, add(binding("c")))
            assert caught.value.reason is LocationReason.TOO_MANY_BINDINGS
            assert location.bindings(ALICE) == full
            refreshed = (binding("a", cseq=2), binding("c"))
            assert await location.update(ALICE, put(*refreshed)) == refreshed

    trio.run(main)


def test_there_is_a_bounded_number_of_addresses_of_record(opener: Open) -> None:
    async def main() -> None:
        location = opener(CLOCK, LocationLimits(aors=2))
        async with running(location):
            refused = []

            async def register(number: int) -> None:
                try:
                    await location.update(f"sip:{number}@example.com", put(binding("a")))
                except LocationError as error:
                    refused.append(error.reason)

            async with trio.open_nursery() as nursery:  # also within one group of updates
                for number in range(4):
                    nursery.start_soon(register, number)
            assert refused == [LocationReason.TOO_MANY_AORS] * 2
            assert location.count() == LocationCount(aors=2, bindings=2)

    trio.run(main)


def test_a_freed_place_can_be_taken(opener: Open) -> None:
    async def main() -> None:
        location = opener(CLOCK, LocationLimits(aors=1))
        async with running(location):
            await location.update(ALICE, put(binding("a")))
            await location.update(ALICE, put())
            await location.update(BOB, put(binding("b")))
            assert location.count() == LocationCount(aors=1, bindings=1)

    trio.run(main)


def test_a_binding_has_a_bounded_size(opener: Open) -> None:
    async def main() -> None:
        location = opener(CLOCK, LocationLimits(binding_bytes=200))
        async with running(location):
            with pytest.raises(LocationError) as caught:
                await location.update(ALICE, put(binding("x" * 200)))
            assert caught.value.reason is LocationReason.TOO_LARGE
            await location.update(ALICE, put(binding("x" * 150)))

    trio.run(main)


def test_a_sweep_drops_what_has_expired_and_nothing_else(opener: Open) -> None:
    async def main() -> None:
        clock = Clock()
        location = opener(clock, LocationLimits(pending_updates=2_500))
        async with running(location):
            async with trio.open_nursery() as nursery:
                for number in range(2_500):  # several slices
                    one = binding("a", ends=clock.now + (60 if number % 2 else 3600))
                    nursery.start_soon(location.update, f"sip:{number}@example.com", put(one))
            await location.update(ALICE, put(binding("short", ends=clock.now + 60), binding("long")))
            clock.now += 60
            assert location.count() == LocationCount(aors=2_501, bindings=2_502)
            assert await location.sweep() == 1_251
            assert location.count() == LocationCount(aors=1_251, bindings=1_251)
            assert await location.sweep() == 0

    trio.run(main)


def test_a_lowered_limit_takes_nothing_away(tmp_path: Path) -> None:
    async def main() -> None:
        three = (binding("a"), binding("b"), binding("c"))
        location = openers(tmp_path)["sql"](CLOCK, LocationLimits(bindings_per_aor=3))
        async with running(location):
            await location.update(ALICE, put(*three))
        location = openers(tmp_path)["sql"](CLOCK, LocationLimits(bindings_per_aor=1))
        async with running(location):
            assert await location.update(ALICE, lambda live: live) == three
            assert await location.update(ALICE, lambda live: live[1:]) == three[1:]
            with pytest.raises(LocationError):
                await location.update(ALICE, put(*three))
        location = openers(tmp_path)["sql"](CLOCK, LocationLimits(binding_bytes=1))
        async with running(location):
            assert await location.update(ALICE, lambda live: live[:1]) == three[1:2]

    trio.run(main)


@pytest.mark.parametrize("name", ["bindings_per_aor", "aors", "binding_bytes", "pending_updates"])
def test_limits_are_at_least_one(name: str) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        LocationLimits(**{name: 0})


@pytest.mark.parametrize(("q", "ends"), [(1.1, 0.0), (-0.1, 0.0), (float("nan"), 0.0), (1.0, float("inf"))])
def test_a_binding_without_a_place_in_the_order_is_refused(q: float, ends: float) -> None:
    with pytest.raises(ValueError, match=r"q must|must end"):
        binding("a", q=q, ends=ends)
