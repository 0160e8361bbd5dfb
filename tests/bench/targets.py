"""What the benchmark measures: one program each, started fresh, doing the same job.

The job: the caller sends every message to the target; the Request-URI (or, inside the call, the Route that
the target recorded) leads on to the callee. No registration, no database: the forwarding itself is
measured.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.interop.kamailio import Kamailio, installed_kamailio
from tests.interop.process import Program, free_port, is_bound, until
from tests.interop.server import ROOT, Server

PROXY_CORE, GENERATOR_CORE = 0, 1


@dataclass(frozen=True)
class Running:
    """A started target."""

    program: Program
    port: int


@dataclass(frozen=True)
class Target:
    """A program to measure.

    :param key: short name for the command line and the JSON.
    :param name: what the report calls it.
    :param start: starts it on PROXY_CORE, given a folder of its own and the callee's port.
    """

    key: str
    name: str
    start: Callable[[Path, int], Running]


def _sipfsm(folder: Path, _callee: int) -> Running:
    server = Server(folder, log_level="warning", core=PROXY_CORE)
    return Running(server, server.port)


def _relay(folder: Path, callee: int) -> Running:
    port = free_port()
    argv = [sys.executable, "-m", "tests.bench.relay", str(port), str(callee)]
    program = Program(argv, folder / f"relay-{port}.log", cwd=ROOT, core=PROXY_CORE)
    until(lambda: is_bound(port), 20, "the relay's port")
    return Running(program, port)


def _kamailio(allocator: str | None) -> Callable[[Path, int], Running]:
    def start(folder: Path, _callee: int) -> Running:
        program = Kamailio(
            folder, tcp=False, registrar=False, children=1, allocator=allocator, no_answer=32, core=PROXY_CORE
        )
        return Running(program, program.port)

    return start


def all_targets() -> list[Target]:
    """Every target that this machine can run, sipfsm first; Kamailio only where it is installed."""
    found = [
        Target("sipfsm", "sipfsm", _sipfsm),
        Target("relay", "relay that parses nothing (the floor)", _relay),
    ]
    try:
        installed_kamailio()
    except FileNotFoundError:
        return found
    return [
        *found,
        Target("kamailio-fm", "Kamailio, one worker, fast allocator (`-x fm`)", _kamailio("fm")),
        Target("kamailio", "Kamailio, one worker, as Debian ships it", _kamailio(None)),
    ]
