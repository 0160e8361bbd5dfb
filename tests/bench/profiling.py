"""Where sipfsm's time goes: sampled shares first, then cProfile's counts of calls."""

from __future__ import annotations

import io
import json
import pstats
import signal
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.load import whole_calls
from tests.bench.targets import PROXY_CORE, Running
from tests.interop.process import ProgramError, cpu_seconds, free_port
from tests.interop.server import Server

_ROWS = 45


def profile(*, calls: int, rate: int) -> str:
    """Two runs of sipfsm with these calls, one sampled, one counted; the report as text."""
    with tempfile.TemporaryDirectory(prefix="sipfsm-profile-") as name:
        folder = Path(name)
        counted = max(100, calls // 8)
        samples, counts = folder / "samples.json", folder / "counts.prof"
        used = _run(folder, ["-m", "tests.bench.sampler", str(samples)], calls, rate, sampled=True)
        # cProfile makes it several times slower: a lower rate, so that it does not fall behind.
        _run(folder, ["-m", "cProfile", "-o", str(counts)], counted, max(1, rate // 8), sampled=False)
        return "\n".join([_shares(json.loads(samples.read_text()), used, calls), _counts(counts, counted)])


def _run(folder: Path, wrapper: Sequence[str], calls: int, rate: int, *, sampled: bool) -> float:
    """Calls through a wrapped server, which then ends in order (its wrapper writes then); its CPU seconds."""
    server = Server(folder, log_level="warning", wrapper=wrapper, core=PROXY_CORE)
    with server:
        running, callee = Running(server, server.port), free_port()
        whole_calls(running, callee, folder, calls=100, rate=100)
        if sampled:
            server.signal(signal.SIGUSR2)
        before = cpu_seconds(server.pid)
        load = whole_calls(running, callee, folder, calls=calls, rate=rate)
        used = cpu_seconds(server.pid) - before
        if sampled:
            server.signal(signal.SIGUSR2)
        if load.complete < 0.9 * calls:
            raise ProgramError(f"{load}: take a lower rate\n{server.tail()}")
        server.terminate(deadline=30)
    return used


def _shares(samples: dict[str, Any], used: float, calls: int) -> str:
    own, inclusive = (Counter(samples[kind]) for kind in ("own", "inclusive"))
    total = own.total()
    by_file: Counter[str] = Counter()
    for function, count in own.items():
        by_file[function.partition(":")[0]] += count
    lines = [
        f"{calls} calls, {used:.2f} CPU s, {1000 * used / calls:.2f} per 1,000 calls; {total} samples",
        "",
    ]
    for title, counter in (
        ("own time by file", by_file),
        ("own time", own),
        ("with what it calls", inclusive),
    ):
        lines += [f"--- {title}"]
        lines += [
            f"{count / total:7.1%}  {1e6 * used / calls * count / total:7.1f} us a call  {name}"
            for name, count in counter.most_common(_ROWS)
        ]
        lines += [""]
    return "\n".join(lines)


def _counts(file: Path, calls: int) -> str:
    text = io.StringIO()
    pstats.Stats(str(file), stream=text).strip_dirs().sort_stats("tottime").print_stats(_ROWS)
    return f"--- cProfile, {calls} calls (own time; ncalls includes the start)\n{text.getvalue()}"
