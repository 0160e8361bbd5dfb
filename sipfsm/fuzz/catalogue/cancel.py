"""CANCEL, on both sides of a target (:rfc:`3261#section-9`, `16.10`)."""

from __future__ import annotations

from sipfsm.fuzz.catalogue.case import Case, Part
from sipfsm.fuzz.catalogue.invite_server import ACCEPTED, BOTH, CALL
from sipfsm.fuzz.catalogue.messages import ack_of_failure, cancel
from sipfsm.fuzz.catalogue.messages import request as message
from sipfsm.fuzz.pattern import request, response
from sipfsm.fuzz.rules import Level, Rule
from sipfsm.fuzz.script import Answer, Pause, Receive, Send, Silence

CANCEL_ANSWERED = Rule("cancel-answered", "RFC 3261 9.2", Level.MUST, "a CANCEL gets a 200")
CANCELLED = Rule("cancelled-487", "RFC 3261 9.2 and 16.10", Level.MUST, "a cancelled INVITE ends with 487")
CANCEL_UNKNOWN = Rule(
    "cancel-unknown", "RFC 3261 9.2", Level.SHOULD, "a CANCEL for no transaction gets a 481"
)
CANCEL_LATE = Rule(
    "cancel-late", "RFC 3261 9.2", Level.MUST, "a CANCEL behind the final response has no effect"
)

RINGING = (
    *CALL,
    Answer("callee", "INVITE", 180),
    Receive("caller", response(180)),
)

CASES = (
    Case(
        "cancel",
        "A CANCEL is answered, passed on as one of the target's own, and the INVITE ends with 487",
        Part.PROXY,
        (
            *RINGING,
            Send("caller", cancel()),
            Receive("caller", response(200, method="CANCEL"), within="1", rule=CANCEL_ANSWERED),
            Receive("callee", request("CANCEL", branch_of="INVITE"), within="1"),
            Answer("callee", "CANCEL", 200),
            Answer("callee", "INVITE", 487),
            Receive("caller", response(487, method="INVITE"), within="1", rule=CANCELLED),
            Send("caller", ack_of_failure()),
            Pause("0.5"),
        ),
        ("RCX-07", "BRA-18", "RCX-12"),
        BOTH,
    ),
    Case(
        "cancel-before-ringing",
        "No CANCEL goes to a callee that has not answered at all; it follows when the callee does",
        Part.PROXY,
        (
            *CALL,
            Send("caller", cancel()),
            Receive("caller", response(200, method="CANCEL"), within="1", rule=CANCEL_ANSWERED),
            Silence(
                "callee",
                request("CANCEL"),
                "0.7",
                Rule(
                    "cancel-too-early",
                    "RFC 3261 9.1",
                    Level.MUST,
                    "no CANCEL is sent before a provisional response",
                ),
            ),
            Answer("callee", "INVITE", 180),
            Receive("callee", request("CANCEL"), within="1"),
            Answer("callee", "CANCEL", 200),
            Answer("callee", "INVITE", 487),
            Receive("caller", response(487, method="INVITE"), within="1", optional=True),
            Send("caller", ack_of_failure()),
            Pause("0.3"),
        ),
        ("BRA-39", "BRA-10"),
        BOTH,
    ),
    Case(
        "cancel-crosses-success",
        "A 2xx that crosses the CANCEL goes to the caller",
        Part.PROXY,
        (
            *RINGING,
            Send("caller", cancel()),
            Receive("callee", request("CANCEL"), within="1"),
            Answer("callee", "CANCEL", 200),
            Answer("callee", "INVITE", 200),
            Pause("0.8"),
        ),
        ("RCX-10",),
        BOTH,
    ),
    Case(
        "cancel-late",
        "A CANCEL behind the 2xx is answered and has no effect",
        Part.PROXY,
        (
            *ACCEPTED,
            Send("caller", cancel()),
            Receive("caller", response(200, 499, method="CANCEL"), within="1"),
            Silence("callee", request("CANCEL"), "0.6", CANCEL_LATE),
        ),
        (),
        BOTH,
    ),
    Case(
        "cancel-unknown",
        "A CANCEL for no transaction is answered with 481",
        Part.UAS,
        (
            Send("caller", message("CANCEL", branch="{branch_unknown}")),
            Receive("caller", response(481, method="CANCEL"), within="1.5", rule=CANCEL_UNKNOWN),
        ),
    ),
    Case(
        "cancel-forwarded",
        "A proxy passes on a CANCEL that belongs to nothing",
        Part.PROXY,
        (
            Send("caller", message("CANCEL", branch="{branch_unknown}")),
            Receive(
                "callee",
                request("CANCEL"),
                within="1.5",
                rule=Rule("cancel-forwarded", "RFC 3261 16.10", Level.MUST, "it is passed on without state"),
            ),
        ),
        (),
        BOTH,
    ),
    Case(
        "cancel-again",
        "A retransmitted CANCEL gets the same answer, and there is one 487 only",
        Part.PROXY,
        (
            *RINGING,
            Send("caller", cancel()),
            Receive("caller", response(200, method="CANCEL"), within="1", rule=CANCEL_ANSWERED),
            Send("caller", cancel()),
            Receive("callee", request("CANCEL"), within="1", optional=True),
            Answer("callee", "CANCEL", 200),
            Answer("callee", "INVITE", 487),
            Receive("caller", response(487, method="INVITE"), within="1", optional=True),
            Send("caller", ack_of_failure()),
            Send("caller", cancel()),
            Pause("0.8"),
        ),
        ("NIST-15",),
        BOTH,
        unreliable=True,
    ),
)
