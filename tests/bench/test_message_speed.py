"""The speed of the message layer beside sipmessage: `make bench-messages` measures, the suite only guards."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from time import process_time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.message_work import MESSAGES, WORK, Work, different

BATCH = 20
"""So many messages are measured at a time, so that the clock's own cost does not count."""

GUARD = 1.5
"""Below what is measured while coverage is recorded, which slows only ours: 1.9 to 2.0 for all together.

So only a change for the worse fails, whatever else is running.
"""


@pytest.mark.parametrize("library", ["sipfsm", "sipmessage"])
@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("message", MESSAGES)
def test_speed(benchmark: BenchmarkFixture, message: str, work: str, library: str) -> None:
    # More than the message layer remembers, so that each is parsed anew.
    batches = cycle(_batches(MESSAGES[message], 300))
    do = WORK[work][library == "sipmessage"]

    def run(batch: list[bytes]) -> None:
        for raw in batch:
            do(raw)

    benchmark.extra_info.update(message=message, work=work, library=library, batch=BATCH)
    measure: Callable[..., object] = benchmark.pedantic
    measure(run, setup=lambda: ((next(batches),), {}), rounds=200, warmup_rounds=10)


@pytest.mark.parametrize("message", MESSAGES)
def test_both_read_the_same(message: str) -> None:
    raw = different(MESSAGES[message], 1)[0]
    ours, theirs = (read(raw) for read in WORK["parse and read"])
    assert isinstance(ours, tuple)
    assert isinstance(theirs, tuple)
    assert ours[:5] == theirs[:5]
    ours, theirs = (work(raw) for work in WORK["all a proxy does"])
    assert ours == theirs


@pytest.mark.slow
def test_what_a_proxy_does_is_not_slower_than_it_was() -> None:
    ours, theirs = WORK["all a proxy does"]
    cost = {ours: 0.0, theirs: 0.0}
    for template in MESSAGES.values():
        batches = _batches(template, 100)
        for work in (ours, theirs):
            # The quickest batch is the one that the machine's other work disturbed least.
            cost[work] += min(_seconds(work, batch) for batch in batches)
    assert cost[theirs] / cost[ours] >= GUARD


def _batches(template: bytes, count: int) -> list[list[bytes]]:
    return [different(template, BATCH, first) for first in range(0, count * BATCH, BATCH)]


def _seconds(work: Work, batch: list[bytes]) -> float:
    start = process_time()
    for raw in batch:
        work(raw)
    return process_time() - start
