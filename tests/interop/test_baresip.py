"""Two phones that nobody here wrote register, one calls the other, they talk, they hang up."""

from __future__ import annotations

import pytest

from tests.interop.laboratory import Laboratory
from tests.interop.process import until

SECOND_OF_AUDIO = 50
"""RTP packets: one for each 20 ms."""


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
@pytest.mark.parametrize("who_hangs_up", ["caller", "callee"])
def test_two_phones_talk(laboratory: Laboratory, protocol: str, who_hangs_up: str) -> None:
    proxy = laboratory.proxy()
    alice = laboratory.baresip("alice", proxy.port, protocol=protocol)
    bob = laboratory.baresip("bob", proxy.port, protocol=protocol)

    alice.command("dial", bob.aor)
    for phone, peer in ((alice, bob), (bob, alice)):
        established = phone.wait_event("CALL_ESTABLISHED")
        assert peer.aor in established["peeruri"]
    for phone in (alice, bob):
        until(lambda: min(phone.audio_packets()) > SECOND_OF_AUDIO, 10, "a second of audio, both ways")  # noqa: B023

    (alice if who_hangs_up == "caller" else bob).command("hangup")
    for phone in (alice, bob):
        phone.wait_event("CALL_CLOSED")
        assert phone.command("listcalls").strip().endswith("(0) ---")


def test_a_phone_that_calls_nobody_hears_so(laboratory: Laboratory) -> None:
    proxy = laboratory.proxy()
    alice = laboratory.baresip("alice", proxy.port)
    alice.command("dial", f"sip:nobody@127.0.0.1:{proxy.port}")
    # 480: the user is known, and nowhere now (RFC 3261 16.5); 404 where users without a phone are unknown.
    assert alice.wait_event("CALL_CLOSED")["param"].startswith(("480", "404"))


def test_a_caller_gives_up_and_the_phone_stops_ringing(laboratory: Laboratory) -> None:
    proxy = laboratory.proxy()
    alice = laboratory.baresip("alice", proxy.port)
    bob = laboratory.baresip("bob", proxy.port, answers=False)
    alice.command("dial", bob.aor)
    bob.wait_event("CALL_INCOMING")
    alice.wait_event("CALL_RINGING")
    alice.command("hangup")
    for phone in (alice, bob):
        phone.wait_event("CALL_CLOSED")
