"""Forwarding, dialogs and forks (:rfc:`3261#section-16`)."""

from __future__ import annotations

from sipfsm.fuzz.catalogue.case import Case, Part
from sipfsm.fuzz.catalogue.invite_server import ACCEPTED, BOTH
from sipfsm.fuzz.catalogue.messages import ack_of_failure, ack_of_success, bye, invite
from sipfsm.fuzz.catalogue.messages import request as message
from sipfsm.fuzz.pattern import Pattern, request, response
from sipfsm.fuzz.rules import Level, Rule
from sipfsm.fuzz.script import Answer, Pause, Receive, Send, Silence, Step

ALL = ("caller", "callee", "callee2")
_MUST = Level.MUST

FORKED: tuple[Step, ...] = (
    Send("caller", invite()),
    Receive(
        "callee",
        request("INVITE"),
        within="2",
    ),
    Receive(
        "callee2",
        request("INVITE"),
        within="2",
        rule=Rule("fork", "RFC 3261 16.6", Level.NONE, "each contact of a user gets the request"),
    ),
)

CASES = (
    Case(
        "forwarding",
        "A forwarded request has one hop less, the target's Via on top, and all else as it came",
        Part.PROXY,
        (
            Send("caller", message("MESSAGE", fields=["Subject: as it came"])),
            Receive("callee", request("MESSAGE")),
            Answer("callee", "MESSAGE", 200),
            Receive("caller", response(200)),
        ),
        ("forwarded-hops", "forwarded-via", "forwarded-fields", "response-via"),
        BOTH,
    ),
    Case(
        "no-max-forwards",
        "A request without Max-Forwards gets one",
        Part.PROXY,
        (
            Send("caller", message("MESSAGE", replaced={"Max-Forwards": None})),
            Receive(
                "callee",
                request("MESSAGE", (("Max-Forwards", "^[0-9]+$"),)),
                within="1.5",
                rule=Rule(
                    "no-max-forwards", "RFC 3261 16.6 step 3", _MUST, "a missing Max-Forwards is added"
                ),
            ),
            Answer("callee", "MESSAGE", 200),
            Pause("0.2"),
        ),
        (),
        BOTH,
    ),
    Case(
        "dialog",
        "A BYE within the dialog comes to the callee by its route set, and is answered",
        Part.PROXY,
        (
            *ACCEPTED,
            Send("caller", bye()),
            Receive(
                "callee",
                request("BYE"),
                within="1.5",
                rule=Rule("dialog-routed", "RFC 3261 16.4 and 16.12", _MUST, "a BYE follows its route set"),
            ),
            Answer("callee", "BYE", 200),
            Receive(
                "caller",
                response(200, method="BYE"),
                within="1.5",
                rule=Rule("dialog-answered", "RFC 3261 16.7", _MUST, "the answer to the BYE comes back"),
            ),
        ),
        (),
        BOTH,
    ),
    Case(
        "own-route-removed",
        "A Route that names the target is removed",
        Part.PROXY,
        (
            Send("caller", message("MESSAGE", fields=["Route: <sip:{target};lr>"])),
            Receive(
                "callee",
                Pattern("MESSAGE", absent=("Route",)),
                within="1.5",
                rule=Rule("own-route", "RFC 3261 16.4", _MUST, "a Route of its own is removed"),
            ),
            Answer("callee", "MESSAGE", 200),
            Pause("0.2"),
        ),
        ("forwarded-via",),
        BOTH,
    ),
    Case(
        "fork-success",
        "When one contact answers, the others get a CANCEL",
        Part.REGISTRAR,
        (
            *FORKED,
            Answer("callee", "INVITE", 180),
            Answer("callee2", "INVITE", 180),
            Pause("0.2"),
            Answer("callee", "INVITE", 200),
            Receive("caller", response(200), within="2"),
            Receive("callee2", request("CANCEL", branch_of="INVITE"), within="1"),
            Answer("callee2", "CANCEL", 200),
            Answer("callee2", "INVITE", 487),
            Send("caller", ack_of_success()),
            Pause("0.6"),
        ),
        ("RCX-03", "BRA-18"),
        ALL,
    ),
    Case(
        "fork-best",
        "When all contacts refuse, the caller gets the best response once, and a 6xx wins",
        Part.REGISTRAR,
        (
            *FORKED,
            Answer("callee", "INVITE", 486),
            Silence(
                "caller",
                response(300, 699),
                "0.5",
                Rule("fork-waits", "RFC 3261 16.7 step 6", _MUST, "a failure waits for the other branches"),
            ),
            Answer("callee2", "INVITE", 603),
            Receive(
                "caller",
                response(603),
                within="1.5",
                rule=Rule("fork-best", "RFC 3261 16.7 step 6", _MUST, "a 6xx is the best response"),
            ),
            Send("caller", ack_of_failure()),
            Pause("0.3"),
        ),
        ("RCX-05",),
        ALL,
    ),
    Case(
        "fork-provisional",
        "The provisional responses of all contacts go to the caller",
        Part.REGISTRAR,
        (
            *FORKED,
            Answer("callee", "INVITE", 180, tag="{tag}one"),
            Answer("callee2", "INVITE", 183, tag="{tag}two"),
            Pause("0.7"),
            Answer("callee", "INVITE", 486),
            Answer("callee2", "INVITE", 486),
            Receive("caller", response(486), optional=True),
            Send("caller", ack_of_failure()),
            Pause("0.3"),
        ),
        ("RCX-02",),
        ALL,
    ),
)
