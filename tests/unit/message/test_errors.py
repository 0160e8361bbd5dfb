"""The error."""

from __future__ import annotations

from sipfsm.message import Headers, MessageError, Request, Response

VIA = Headers([(b"via", b"SIP/2.0/UDP a")])


def test_an_error_says_what_why_and_where() -> None:
    error = MessageError("bad-via", "Malformed Via", b"x" * 100)
    assert (error.reason, error.detail, error.status, error.message) == (
        "bad-via",
        "Malformed Via",
        400,
        None,
    )
    assert error.offending == b"x" * 64
    assert str(error) == f"Malformed Via (bad-via): {b'x' * 64!r}"
    assert str(MessageError("missing-to", "Missing To")) == "Missing To"


def test_an_error_in_what_cannot_be_answered_has_no_status() -> None:
    for message in (Response(200, "OK", VIA), Request("ACK", b"sip:a@b", VIA), Request("BYE", b"sip:a@b")):
        error = MessageError("bad-cseq", "Malformed CSeq").about(message)
        assert error.status is None
        assert error.message is message
    assert MessageError("bad-cseq", "Malformed CSeq").about(Request("BYE", b"sip:a@b", VIA)).status == 400


def test_an_error_keeps_its_first_message() -> None:
    first, second = Request("BYE", b"sip:a@b", VIA), Request("ACK", b"sip:a@b", VIA)
    assert MessageError("bad-cseq", "Malformed CSeq").about(first).about(second).message is first


def test_the_phrase_says_where_and_which_value() -> None:
    error = MessageError("bad-address", "Malformed address", b"x")
    assert error.phrase == "Malformed address"
    assert error.found_in("Route").phrase == "Malformed address in Route"
    assert error.found_in("Contact").phrase == "Malformed address in Route", "who finds it knows best"
    error.position = 2
    assert error.phrase == "Malformed address in Route, value 2"


def test_a_phrase_names_a_field_once() -> None:
    error = MessageError("bad-via", "Malformed Via").found_in("Via")
    assert error.phrase == "Malformed Via"
    error.position = 3
    assert error.phrase == "Malformed Via, value 3"
