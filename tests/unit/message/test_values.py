"""What all header field values share."""

from __future__ import annotations

import pytest

from sipfsm.message import MessageError
from sipfsm.message.values import (
    first_value_end_untrusted,
    octets,
    parse_number_untrusted,
    parse_tokens_untrusted,
    quote,
    split_values_untrusted,
    text,
    unfold,
    unquote,
)


def test_every_byte_survives_decoding() -> None:
    everything = bytes(range(256))
    assert octets(text(everything)) == everything


def test_continuation_lines_are_joined_with_a_space() -> None:
    """RFC 3261 section 7.3.1: the break and the white space after it are a single SP."""
    folded = b" I know you're there,\r\n         pick up the phone\r\n\tand talk to me! "
    assert unfold(folded) == b"I know you're there, pick up the phone and talk to me!"


@pytest.mark.parametrize(
    ("value", "pieces"),
    [
        (b"", [b""]),
        (b"a", [b"a"]),
        (b"a, b ,c", [b"a", b"b", b"c"]),
        (b"a,,b,", [b"a", b"", b"b", b""]),
        (b'"a, b" <sip:a,b@c>;p="," , <sip:d>', [b'"a, b" <sip:a,b@c>;p=","', b"<sip:d>"]),
        (b'"a\\", b" <x>, y', [b'"a\\", b" <x>', b"y"]),
        (b'<a"b>, c', [b'<a"b>', b"c"]),
        (b"a > b, c", [b"a > b", b"c"]),
    ],
)
def test_a_comma_list_is_split_outside_of_quotes_and_brackets(value: bytes, pieces: list[bytes]) -> None:
    assert split_values_untrusted(value) == pieces


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b'a, "b, c', "unbalanced-quote"),
        (b'a, "b\\", c', "unbalanced-quote"),
        (b"a, <b, c", "unbalanced-angle-bracket"),
        (b"<a, b", "unbalanced-angle-bracket"),
    ],
)
def test_a_list_that_is_not_balanced_is_refused(value: bytes, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        split_values_untrusted(value)
    assert caught.value.reason == reason


def test_a_last_value_is_left_for_its_own_syntax_to_judge() -> None:
    assert split_values_untrusted(b'a, "b') == [b"a", b'"b']


def test_the_end_of_the_first_value_is_found_behind_a_start() -> None:
    assert first_value_end_untrusted(b"a,b,c", 2) == 3
    assert first_value_end_untrusted(b"a,b", 2) == 3
    assert first_value_end_untrusted(b"a,,b", 2) == 2


@pytest.mark.parametrize(
    ("raw", "number"),
    [(b"0", 0), (b"00", 0), (b"0" * 99, 0), (b"0068", 68), (b"255", 255), (b"0" * 9999 + b"7", 7)],
)
def test_digits_are_a_number(raw: bytes, number: int) -> None:
    assert parse_number_untrusted(raw, 255, "bad", "Bad") == number


@pytest.mark.parametrize(
    "raw", [b"", b"256", b"-1", b"+1", b"1 ", b"1.0", b"1_0", b"\xb2", b"9" * 9999, b"0" * 9999 + b"256"]
)
def test_what_is_no_number_in_range_is_refused(raw: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_number_untrusted(raw, 255, "bad", "Bad")
    assert caught.value.reason == "bad"


def test_tokens_of_all_lines_in_order_without_empty_ones() -> None:
    assert parse_tokens_untrusted([b"timer, 100rel", b"", b"path,,"]) == ("timer", "100rel", "path")


def test_what_is_no_token_is_refused() -> None:
    with pytest.raises(MessageError) as caught:
        parse_tokens_untrusted([b"100rel, a b"])
    assert (caught.value.reason, caught.value.offending) == ("bad-token", b"a b")


@pytest.mark.parametrize(
    "content", ["", "Bob", 'a"b', "back\\slash", "\x07\x00\x7f", "\u00e9\udcff", "tab\tbed"]
)
def test_quoting_and_unquoting_undo_each_other(content: str) -> None:
    assert unquote(quote(content)) == content


def test_quotes_and_backslashes_are_escaped() -> None:
    assert quote('a"b\\c') == '"a\\"b\\\\c"'


@pytest.mark.parametrize("content", ["a\rb", "a\nb"])
def test_a_line_break_cannot_be_quoted(content: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        quote(content)


@pytest.mark.parametrize("value", ["token", '"open', '"a"b"', ""])
def test_what_is_not_quoted_is_left_as_it_is(value: str) -> None:
    assert unquote(value) == value


def test_a_value_may_end_with_a_fold() -> None:
    assert unfold(b" a\r\n ") == b"a"
    assert unfold(b"a\r\n") == b"a"
