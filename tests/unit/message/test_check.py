"""What every element can trust after the check."""

from __future__ import annotations

import pytest

from sipfsm.message import Limits, MessageError, check_untrusted, parse_message_untrusted
from tests.unit.message.samples import invite, raw_invite

OK = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n"
)


def refused(raw: bytes, limits: Limits | None = None) -> MessageError:
    message = parse_message_untrusted(raw)
    with pytest.raises(MessageError) as caught:
        check_untrusted(message, limits) if limits else check_untrusted(message)
    assert caught.value.message is message
    return caught.value


def test_a_good_request_and_a_good_response_pass() -> None:
    check_untrusted(invite())
    check_untrusted(parse_message_untrusted(OK))


def test_a_request_of_an_rfc_2543_element_passes() -> None:
    """RFC 4475 section 3.4.1 (inv2543): no branch, no tag, no Max-Forwards, no Content-Length."""
    check_untrusted(
        parse_message_untrusted(
            raw_invite(
                via=b"Via: SIP/2.0/UDP iftgw.example.com",
                max_forwards=None,
                from_=None,
                content_length=None,
            ).replace(b";tag=1928301774", b"")
        )
    )


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("from", None, "missing-from"),
        ("to", None, "missing-to"),
        ("call_id", None, "missing-call-id"),
        ("cseq", None, "missing-cseq"),
        ("via", b"Via: SIP/2.0/UDP", "bad-via"),
        ("via", b"Via: ", "bad-via"),
        ("from", b"From: <sip:a@b", "bad-address"),
        ("from", b"From: <sip:@>", "bad-uri"),
        ("to", b'To: "Mr. J. User <sip:j.user@example.com>', "bad-address"),
        ("to", b"To: sip:;:929<>64@", "bad-parameter"),
        ("to", b"To: <sip:a@b%>", "bad-uri"),
        ("to", b"To: <sip:a@b>;tag=1;tag=2", "duplicate-parameter"),
        ("call_id", b"Call-ID: a b", "bad-call-id"),
        ("cseq", b"CSeq: INVITE", "bad-cseq"),
        ("cseq", b"CSeq: 4294967296 INVITE", "cseq-too-large"),
        ("cseq", b"CSeq: 1 OPTIONS", "cseq-method-mismatch"),
        ("cseq", b"CSeq: 1 invite", "cseq-method-mismatch"),
        ("max_forwards", b"Max-Forwards: 256", "bad-max-forwards"),
        ("max_forwards", b"Max-Forwards: -1", "bad-max-forwards"),
        ("expires", b"Expires: soon", "bad-expires"),
        ("expires", b"Expires: 4294967296", "bad-expires"),
    ],
)
def test_what_is_missing_or_malformed_is_refused(name: str, line: bytes | None, reason: str) -> None:
    error = refused(raw_invite(**{name: line}))
    assert (error.reason, error.status) == (reason, 400)


def test_without_via_nothing_can_be_answered() -> None:
    error = refused(raw_invite(via=None))
    assert (error.reason, error.status) == ("missing-via", None)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"From: <sip:x@y>;tag=1", "from"),
        (b"t: <sip:x@y>", "to"),
        (b"i: other", "call-id"),
        (b"CSEQ: 59 INVITE", "cseq"),
        (b"mAX-fORWARDS : 5", "max-forwards"),
        (b"l: 4", "content-length"),
        (b"c: text/plain", "content-type"),
        (b"Expires: 5", "expires"),
        (b"Min-Expires: 5", "min-expires"),
        (b"Date: Sat, 13 Nov 2010 23:29:00 GMT", "date"),
        (b"Timestamp: 54", "timestamp"),
        (b"o: presence", "event"),
        (b"r: <sip:x@y>", "refer-to"),
        (b"Replaces: x;to-tag=1;from-tag=2", "replaces"),
        (b"x: 1800", "session-expires"),
        (b"Min-SE: 90", "min-se"),
        (b"RAck: 1 1 INVITE", "rack"),
        (b"RSeq: 1", "rseq"),
    ],
)
def test_a_second_line_of_what_can_be_there_once_is_refused(line: bytes, name: str) -> None:
    error = refused(raw_invite(first=line, second=line))
    assert (error.reason, error.status) == (f"duplicate-{name}", 400)


