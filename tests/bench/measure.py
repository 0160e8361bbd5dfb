"""The three measurements, and how they interleave.

Each measurement starts its target afresh, and each round takes the targets in turn: whatever else the machine
does meanwhile hits all of them alike. The report shows the median of the rounds.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench.load import Load, held_calls, whole_calls
from tests.bench.targets import Running, Target
from tests.interop.process import cpu_seconds, free_port, memory

GOOD_SHARE = 0.995
"""A rate counts as carried when this share of the calls is complete ..."""

GOOD_RATE = 0.97
"""... and the caller could really start this share of the calls that were due each second."""

_WARM_UP = 200
"""Calls before anything is measured: imports, caches, the first growth of every pool."""


@dataclass(frozen=True)
class Plan:
    """How much to measure.

    :param calls: calls of one measurement of the cost.
    :param rate: calls a second at which the cost is measured.
    :param rounds: how often each measurement is taken.
    :param linger: seconds to wait for what is left to do after the last call, such as ending transactions.
    :param trial: seconds of load for each rate tried in the search for the highest.
    :param precision: the search ends when the highest good and the lowest bad rate are so close, as a factor.
    :param held: calls in progress when memory is measured.
    """

    calls: int = 4000
    rate: int = 200
    rounds: int = 3
    linger: float = 36.0
    trial: float = 4.0
    precision: float = 1.04
    held: int = 1000

    @classmethod
    def quick(cls, rate: int) -> Plan:
        """A look, not a result: some two minutes."""
        return cls(calls=3 * rate, rate=rate, rounds=1, linger=0.0, trial=2.0, precision=1.15, held=200)


@dataclass(frozen=True)
class Peak:
    """The highest rate that was carried, and what it cost.

    :param rate: calls a second that the caller really started.
    :param cost: CPU seconds of the target per 1,000 calls.
    :param busy: CPU seconds of the target per second, 0 to 1; far from 1, the generator was the limit.
    """

    rate: float
    cost: float
    busy: float


@dataclass
class Measured:
    """What was measured of one target, one entry a round.

    :param cost: CPU seconds per 1,000 calls while the calls run.
    :param cost_in_all: the same with all that is left to do after them.
    :param peaks: the highest rate.
    :param memory: bytes per call in progress.
    """

    target: Target
    cost: list[float] = field(default_factory=list)
    cost_in_all: list[float] = field(default_factory=list)
    peaks: list[Peak] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    @property
    def peak(self) -> Peak | None:
        """The round with the median highest rate."""
        ordered = sorted(self.peaks, key=lambda peak: peak.rate)
        return ordered[len(ordered) // 2] if ordered else None


class Bench:
    """Runs a plan over targets.

    :param say: is told in one line what happens now.
    """

    def __init__(self, targets: list[Target], plan: Plan, say: Callable[[str], None] = print) -> None:
        self.plan = plan
        self.measured = [Measured(target) for target in targets]
        self._say = say

    def run(self) -> list[Measured]:
        """Take all measurements, all rounds."""
        for number in range(1, self.plan.rounds + 1):
            for step in (self._round_of_cost, self._round_of_peaks, self._round_of_memory):
                step(f"round {number} of {self.plan.rounds}")
        return self.measured

    def _round_of_cost(self, title: str) -> None:
        """All targets stay up until each had its time to tidy up, so the waits overlap."""
        with ExitStack() as stack:
            ended: list[tuple[Measured, Running, float, float, int]] = []
            for one in self.measured:
                running, callee, folder = stack.enter_context(_started(one.target))
                before = cpu_seconds(running.program.pid)
                load = whole_calls(running, callee, folder, calls=self.plan.calls, rate=self.plan.rate)
                used = cpu_seconds(running.program.pid) - before
                one.cost.append(per_thousand(used, load))
                ended.append((one, running, before, time.monotonic(), load.complete))
                self._tell(
                    title, one, f"{one.cost[-1]:.2f} CPU s per 1,000 calls at {self.plan.rate}/s; {load}"
                )
            for one, running, before, since, complete in ended:
                time.sleep(max(0.0, since + self.plan.linger - time.monotonic()))
                used = cpu_seconds(running.program.pid) - before
                one.cost_in_all.append(1000 * used / complete if complete else float("nan"))

    def _round_of_peaks(self, title: str) -> None:
        for one in self.measured:
            known = one.peak
            # Later rounds know where to look.
            start, factor = (200.0, 1.6) if known is None else (known.rate * 0.9, 1.1)
            peak = self._search(one.target, start, factor)
            if peak is not None:
                one.peaks.append(peak)
                self._tell(title, one, f"carries {peak.rate:.0f} calls/s, {peak.busy:.0%} busy")

    def _search(self, target: Target, start: float, factor: float) -> Peak | None:
        """Rise until a rate is not carried (or fall until one is), then halve the gap; at most 20 rates."""
        best: Peak | None = None
        low, high, rate = 0.0, float("inf"), start
        for _ in range(20):
            # A second attempt: something else on the machine may have had its moment during the first.
            peak = self._carries(target, rate) or self._carries(target, rate)
            if peak is not None:
                low, best = rate, peak
            else:
                high = rate
            if low and high / low < self.plan.precision:
                break
            if not low:
                rate = high / factor
                if rate < 1:
                    break
            else:
                rate = low * factor if high == float("inf") else (low * high) ** 0.5
        return best

    def _carries(self, target: Target, rate: float) -> Peak | None:
        """What the target did at that rate; None when it did not carry it."""
        with _started(target) as (running, callee, folder):
            before, since = cpu_seconds(running.program.pid), time.monotonic()
            load = whole_calls(running, callee, folder, calls=round(rate * self.plan.trial), rate=rate)
            used, took = cpu_seconds(running.program.pid) - before, time.monotonic() - since
        if load.share < GOOD_SHARE or load.rate < GOOD_RATE * rate:
            return None
        return Peak(load.rate, per_thousand(used, load), used / took)

    def _round_of_memory(self, title: str) -> None:
        for one in self.measured:
            with _started(one.target) as (running, callee, folder):
                before = memory(running.program.pid)
                with held_calls(running, callee, folder, calls=self.plan.held, rate=self.plan.rate):
                    held = memory(running.program.pid) - before
            one.memory.append(held / self.plan.held)
            self._tell(title, one, f"{one.memory[-1] / 1024:.1f} KiB per call in progress")

    def _tell(self, title: str, one: Measured, text: str) -> None:
        self._say(f"{title}: {one.target.key}: {text}")


def per_thousand(used: float, load: Load) -> float:
    """CPU seconds per 1,000 complete calls; not a number when none was complete."""
    return 1000 * used / load.complete if load.complete else float("nan")


def middle(values: list[float]) -> float:
    """The median; not a number when there is none."""
    return median(values) if values else float("nan")


@contextmanager
def _started(target: Target) -> Iterator[tuple[Running, int, Path]]:
    """The target, warm; with the port for the callee and a folder, for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="sipfsm-bench-") as name:
        folder, callee = Path(name), free_port()
        running = target.start(folder, callee)
        with running.program:
            whole_calls(running, callee, folder, calls=_WARM_UP, rate=200)
            yield running, callee, folder
