"""Requests and responses: what their properties read, and how they are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sipfsm.message import (
    CSeq,
    Headers,
    Message,
    MessageError,
    NameAddr,
    Params,
    Request,
    Response,
    SipUri,
    Timestamp,
    Via,
    parse_uri_untrusted,
)
from tests.unit.message.samples import invite, raw_invite, raw_request, request, response

EVERYTHING = raw_request(
    b"Via: SIP/2.0/UDP a;branch=1, SIP/2.0/TCP b;branch=2",
    b"Via: SIP/2.0/UDP c;branch=3",
    b"From: <sip:alice@atlanta.com>;tag=1",
    b"To: <sip:bob@biloxi.com>",
    b"Call-ID: x@y",
    b"CSeq: 1 REGISTER",
    b"Max-Forwards: 70",
    b"Content-Length: 0",
    b"Expires: 3600",
    b"Min-Expires: 60",
    b"Date: Sat, 13 Nov 2010 23:29:00 GMT",
    b"Timestamp: 54",
    b"Route: <sip:p1;lr>, <sip:p2;lr>",
    b"Record-Route: <sip:r1;lr>",
    b"Path: <sip:edge;lr>",
    b"Contact: <sip:alice@a>;q=0.5, <sip:alice@b>",
    b"Require: path",
    b"Proxy-Require: foo",
    b"Supported: timer, path",
    b"Unsupported: bar",
    b'Authorization: Digest realm="a"',
    b'Proxy-Authorization: Digest realm="b"',
    b'WWW-Authenticate: Digest realm="c"',
    b'Proxy-Authenticate: Digest realm="d"',
    start=b"REGISTER sip:biloxi.com SIP/2.0",
)


def test_the_properties_read_their_fields() -> None:
    message = request(EVERYTHING)
    assert message.via == Via("UDP", "a", None, Params([("branch", "1")]))
    assert [via.branch for via in message.vias] == ["1", "2", "3"]
    assert message.from_.tag == "1"
    assert message.to == NameAddr(None, parse_uri_untrusted(b"sip:bob@biloxi.com"))
    assert message.call_id == "x@y"
    assert message.cseq == CSeq(1, "REGISTER")
    assert message.max_forwards == 70
    assert message.content_length == 0
    assert message.expires == 3600
    assert message.min_expires == 60
    assert message.date == datetime(2010, 11, 13, 23, 29, tzinfo=UTC)
    assert message.timestamp == Timestamp(54.0)
    assert [route.raw_uri for route in message.routes] == [b"sip:p1;lr", b"sip:p2;lr"]
    assert [route.raw_uri for route in message.record_routes] == [b"sip:r1;lr"]
    assert [route.raw_uri for route in message.paths] == [b"sip:edge;lr"]
    assert [contact.q for contact in message.contacts] == [0.5, None]
    assert not message.contact_is_star
    assert message.require == ["path"]
    assert message.proxy_require == ["foo"]
    assert message.supported == ["timer", "path"]
    assert message.unsupported == ["bar"]
    assert [value.get("realm") for value in message.authorization] == ["a"]
    assert [value.get("realm") for value in message.proxy_authorization] == ["b"]
    assert [value.get("realm") for value in message.www_authenticate] == ["c"]
    assert [value.get("realm") for value in message.proxy_authenticate] == ["d"]


def test_what_may_be_missing_is_none_or_empty() -> None:
    message = Request("OPTIONS", b"sip:a@b")
    assert message.max_forwards is None
    assert message.content_length is None
    assert message.expires is None
    assert message.min_expires is None
    assert message.date is None
    assert message.timestamp is None
    assert message.vias == message.routes == message.record_routes == message.paths == message.contacts == []
    assert message.require == message.proxy_require == message.supported == message.unsupported == []
    assert message.authorization == message.www_authenticate == []
    assert not message.contact_is_star


def test_the_star_of_a_register() -> None:
    message = request(raw_request(b"m: *"))
    assert message.contact_is_star
    assert message.contacts == []


@pytest.mark.parametrize("name", ["via", "from_", "to", "call_id", "cseq"])
def test_what_must_be_there_and_is_not_is_an_error_with_the_message(name: str) -> None:
    message = Request("OPTIONS", b"sip:a@b", Headers([(b"via", b"SIP/2.0/UDP a")]))
    if name == "via":
        message.headers.remove(b"via")
    with pytest.raises(MessageError) as caught:
        getattr(message, name)
    assert caught.value.reason == "missing-" + {"from_": "from", "call_id": "call-id"}.get(name, name)
    assert caught.value.message is message
    # without a Via no answer finds its way
    assert caught.value.status == (None if name == "via" else 400)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"Via: x", "via"),
        (b"Via: SIP/2.0/UDP a, x", "vias"),
        (b"CSeq: x", "cseq"),
        (b"Expires: x", "expires"),
        (b"Contact: <", "contacts"),
        (b"Contact: <", "contact_is_star"),
        (b"Route: x", "routes"),
        (b"Require: a b", "require"),
        (b"Authorization: x", "authorization"),
    ],
)
def test_a_malformed_field_is_an_error_with_the_message_each_time(line: bytes, name: str) -> None:
    message = request(raw_request(line))
    message.headers.add(b"via", b"SIP/2.0/UDP a")
    for _ in range(2):
        with pytest.raises(MessageError) as caught:
            getattr(message, name)
        assert caught.value.status == 400
        assert caught.value.message is message


def test_a_list_that_is_handed_out_is_the_callers() -> None:
    message = request(EVERYTHING)
    message.routes.clear()
    message.contacts.clear()
    assert len(message.routes) == 2
    assert len(message.contacts) == 2


# ---- the top Via


def test_the_top_via_is_replaced_in_its_place() -> None:
    message = request(EVERYTHING)
    changed = message.via.with_params(received="192.0.2.1")
    message.via = changed
    assert message.via is changed
    assert message.headers.lines(b"via") == [
        b"SIP/2.0/UDP a;branch=1;received=192.0.2.1, SIP/2.0/TCP b;branch=2",
        b"SIP/2.0/UDP c;branch=3",
    ]
    assert message.via.received == "192.0.2.1"
    assert message.vias[0] == message.via
    assert len(message.vias) == 3


def test_a_via_is_pushed_on_top() -> None:
    message = request(EVERYTHING)
    own = Via("UDP", "proxy", 5060, Params([("branch", "z9hG4bK1")]))
    message.push_via(own)
    assert message.via is own
    assert message.headers.lines(b"via")[0] == b"SIP/2.0/UDP proxy:5060;branch=z9hG4bK1"
    assert message.vias[0] == own
    assert len(message.vias) == 4
    message.headers.pop_first_value(b"via")
    assert message.via.host == "a"


# ---- writing


def test_what_is_not_touched_leaves_as_it_came() -> None:
    assert request(EVERYTHING).to_bytes() == EVERYTHING
    assert invite().to_bytes() == raw_invite()


def test_only_the_bytes_of_an_edit_change() -> None:
    message = invite()
    assert message.max_forwards == 70
    message.headers.set(b"max-forwards", b"69")
    assert message.max_forwards == 69
    assert message.to_bytes() == raw_invite(max_forwards=b"Max-Forwards: 69")


def test_the_request_uri_can_be_changed_either_way() -> None:
    message = invite()
    assert message.raw_uri == b"sip:bob@biloxi.com"
    message.uri = SipUri("sip", "bob", None, "192.0.2.4")
    assert message.raw_uri == b"sip:bob@192.0.2.4"
    assert message.start_line() == b"INVITE sip:bob@192.0.2.4 SIP/2.0"
    message.raw_uri = b"sip:carol@chicago.com"
    assert isinstance(message.uri, SipUri)
    assert message.uri.user == "carol"


def test_a_bad_request_uri_is_an_error_with_the_message() -> None:
    message = Request("OPTIONS", b"<sip:a@b>", Headers([(b"via", b"SIP/2.0/UDP a")]))
    for _ in range(2):
        with pytest.raises(MessageError) as caught:
            message.uri  # noqa: B018
        assert caught.value.message is message


def test_messages_of_our_own() -> None:
    made = Request("OPTIONS", SipUri("sip", None, None, "b"), Headers([(b"call-id", b"1")]), b"body")
    assert made.to_bytes() == b"OPTIONS sip:b SIP/2.0\r\nCall-ID: 1\r\n\r\nbody"
    assert Response(200, "OK").to_bytes() == b"SIP/2.0 200 OK\r\n\r\n"


def test_a_reason_phrase_survives_in_any_encoding() -> None:
    """RFC 4475 section 3.1.1.12 (unreason)."""
    raw = "SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e".encode() + b"\xff\r\n\r\n"
    assert response(raw).to_bytes() == raw


def test_copies_are_independent() -> None:
    message = invite()
    uri, via = message.uri, message.via
    copy = message.copy()
    assert copy.uri is uri
    assert copy.via is via
    copy.raw_uri = b"sip:x"
    copy.headers.set(b"max-forwards", b"1")
    copy.body = b""
    assert message.to_bytes() == raw_invite()
    answer = Response(180, "Ringing", Headers([(b"to", b"sip:a@b")]), b"x", "SIP/7.0")
    twin = answer.copy()
    assert twin.to_bytes() == answer.to_bytes()
    twin.headers.remove(b"to")
    assert b"to" in answer.headers


def test_an_ack_and_a_response_are_not_answered() -> None:
    assert invite().answerable
    assert not Request("ACK", b"sip:a@b").answerable
    assert not Response(200, "OK").answerable


def test_a_message_is_a_request_or_a_response() -> None:
    with pytest.raises(NotImplementedError):
        Message().answerable  # noqa: B018
    with pytest.raises(NotImplementedError):
        Message().to_bytes()


def test_the_representations_are_short() -> None:
    assert repr(invite()) == "<Request INVITE b'sip:bob@biloxi.com'>"
    assert repr(Response(200, "OK")) == "<Response 200 'OK'>"
    assert len(repr(Request("OPTIONS", b"sip:" + b"a" * 1000))) < 100
