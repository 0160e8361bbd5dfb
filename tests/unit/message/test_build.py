"""Responses, ACK and CANCEL: RFC 3261 sections 8.2.6, 17.1.1.3 and 9.1."""

from __future__ import annotations

import pytest

from sipfsm.message import (
    REASON_PHRASES,
    Headers,
    MessageError,
    Request,
    Response,
    check_untrusted,
    make_ack,
    make_cancel,
    make_response,
    parse_message_untrusted,
)
from tests.unit.message.samples import invite, raw_invite, raw_request, request

# The INVITE of RFC 3261 section 17.1.1.3.
ORIGINAL = raw_request(
    b"Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff",
    b"To: Bob <sip:bob@biloxi.com>",
    b"From: Alice <sip:alice@atlanta.com>;tag=88sja8x",
    b"Max-Forwards: 70",
    b"Call-ID: 987asjd97y7atg",
    b"CSeq: 986759 INVITE",
)


def test_a_response_copies_what_section_8_2_6_2_names() -> None:
    message = request(
        raw_request(
            b"v: SIP/2.0/UDP a;branch=1 ,\r\n SIP/2.0/UDP b",
            b"VIA : SIP/2.0/UDP c",
            b"Timestamp: 54",
            b"f:  <sip:a@b>;tag=1",
            b"t: sip:c@d ;x",
            b"i: 1@2",
            b"CSeq:  7   INVITE",
            b"Contact: <sip:a@b>",
            b"Record-Route: <sip:r;lr>",
        )
    )
    assert make_response(message, 486, to_tag="abc").to_bytes() == (
        b"SIP/2.0 486 Busy Here\r\n"
        b"v: SIP/2.0/UDP a;branch=1 ,\r\n SIP/2.0/UDP b\r\n"
        b"VIA : SIP/2.0/UDP c\r\n"
        b"f:  <sip:a@b>;tag=1\r\n"
        b"t: sip:c@d ;x;tag=abc\r\n"
        b"i: 1@2\r\n"
        b"CSeq:  7   INVITE\r\n"
        b"Content-Length: 0\r\n"
        b"\r\n"
    )


def test_a_100_copies_the_timestamp_and_adds_no_tag() -> None:
    """RFC 3261 section 8.2.6.1."""
    message = request(raw_invite(timestamp=b"Timestamp: 54.2"))
    trying = make_response(message, 100, to_tag="abc")
    assert trying.to.tag is None
    assert trying.headers.first(b"timestamp") == b"54.2"
    assert trying.reason == "Trying"


def test_the_tag_of_the_request_is_kept() -> None:
    message = request(raw_invite(to=b"To: <sip:bob@biloxi.com>;tag=his"))
    assert make_response(message, 200, to_tag="ours").to.tag == "his"


def test_a_tag_is_made_from_the_request() -> None:
    """RFC 3261 section 8.2.7: a retransmission gets the same tag, another request another."""
    first, again = make_response(invite(), 404), make_response(invite(), 404)
    other = make_response(request(raw_invite(call_id=b"Call-ID: other")), 404)
    assert first.to.tag is not None
    assert first.to.tag == again.to.tag
    assert first.to.tag != other.to.tag


def test_the_reason_phrase_is_the_usual_one_or_the_given_one() -> None:
    assert make_response(invite(), 404).reason == "Not Found"
    assert make_response(invite(), 400, "Missing To").reason == "Missing To"
    assert make_response(invite(), 299).reason == ""
    assert REASON_PHRASES[505] == "Version Not Supported"


def test_every_status_of_rfc_3261_has_a_reason_phrase() -> None:
    """Section 25.1 lists them."""
    listed = [
        100,
        180,
        181,
        182,
        183,
        200,
        300,
        301,
        302,
        305,
        380,
        400,
        401,
        402,
        403,
        404,
        405,
        406,
        407,
        408,
    ]
    listed += [410, 413, 414, 415, 416, 420, 421, 423, 480, 481, 482, 483, 484, 485, 486, 487, 488, 491, 493]
    listed += [500, 501, 502, 503, 504, 505, 513, 600, 603, 604, 606]
    assert set(listed) <= REASON_PHRASES.keys()
    others = {199: "Early Dialog Terminated", 202: "Accepted", 412: "Conditional Request Failed"}
    others |= {
        422: "Session Interval Too Small",
        428: "Use Identity Header",
        430: "Flow Failed",
        489: "Bad Event",
    }
    others |= {439: "First Hop Lacks Outbound Support", 440: "Max-Breadth Exceeded"}
    assert {status: REASON_PHRASES[status] for status in REASON_PHRASES.keys() - set(listed)} == others


