"""One message for each row of the table of defects: what it is, and what must become of it.

Typed from RFC 3261 and RFC 4475. `tests/conformance/test_defects.py` sends them, and compares them with
`docs/reference/defects.md`.
"""

from __future__ import annotations

from typing import NamedTuple

HOST = b"%HOST%"
"""Stands for the sender's address."""

LIMITS = {
    "max_message": 4000,
    "max_start_line": 300,
    "max_line": 1500,
    "max_fields": 30,
    "max_body": 1000,
    "max_via": 5,
    "max_route": 5,
    "max_values": 5,
    "max_params": 8,
}
"""Of the server that these messages are sent to."""

ANSWERS = "answers "
DROPS = "drops"
FORWARDS = "forwards"
REPAIRS = "repairs"


class Sample(NamedTuple):
    """A message with a defect.

    Attributes:
        row: the first cell of the row, without backticks; of a family such as ``missing-<field>``, just that.
        outcome: the second cell.
        data: the message.
        reason: the reason that is counted; empty where nothing is refused.
        phrase: what the reason phrase must say of a 400, the place included.
        protocol: what it is sent over.
        leaves: bytes that the next hop must get; of a REGISTER, those that the answer must have.
        never_leaves: bytes that it must not get.
    """

    row: str
    outcome: str
    data: bytes
    reason: str = ""
    phrase: str = ""
    protocol: str = "UDP"
    leaves: bytes = b""
    never_leaves: bytes = b"\0never"

    @property
    def name(self) -> str:
        """What a test is called."""
        return f"{self.row} {self.reason}".strip()


_LINES = {
    "via": b"Via: SIP/2.0/UDP %HOST%:5060;branch=z9hG4bK-defect",
    "max-forwards": b"Max-Forwards: 70",
    "from": b"From: <sip:alice@example.com>;tag=1",
    "to": b"To: <sip:bob@example.com>",
    "call-id": b"Call-ID: defect",
    "cseq": b"CSeq: 1 INVITE",
    "contact": b"Contact: <sip:alice@%HOST%:5060>",
}


def message(
    *extra: bytes,
    start: bytes = b"INVITE sip:bob@example.com SIP/2.0",
    body: bytes = b"",
    length: bytes | None = b"Content-Length: %d",
    **changes: bytes | None,
) -> bytes:
    """Write a good INVITE with some lines changed, left out (None) or added at the end."""
    lines = [start]
    for name, line in _LINES.items():
        changed = changes.pop(name.replace("-", "_"), line)
        if changed is not None:
            lines.append(changed)
    assert not changes
    lines += extra
    if length is not None:
        lines.append(length.replace(b"%d", b"%d" % len(body)))
    return b"\r\n".join([*lines, b"", body])


def without(name: str) -> bytes:
    """Write the INVITE without one of its fields."""
    return b"\r\n".join(line for line in message().split(b"\r\n") if line != _LINES[name])


def register(*extra: bytes, contact: bytes | None = _LINES["contact"], to: bytes = _LINES["to"]) -> bytes:
    """Write a REGISTER."""
    return message(
        *extra, start=b"REGISTER sip:example.com SIP/2.0", cseq=b"CSeq: 1 REGISTER", contact=contact, to=to
    )


def refused(reason: str, data: bytes, phrase: str, *, row: str = "", protocol: str = "UDP") -> Sample:
    """Return the sample of what is answered with 400."""
    return Sample(row or reason, ANSWERS + "400", data, reason, phrase, protocol)


def _named(method: bytes) -> dict[str, bytes]:
    return {"start": method + b" sip:bob@example.com SIP/2.0", "cseq": b"CSeq: 1 " + method}


_RESPONSE = message(
    start=b"SIP/2.0 200 OK", via=b"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1", call_id=None
)

_MANDATORY = ("From", "To", "Call-ID", "CSeq")

_SINGLETONS = (
    "From",
    "To",
    "Call-ID",
    "CSeq",
    "Max-Forwards",
    "Max-Breadth",
    "Content-Length",
    "Content-Type",
    "Content-Disposition",
    "Expires",
    "Min-Expires",
    "Retry-After",
    "Date",
    "Timestamp",
    "Event",
    "Subscription-State",
    "SIP-ETag",
    "SIP-If-Match",
    "Refer-To",
    "Referred-By",
    "Reply-To",
    "Replaces",
    "Session-Expires",
    "Min-SE",
    "RAck",
    "RSeq",
)

