"""Where the start line, the fields and the body are; and what cannot be read."""

from __future__ import annotations

import pytest

from sipfsm.message import (
    Limits,
    MessageError,
    Request,
    Response,
    parse_message_untrusted,
)
from tests.unit.message.samples import INVITE_LINES, invite, raw_invite, raw_request, request, response


def refused(raw: bytes, limits: Limits | None = None) -> MessageError:
    with pytest.raises(MessageError) as caught:
        parse_message_untrusted(raw, limits) if limits else parse_message_untrusted(raw)
    return caught.value


# ---- start lines


def test_a_request() -> None:
    message = invite()
    assert (message.method, message.raw_uri, message.version) == ("INVITE", b"sip:bob@biloxi.com", "SIP/2.0")
    assert message.body == b"v=0\n"


def test_a_response() -> None:
    message = response(b"SIP/2.0 180 Ringing\r\nl: 0\r\n\r\n")
    assert (message.status, message.reason, message.version) == (180, "Ringing", "SIP/2.0")


def test_an_empty_reason_phrase() -> None:
    """RFC 4475 section 3.1.1.13 (noreason): the space before it is there."""
    assert response(b"SIP/2.0 100 \r\n\r\n").reason == ""


def test_the_version_has_no_case_and_leaves_in_upper_case() -> None:
    """RFC 3261 section 7.1."""
    assert request(b"OPTIONS sip:a sip/2.0\r\n\r\n").to_bytes() == b"OPTIONS sip:a SIP/2.0\r\n\r\n"
    assert response(b"sIp/2.0 200 OK\r\n\r\n").to_bytes() == b"SIP/2.0 200 OK\r\n\r\n"


def test_other_versions_are_read_too() -> None:
    assert request(b"OPTIONS sip:a SIP/7.0\r\n\r\n").version == "SIP/7.0"
    assert response(b"SIP/7.0 200 OK\r\n\r\n").version == "SIP/7.0"


def test_odd_methods_are_methods() -> None:
    """RFC 4475 section 3.1.1.2 (intmeth)."""
    assert request(b"!interesting-Method0123456789_*+`.%indeed'~ sip:a SIP/2.0\r\n\r\n").method.startswith(
        "!int"
    )


@pytest.mark.parametrize(
    "start",
    [
        b"INVITE  sip:user@example.com  SIP/2.0",
        b"INVITE sip:user@example.com SIP/2.0  ",
        b" INVITE sip:user@example.com SIP/2.0",
        b"INVITE sip:user@example.com; lr SIP/2.0",
        b"INVITE sip:user@example.com",
        b"INVITE sip:user@example.com SIP/2",
        b"INVITE sip:user@example.com HTTP/1.1",
        b"INVITE sip:us\xc3\xa9r@example.com SIP/2.0",
        b"INVITE\tsip:user@example.com\tSIP/2.0",
        b"INVITE sip:user@example.com\r\n SIP/2.0",
    ],
)
def test_a_malformed_request_line_can_be_answered(start: bytes) -> None:
    error = refused(raw_request(*INVITE_LINES, start=start, body=b"v=0\n"))
    assert (error.reason, error.status) == ("bad-request-line", 400)
    assert isinstance(error.message, Request)
    assert error.message.method == "INVITE"
    assert error.message.call_id == "a84b4c76e66710"


def test_a_malformed_request_line_of_an_ack_is_not_answered() -> None:
    error = refused(raw_request(*INVITE_LINES, start=b"ACK  sip:a@b SIP/2.0", body=b"v=0\n"))
    assert (error.reason, error.status) == ("bad-request-line", None)


@pytest.mark.parametrize(
    "start",
    [
        b"SIP/2.0 4294967301 better not break the receiver",
        b"SIP/2.0 099 x",
        b"SIP/2.0 700 x",
        b"SIP/2.0 20 x",
        b"SIP/2.0 200",
        b"SIP/2.0  200 OK",
        b"SIP/2 200 OK",
        b"sip/2.0 2OO OK",
    ],
)
def test_a_malformed_status_line_is_dropped(start: bytes) -> None:
    error = refused(raw_request(*INVITE_LINES, start=start))
    assert (error.reason, error.status, error.message) == ("bad-status-line", None, None)


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n\r\n", b"\x00", b"\x16\x03\x01\x02\x00", b"hello", b"()<>@ sip:a SIP/2.0\r\n\r\n"]
)
def test_what_is_no_message_is_dropped(raw: bytes) -> None:
    error = refused(raw)
    assert (error.reason, error.status, error.message) == ("not-sip", None, None)


