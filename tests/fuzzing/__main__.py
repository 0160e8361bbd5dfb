"""Fuzz the parser, guided by coverage: ``python -m tests.fuzzing --seconds 600``.

A file as argument is examined once: that is how a finding is reproduced.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

FOLDER = Path(".cache/fuzz-parser")


def main() -> None:
    """Read the command line and fuzz, or examine files."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    options.add_argument("file", nargs="*", type=Path, help="examine these files, do not fuzz")
    options.add_argument("--seconds", type=int, default=600, help="how long to fuzz (default: 600)")
    options.add_argument("--folder", type=Path, default=FOLDER, help="for inputs and findings")
    options.add_argument("--seed", type=int, default=1, help="of the random numbers; 0 for new ones")
    chosen = options.parse_args()
    if chosen.file:
        _examine(chosen.file)
    else:
        _fuzz(chosen.seconds, chosen.folder, chosen.seed)


def _examine(files: list[Path]) -> None:
    from tests.fuzzing.invariants import examine

    for file in files:
        examine(file.read_bytes())
        sys.stdout.write(f"{file}: nothing is wrong\n")


def _fuzz(seconds: int, folder: Path, seed: int) -> None:
    import atheris

    # Only what is imported in here has its branches watched.
    with atheris.instrument_imports(include=["sipfsm.message"]):
        from tests.fuzzing.invariants import examine
    from tests.fuzzing.seeds import SEEDS, dictionary

    inputs = folder / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(SEEDS):
        (inputs / f"seed-{number:02}").write_bytes(content)
    words = folder / "words.dict"
    words.write_text(dictionary())
    sys.stdout.write(f"Fuzzing for {seconds} s. A finding is written to {folder}/crash-*; examine one with\n")
    sys.stdout.write(f"  python -m tests.fuzzing {folder}/crash-...\n")
    sys.stdout.flush()
    arguments = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={folder}/",
        f"-dict={words}",
        f"-seed={seed}",
        "-max_len=2048",
        "-timeout=10",
        "-print_final_stats=1",
        str(inputs),
    ]
    atheris.Setup([sys.argv[0], *arguments], examine)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
