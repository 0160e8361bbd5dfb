"""The machine as JSON, for programs; `docs/reference/statechart-json.md` says what each key means."""

import json
from dataclasses import asdict

from sipfsm.statechart.chart import Chart
from sipfsm.statechart.marks import GENERATED

FORMAT = "sipfsm-statechart"
VERSION = 1
"""Grows when a key changes its meaning or goes; new keys alone do not change it."""


def write_json(chart: Chart) -> str:
    """Write a machine, or two that are compared, as one JSON object."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        "generator": GENERATED,
        "initial": chart.initial,
        "final": list(chart.final),
    }
    return json.dumps(data | asdict(chart), indent=2, ensure_ascii=False) + "\n"
