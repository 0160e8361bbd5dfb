"""The client transactions of a target, seen by our callee (:rfc:`3261#section-17.1`)."""

from __future__ import annotations

from sipfsm.fuzz.catalogue.case import Case, Part
from sipfsm.fuzz.catalogue.invite_server import BOTH, BUSY, CALL
from sipfsm.fuzz.catalogue.messages import ack_of_failure, ack_of_success
from sipfsm.fuzz.catalogue.other_server import ASKED
from sipfsm.fuzz.pattern import request, response
from sipfsm.fuzz.rules import Level, Rule
from sipfsm.fuzz.script import Answer, Pause, Receive, Send, Silence

ACKNOWLEDGED = Rule(
    "ack-of-failure",
    "RFC 3261 17.1.1.3",
    Level.MUST,
    "a failure gets an ACK with the branch of the INVITE",
)
TIMER_B = Rule(
    "timer-b",
    "RFC 3261 16.7 and 17.1.1.2",
    Level.MUST,
    "after Timer B, 64*T1, the caller gets a final response",
)
TIMER_F = Rule(
    "timer-f", "RFC 3261 17.1.2.2", Level.MUST, "after Timer F, 64*T1, the request is not sent again any more"
)

_END = (
    Answer("callee", "INVITE", 486),
    Receive("caller", response(486), optional=True),
    Send("caller", ack_of_failure()),
)

CASES = (
    Case(
        "timer-a",
        "Without a response, the INVITE is sent again after T1, 2*T1, 4*T1",
        Part.PROXY,
        (*CALL, Pause("10*T1+0.5"), *_END, Pause("0.3")),
        ("ICT-01", "ICT-02"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "timer-a-stops",
        "A provisional response ends the retransmission of the INVITE",
        Part.PROXY,
        (*CALL, Answer("callee", "INVITE", 180), Pause("4*T1+0.8"), *_END, Pause("0.5")),
        ("ICT-04", "RCX-02"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "timer-b",
        "If the callee stays silent for 64*T1, the caller gets a final response",
        Part.PROXY,
        (
            *CALL,
            Receive("caller", response(300, 699, method="INVITE"), within="64*T1+3", rule=TIMER_B),
            Send("caller", ack_of_failure()),
            Silence(
                "callee",
                request("INVITE"),
                "1",
                Rule(
                    "timer-b-ends",
                    "RFC 3261 17.1.1.2",
                    Level.MUST,
                    "after Timer B, the INVITE is not sent again",
                ),
            ),
        ),
        (),
        BOTH,
        unreliable=True,
    ),
    Case(
        "ack-of-failure",
        "A failure gets an ACK from the client transaction, with the branch of the INVITE; its copies, too",
        Part.PROXY,
        (
            *BUSY,
            Receive("callee", request("ACK", branch_of="INVITE"), within="1", rule=ACKNOWLEDGED),
            Send("caller", ack_of_failure()),
            Pause("0.3"),
            Answer("callee", "INVITE", 486),
            Pause("0.8"),
        ),
        ("ICT-06", "ICT-13", "RCX-05"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "ack-after-ringing",
        "A failure after a provisional response gets its ACK",
        Part.PROXY,
        (
            *CALL,
            Answer("callee", "INVITE", 180),
            Receive("caller", response(180)),
            Answer("callee", "INVITE", 603),
            Receive("caller", response(603), optional=True),
            Send("caller", ack_of_failure()),
            Pause("0.7"),
        ),
        ("ICT-08", "ICT-10", "RCX-05"),
        BOTH,
    ),
    Case(
        "no-ack-of-success",
        "The client transaction sends no ACK for a 2xx: that is the caller's",
        Part.PROXY,
        (
            *CALL,
            Answer("callee", "INVITE", 200),
            Receive("caller", response(200)),
            Silence(
                "callee",
                request("ACK"),
                "0.8",
                Rule(
                    "no-ack-of-success",
                    "RFC 3261 17.1.1.2",
                    Level.MUST,
                    "a proxy makes no ACK for a 2xx itself",
                ),
            ),
            Send("caller", ack_of_success()),
            Pause("0.2"),
        ),
        ("ICT-05",),
        BOTH,
    ),
    Case(
        "success-of-another",
        "A 2xx with another To tag goes to the caller, too",
        Part.PROXY,
        (
            *CALL,
            Answer("callee", "INVITE", 200),
            Receive("caller", response(200)),
            Answer("callee", "INVITE", 200, tag="{tag}another"),
            Pause("0.8"),
            Send("caller", ack_of_success()),
            Pause("0.2"),
        ),
        ("ICT-18", "RCX-15"),
        BOTH,
    ),
    Case(
        "provisional-after-final",
        "A provisional response behind a final one is not passed on",
        Part.PROXY,
        (
            *BUSY,
            Send("caller", ack_of_failure()),
            Answer("callee", "INVITE", 180),
            Silence(
                "caller",
                response(101, 199),
                "0.7",
                Rule(
                    "provisional-after-final",
                    "RFC 3261 16.7 step 5",
                    Level.MUST,
                    "nothing follows a final response but a 2xx",
                ),
            ),
        ),
        (),
        BOTH,
    ),
    Case(
        "timer-e",
        "Without a response, a request that is no INVITE is sent again after T1, 2*T1, 4*T1, at most T2",
        Part.PROXY,
        (*ASKED, Pause("17*T1"), Answer("callee", "MESSAGE", 200), Pause("0.3")),
        ("NICT-01", "NICT-02"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "timer-e-stops",
        "A final response ends the retransmission of a request that is no INVITE",
        Part.PROXY,
        (*ASKED, Answer("callee", "MESSAGE", 200), Pause("4*T1+1")),
        ("NICT-05",),
        BOTH,
        unreliable=True,
    ),
    Case(
        "timer-e-slows",
        "After a 100, a request that is no INVITE is sent again each T2",
        Part.PROXY,
        (
            *ASKED,
            Answer("callee", "MESSAGE", 100),
            Pause("T1+T2+T2+2"),
            Answer("callee", "MESSAGE", 200),
            Pause("0.3"),
        ),
        ("NICT-04", "NICT-07"),
        BOTH,
        unreliable=True,
    ),
    Case(
        "timer-f",
        "If the callee stays silent for 64*T1, a request that is no INVITE is given up",
        Part.PROXY,
        (*ASKED, Pause("64*T1+1"), Silence("callee", request("MESSAGE"), "T2+1", TIMER_F)),
        ("NICT-02",),
        BOTH,
        unreliable=True,
    ),
    Case(
        "stray-response",
        "A response that belongs to no transaction is not passed on",
        Part.PROXY,
        (
            *CALL,
            Answer("callee", "INVITE", 180),
            Receive("caller", response(180)),
            Send(
                "callee",
                b"SIP/2.0 200 OK\r\nVia: SIP/2.0/{transport} {target};branch=z9hG4bKnone\r\n"
                b"Via: SIP/2.0/{transport} {caller};rport;branch={branch}\r\n"
                b"From: <sip:caller@{caller}>;tag={tag}\r\nTo: <{aor}>;tag={tag}stray\r\n"
                b"Call-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContact: <{callee_uri}>\r\n"
                b"Content-Length: 0\r\n\r\n",
            ),
            Silence(
                "caller",
                response(200, method="INVITE"),
                "0.8",
                Rule(
                    "ICT-23",
                    "RFC 6026 7.2 and 7.3",
                    Level.MUST,
                    "a response without a transaction is dropped",
                ),
            ),
            *_END,
            Pause("0.3"),
        ),
        (),
        BOTH,
    ),
)
