"""Calls over a network that loses every tenth datagram, on both sides of the proxy and in both directions."""

from __future__ import annotations

from tests.interop.laboratory import Laboratory
from tests.interop.lossy import LossyRelay
from tests.interop.process import free_port

CALLS = 20


def test_every_call_completes_under_loss(laboratory: Laboratory) -> None:
    proxy = laboratory.proxy()
    port = free_port()
    with LossyRelay(proxy.port, loss=0.1, seed=3261) as near, LossyRelay(port, loss=0.1, seed=6026) as far:
        callee = laboratory.callee("uas_lossy", port=port, contact_port=far.port, calls=CALLS, deadline=90)
        target = f"sip:callee@127.0.0.1:{far.port}"
        # The call is up for 2 s: time for the copies of a 200 whose ACK was lost.
        caller = laboratory.caller(
            "uac_call", near.port, target, calls=CALLS, rate=10, deadline=60, extra=["-d", "2000"]
        )
        result = caller.finish()
        callee.finish()
    assert result.successful == CALLS
    assert near.dropped > 0
    assert far.dropped > 0
    assert result.retransmissions > 0