def test_a_web_browser_at_the_wrong_port_is_dropped() -> None:
    error = refused(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
    assert (error.reason, error.status) == ("bad-request-line", None)


def test_empty_lines_before_the_start_line_are_passed_over() -> None:
    """RFC 3261 section 7.5."""
    assert request(b"\r\n\r\n" + raw_invite()).to_bytes() == raw_invite()


# ---- fields


def test_continuation_lines_belong_to_their_field() -> None:
    message = request(raw_request(b"Subject: a\r\n\tb\r\n c", b"s:\r\n x", b"To: sip:a@b"))
    assert message.headers.lines(b"subject") == [b"a b c", b"x"]
    assert message.headers.first(b"to") == b"sip:a@b"


def test_unusual_names_are_found_too() -> None:
    message = request(raw_request(b"tO  : sip:a@b", b"New-Field: 1", b"x-y:"))
    assert message.headers.names() == [b"to", b"new-field", b"x-y"]
    assert message.headers.first(b"x-y") == b""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"Via", "no-colon"),
        (b"no colon here", "no-colon"),
        (b": no name", "bad-field-name"),
        (b"two words: x", "bad-field-name"),
        (b"Vi\xc3\xa4: x", "bad-field-name"),
        (b"Subject: a\x00b", "nul"),
        (b"Sub\x00ject: ab", "nul"),
        (b"Subject: a\nVia: b", "bare-lf"),
        (b"Subject: a\rVia: b", "bare-cr"),
        (b"Subject: a\r\r\nVia: b", "bare-cr"),
        (b"Subject: a\x0b", "control-character"),
        (b"Subject: \x7f", "control-character"),
        (b'Subject: "\\\r"', "bare-cr"),
        (b'Subject: "\\\n"', "bare-lf"),
        (b'Subject: "a\x00"', "nul"),
        (b'Subject: "open \\\x00', "nul"),
        (b"Subject: \\\x00", "nul"),
    ],
)
def test_a_malformed_line_is_refused_and_the_others_are_read(line: bytes, reason: str) -> None:
    error = refused(raw_request(line, *INVITE_LINES, body=b"v=0\n"))
    assert (error.reason, error.status) == (reason, 400)
    assert error.message is not None
    assert error.message.call_id == "a84b4c76e66710"


@pytest.mark.parametrize("start", [b"SIP/2.0 200 OK\nVia: x", b'SIP/2.0 200 "\x00"', b"SIP/2.0 200 \x7f"])
def test_a_control_character_in_a_reason_phrase_is_refused(start: bytes) -> None:
    error = refused(raw_request(*INVITE_LINES, start=start, body=b"v=0\n"))
    assert error.reason in {"bare-lf", "nul", "control-character"}
    assert error.status is None


def test_the_defect_shows_where_it_is() -> None:
    assert (
        refused(raw_request(b"Subject: " + b"x" * 100 + b"\x00" + b"y" * 100)).offending
        == b"x" * 32 + b"\x00" + b"y" * 31
    )


def test_any_character_but_a_line_break_may_be_quoted() -> None:
    """RFC 3261 section 25.1: quoted-pair; RFC 4475 section 3.1.1.2 (intmeth)."""
    pairs = b"".join(b"\\%c" % octet for octet in range(128) if octet not in (10, 13))
    assert request(raw_request(b'To: "\xc3\xa9' + pairs + b'\r\n\t" <sip:a@b>')).to.uri.scheme == "sip"


def test_a_message_ends_its_fields_with_an_empty_line() -> None:
    error = refused(b"\r\n".join([b"INVITE sip:a SIP/2.0", *INVITE_LINES, b""]))
    assert (error.reason, error.status) == ("no-empty-line", 400)
    assert error.message is not None
    assert error.message.cseq.number == 314159


# ---- body


def test_a_datagram_longer_than_its_content_length_is_cut() -> None:
    """RFC 3261 section 18.3; RFC 4475 section 3.1.1.8 (dblreq)."""
    assert request(raw_invite() + b"INVITE sip:joe@example.com SIP/2.0\r\n").body == b"v=0\n"


def test_without_content_length_the_body_ends_with_the_datagram() -> None:
    assert request(raw_invite(content_length=None)).body == b"v=0\n"


