"""The runner of SPIN: what it reads back, what is missing, and what it leaves behind."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sipfsm.verify.spin.run import Limits, MissingProgramError, SpinError, StoppedError, run_spin

COUNTING = """
byte up; byte broken;
active proctype counting() {
#ifdef CIRCLES
accept:
#endif
do
:: d_step { up < 5 -> up++; printf("@up %d\\n", up) }
:: d_step { up == 5 && DOWN -> up = 0; printf("@down\\n") }
:: d_step { up == 4 && BREAK -> up = 9; broken = 3; printf("@broken\\n") }
:: d_step { broken -> assert(!broken) }
od
}
"""


def counting(*, down: bool = False, broken: bool = False) -> str:
    return COUNTING.replace("DOWN", str(down).lower()).replace("BREAK", str(broken).lower())


def test_all_states_are_seen_and_counted() -> None:
    search = run_spin(counting(), quick=True)
    assert (search.states, search.depth, search.complete, search.violations) == (6, 5, True, ())


def test_a_counterexample_is_what_its_steps_print() -> None:
    search = run_spin(counting(broken=True), quick=True)
    (violation,) = search.violations
    assert violation.assertion == "!(broken)"
    assert violation.trail == ("up 1", "up 2", "up 3", "up 4", "broken")
    assert search.complete
    assert search.states == 7


def test_a_run_without_an_end_is_found_by_its_circle() -> None:
    (violation,) = run_spin(counting(down=True), circles=True, quick=True).violations
    assert violation.assertion is None
    assert "down" in violation.trail
    assert run_spin(counting(), circles=True, quick=True).violations == ()


STOPS_OR_GOES_ROUND = """
byte at;
active proctype walking() {
#ifdef CIRCLES
accept:
#endif
do
:: d_step { at == 0 -> at = 1 }
:: d_step { at == 0 -> at = 2 }
:: d_step { at == 2 -> at = 3; printf("@round\\n") }
:: d_step { at == 3 -> at = 2 }
od
}
"""


def test_a_run_that_stops_does_not_hide_one_that_does_not() -> None:
    (violation,) = run_spin(STOPS_OR_GOES_ROUND, circles=True, quick=True).violations
    assert "round" in violation.trail


def test_what_is_no_promela_is_told_with_its_line() -> None:
    with pytest.raises(SpinError, match=r"^spin failed: spin: model.pml:1, Error: syntax error"):
        run_spin("byte = 1;")


@pytest.mark.parametrize("program", ["spin", "gcc"])
def test_a_missing_program_is_told_with_what_installs_it(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in {"spin", "gcc"} - {program}:
        (tmp_path / other).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgramError) as caught:
        run_spin(counting())
    assert str(caught.value) == f"{program} is not installed; install it with: apt install spin gcc libc6-dev"


def test_nothing_begins_when_no_time_is_left() -> None:
    with pytest.raises(StoppedError, match="spin did not end in time"):
        run_spin(counting(), Limits(seconds=0))


FakeVerifier = Callable[[str], Path]


@pytest.fixture
def fake_verifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeVerifier:
    """Puts a script in the place of what gcc makes; it can write its process id to the file returned."""

    def make(script: str) -> Path:
        noted = tmp_path / "pid"
        (tmp_path / "verifier").write_text(f"#!/bin/sh\nNOTED={noted}\n{script}\n")
        (tmp_path / "verifier").chmod(0o755)
        gcc = tmp_path / "bin" / "gcc"
        gcc.parent.mkdir()
        # spin itself has gcc expand the names in its text.
        real = shutil.which("gcc")
        made = f"cp {tmp_path}/verifier pan"
        gcc.write_text(f'#!/bin/sh\ncase "$*" in *"-o pan"*) {made} ;; *) exec {real} "$@" ;; esac\n')
        gcc.chmod(0o755)
        monkeypatch.setenv("PATH", f"{gcc.parent}:{os.environ['PATH']}")
        return noted

    return make


SAYS = (
    'echo "State-vector 12 byte, depth reached 7, errors: 0"; echo "  1.5e+3 states, stored"; '
    'echo "  2000 transitions (= stored+matched)"'
)


def test_a_search_that_is_stopped_says_how_far_it_came(fake_verifier: FakeVerifier) -> None:
    noted = fake_verifier(f"trap '{SAYS}; exit' INT\necho $$ > $NOTED\nwhile :; do sleep 0.1; done")
    search = run_spin(counting(), Limits(stopped=noted.exists))
    assert (search.states, search.transitions, search.depth, search.complete) == (1500, 2000, 7, False)
    assert gone(noted)


def test_a_search_that_met_a_limit_is_not_complete(fake_verifier: FakeVerifier) -> None:
    fake_verifier(f'echo "pan: reached -DMEMLIM bound, out of memory"; {SAYS}')
    assert not run_spin(counting()).complete


def test_a_verifier_that_says_nothing_gives_no_verdict(fake_verifier: FakeVerifier) -> None:
    fake_verifier("echo Bus error")
    with pytest.raises(SpinError, match="SPIN gave no verdict: Bus error"):
        run_spin(counting())


def test_what_is_interrupted_leaves_nothing_behind(
    fake_verifier: FakeVerifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    noted = fake_verifier("trap '' INT\necho $$ > $NOTED\nwhile :; do sleep 0.1; done")

    def interrupt() -> bool:
        if noted.exists():
            raise KeyboardInterrupt  # as Ctrl-C does, also where whoever runs the tests has it ignored
        return False

    with pytest.raises(KeyboardInterrupt):
        run_spin(counting(), Limits(stopped=interrupt))
    assert gone(noted)
    assert list(scratch.iterdir()) == []


def gone(noted: Path) -> bool:
    """Whether the verifier that noted its process id has ended."""
    try:
        os.kill(int(noted.read_text()), 0)
    except ProcessLookupError:
        return True
    return False
