"""The report: Markdown for people, JSON beside it for the next comparison."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import platform
import subprocess
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.bench.measure import GOOD_RATE, GOOD_SHARE, Measured, Plan, middle
from tests.bench.targets import GENERATOR_CORE, PROXY_CORE
from tests.interop.kamailio import installed_kamailio


def machine() -> dict[str, str]:
    """Where it was measured, and with which versions."""
    processor = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    found = {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{processor}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "sipfsm": _package("sipfsm"),
        "trio": _package("trio"),
        "transitions": _package("transitions"),
        "SIPp": _first_line("sipp", "-v"),
    }
    try:
        found["Kamailio"] = _first_line(installed_kamailio(), "-v")
    except FileNotFoundError:
        found["Kamailio"] = "not installed"
    return found


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _first_line(*argv: str) -> str:
    output = subprocess.run(
        argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    ).stdout
    return next((line.strip() for line in output.splitlines() if line.strip()), "unknown")


_PAGE = """\
# What a call costs

Made by `make bench`; do not edit.

{where}

A call is INVITE, 100, 180, 200, ACK, BYE, 200 over UDP on loopback, from SIPp through the target to SIPp.
The target has core {proxy_core}, both SIPp share core {generator_core}. The targets took turns in
{plan.rounds} rounds, and each number is the median of them. CPU is that of the whole process tree.

{results}

{ratios}
## How to read it

- The cost is that of {plan.calls} calls. "With what follows" adds what the target does in the
  {plan.linger:g} s after the last one: a stateful proxy keeps its transactions for 64*T1 = 32 s. The cost of
  a call falls as the load rises (more datagrams a wake-up), so only runs at the same rate can be compared.
- A rate counts as carried when {good_share:.1%} of the calls of a run of {plan.trial:g} s are complete, and
  the caller could start {good_rate:.0%} of those due, with at most a second's worth open at once. Each rate
  has two attempts. A target far from 100 % busy at its highest rate was not the limit: SIPp on its core was.
- Memory is what the process tree grew by (proportional set size) while {plan.held} calls were ringing,
  divided by these calls.
- The floor is a relay under Trio, two UDP sockets, that passes datagrams on unread: no SIP proxy in Python on
  Trio can cost less.
- As Debian ships it, Kamailio takes its memory from an allocator made for finding bugs; `-x fm` is its fast
  one.
"""


def markdown(measured: list[Measured], plan: Plan, where: dict[str, str]) -> str:
    """The whole page."""
    heading = [
        "target",
        f"CPU s per 1,000 calls at {plan.rate}/s",
        "with what follows",
        "highest rate, calls/s",
        "CPU s per 1,000 calls there",
        "busy there",
        "memory per call in progress",
    ]
    return _PAGE.format(
        where="\n".join(f"- {name}: {value}" for name, value in where.items()),
        plan=plan,
        proxy_core=PROXY_CORE,
        generator_core=GENERATOR_CORE,
        good_share=GOOD_SHARE,
        good_rate=GOOD_RATE,
        results="\n".join(_table(heading, [_row(one) for one in measured])),
        ratios="\n".join(_ratios(measured)),
    )


def _row(one: Measured) -> list[str]:
    peak = one.peak
    return [
        one.target.name,
        _number(middle(one.cost)),
        _number(middle(one.cost_in_all)),
        "-" if peak is None else f"{peak.rate:.0f}",
        "-" if peak is None else _number(peak.cost),
        "-" if peak is None else f"{peak.busy:.0%}",
        f"{max(0.0, middle(one.memory)) / 1024:.1f} KiB",
    ]


def _ratios(measured: list[Measured]) -> list[str]:
    """The factors between sipfsm and each of the others."""
    by_key = {one.target.key: one for one in measured}
    ours = by_key.pop("sipfsm", None)
    if ours is None or not by_key:
        return []
    rows = []
    for other in by_key.values():
        rates = [one.peak.rate if one.peak else math.nan for one in (ours, other)]
        rows.append(
            [
                other.target.name,
                _number(middle(ours.cost) / middle(other.cost)),
                _number(middle(ours.cost_in_all) / middle(other.cost_in_all)),
                _number(rates[0] / rates[1]),
                _number(middle(ours.memory) / middle(other.memory)) if middle(other.memory) > 0 else "-",
            ]
        )
    heading = ["sipfsm to", "CPU a call", "with what follows", "highest rate", "memory a call"]
    return ["sipfsm divided by each of the others:", "", *_table(heading, rows), ""]


def _table(heading: list[str], rows: list[list[str]]) -> list[str]:
    rule = ["---"] + ["---:"] * (len(heading) - 1)
    return ["| " + " | ".join(row) + " |" for row in (heading, rule, *rows)]


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def as_json(measured: list[Measured], plan: Plan, where: dict[str, str]) -> str:
    """Every round of every measurement."""
    targets = {
        one.target.key: {
            "name": one.target.name,
            "cpu_seconds_per_1000_calls": one.cost,
            "cpu_seconds_per_1000_calls_in_all": one.cost_in_all,
            "highest_rate": [asdict(peak) for peak in one.peaks],
            "bytes_per_call_in_progress": one.memory,
        }
        for one in measured
    }
    return json.dumps({"machine": where, "plan": asdict(plan), "targets": targets}, indent=2) + "\n"