_ONE = {
    "From": b"<sip:x@y>;tag=2",
    "To": b"<sip:x@y>",
    "Call-ID": b"other",
    "CSeq": b"1 INVITE",
    "Max-Forwards": b"1",
    "Content-Length": b"0",
}


def _twice(name: str) -> bytes:
    line = name.encode() + b": " + _ONE.get(name, b"5")
    return message(line) if name in _ONE else message(line, line)


def _list(name: str) -> bytes:
    values = {"Via": b"SIP/2.0/UDP h;branch=z9hG4bKx", "Contact": b"<sip:a@b>"}
    routes = {"Route", "Record-Route", "Path"}
    value = values.get(name, b"<sip:r.example.net;lr>" if name in routes else b"tag")
    return message(name.encode() + b": " + b", ".join([value] * 6))


SAMPLES: tuple[Sample, ...] = (
    # ---- who gets no answer
    Sample("any, in an ACK", DROPS, message(**_named(b"ACK"), call_id=None), "missing-call-id"),
    Sample("any, in a CANCEL", DROPS, message(**_named(b"CANCEL"), call_id=None), "missing-call-id"),
    Sample("any, in a response", DROPS, _RESPONSE, "missing-call-id"),
    Sample("any, and no top Via to be read", DROPS, message(via=None), "missing-via"),
    Sample("any, and no top Via to be read", DROPS, message(via=b"Via: SIP/2.0/UDP"), "bad-via"),
    Sample("any, and no top Via to be read", DROPS, message(via=b"Via: SIP/2.0/UDP [::z]"), "bad-via"),
    # ---- start line
    Sample("not-sip", DROPS, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "not-sip"),
    Sample("bad-status-line", DROPS, message(start=b"SIP/2.0 4294967301 x"), "bad-status-line"),
    refused(
        "bad-request-line", message(start=b"INVITE  sip:bob@example.com SIP/2.0"), "Malformed request line"
    ),
    Sample("version", "answers 505", message(start=b"INVITE sip:bob@example.com SIP/3.0"), "version"),
    Sample(
        "start-line-too-long",
        "answers 414",
        message(start=b"INVITE sip:" + b"b" * 300 + b"@example.com SIP/2.0"),
        "start-line-too-long",
    ),
    refused(
        "bad-uri",
        message(start=b"INVITE <sip:bob@example.com> SIP/2.0"),
        "Malformed URI in Request-URI",
    ),
    refused("bad-uri", message(to=b"To: <sip:@>"), "Malformed SIP URI in To"),
    refused("bad-escape", message(to=b"To: <sip:b%zz@example.com>"), "Malformed escape in URI in To"),
    refused(
        "request-uri-headers",
        message(start=b"INVITE sip:bob@example.com?Route=%3Csip:evil.example.net%3E SIP/2.0"),
        "Header fields in Request-URI",
    ),
    Sample(
        "version in lower case",
        REPAIRS,
        message(start=b"INVITE sip:bob@example.com sip/2.0"),
        leaves=b" SIP/2.0\r\n",
        never_leaves=b"sip/2.0",
    ),
    Sample("empty lines before it", REPAIRS, b"\r\n\r\n" + message(), leaves=b"INVITE sip:bob@"),
    # ---- header section
    refused("no-empty-line", message().removesuffix(b"\r\n"), "No empty line after the header fields"),
    refused("no-colon", message(b"no colon at all"), "Missing colon in header field 8"),
    refused("no-colon", message(b"SIP/2.0 200 OK"), "Missing colon in header field 8"),
    refused("bad-field-name", message(b"two words: x"), "Malformed header field name in header field 8"),
    refused("nul", message(b"Subject: a\0b"), "NUL in Subject"),
    refused("bare-cr", message(b"Subject: a\rRoute: <sip:evil.example.net>"), "CR without LF in Subject"),
    refused("bare-lf", message(b"Subject: a\nRoute: <sip:evil.example.net>"), "LF without CR in Subject"),
    refused("control-character", message(b"X-Own: a\x0bb"), "Control character in header field 8"),
    refused("overlong-utf8", message(b"Subject: a\xc0\x8ab"), "Overlong UTF-8 sequence"),
    *(
        refused(
            f"missing-{name.lower()}",
            without(name.lower()),
            f"Missing {name}",
            row="missing-<field>",
        )
        for name in _MANDATORY
    ),
    *(
        refused(f"duplicate-{name.lower()}", _twice(name), f"{name} appears twice", row="duplicate-<field>")
        for name in _SINGLETONS
    ),
    refused("too-many-fields", message(*[b"X: y"] * 30), "Too many header fields"),
    refused("field-too-long", message(b"Subject: " + b"x" * 1500), "Header field too long in Subject"),
    *(
        refused(f"too-many-{name.lower()}", _list(name), f"Too many {name} values", row="too-many-<field>")
        for name in (
            "Via",
            "Route",
            "Record-Route",
            "Path",
            "Contact",
            "Require",
            "Proxy-Require",
            "Supported",
            "Unsupported",
        )
    ),
    refused("too-many-parameters", message(to=b"To: <sip:b@c>" + b";a" * 9), "Too many parameters in To"),
    refused(
        "too-many-parameters",
        message(start=b"INVITE sip:bob@example.com" + b";a" * 9 + b" SIP/2.0"),
        "Too many parameters in Request-URI",
    ),
    Sample(
        "message-too-large",
        "answers 513",
        message(b"Subject: " + b"x" * 1400, b"X-A: " + b"y" * 1400, b"X-B: " + b"y" * 1400),
        "message-too-large",
    ),
    Sample(
        "header-too-large",
        "answers 513",
        message(*[b"X: " + b"y" * 200] * 20),
        "header-too-large",
        protocol="TCP",
    ),
    Sample(
        "white space before a colon",
        REPAIRS,
        message(b"P-Asserted-Identity \t: <sip:boss@example.com>", to=b"TO : <sip:bob@example.com>"),
        leaves=b"\r\nTO: <sip:bob@example.com>\r\n",
        never_leaves=b"P-Asserted-Identity \t:",
    ),
    Sample(
        "folded lines",
        REPAIRS,
        message(b"Subject: a\r\n Route: <sip:evil.example.net>"),
        leaves=b"\r\nSubject: a Route: <sip:evil.example.net>\r\n",
        never_leaves=b"\r\n Route",
    ),
    Sample(
        "compact form beside the long one",
        FORWARDS,
        message(b"m: <sip:other@%HOST%>"),
        leaves=b"\r\nm: <sip:other@",
    ),
    Sample(
        "octets above 127",
        FORWARDS,
        message(b"Subject: \xe9t\xe9 \xc3\xa9"),
        leaves=b": \xe9t\xe9 \xc3\xa9\r\n",
    ),
    Sample(
        "an unknown field, whatever it says",
        FORWARDS,
        message(b'X-Odd: ;;,,"<'),
        leaves=b'\r\nX-Odd: ;;,,"<\r\n',
    ),
    # ---- values
    refused(
        "bad-via",
        message(b"Via: no via", start=b"INVITE sip:carol@example.com SIP/2.0"),
        "Malformed Via, value 2",
    ),
    refused("bad-host", message(to=b"To: <sip:bob@[2001:db8::1::2]>"), "Malformed IPv6 address in To"),
    refused("bad-port", message(to=b"To: <sip:bob@example.com:65536>"), "Port out of range in To"),
    refused("bad-address", message(to=b'To: "Bob <sip:bob@example.com>'), "Malformed address in To"),
    refused(
        "bad-route",
        message(b"Route: <sip:192.0.2.10;lr>, sip:x.example.net;lr"),
        "Address without angle brackets in Route, value 2",
    ),
    refused(
        "bad-contact-star",
        register(b"Expires: 0", contact=b"Contact: *, <sip:a@b>"),
        "Contact * is not alone",
    ),
    refused("bad-parameter", message(to=b"To: <sip:bob@example.com>;;"), "Malformed parameter in To"),
    refused(
        "duplicate-parameter",
        message(to=b"To: <sip:bob@example.com>;x;X=1"),
        "Parameter appears twice in To",
    ),
    refused("bad-q", register(contact=b"Contact: <sip:a@b>;q=2"), "Malformed q parameter in Contact"),
    refused("bad-cseq", message(cseq=b"CSeq: INVITE"), "Malformed CSeq"),
    refused("cseq-too-large", message(cseq=b"CSeq: 2147483648 INVITE"), "CSeq number is not below 2**31"),
    refused("cseq-method-mismatch", message(cseq=b"CSeq: 1 BYE"), "CSeq names another method"),
    refused("bad-call-id", message(call_id=b"Call-ID: a, b"), "Malformed Call-ID"),
    refused("bad-max-forwards", message(max_forwards=b"Max-Forwards: 256"), "Malformed Max-Forwards"),
    refused("bad-expires", message(b"Expires: -1"), "Malformed Expires"),
    refused("bad-token", message(b"Proxy-Require: a b"), "Not a token in Proxy-Require"),
    refused(
        "unbalanced-quote",
        message(b'Route: <sip:192.0.2.10;lr>, "x, <sip:y;lr>'),
        "Quoted string not closed in Route",
    ),
    refused(
        "unbalanced-angle-bracket",
        message(b"Route: <sip:192.0.2.10;lr>, <sip:y;lr, z"),
        "Angle bracket not closed in Route",
    ),
    Sample("bad-date", FORWARDS, message(b"Date: yesterday"), leaves=b"\r\nDate: yesterday\r\n"),
    Sample("bad-timestamp", FORWARDS, message(b"Timestamp: now"), leaves=b"\r\nTimestamp: now\r\n"),
    Sample("bad-min-expires", FORWARDS, message(b"Min-Expires: x"), leaves=b"\r\nMin-Expires: x\r\n"),
    Sample("bad-auth", FORWARDS, message(b"Authorization: @"), leaves=b"\r\nAuthorization: @\r\n"),
    Sample(
        "an extra colon in an IPv6 reference",
        FORWARDS,
        message(to=b"To: <sip:bob@[2001:db8:::192.0.2.1]>"),
        leaves=b"[2001:db8:::192.0.2.1]",
    ),
    Sample(
        "brackets in the received of a Via",
        FORWARDS,
        message(b"Via: SIP/2.0/UDP h;received=[2001:db8::1];branch=z9hG4bKx"),
        leaves=b"received=[2001:db8::1]",
    ),
    Sample(
        "expires of a Contact that is no number",
        REPAIRS,
        register(contact=b"Contact: <sip:a@b>;expires=soon"),
        leaves=b"<sip:a@b>;expires=3600",
    ),
    Sample(
        "received or rport from the sender itself",
        REPAIRS,
        message(via=b"Via: SIP/2.0/UDP %HOST%:5060;received=203.0.113.9;rport=9;branch=z9hG4bKx"),
        leaves=b"rport=5060",
        never_leaves=b"203.0.113.9",
    ),
    Sample(
        "no branch, or the magic cookie alone",
        FORWARDS,
        message(via=b"Via: SIP/2.0/UDP %HOST%:5060;branch=z9hG4bK"),
        leaves=b";branch=z9hG4bK\r\n",
    ),
    Sample(
        "no tag in From", FORWARDS, message(**{"from": b"From: <sip:a@b>"}), leaves=b"From: <sip:a@b>\r\n"
    ),
    Sample("no Max-Forwards", REPAIRS, message(max_forwards=None), leaves=b"\r\nMax-Forwards: 70\r\n"),
    # ---- body
    refused("bad-content-length", message(length=b"Content-Length: -1"), "Malformed Content-Length"),
    refused("bad-content-length", message(length=b"l: 0x4"), "Malformed Content-Length", protocol="TCP"),
    refused("missing-content-length", message(length=None), "Missing Content-Length", protocol="TCP"),
    refused("body-too-short", message(length=b"Content-Length: 5"), "Body shorter than its Content-Length"),
    Sample("body-too-large", "answers 413", message(body=b"b" * 1001), "body-too-large"),
    Sample("body-too-large", "answers 413", message(body=b"b" * 1001), "body-too-large", protocol="TCP"),
    Sample(
        "octets behind the body of a datagram",
        REPAIRS,
        message(body=b"body") + b"INVITE sip:evil@example.com SIP/2.0\r\n",
        leaves=b"\r\n\r\nbody",
        never_leaves=b"evil",
    ),
    Sample(
        "no Content-Length in a datagram",
        FORWARDS,
        message(body=b"body", length=None),
        leaves=b"\r\n\r\nbody",
    ),
)
