"""The INVITE server transaction of a target, behind which our callee answers (:rfc:`3261#section-17.2.1`)."""

from __future__ import annotations

from sipfsm.fuzz.catalogue.case import Case, Part
from sipfsm.fuzz.catalogue.messages import ack_of_failure, ack_of_success, invite
from sipfsm.fuzz.pattern import ANY_RESPONSE, Pattern, request, response
from sipfsm.fuzz.rules import Level, Rule
from sipfsm.fuzz.script import Answer, Pause, Receive, Send, Silence, Step

BOTH = ("caller", "callee")

CALL: tuple[Step, ...] = (Send("caller", invite()), Receive("callee", request("INVITE")))
"""An INVITE that came to the callee."""

BUSY: tuple[Step, ...] = (
    *CALL,
    Answer("callee", "INVITE", 486),
    Receive("caller", response(486, method="INVITE")),
)
"""A call that failed and has not got its ACK yet."""

ACCEPTED: tuple[Step, ...] = (
    *CALL,
    Answer("callee", "INVITE", 200),
    Receive("caller", response(200, method="INVITE")),
    Send("caller", ack_of_success()),
    Receive("callee", request("ACK")),
)
"""A call that is up."""

TIMER_H = Rule(
    "timer-h",
    "RFC 3261 17.2.1",
    Level.MUST,
    "after Timer H, 64*T1 without an ACK, the final response is not sent any more",
)
TIMER_L = Rule(
    "timer-l",
    "RFC 6026 7.1",
    Level.MUST,
    "after Timer L, 64*T1 behind a 2xx, a copy of the INVITE is a new request",
)
ACK_RELAYED = Rule(
    "ack-relayed", "RFC 3261 13.2.2.4 and 16.11", Level.MUST, "the ACK of a 2xx goes on to the callee"
)

CASES = (
    Case(
        "invite-trying",
        "An INVITE gets a response within 200 ms, though the callee is silent",
        Part.PROXY,
        (*CALL, Pause("1.2")),
        ("IST-01", "IST-29"),
        BOTH,
    ),
    Case(
        "invite-again-proceeding",
        "In Proceeding, a retransmitted INVITE gets the last provisional response again",
        Part.PROXY,
        (
            *CALL,
            Answer("callee", "INVITE", 180),
            Receive("caller", response(180, method="INVITE")),
            Send("caller", invite()),
            Pause("0.8"),
            Answer("callee", "INVITE", 486),
            Receive("caller", response(486), optional=True),
            Send("caller", ack_of_failure()),
            Pause("0.6"),
        ),
        ("IST-02", "IST-03", "IST-05"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "invite-again-completed",
        "In Completed, a retransmitted INVITE gets the last response again",
        Part.PROXY,
        (*BUSY, Send("caller", invite()), Pause("0.8"), Send("caller", ack_of_failure()), Pause("0.3")),
        ("IST-08",),
        BOTH,
        unreliable=True,
    ),
    Case(
        "timer-g",
        "Without an ACK, a final response other than 2xx is sent again at T1, 2*T1, 4*T1",
        Part.PROXY,
        (*BUSY, Pause("11*T1"), Send("caller", ack_of_failure()), Pause("0.3")),
        ("IST-09",),
        BOTH,
        unreliable=True,
    ),
    Case(
        "ack-stops-timer-g",
        "The ACK is absorbed and stops Timer G; further ACKs and INVITEs get nothing",
        Part.PROXY,
        (
            *BUSY,
            Send("caller", ack_of_failure()),
            Pause("0.6"),
            Send("caller", ack_of_failure()),
            Pause("0.3"),
            Send("caller", invite()),
            Pause("1+T1"),
        ),
        ("IST-11", "IST-16", "IST-17", "IST-19"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "timer-h",
        "Without an ACK for 64*T1, the server transaction gives up",
        Part.PROXY,
        (*BUSY, Pause("64*T1+1"), Silence("caller", response(486), "2*T2", TIMER_H)),
        ("IST-10",),
        BOTH,
        unreliable=True,
    ),
    Case(
        "invite-again-accepted",
        "In Accepted, a retransmitted INVITE is absorbed: no new call, no 2xx by the transaction",
        Part.PROXY,
        (*ACCEPTED, Pause("0.3"), Send("caller", invite()), Pause("1.2")),
        ("IST-04", "IST-22"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "success-again",
        "Each 2xx of the callee goes to the caller, copies too",
        Part.PROXY,
        (
            *CALL,
            Answer("callee", "INVITE", 200),
            Receive("caller", response(200, method="INVITE")),
            Pause("0.5"),
            Answer("callee", "INVITE", 200),
            Pause("0.8"),
            Send("caller", ack_of_success()),
            Pause("0.3"),
        ),
        ("ICT-18", "RCX-03", "RCX-15"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "ack-of-success",
        "The ACK of a 2xx goes on to the callee, and no response comes back",
        Part.PROXY,
        (
            *ACCEPTED[:-1],
            Receive("callee", request("ACK"), rule=ACK_RELAYED),
            Silence(
                "caller",
                Pattern("ACK", (100, 699)),
                "0.6",
                Rule("ack-answered", "RFC 3261 17", Level.MUST, "no response is sent to an ACK"),
            ),
        ),
        ("RCX-03",),
        BOTH,
    ),
    Case(
        "timer-l",
        "After 64*T1 in Accepted, a copy of the INVITE is a new request",
        Part.PROXY,
        (
            *ACCEPTED,
            Pause("64*T1+3"),
            Send("caller", invite()),
            Receive("callee", request("INVITE"), within="2", rule=TIMER_L),
            Answer("callee", "INVITE", 486),
            Receive("caller", ANY_RESPONSE, optional=True),
            Send("caller", ack_of_failure()),
        ),
        (),
        BOTH,
        unreliable=True,
    ),
)
