"""Two minutes of fuzzing guided by coverage; `make fuzz-parser` goes on for longer."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzzing.invariants import examine
from tests.fuzzing.seeds import SEEDS, dictionary

SECONDS = 120

# Where atheris has no wheel, as `pyproject.toml` says.
possible = pytest.mark.skipif(
    sys.version_info >= (3, 14) or platform.machine() != "x86_64",
    reason="atheris is for Python below 3.14 on x86-64 only",
)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_wrong_with_the_seeds(seed: bytes) -> None:
    examine(seed)


def test_the_dictionary_has_one_word_in_a_line() -> None:
    lines = dictionary().splitlines()
    assert len(set(lines)) == len(lines)
    assert all(re.fullmatch(r'"(\\x[0-9a-f]{2})+"', line) for line in lines)


def test_a_finding_can_be_examined(tmp_path: Path) -> None:
    (tmp_path / "crash-1").write_bytes(SEEDS[0])
    ran = subprocess.run(
        [sys.executable, "-m", "tests.fuzzing", str(tmp_path / "crash-1")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "nothing is wrong" in ran.stdout


@possible
@pytest.mark.slow
def test_fuzzing_finds_nothing(tmp_path: Path) -> None:
    # A finding stays where it can be picked up after the tests.
    folder = Path(".cache/fuzz-parser/tests")
    shutil.rmtree(folder, ignore_errors=True)
    # Other tests go first; and counting lines of what atheris has rewritten would say nothing.
    command = ["nice", "-n", "10", sys.executable, "-m", "tests.fuzzing", f"--seconds={SECONDS}"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
    ran = subprocess.run(
        [*command, f"--folder={folder}"], capture_output=True, text=True, check=False, env=environment
    )
    findings = [str(path) for path in folder.glob("*-*")]
    assert ran.returncode == 0, f"{findings}\n{ran.stderr[-4000:]}"
    assert not findings
    executed = re.search(r"number_of_executed_units: (\d+)", ran.stderr)
    assert executed
    assert int(executed[1]) > 1000
