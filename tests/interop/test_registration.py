"""REGISTER by SIPp, and calls to the address-of-record that was registered."""

from __future__ import annotations

import pytest

from tests.interop.laboratory import Laboratory
from tests.interop.process import free_port
from tests.interop.server import DatagramPhone


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_call_reaches_the_phone_that_registered(laboratory: Laboratory, protocol: str) -> None:
    proxy = laboratory.proxy()
    aor = f"sip:alice@127.0.0.1:{proxy.port}"
    callee = laboratory.callee("uas_call", protocol=protocol)
    laboratory.register(proxy.port, aor, callee.port, protocol=protocol)
    laboratory.caller("uac_call", proxy.port, aor, protocol=protocol).finish()
    callee.finish()
    (invite,) = callee.received("INVITE")
    assert invite.start_line.split()[1].startswith(f"sip:phone@127.0.0.1:{callee.port}"), (
        "the contact, not the AOR"
    )


def test_after_a_phone_says_goodbye_its_binding_is_gone(laboratory: Laboratory) -> None:
    proxy = laboratory.proxy()
    aor = f"sip:alice@127.0.0.1:{proxy.port}"
    port = free_port()
    phone = DatagramPhone(proxy.port)

    def contacts() -> str:
        answer = phone.ask("REGISTER", aor, copies=10)  # without a Contact it only asks
        assert answer is not None
        return answer.lower()

    laboratory.register(proxy.port, aor, port)
    assert f"contact: <sip:phone@127.0.0.1:{port}" in contacts()
    laboratory.register(proxy.port, aor, port, expires=0)
    assert "contact:" not in contacts()
    phone.close()


def test_all_phones_of_a_user_ring_and_the_others_stop_when_one_answers(laboratory: Laboratory) -> None:
    proxy = laboratory.proxy()
    aor = f"sip:alice@127.0.0.1:{proxy.port}"
    answering = laboratory.callee("uas_ring", extra=["-d", "300"])  # rings that long, so that both ring
    ringing = laboratory.callee("uas_cancelled")
    for phone in (answering, ringing):
        laboratory.register(proxy.port, aor, phone.port)
    caller = laboratory.caller("uac_call", proxy.port, aor)
    caller.finish()
    answering.finish()
    ringing.finish()  # its scenario demands CANCEL, and the ACK for its 487
    assert len(caller.received("SIP/2.0 200")) == 2, (
        "one for the INVITE, one for the BYE: the 487 stays at the proxy"
    )
    branches = {phone.received("INVITE")[0].header("Via")[0] for phone in (answering, ringing)}
    assert len(branches) == 2, "each branch of a fork is a transaction of its own (RFC 3261 16.6 step 8)"


def test_when_all_phones_of_a_user_are_busy_so_is_the_user(laboratory: Laboratory) -> None:
    proxy = laboratory.proxy()
    aor = f"sip:alice@127.0.0.1:{proxy.port}"
    phones = [laboratory.callee("uas_busy") for _ in range(2)]
    for phone in phones:
        laboratory.register(proxy.port, aor, phone.port)
    laboratory.caller("uac_busy", proxy.port, aor).finish()
    for phone in phones:
        phone.finish()
