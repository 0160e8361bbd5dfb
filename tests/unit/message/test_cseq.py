"""CSeq: RFC 3261 sections 8.1.1.5 and 20.16."""

from __future__ import annotations

import pytest

from sipfsm.message import MAX_CSEQ, CSeq, MessageError, parse_cseq_untrusted


@pytest.mark.parametrize(
    ("raw", "cseq"),
    [
        (b"4711 INVITE", CSeq(4711, "INVITE")),
        (b"0009   INVITE", CSeq(9, "INVITE")),
        (b"0 INVITE", CSeq(0, "INVITE")),
        (b"000\tinvite", CSeq(0, "invite")),
        (b"2147483647 BYE", CSeq(MAX_CSEQ, "BYE")),
        (b"29344 RE%47IST%45R", CSeq(29344, "RE%47IST%45R")),
        (
            b"1 !interesting-Method0123456789_*+`.%indeed'~",
            CSeq(1, "!interesting-Method0123456789_*+`.%indeed'~"),
        ),
    ],
)
def test_valid_values(raw: bytes, cseq: CSeq) -> None:
    assert parse_cseq_untrusted(raw) == cseq
    assert parse_cseq_untrusted(cseq.to_bytes()) == cseq


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"1",
        b"INVITE",
        b"INVITE 1",
        b"1INVITE",
        b"-1 INVITE",
        b"1 INVITE x",
        b"1 INV/TE",
        b"1 ",
        b"\xb2 INVITE",
    ],
)
def test_malformed_values_are_refused(raw: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_cseq_untrusted(raw)
    assert caught.value.reason == "bad-cseq"


@pytest.mark.parametrize("number", [b"2147483648", b"36893488147419103232", b"9" * 9999])
def test_a_number_of_2_to_the_31_or_more_is_refused(number: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_cseq_untrusted(number + b" INVITE")
    assert caught.value.reason == "cseq-too-large"


def test_writing() -> None:
    assert CSeq(1, "ACK").to_bytes() == b"1 ACK"
