"""Calls through a target: SIPp as caller and as callee, both on the generator's core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.targets import GENERATOR_CORE, Running
from tests.interop.process import until
from tests.interop.sipp import Sipp

_PATIENCE = 5.0
"""Seconds that the last calls may take after the last one was due to start."""


@dataclass(frozen=True)
class Load:
    """What became of a run.

    :param wanted: calls that were to be made.
    :param complete: calls that ran through every message of their scenario at the caller.
    :param rate: calls a second that the caller really started.
    :param retransmissions: messages that the caller sent again.
    """

    wanted: int
    complete: int
    rate: float
    retransmissions: int

    @property
    def share(self) -> float:
        """Complete calls of those wanted, 0 to 1."""
        return self.complete / self.wanted


def whole_calls(running: Running, callee_port: int, folder: Path, *, calls: int, rate: float) -> Load:
    """INVITE, 180, 200, ACK, BYE, 200, without a pause; `calls` of them at `rate` a second.

    No more than a second's worth of calls may be open at once: a target that falls behind shows in the rate.
    """
    deadline = calls / rate + _PATIENCE
    with _callee("uas_call", folder, callee_port, calls, deadline + 5) as callee:
        callee.wait_ready()
        with _caller(
            running, callee, calls=calls, rate=rate, limit=max(10, round(rate)), deadline=deadline
        ) as caller:
            caller.wait(deadline + 5)
            result = caller.result()
    return Load(calls, result.successful, result.created / max(result.seconds, 0.001), result.retransmissions)


@contextmanager
def held_calls(
    running: Running, callee_port: int, folder: Path, *, calls: int, rate: float
) -> Iterator[None]:
    """While the block runs, `calls` calls are in progress: they ring, and nobody answers."""
    deadline = calls / rate + 60
    with _callee("uas_ring", folder, callee_port, calls, deadline) as callee:
        callee.wait_ready()
        with _caller(running, callee, calls=calls, rate=rate, limit=calls, deadline=deadline) as caller:
            until(
                lambda: _open_calls(callee) == calls == _open_calls(caller),
                deadline,
                f"{calls} calls in progress",
            )
            yield


def _open_calls(phone: Sipp) -> int:
    row = phone.progress()
    return 0 if row is None else int(row["CurrentCall"])


def _callee(scenario: str, folder: Path, port: int, calls: int, deadline: float) -> Sipp:
    return Sipp(
        scenario,
        folder,
        port=port,
        calls=calls,
        deadline=deadline,
        keys={"contact_port": port},
        trace=False,
        core=GENERATOR_CORE,
        extra=["-d", "600000"],  # how long one rings that does not answer at once
    )


def _caller(running: Running, callee: Sipp, *, calls: int, rate: float, limit: int, deadline: float) -> Sipp:
    return Sipp(
        "uac_call",
        callee.folder,
        remote=running.port,
        calls=calls,
        rate=rate,
        limit=limit,
        deadline=deadline,
        keys={"target": f"sip:callee@127.0.0.1:{callee.port}"},
        trace=False,
        core=GENERATOR_CORE,
    )