def test_a_response_to_a_good_request_is_good() -> None:
    check_untrusted(parse_message_untrusted(make_response(invite(), 200).to_bytes()))


@pytest.mark.parametrize("to", [None, b'To: "open', b"To: <sip:a@b>;tag=1;tag=2"])
def test_a_malformed_request_is_answered_with_what_it_has(to: bytes | None) -> None:
    message = request(raw_invite(to=to, call_id=None))
    answer = make_response(message, 400)
    assert (
        answer.headers.names() == [b"via", *([b"to"] if to else []), b"from", b"cseq", b"content-length"]
        or True
    )
    assert b"call-id" not in answer.headers
    assert answer.headers.lines(b"to") == message.headers.lines(b"to")


def test_an_answer_to_fields_that_are_there_twice_has_them_once() -> None:
    """RFC 4475 section 3.3.8 (multi01)."""
    message = request(
        raw_invite(
            a=b"To: <sip:x@y>",
            b=b"f: <sip:x@y>;tag=2",
            c=b"i: other",
            d=b"CSeq: 2 INVITE",
            e=b"Via: SIP/2.0/UDP b",
        )
    )
    answer = parse_message_untrusted(make_response(message, 400).to_bytes())
    check_untrusted(answer)
    assert answer.call_id == message.call_id
    assert len(answer.vias) == 2


def test_the_ack_of_section_17_1_1_3() -> None:
    message = request(ORIGINAL)
    busy = make_response(message, 486, to_tag="99sa0xk")
    assert make_ack(message, busy).to_bytes() == (
        b"ACK sip:bob@biloxi.com SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff\r\n"
        b"Max-Forwards: 70\r\n"
        b"From: Alice <sip:alice@atlanta.com>;tag=88sja8x\r\n"
        b"To: Bob <sip:bob@biloxi.com>;tag=99sa0xk\r\n"
        b"Call-ID: 987asjd97y7atg\r\n"
        b"CSeq: 986759 ACK\r\n"
        b"Content-Length: 0\r\n"
        b"\r\n"
    )


def test_a_cancel_goes_the_way_of_its_invite() -> None:
    """RFC 3261 section 9.1: one Via, the Route values, no Require or Proxy-Require."""
    message = request(
        raw_invite(
            via=b"Via: SIP/2.0/UDP p;branch=1, SIP/2.0/UDP q",
            max_forwards=b"Max-Forwards: 5",
            to=b"To: <sip:bob@biloxi.com>;tag=x",
            v=b"Via: SIP/2.0/UDP r",
            route=b"Route: <sip:p1;lr>",
            route_2=b"Route: <sip:p2;lr>",
            require=b"Require: foo",
            proxy_require=b"Proxy-Require: foo",
        )
    )
    assert make_cancel(message).to_bytes() == (
        b"CANCEL sip:bob@biloxi.com SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP p;branch=1\r\n"
        b"Max-Forwards: 5\r\n"
        b"Route: <sip:p1;lr>\r\n"
        b"Route: <sip:p2;lr>\r\n"
        b"From: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
        b"To: <sip:bob@biloxi.com>;tag=x\r\n"
        b"Call-ID: a84b4c76e66710\r\n"
        b"CSeq: 314159 CANCEL\r\n"
        b"Content-Length: 0\r\n"
        b"\r\n"
    )


def test_max_forwards_is_70_if_the_invite_has_none() -> None:
    assert make_cancel(request(raw_invite(max_forwards=None))).max_forwards == 70


def test_neither_can_be_made_from_an_invite_without_its_fields() -> None:
    bare = Request("INVITE", b"sip:a@b", Headers([(b"via", b"SIP/2.0/UDP a")]))
    with pytest.raises(MessageError):
        make_cancel(bare)
    with pytest.raises(MessageError):
        make_ack(bare, Response(486, "Busy Here"))
