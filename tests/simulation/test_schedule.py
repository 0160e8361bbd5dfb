"""Trio's schedule follows from a seed within the block, and is at random again behind it."""

import importlib

import pytest
import trio

from sipfsm.simulation import scheduled_by


def order() -> list[int]:
    """The order in which twenty tasks that are ready at the same moment get to run."""
    ran: list[int] = []

    async def note(number: int) -> None:
        await trio.lowlevel.checkpoint()
        ran.append(number)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(note, number)

    trio.run(main)
    return ran


def test_the_same_seed_gives_the_same_order_and_another_one_another() -> None:
    with scheduled_by(1):
        first = order()
    with scheduled_by(1):
        assert order() == first
    with scheduled_by(2):
        assert order() != first


def test_what_was_before_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    run = importlib.import_module("trio._core._run")
    monkeypatch.setattr(run, "_ALLOW_DETERMINISTIC_SCHEDULING", False)
    state = run._r.getstate()
    with scheduled_by(1):
        assert run._ALLOW_DETERMINISTIC_SCHEDULING
    assert not run._ALLOW_DETERMINISTIC_SCHEDULING
    assert run._r.getstate() == state


def test_a_trio_without_the_switch_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING")
    with pytest.raises(RuntimeError, match="cannot be told not to"), scheduled_by(1):
        pass
