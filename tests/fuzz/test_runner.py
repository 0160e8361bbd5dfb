"""``make fuzz``: what it says, and how it ends."""

import sys

import pytest

from tests.fuzz import __main__ as runner
from tests.fuzz.shrink import shrink


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["fuzz", *arguments])
    monkeypatch.setattr(runner, "configure_logging", lambda *_: None)
    return runner.main()


@pytest.mark.slow
def test_it_says_how_many_sequences_there_were_and_what_they_reached(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--seconds", "0.1", "--seed", "5") == 0
    told = capsys.readouterr().out
    assert told.startswith("Seed 5\n")
    for kind in ("machines", "transaction layer", "whole server"):
        assert kind in told
    assert "of 81" in told
    assert "of 93" in told


def test_what_it_finds_is_told_with_the_seed_and_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "fuzz_machines", lambda _reached: lambda _chance, _count: "a ladder")
    for name in ("fuzz_layer", "fuzz_server"):
        monkeypatch.setattr(runner, name, lambda _reached: lambda _chance, _count: None)
    assert run(monkeypatch, "--seconds", "0.1", "--seed", "5") == 1
    assert "Found in the machines with --seed 5:\na ladder\n" in capsys.readouterr().out


def test_no_time_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "--seconds", "0")
    assert ended.value.code == 2


def test_shrinking_keeps_what_is_needed_in_its_order() -> None:
    assert shrink(range(100), lambda part: 17 in part and 71 in part) == (17, 71)
    assert shrink("abc", lambda part: True) in {("a",), ("b",), ("c",)}
