"""Measure the message layer beside sipmessage and write the report: ``python -m tests.bench.messages``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.message_work import MESSAGES, WORK
from tests.bench.report import machine

AIM = 4.0
"""How many times as fast as sipmessage all that a proxy does to a message should be."""

Medians = dict[tuple[str, str, str], float]


def measure() -> Medians:
    """Run the benchmark; microseconds for one message by message, work and library."""
    with TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", "pytest", "-q", "--benchmark-enable", "--benchmark-only"]
        # The processor's own time, so that the machine's other work does not count.
        command += ["--benchmark-timer=time.process_time", f"--benchmark-json={result}"]
        subprocess.run([*command, "tests/bench/test_message_speed.py"], check=True)
        measured = json.loads(result.read_text())["benchmarks"]
    medians: Medians = {}
    for one in measured:
        info = one["extra_info"]
        key = (info["message"], info["work"], info["library"])
        medians[key] = one["stats"]["median"] / info["batch"] * 1e6
    return medians


def report(medians: Medians) -> str:
    """Write the report."""
    found = machine()
    lines = [
        "# What a message costs",
        "",
        "Written by `make bench-messages`: sipfsm's message layer beside sipmessage, a parser in pure Python",
        "that nobody here wrote, in one run, on the same bytes. Each message has its own branch, tags and",
        "Call-ID.",
        "",
        f"- Date: {found['date']}",
        f"- Machine: {found['processor']}, {found['system']}, Python {found['Python']}",
        f"- sipfsm {found['sipfsm']}, sipmessage {version('sipmessage')}",
        "",
        "Medians of the processor's time in microseconds for one message:",
        "",
        "| message | work | sipfsm | sipmessage | times as fast |",
        "|---|---|---|---|---|",
    ]
    for message in MESSAGES:
        for work in WORK:
            ours, theirs = (medians[message, work, library] for library in ("sipfsm", "sipmessage"))
            lines.append(f"| {message} | {work} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.1f} |")
    worst = min(_ratio(medians, message, "all a proxy does") for message in MESSAGES)
    lines += [
        "",
        f"The aim is {AIM:.0f} times as fast for all that a proxy does: parse; read Request-URI, Via, From,",
        "To, Call-ID, CSeq, Max-Forwards and Route; push a Via, pop a Route, lower Max-Forwards, or pop the",
        f"Via of a response; write it. The least of the three ratios is {worst:.1f}:",
        f"{'reached' if worst >= AIM else 'not reached'}.",
        "",
        "Parsing alone is closer, for there both do little more than find the fields.",
    ]
    return "\n".join(lines) + "\n"


def _ratio(medians: Medians, message: str, work: str) -> float:
    return medians[message, work, "sipmessage"] / medians[message, work, "sipfsm"]


def main() -> None:
    """Measure and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--output", type=Path, default=Path("docs/bench-messages.md"))
    output: Path = options.parse_args().output
    output.write_text(report(measure()))


if __name__ == "__main__":
    main()
