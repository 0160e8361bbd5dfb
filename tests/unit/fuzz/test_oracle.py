"""What the oracle says of recordings that were typed by hand, with the RFCs beside them."""

from __future__ import annotations

import pytest

from sipfsm.fuzz.rules import Level
from sipfsm.fuzz.verdict import Claim, Outcome
from tests.unit.fuzz.dialogue import OWN_VIA, PROXY_VIA, Dialogue, forwarded, request, response

BOTH = f"{PROXY_VIA}, {OWN_VIA}"
G = (0.52, 1.52, 3.52)  # RFC 3261 17.2.1: T1, then 2*T1, then 4*T1 behind the 486 at 0.02


def acknowledged(dialogue: Dialogue, at: float) -> Dialogue:
    return dialogue.caller_sends(at, request("ACK", tag=";tag=b"))


# ---- INVITE server transaction


def test_timer_g_on_time_is_conformant() -> None:
    dialogue = Dialogue().busy()
    for time in G:
        dialogue.caller_gets(time, response(486))
    acknowledged(dialogue, 3.7)
    assert dialogue.broken(5) == set()
    assert {"IST-05", "IST-09", "IST-11", "ICT-06", "RCX-05"} <= dialogue.kept(5)


def test_no_timer_g() -> None:
    (judgement,) = [each for each in Dialogue().busy().judged(1.4) if each.outcome is Outcome.DEVIATES]
    assert judgement.rule.id == "IST-09"
    assert judgement.rule.level is Level.MUST
    assert judgement.rule.clause == "RFC 3261 17.2.1"
    assert "Timer_G" in str(judgement) or "timer_G" in str(judgement)
    assert judgement.expectation is not None
    assert judgement.expectation.claim is Claim.ARRIVES


def test_timer_g_too_early() -> None:
    assert Dialogue().busy().caller_gets(0.25, response(486)).broken(0.3) == {"IST-09"}


def test_timer_g_does_not_run_over_tcp() -> None:
    assert Dialogue().busy().broken(3, reliable=True) == set()
    assert Dialogue().busy().caller_gets(0.52, response(486)).broken(0.6, reliable=True) == {"IST-09"}


def test_a_retransmitted_invite_in_completed_gets_the_last_response() -> None:
    dialogue = Dialogue().busy().caller_sends(0.15, request("INVITE"))
    assert "IST-08" in dialogue.caller_gets(0.16, response(486)).kept(0.4)
    assert "IST-08" in Dialogue().busy().caller_sends(0.15, request("INVITE")).broken(0.8)


def test_a_copy_of_timer_g_is_not_taken_for_the_answer_to_a_retransmission() -> None:
    dialogue = Dialogue().busy().caller_sends(0.15, request("INVITE")).caller_gets(0.52, response(486))
    assert dialogue.broken(0.9) == {"IST-08"}


def test_a_retransmitted_invite_gets_another_response() -> None:
    dialogue = Dialogue().busy().caller_sends(0.15, request("INVITE")).caller_gets(0.16, response(500))
    assert dialogue.broken(0.4) == {"IST-08"}


def test_what_comes_behind_the_ack() -> None:
    dialogue = acknowledged(Dialogue().busy(), 0.1)
    assert dialogue.broken(2) == set()
    assert dialogue.caller_gets(0.15, response(486)).broken(2) == set(), "it was on its way"
    assert dialogue.caller_gets(0.52, response(486)).broken(2) == {"IST-19"}


def test_nothing_within_200_ms() -> None:
    dialogue = Dialogue().caller_sends(0, request("INVITE")).callee_gets(0.01, forwarded("INVITE"))
    assert "IST-29" in dialogue.broken(1)
    assert "IST-29" in dialogue.caller_gets(0.2, response(100)).kept(1)


def test_a_malformed_invite_need_not_be_answered() -> None:
    assert Dialogue(callee=False).caller_sends(0, request("INVITE"), valid=False).broken(2) == set()


def accepted() -> Dialogue:
    return (
        Dialogue()
        .caller_sends(0, request("INVITE"))
        .callee_gets(0.01, forwarded("INVITE"))
        .callee_sends(0.01, response(200, via=BOTH))
        .caller_gets(0.02, response(200))
        .caller_sends(0.03, request("ACK", f"{OWN_VIA}ack", tag=";tag=b"))
    )


