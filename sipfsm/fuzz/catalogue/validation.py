"""Requests that a target has to refuse, and how (:rfc:`3261#section-16.3`, `8.2`, `18`)."""

from __future__ import annotations

from sipfsm.fuzz.catalogue.case import Case, Part, answered
from sipfsm.fuzz.catalogue.invite_server import BOTH
from sipfsm.fuzz.catalogue.messages import request as message
from sipfsm.fuzz.pattern import FINAL, request, response
from sipfsm.fuzz.rules import Level, Rule
from sipfsm.fuzz.script import Answer, Pause, Receive, Send, Silence

_MUST, _SHOULD, _STATED = Level.MUST, Level.SHOULD, Level.STATED


def _refused(
    name: str, title: str, data: bytes, rule: Rule, status: int, *, part: Part = Part.ANY, **more: str
) -> Case:
    """A request that has to be refused with a status; `more` are fields of the response."""
    answer = response(status, fields=tuple(more.items()))
    return answered(name, title, data, answer, rule, part=part, valid=False)


def _malformed(name: str, title: str, data: bytes, clause: str, level: Level) -> Case:
    return _refused(name, title, data, Rule(name, clause, level, "it is answered with 400"), 400)


_WELL_FORMED = "RFC 3261 8.1.1 and 21.4.1"