def test_a_body_shorter_than_its_content_length_is_refused() -> None:
    """RFC 3261 section 18.3: 400 for a request, nothing for a response."""
    error = refused(raw_invite(content_length=b"Content-Length: 5"))
    assert (error.reason, error.status) == ("body-too-short", 400)
    error = refused(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nl: 1\r\n\r\n")
    assert (error.reason, error.status) == ("body-too-short", None)
    assert isinstance(error.message, Response)


@pytest.mark.parametrize("length", [b"-999", b"", b"4 5", b"0x4", b"4, 4", b"4;x", b"9" * 30])
def test_a_malformed_content_length_is_refused(length: bytes) -> None:
    error = refused(raw_invite(content_length=b"Content-Length: " + length))
    assert (error.reason, error.status) == ("bad-content-length", 400)


# ---- limits


@pytest.mark.parametrize(
    ("limits", "reason", "status"),
    [
        (Limits(max_message=100), "message-too-large", 513),
        (Limits(max_start_line=20), "start-line-too-long", 414),
        (Limits(max_fields=8), "too-many-fields", 400),
        (Limits(max_line=40), "field-too-long", 400),
        (Limits(max_body=3), "body-too-large", 413),
    ],
)
def test_what_is_too_large_is_refused(limits: Limits, reason: str, status: int) -> None:
    error = refused(raw_invite(), limits)
    assert (error.reason, error.status) == (reason, status)
    assert error.message is not None
    assert error.message.call_id == "a84b4c76e66710"


def test_of_fields_too_long_only_plain_ones_go_into_the_answer() -> None:
    long = b"x" * 50
    for subject, kept in ((long, True), (b'"\\\0"' + long, False)):
        error = refused(raw_request(b"Subject: " + subject), Limits(max_line=50))
        assert error.reason == "field-too-long"
        assert error.message is not None
        assert (b"subject" in error.message.headers) == kept


def test_a_field_is_as_long_as_all_its_lines() -> None:
    folded = b"Subject: a" + b"\r\n b" * 10
    assert refused(raw_request(folded), Limits(max_line=len(folded) - 1)).reason == "field-too-long"
    limits = Limits(max_line=len(folded), max_fields=1)
    assert isinstance(parse_message_untrusted(raw_request(folded), limits), Request)


def test_what_just_fits_is_not_refused() -> None:
    raw = raw_invite()
    longest = max(len(line) for line in INVITE_LINES)
    limits = Limits(max_message=len(raw), max_start_line=33, max_fields=9, max_line=longest, max_body=4)
    assert parse_message_untrusted(raw, limits).to_bytes() == raw


# ---- framing


# ---- cost


@pytest.mark.parametrize(
    "raw",
    [
        b"INVITE " * 9000,
        b"INVITE sip:a SIP/2.0\r\nTo: " + b'"' * 60_000,
        b"INVITE sip:a SIP/2.0\r\nTo: " + b'"\\' * 30_000 + b"\x00\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nTo: " + b" " * 60_000 + b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nTo: a" + b"\r\n " * 20_000 + b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nRoute: " + b"<" * 60_000 + b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nRoute: " + b"<,>," * 15_000 + b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a" + b";a" * 30_000 + b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a" + b" ;" * 30_000 + b"\r\n\r\n",
        b"INVITE sip:" + b"a" * 60_000 + b" SIP/2.0\r\n\r\n",
        b"INVITE sip:" + b"a:" * 30_000 + b" SIP/2.0\r\n\r\n",
        b"INVITE sip:" + b"a." * 30_000 + b" SIP/2.0\r\n\r\n",
        b"INVITE sip:a" + b";a=" * 20_000 + b" SIP/2.0\r\n\r\n",
        b"INVITE sip:a?" + b"a=&" * 20_000 + b" SIP/2.0\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\n" + b"a" * 60_000 + b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\n" + b"a" * 60_000 + b" b:\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\n" + b"a:\r\n" * 15_000 + b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nContact: " + b"a " * 30_000 + b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nAuthorization: a " + b"a=b " * 15_000 + b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nAuthorization: a " + b"a=b," * 15_000 + b"\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nCSeq: " + b"0" * 60_000 + b"\r\n\r\n",
    ],
)
def test_the_worst_that_fits_a_datagram_is_read_in_one_pass(raw: bytes) -> None:
    """No pattern tries again what it has seen; if one did, some of these would take minutes."""
    limits = Limits(max_start_line=99_999, max_line=99_999, max_fields=99_999)
    try:
        message = parse_message_untrusted(raw, limits)
    except MessageError as error:
        message_read = error.message
        if message_read is None:
            return
        message = message_read
    for name in ("via", "vias", "to", "cseq", "routes", "contacts", "authorization", "uri"):
        try:
            value = getattr(message, name)
            str(value)
        except MessageError:
            pass
    message.headers.values_at_most()
    assert message.to_bytes()


@pytest.mark.parametrize("fold", [b" ", b"\t"])
def test_a_start_line_cannot_be_folded(fold: bytes) -> None:
    """RFC 3261 section 7.1: no CR or LF but at its end."""
    with pytest.raises(MessageError) as refused:
        parse_message_untrusted(raw_request(fold + b"more", b"Via: SIP/2.0/UDP a", b"X-Own: y"))
    assert (refused.value.reason, refused.value.status) == ("bad-request-line", 400)
    with pytest.raises(MessageError) as refused:
        parse_message_untrusted(raw_request(fold + b"more", b"Via: x", start=b"SIP/2.0 200 OK"))
    assert (refused.value.reason, refused.value.status) == ("bad-status-line", None)