def test_a_retransmitted_invite_in_accepted_is_absorbed() -> None:
    dialogue = accepted().caller_sends(0.5, request("INVITE"))
    assert dialogue.broken(2) == set()
    assert "IST-22" in dialogue.kept(2)


def test_a_2xx_that_the_transaction_sends_again() -> None:
    dialogue = accepted().caller_sends(0.5, request("INVITE")).caller_gets(0.51, response(200))
    assert dialogue.broken(2) == {"IST-22"}


def test_a_ghost_call() -> None:
    ghost = request("INVITE", f"SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKghost, {OWN_VIA}", hops=69)
    dialogue = accepted().caller_sends(0.5, request("INVITE")).callee_gets(0.51, ghost)
    assert "IST-22" in dialogue.broken(0.7)


# ---- non-INVITE server transaction


def asked() -> Dialogue:
    return Dialogue().caller_sends(0, request("MESSAGE")).callee_gets(0.01, forwarded("MESSAGE"))


def test_a_100_is_early_before_timer_e_has_reached_t2() -> None:
    assert "NIST-21" in asked().caller_gets(0.1, response(100, "MESSAGE")).broken(0.3)
    assert "NIST-21" not in asked().caller_gets(3.5, response(100, "MESSAGE")).broken(3.6)


def test_no_other_provisional_response_and_no_408() -> None:
    assert "NIST-04" in asked().caller_gets(0.1, response(180, "MESSAGE")).broken(0.3)
    assert "NIST-06" in asked().caller_gets(0.1, response(408, "MESSAGE")).broken(0.3)


def test_a_100_is_due_when_timer_e_has_reached_t2() -> None:
    assert "NIST-08" in asked().broken(6)


# ---- client transactions


def test_the_schedule_of_timer_a() -> None:
    dialogue = Dialogue().caller_sends(0, request("INVITE")).callee_gets(0.01, forwarded("INVITE"))
    dialogue.caller_gets(0.02, response(100))
    for time in (0.51, 1.51, 3.51):
        dialogue.callee_gets(time, forwarded("INVITE"))
    assert dialogue.broken(3.6) == set()
    assert "ICT-02" in dialogue.broken(11)
    assert "ICT-02" in dialogue.callee_gets(4.0, forwarded("INVITE")).broken(4.1)


@pytest.mark.parametrize("status", [180, 486])
def test_timer_a_stops_with_a_response(status: int) -> None:
    dialogue = Dialogue().caller_sends(0, request("INVITE")).callee_gets(0.01, forwarded("INVITE"))
    dialogue.callee_sends(0.02, response(status, via=BOTH)).callee_gets(0.51, forwarded("INVITE"))
    assert {"ICT-11", "ICT-06"} & dialogue.broken(0.6)


def test_an_ack_with_another_branch_is_none() -> None:
    dialogue = (
        Dialogue()
        .caller_sends(0, request("INVITE"))
        .callee_gets(0.01, forwarded("INVITE"))
        .callee_sends(0.01, response(486, via=BOTH))
        .caller_gets(0.02, response(486))
        .callee_gets(0.02, request("ACK", f"{PROXY_VIA}other", tag=";tag=b"))
    )
    assert "ICT-06" in dialogue.broken(0.6)


def test_timer_e_is_capped_at_t2_in_proceeding() -> None:
    dialogue = asked().callee_sends(0.05, response(100, "MESSAGE", BOTH))
    dialogue.callee_gets(0.51, forwarded("MESSAGE")).callee_gets(4.51, forwarded("MESSAGE"))
    assert "NICT-07" in dialogue.kept(4.6)
    assert "NICT-07" in asked().callee_sends(0.05, response(100, "MESSAGE", BOTH)).broken(7)


# ---- the response context


def test_what_the_callee_says_has_to_come_to_the_caller() -> None:
    dialogue = Dialogue().caller_sends(0, request("INVITE")).callee_gets(0.01, forwarded("INVITE"))
    dialogue.callee_sends(0.02, response(180, via=BOTH))
    assert "RCX-02" in dialogue.broken(0.8)
    assert "RCX-02" in dialogue.caller_gets(0.03, response(180)).kept(0.8)