CASES = (
    _refused(
        "max-forwards-0",
        "Max-Forwards: 0 is refused with 483",
        message("MESSAGE", replaced={"Max-Forwards": "0"}),
        Rule("max-forwards-0", "RFC 3261 16.3 step 3", _MUST, "a request without hops left gets a 483"),
        483,
        part=Part.PROXY,
    ),
    Case(
        "max-forwards-0-not-relayed",
        "Max-Forwards: 0 is not passed on",
        Part.PROXY,
        (
            Send("caller", message("MESSAGE", replaced={"Max-Forwards": "0"}), valid=False),
            Silence(
                "callee",
                request("MESSAGE"),
                "0.8",
                Rule(
                    "hops-used-up",
                    "RFC 3261 16.3 step 3",
                    _MUST,
                    "a request without hops left is not passed on",
                ),
            ),
        ),
        (),
        BOTH,
    ),
    _refused(
        "proxy-require",
        "An unknown option tag in Proxy-Require is refused with 420, and named in Unsupported",
        message("MESSAGE", fields=["Proxy-Require: foo"]),
        Rule(
            "proxy-require",
            "RFC 3261 16.3 step 5",
            _MUST,
            "an unknown tag in Proxy-Require gets a 420 with Unsupported",
        ),
        420,
        part=Part.PROXY,
        Unsupported="foo",
    ),
    Case(
        "proxy-require-not-relayed",
        "A request with an unknown option tag in Proxy-Require is not passed on",
        Part.PROXY,
        (
            Send("caller", message("MESSAGE", fields=["Proxy-Require: foo"]), valid=False),
            Silence(
                "callee",
                request("MESSAGE"),
                "0.8",
                Rule(
                    "proxy-require-relayed",
                    "RFC 3261 16.3 step 5",
                    _MUST,
                    "a request with an unknown tag in Proxy-Require is not passed on",
                ),
            ),
        ),
        (),
        BOTH,
    ),
    Case(
        "require-ignored",
        "A proxy ignores Require: that is for the callee",
        Part.PROXY,
        (
            Send("caller", message("MESSAGE", fields=["Require: foo"])),
            Receive(
                "callee",
                request("MESSAGE", (("Require", "foo"),)),
                within="1.5",
                rule=Rule("require-ignored", "RFC 3261 20.32", _STATED, "Require is passed on to the callee"),
            ),
            Answer("callee", "MESSAGE", 420),
            Pause("0.2"),
        ),
        (),
        BOTH,
    ),
    _refused(
        "unknown-scheme",
        "A Request-URI of an unknown scheme is refused with 416",
        message("MESSAGE", "unknown:caller@example.org", replaced={"To": "<unknown:caller@example.org>"}),
        Rule("unknown-scheme", "RFC 3261 16.3 step 2 and 8.2.2.1", _SHOULD, "an unknown scheme gets a 416"),
        416,
    ),
    _refused(
        "sip-version",
        "SIP/7.0 is refused with 505",
        message("OPTIONS", version="SIP/7.0"),
        Rule("sip-version", "RFC 3261 21.5.6", _STATED, "a version that is not supported gets a 505"),
        505,
    ),
    Case(
        "unknown-method",
        "A proxy passes on a method that it does not know",
        Part.PROXY,
        (
            Send("caller", message("SEASON")),
            Receive(
                "callee",
                request("SEASON"),
                within="1.5",
                rule=Rule("unknown-method", "RFC 3261 16.3 step 1", _MUST, "an unknown method is passed on"),
            ),
            Answer("callee", "SEASON", 200),
            Receive("caller", response(200)),
        ),
        (),
        BOTH,
    ),
    Case(
        "unknown-field",
        "A proxy passes on a header field that it does not know, as it came",
        Part.PROXY,
        (
            Send("caller", message("MESSAGE", fields=['X-Unknown:  a, "b" ;c', "Date: yesterday"])),
            Receive(
                "callee",
                request("MESSAGE", (("X-Unknown", '^a, "b" ;c$'), ("Date", "^yesterday$"))),
                within="1.5",
                rule=Rule(
                    "unknown-field", "RFC 3261 16.3 step 1", _SHOULD, "an unknown field remains unchanged"
                ),
            ),
            Answer("callee", "MESSAGE", 200),
            Pause("0.2"),
        ),
        (),
        BOTH,
    ),
    _malformed(
        "missing-call-id",
        "A request without Call-ID is refused with 400",
        message("OPTIONS", replaced={"Call-ID": None}),
        _WELL_FORMED,
        _STATED,
    ),
    _malformed(
        "missing-from",
        "A request without From is refused with 400",
        message("OPTIONS", replaced={"From": None}),
        _WELL_FORMED,
        _STATED,
    ),
    _malformed(
        "missing-to",
        "A request without To is refused with 400",
        message("OPTIONS", replaced={"To": None}),
        _WELL_FORMED,
        _STATED,
    ),
    _malformed(
        "missing-cseq",
        "A request without CSeq is refused with 400",
        message("OPTIONS", replaced={"CSeq": None}),
        _WELL_FORMED,
        _STATED,
    ),
    _malformed(
        "cseq-method",
        "A request whose CSeq names another method is refused with 400",
        message("OPTIONS", replaced={"CSeq": "1 MESSAGE"}),
        "RFC 3261 8.1.1.5",
        _STATED,
    ),
    _malformed(
        "cseq-too-large",
        "A CSeq of 2**31 or more is refused with 400",
        message("OPTIONS", replaced={"CSeq": "36893488147419103232 OPTIONS"}),
        "RFC 3261 8.1.1.5 and RFC 4475 3.1.2.4",
        _STATED,
    ),
    _malformed(
        "two-froms",
        "A request with two From fields is refused with 400",
        message("OPTIONS", fields=["From: <sip:mallory@example.org>;tag=another"]),
        "RFC 3261 7.3.1 and RFC 4475 3.3.8",
        _STATED,
    ),
    _malformed(
        "content-length-negative",
        "A negative Content-Length is refused with 400",
        message("OPTIONS", replaced={"Content-Length": "-999"}),
        "RFC 3261 20.14 and RFC 4475 3.1.2.3",
        _STATED,
    ),
    answered(
        "content-length-too-large",
        "A datagram that ends before its body does is refused with 400",
        message("OPTIONS", replaced={"Content-Length": "9999"}),
        response(400),
        Rule("content-length-too-large", "RFC 3261 18.3", _SHOULD, "it is answered with 400"),
        valid=False,
        unreliable=True,
    ),
    answered(
        "received",
        "A sent-by that is not the source gets a received parameter, and the response comes all the same",
        message(
            "OPTIONS",
            "sip:{target}",
            replaced={"Via": "SIP/2.0/{transport} unknown.invalid;rport;branch={branch}"},
        ),
        response(200, 699, fields=(("Via", "received="),)),
        Rule("received", "RFC 3261 18.2.1", _MUST, "the top Via gets a received parameter"),
    ),
    answered(
        "rport",
        "An empty rport gets the source port",
        message("OPTIONS", "sip:{target}"),
        response(200, 699, fields=(("Via", "rport=[0-9]"),)),
        Rule("rport", "RFC 3581 4", _MUST, "the rport parameter gets the source port"),
    ),
    answered(
        "folded-lines",
        "Folded lines, compact names and odd spaces are understood",
        b"OPTIONS sip:{target} SIP/2.0\r\nv :\r\n SIP / 2.0 / {transport}\r\n"
        b"\t{caller} ;rport; branch={branch}\r\n"
        b"max-forwards : 70\r\nf: <sip:caller@{caller}>\r\n ;tag={tag}\r\nt:<sip:{target}>\r\n"
        b"i: {call_id}\r\nCSEQ:\r\n 1\r\n OPTIONS\r\nl: 0\r\n\r\n",
        FINAL,
        Rule("folded-lines", "RFC 3261 7.3.1 and 7.3.3", _MUST, "every form of a field is understood"),
    ),
    answered(
        "keep-alive",
        "Empty lines before a request are passed over",
        b"\r\n\r\n" + message("OPTIONS", "sip:{target}"),
        FINAL,
        Rule("keep-alive", "RFC 3261 7.5", _SHOULD, "empty lines before the start line are ignored"),
    ),
)
