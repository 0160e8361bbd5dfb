"""The non-INVITE server transaction of a target (:rfc:`3261#section-17.2.2`, :rfc:`4320`)."""

from __future__ import annotations

from sipfsm.fuzz.catalogue.case import Case, Part
from sipfsm.fuzz.catalogue.invite_server import BOTH
from sipfsm.fuzz.catalogue.messages import request as message
from sipfsm.fuzz.pattern import Pattern, request, response
from sipfsm.fuzz.rules import Level, Rule
from sipfsm.fuzz.script import Answer, Pause, Receive, Send, Silence, Step

ASKED: tuple[Step, ...] = (Send("caller", message("MESSAGE")), Receive("callee", request("MESSAGE")))
"""A request that came to the callee."""

ANSWERED: tuple[Step, ...] = (
    *ASKED,
    Answer("callee", "MESSAGE", 200),
    Receive("caller", response(200, method="MESSAGE")),
)

TIMER_J = Rule(
    "timer-j",
    "RFC 3261 17.2.2",
    Level.MUST,
    "after Timer J, 64*T1 behind the final response, a copy of the request is a new one",
)
NO_PROVISIONAL = Rule(
    "no-provisional", "RFC 4320 4.1", Level.MUST, "no provisional response but 100 goes to what is no INVITE"
)
NO_408 = Rule("no-408", "RFC 4320 4.2", Level.MUST, "no 408 is sent to what is no INVITE")

CASES = (
    Case(
        "request-again-trying",
        "In Trying, a retransmitted request is discarded: no response, no second copy to the callee",
        Part.PROXY,
        (
            *ASKED,
            Send("caller", message("MESSAGE")),
            Pause("0.8"),
            Answer("callee", "MESSAGE", 200),
            Pause("0.6"),
        ),
        ("NIST-01", "NIST-02", "NIST-05"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "request-again-completed",
        "In Completed, a retransmitted request gets the final response again",
        Part.PROXY,
        (*ANSWERED, Send("caller", message("MESSAGE")), Pause("0.8")),
        ("NIST-15",),
        BOTH,
        unreliable=True,
    ),
    Case(
        "final-once",
        "In Completed, a second final response of the callee changes nothing",
        Part.PROXY,
        (
            *ANSWERED,
            Answer("callee", "MESSAGE", 480),
            Pause("0.6"),
            Send("caller", message("MESSAGE")),
            Pause("0.6"),
        ),
        ("NIST-15", "NICT-12"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "no-early-100",
        "A request that is no INVITE gets no 100 before Timer E of its client has reached T2",
        Part.PROXY,
        (
            *ASKED,
            Pause("1.5"),
            Answer("callee", "MESSAGE", 200),
            Receive("caller", response(200)),
        ),
        ("NIST-21", "NIST-05"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "late-100",
        "A request that is no INVITE gets a 100 when Timer E of its client has reached T2",
        Part.PROXY,
        (*ASKED, Pause("E_at_T2+E_at_T2"), Answer("callee", "MESSAGE", 200), Pause("0.3")),
        ("NIST-08",),
        BOTH,
    ),
    Case(
        "no-provisional",
        "A 183 of the callee to what is no INVITE is not passed on",
        Part.PROXY,
        (
            *ASKED,
            Answer("callee", "MESSAGE", 183),
            Silence("caller", Pattern("MESSAGE", (101, 199)), "0.8", NO_PROVISIONAL),
            Answer("callee", "MESSAGE", 200),
            Pause("0.3"),
        ),
        (),
        BOTH,
    ),
    Case(
        "no-408",
        "If the callee does not answer what is no INVITE, the caller gets no 408",
        Part.PROXY,
        (*ASKED, Silence("caller", Pattern("MESSAGE", (408, 408)), "64*T1+T4+1", NO_408)),
        (),
        BOTH,
    ),
    Case(
        "timer-j",
        "After 64*T1 in Completed, a copy of the request is a new one",
        Part.PROXY,
        (
            *ANSWERED,
            Pause("64*T1+3"),
            Send("caller", message("MESSAGE")),
            Receive("callee", request("MESSAGE"), within="2", rule=TIMER_J),
            Answer("callee", "MESSAGE", 200),
            Pause("0.2"),
        ),
        (),
        BOTH,
        unreliable=True,
    ),
)