def test_another_failure_than_the_callees() -> None:
    dialogue = Dialogue().caller_sends(0, request("INVITE")).callee_gets(0.01, forwarded("INVITE"))
    dialogue.callee_sends(0.02, response(486, via=BOTH)).callee_gets(0.03, request("ACK", PROXY_VIA))
    assert "RCX-05" in dialogue.caller_gets(0.03, response(404)).broken(0.4)


def ringing() -> Dialogue:
    dialogue = Dialogue().caller_sends(0, request("INVITE")).callee_gets(0.01, forwarded("INVITE"))
    return dialogue.callee_sends(0.02, response(180, via=BOTH)).caller_gets(0.03, response(180))


def test_a_cancel_has_to_reach_the_callee() -> None:
    dialogue = ringing().caller_sends(0.1, request("CANCEL")).caller_gets(0.11, response(200, "CANCEL"))
    assert "BRA-18" in dialogue.broken(0.9)
    assert "BRA-18" in dialogue.callee_gets(0.11, request("CANCEL", PROXY_VIA, hops=69)).kept(0.9)


def test_no_cancel_before_a_provisional_response() -> None:
    dialogue = Dialogue().caller_sends(0, request("INVITE")).callee_gets(0.01, forwarded("INVITE"))
    dialogue.caller_sends(0.1, request("CANCEL")).callee_gets(0.11, request("CANCEL", PROXY_VIA, hops=69))
    assert "BRA-10" in dialogue.broken(0.2)


# ---- single messages


def options() -> Dialogue:
    return Dialogue(callee=False).caller_sends(0, request("OPTIONS"))


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (response(200, "OPTIONS", tag=""), "response-to"),
        (response(200, "OPTIONS", f"{OWN_VIA}x"), "response-via"),
        (response(200, "OPTIONS", f"{OWN_VIA}, {PROXY_VIA}"), "response-via"),
        (response(200, "OPTIONS").replace(b"tag=a", b"tag=other"), "response-fields"),
        (response(200, "OPTIONS").replace(b"call@", b"other@"), "response-fields"),
        (response(200, "OPTIONS").replace(b"bob@", b"carol@"), "response-to"),
        (response(200, "ACK"), "ack-answered"),
        (response(200, "OPTIONS").replace(b"Content-Length: 0", b"Content-Length: x"), "response-readable"),
    ],
)
def test_a_response_that_is_wrong(answer: bytes, rule: str) -> None:
    assert options().caller_gets(0.1, answer).broken(0.2) == {rule}


def test_what_a_server_adds_to_via_is_no_change() -> None:
    via = OWN_VIA.replace(";branch", ";rport=1;received=127.0.0.1;branch")
    assert options().caller_gets(0.1, response(200, "OPTIONS", via)).broken(0.2) == set()


@pytest.mark.parametrize(
    ("got", "rule"),
    [
        (request("MESSAGE", BOTH, hops=70), "forwarded-hops"),
        (request("MESSAGE", BOTH, hops=69).replace(b"Max-Forwards: 69\r\n", b""), "forwarded-hops"),
        (request("MESSAGE", OWN_VIA, hops=69), "forwarded-via"),
        (request("MESSAGE", f"SIP/2.0/UDP x;branch=1, {OWN_VIA}", hops=69), "forwarded-via"),
        (request("MESSAGE", f"{PROXY_VIA}, {OWN_VIA}x", hops=69), "forwarded-via"),
        (request("MESSAGE", BOTH, hops=69, tag=";tag=x"), "forwarded-fields"),
    ],
)
def test_a_request_that_is_passed_on_wrongly(got: bytes, rule: str) -> None:
    dialogue = Dialogue().caller_sends(0, request("MESSAGE")).callee_gets(0.01, got)
    assert rule in dialogue.broken(0.05)


def test_two_requests_with_one_branch_are_not_judged() -> None:
    dialogue = options().caller_sends(0.01, request("OPTIONS", number=2))
    assert dialogue.caller_gets(0.02, response(500, "OPTIONS", tag="")).broken(1) == set()


def test_a_broken_message_muddles_the_branch_that_it_takes() -> None:
    dialogue = options().caller_sends(0.01, request("OPTIONS")[:-40], valid=False)
    assert dialogue.caller_gets(0.02, response(400, "OPTIONS", tag="")).broken(1) == set()
