"""A target that answers calls itself (:rfc:`3261#section-8.2`, `13.3`, `15.1`)."""

from __future__ import annotations

from functools import partial

from sipfsm.fuzz.catalogue.cancel import CANCEL_ANSWERED, CANCELLED
from sipfsm.fuzz.catalogue.case import Case, Part, answered
from sipfsm.fuzz.catalogue.messages import ack_of_failure, ack_of_success, bye, cancel, invite
from sipfsm.fuzz.catalogue.messages import request as message
from sipfsm.fuzz.pattern import Pattern, response
from sipfsm.fuzz.rules import Level, Rule
from sipfsm.fuzz.script import Pause, Receive, Send, Silence, Step

_MUST, _SHOULD = Level.MUST, Level.SHOULD

_answered = partial(answered, part=Part.UAS, within="2")

UP: tuple[Step, ...] = (
    Send("caller", invite()),
    Receive("caller", response(200, 299, method="INVITE")),
    Send("caller", ack_of_success()),
)
"""A call that is up."""

END: tuple[Step, ...] = (
    Send("caller", bye()),
    Receive("caller", response(200, 699, method="BYE"), optional=True),
)

CASES = (
    Case(
        "uas-call",
        "An INVITE is answered within 200 ms, with Via, From, To, Call-ID and CSeq as they have to be",
        Part.UAS,
        (*UP, Pause("0.3"), *END),
        ("IST-01", "IST-29", "IST-04", "response-via", "response-fields", "response-to"),
    ),
    Case(
        "uas-contact",
        "A 2xx to INVITE has a Contact",
        Part.UAS,
        (
            Send("caller", invite()),
            Receive(
                "caller",
                response(200, 299, method="INVITE", fields=(("Contact", "sips?:"),)),
                within="3",
                rule=Rule("uas-contact", "RFC 3261 12.1.1", _MUST, "a 2xx to INVITE has a Contact"),
            ),
            Send("caller", ack_of_success()),
            *END,
        ),
    ),
    Case(
        "uas-success-again",
        "Without an ACK, the user agent sends its 2xx again after T1",
        Part.UAS,
        (
            Send("caller", invite()),
            Receive("caller", response(200, 299, method="INVITE")),
            Receive(
                "caller",
                response(200, 299, method="INVITE"),
                within="T1+T1+0.5",
                rule=Rule(
                    "uas-success-again", "RFC 3261 13.3.1.4", _MUST, "a 2xx is sent again until its ACK comes"
                ),
            ),
            Send("caller", ack_of_success()),
            Pause("0.3"),
            *END,
        ),
        ("IST-23",),
    ),
    Case(
        "uas-invite-again",
        "In Accepted, a retransmitted INVITE gets nothing from the transaction",
        Part.UAS,
        (*UP, Pause("0.5"), Send("caller", invite()), Pause("0.8"), *END),
        ("IST-22",),
        unreliable=True,
    ),
    Case(
        "uas-bye",
        "A BYE is answered with 200, and so is its retransmission",
        Part.UAS,
        (
            *UP,
            Pause("0.2"),
            Send("caller", bye()),
            Receive(
                "caller",
                response(200, 299, method="BYE"),
                within="2",
                rule=Rule("uas-bye", "RFC 3261 15.1.2", _MUST, "a BYE gets a 2xx"),
            ),
            Send("caller", bye()),
            Pause("0.8"),
        ),
        ("NIST-05", "NIST-15"),
        unreliable=True,
    ),
    Case(
        "uas-cancel",
        "A CANCEL while it rings is answered with 200, and the INVITE with 487",
        Part.UAS,
        (
            Send("caller", invite()),
            Receive("caller", response(101, 199, method="INVITE")),
            Send("caller", cancel()),
            Receive("caller", response(200, method="CANCEL"), within="1", rule=CANCEL_ANSWERED),
            Receive("caller", response(487, method="INVITE"), within="1", rule=CANCELLED),
            Send("caller", ack_of_failure()),
            Pause("0.3"),
        ),
        ("IST-11",),
    ),
    _answered(
        "uas-unknown-dialog",
        "A BYE for no dialog is answered with 481",
        message("BYE", replaced={"To": "<{aor}>;tag={tag}unknown"}),
        response(481, method="BYE"),
        Rule("uas-unknown-dialog", "RFC 3261 15.1.2", _SHOULD, "a BYE for no dialog gets a 481"),
    ),
    _answered(
        "uas-options",
        "OPTIONS is answered, and says what methods are allowed",
        message("OPTIONS"),
        response(200, 699, method="OPTIONS"),
        Rule("uas-options", "RFC 3261 11", _MUST, "every user agent answers OPTIONS"),
        rows=("NIST-05",),
    ),
    _answered(
        "uas-require",
        "An unknown option tag in Require is refused with 420, and named in Unsupported",
        message("OPTIONS", fields=["Require: foo"]),
        response(420, fields=(("Unsupported", "foo"),)),
        Rule("uas-require", "RFC 3261 8.2.2.3", _MUST, "an unknown tag in Require gets a 420"),
    ),
    _answered(
        "uas-unknown-method",
        "A method that it does not know is refused with 405 or 501",
        message("SEASON"),
        response(405, 501, method="SEASON"),
        Rule("uas-unknown-method", "RFC 3261 8.2.1", _MUST, "an unknown method is refused"),
    ),
    Case(
        "uas-ack-answered",
        "An ACK gets no response, not even one that belongs to nothing",
        Part.UAS,
        (
            *UP,
            Silence(
                "caller",
                Pattern("ACK", (100, 699)),
                "0.8",
                Rule("ack-answered", "RFC 3261 17", _MUST, "no response is sent to an ACK"),
            ),
            *END,
        ),
    ),
)