def test_the_compact_and_the_long_form_are_one_field() -> None:
    error = refused(raw_invite(one=b"Expires: 5", other=b"Expires : 5"))
    assert (error.reason, error.offending) == ("duplicate-expires", b"5")


def test_what_may_be_there_several_times_passes() -> None:
    check_untrusted(
        parse_message_untrusted(
            raw_invite(
                a=b"Via: SIP/2.0/UDP b",
                b=b"v: SIP/2.0/UDP c",
                c=b"Contact: <sip:x@y>",
                d=b"X-A: 1",
                e=b"X-A: 2",
            )
        )
    )


def test_another_version_is_505() -> None:
    """RFC 3261 section 21.5.6; RFC 4475 section 3.1.2.16 (badvers)."""
    error = refused(raw_invite().replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1))
    assert (error.reason, error.status, error.offending) == ("version", 505, b"SIP/7.0")
    assert refused(OK.replace(b"SIP/2.0", b"SIP/7.0", 1)).status is None


def test_the_request_uri_is_read_whatever_its_scheme() -> None:
    """The scheme is for the transaction user to judge: 416."""
    assert (
        refused(raw_invite().replace(b"sip:bob@biloxi.com SIP", b"<sip:bob@biloxi.com> SIP")).reason
        == "bad-uri"
    )
    check_untrusted(
        parse_message_untrusted(raw_invite().replace(b"sip:bob@biloxi.com SIP", b"unknown:x SIP"))
    )


def test_a_defect_of_an_ack_or_a_response_is_not_answered() -> None:
    error = refused(raw_invite(call_id=None).replace(b"INVITE", b"ACK"))
    assert (error.reason, error.status) == ("missing-call-id", None)
    error = refused(OK.replace(b"Call-ID: x\r\n", b""))
    assert (error.reason, error.status) == ("missing-call-id", None)


def test_the_method_of_a_response_is_not_compared() -> None:
    check_untrusted(parse_message_untrusted(OK.replace(b"1 INVITE", b"1 FOO")))


@pytest.mark.parametrize("name", ["Via", "Route", "Record-Route", "Path"])
def test_too_many_hops_are_refused(name: str) -> None:
    value = b"SIP/2.0/UDP host" if name == "Via" else b"<sip:a;lr>"
    limits = Limits(max_via=4, max_route=4)
    others = {"via": b"Via: " + b",".join([value] * 2)} if name == "Via" else {}
    lines = {f"{at}": name.encode() + b": " + value for at in range(2)}
    check_untrusted(parse_message_untrusted(raw_invite(**others, **lines)), limits)
    lines = {f"{at}": name.encode() + b": " + b",".join([value] * 5) for at in range(1)}
    error = refused(raw_invite(**others, **lines), limits)
    assert (error.reason, error.status) == (f"too-many-{name.lower()}", 400)


def test_commas_in_quotes_are_no_hops() -> None:
    quoted = b'Route: "a,b,c,d,e,f" <sip:a;lr>'
    check_untrusted(parse_message_untrusted(raw_invite(route=quoted)), Limits(max_route=4))


def test_a_list_that_cannot_be_counted_is_refused() -> None:
    error = refused(raw_invite(route=b'Route: "a,b,c,d,e,f <sip:a;lr>'), Limits(max_route=4))
    assert error.reason == "unbalanced-quote"


def test_what_has_been_checked_need_not_be_parsed_again() -> None:
    message = invite()
    check_untrusted(message)
    assert message.via is message.via
    assert message.to is message.to
