"""A sampling profiler for one process: where its CPU time goes, without slowing it down.

cProfile counts each call, and makes calls look dearer than they are. Here the kernel's profiling timer
interrupts the process after each few milliseconds of CPU time, and the function that runs then is noted,
with its callers.

Run as `python -m tests.bench.sampler OUTPUT -m MODULE ARGUMENTS...`. It samples from the first SIGUSR2 to the
second, so that starting and ending stay out of it. When the module ends, OUTPUT gets JSON, in samples:
{"own": {function: n}, "inclusive": {function: n}}.
"""

from __future__ import annotations

import json
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

_INTERVAL = 0.001
"""Seconds of CPU time; the kernel rounds it up to its own tick."""


class Sampler:
    """Counts the functions that run, and those that wait for one that runs."""

    def __init__(self) -> None:
        self._running = False
        self.own: Counter[str] = Counter()
        self.inclusive: Counter[str] = Counter()

    def listen(self) -> None:
        """Wait for SIGUSR2; from the main thread."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR2, self._toggle)

    def _toggle(self, _number: int, _frame: FrameType | None) -> None:
        self._running = not self._running
        interval = _INTERVAL if self._running else 0.0
        signal.setitimer(signal.ITIMER_PROF, interval, interval)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self.own[_name(frame)] += 1
        seen: set[str] = set()
        while frame is not None:
            seen.add(_name(frame))
            frame = frame.f_back
        self.inclusive.update(seen)

    def write(self, output: Path) -> None:
        """Save what was counted."""
        output.write_text(json.dumps({"own": self.own, "inclusive": self.inclusive}))


def _name(frame: FrameType) -> str:
    """The function, after the part of its file's path that says which library it is of."""
    path = frame.f_code.co_filename
    for marker in ("/site-packages/", "/lib/python3"):
        path = path.rpartition(marker)[2]
    for marker in ("/sipfsm/", "/models/"):
        if marker in path:
            path = marker.strip("/") + "/" + path.rpartition(marker)[2]
    return f"{path}:{frame.f_code.co_qualname}"


def main() -> None:
    """Run the module under the sampler."""
    output, module = Path(sys.argv[1]), sys.argv[3]
    sys.argv = sys.argv[3:]
    sampler = Sampler()
    sampler.listen()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        sampler.write(output)


if __name__ == "__main__":
    main()
