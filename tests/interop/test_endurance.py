"""10,000 calls one after another: afterwards the process holds what it held before."""

from __future__ import annotations

import pytest

from tests.interop.laboratory import Laboratory
from tests.interop.process import memory, until
from tests.interop.server import Server

T1 = 0.2
"""Seconds. What lingers after a call does so for 64 * T1 (Timers L, M, J): 12.8 s."""

RATE = 200
"""Calls a second while it warms up, at most."""

SHARE = 0.75
"""How fast the 10,000 calls come, of what the machine carried while it warmed up.

The allocator keeps the pages of the largest number of calls that ever lingered. That many do not linger
again, however busy the machine is: what has grown afterwards has been lost.
"""

OPEN = 20
"""Calls at a time: a busy machine makes the test longer, and does not make it fail."""

WARM_UP = round(1.5 * RATE * 64 * T1)
"""Calls until as many linger as ever will: then caches, pools and the allocator's arenas have their size."""

LITTER = 5
"""Blocks for each call that may wait for the cycle collector; a transaction has more than a hundred."""

HELD = ("tasks", "transactions", "contexts", "timers", "connections")
"""What a server holds for calls, as its statistics line names it."""


def _calls(laboratory: Laboratory, server: Server, number: int, *, rate: float) -> float:
    """Make so many calls, and return how many there were a second."""
    callee = laboratory.callee("uas_at_once", calls=number, deadline=300, trace=False)
    target = f"sip:callee@127.0.0.1:{callee.port}"
    load = {"calls": number, "rate": rate, "limit": OPEN, "deadline": 300, "trace": False}
    caller = laboratory.caller("uac_call", server.port, target, **load)
    result = caller.finish()
    callee.finish()
    assert result.successful == number
    return number / result.seconds


def _drained(server: Server, before: dict[str, int] | None) -> dict[str, int]:
    """Wait until it holds no more than before (None: no transaction), and say what it holds."""

    def look() -> dict[str, int] | None:
        now = server.statistics()
        held = {name: now[name] for name in HELD}
        if before is None:
            return held if held["transactions"] == 0 else None
        return held if all(held[name] <= before[name] for name in HELD) else None

    what = f"the last transactions to end; before it held {before}"
    return until(look, 64 * T1 + 30, what, every=0.5)


@pytest.mark.slow
def test_ten_thousand_calls_leave_no_trace(laboratory: Laboratory) -> None:
    server = laboratory.server(options=["--t1", f"{T1:g}"])
    reached = _calls(laboratory, server, WARM_UP, rate=RATE)
    before, size = _drained(server, None), memory(server.pid)
    blocks = server.statistics()["blocks"]
    _calls(laboratory, server, 10_000, rate=SHARE * reached)
    after, grown = _drained(server, before), memory(server.pid)
    assert after == before
    assert grown <= size * 1.05
    assert server.statistics()["blocks"] <= blocks + 10_000 * LITTER
    assert server.terminate(deadline=5) == 0
