"""The framer finds the same messages however the stream was cut, and holds no more than it may."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipfsm.message import MessageError
from sipfsm.transport.framing import StreamFramer
from tests.unit.transport.support import request

MAX_HEADER = 2_000
MAX_BODY = 3_000

Outcome = tuple[list[bytes], int, str | None]
"""Messages, pings, and the reason of the error that ended the stream."""


def frame(pieces: list[bytes]) -> Outcome:
    """Feed the pieces of a stream as a connection does."""
    framer = StreamFramer(max_header=MAX_HEADER, max_body=MAX_BODY)
    messages: list[bytes] = []
    pings = 0
    for piece in pieces:
        framer.feed(piece)
        try:
            while (message := framer.next_message_untrusted()) is not None:
                messages.append(message)
        except MessageError as error:
            return messages, pings + framer.take_pings(), error.reason
        pings += framer.take_pings()
    return messages, pings, None


def cut(stream: bytes, places: list[int]) -> Iterator[bytes]:
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    for start, end in pairwise(edges):
        yield stream[start:end]


def message(body: bytes, call_id: str) -> bytes:
    return request(body=body, call_id=call_id)


MESSAGES = st.builds(message, st.binary(max_size=40), st.text("ab-", min_size=1))
BLANKS = st.text("\r\n", max_size=12).map(str.encode)
BAD = [
    request(length=None),
    request(length="-1"),
    request(length="99999"),
    b"x" * (MAX_HEADER + 1),
    b"\r \n\r\n\r\n",
]
PIECES = st.one_of(MESSAGES, BLANKS, st.just(b"\r\n\r\n"), st.binary(max_size=30), st.sampled_from(BAD))
STREAMS = st.lists(PIECES, max_size=8).map(b"".join)


@given(STREAMS, st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cut_of_a_stream_gives_the_same(stream: bytes, places: list[int]) -> None:
    assert frame(list(cut(stream, places))) == frame([stream])


@given(st.lists(MESSAGES, max_size=5), BLANKS)
def test_byte_by_byte_gives_the_messages(messages: list[bytes], blank: bytes) -> None:
    stream = blank + b"".join(messages)
    assert frame([bytes([byte]) for byte in stream])[0] == messages


LENGTH_IS_5 = ["Content-Length: 5", "content-length:5", "l : 5", "L:\t5 ", "CONTENT-LENGTH: 005"]
LENGTH_IS_5 += ["Content-Length:\r\n 5", "l:\r\n\t\r\n 5"]


@pytest.mark.parametrize("field", LENGTH_IS_5)
def test_content_length_is_found_in_every_form(field: str) -> None:
    lines = ["OPTIONS sip:x SIP/2.0", "Subject: l: 7", " Content-Length: 8", field, "X-l: 9", "", ""]
    header = "\r\n".join(lines).encode()
    assert frame([header + b"helloNEXT"])[0] == [header + b"hello"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("Subject: l: 7\r\n", "missing-content-length"),
        ("", "missing-content-length"),
        ("l: 5\r\nContent-Length: 5\r\n", "duplicate-content-length"),
        ("l: 5\r\nContent-Length: 6\r\n", "duplicate-content-length"),
        ("l: -5\r\n", "bad-content-length"),
        ("l: +5\r\n", "bad-content-length"),
        ("l: 5, 5\r\n", "bad-content-length"),
        ("l: 5 5\r\n", "bad-content-length"),
        ("l: 0x5\r\n", "bad-content-length"),
        ("l: \u0665\r\n", "bad-content-length"),
        ("l:\r\n", "bad-content-length"),
        ("l: 5\rl: 6\r\n", "bad-content-length"),
        ("l: 5\nl: 6\r\n", "bad-content-length"),
        ("l: 5\r\r\n", "bad-content-length"),
        (f"l: {MAX_BODY + 1}\r\n", "body-too-large"),
        (f"l: {'9' * 1500}\r\n", "body-too-large"),
    ],
)
def test_a_length_that_cannot_be_believed_ends_the_stream(fields: str, reason: str) -> None:
    header = f"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n{fields}\r\n".encode()
    framer = StreamFramer(max_header=MAX_HEADER, max_body=MAX_BODY)
    framer.feed(header + b"12345")
    with pytest.raises(MessageError) as caught:
        framer.next_message_untrusted()
    assert caught.value.reason == reason
    assert caught.value.status == (413 if reason == "body-too-large" else 400)
    assert framer.header == header


def test_what_was_whole_before_the_error_is_taken_first() -> None:
    assert frame([request() + request(length=None)]) == ([request()], 0, "missing-content-length")


def test_the_longest_header_passes_and_one_more_byte_does_not() -> None:
    def header(size: int) -> bytes:
        start = b"OPTIONS sip:x SIP/2.0\r\nl: 0\r\nX: "
        return start + b"x" * (size - len(start) - 4) + b"\r\n\r\n"

    assert frame([header(MAX_HEADER)]) == ([header(MAX_HEADER)], 0, None)
    assert frame([header(MAX_HEADER + 1)]) == ([], 0, "header-too-large")


def test_a_header_without_an_end_is_held_no_longer_than_the_limit() -> None:
    framer = StreamFramer(max_header=MAX_HEADER, max_body=MAX_BODY)
    for fed in range(1, MAX_HEADER):
        framer.feed(b"x")
        assert framer.next_message_untrusted() is None, fed
        assert framer.incomplete
    framer.feed(b"x")
    with pytest.raises(MessageError) as caught:
        framer.next_message_untrusted()
    assert (caught.value.reason, caught.value.status) == ("header-too-large", 513)
    assert framer.header == b"\r\n\r\n"
    assert len(caught.value.offending) <= 64


def test_pings_are_counted_and_held_as_nothing() -> None:
    framer = StreamFramer(max_header=MAX_HEADER, max_body=MAX_BODY)
    framer.feed(b"\r\n" * 100_001)
    assert framer.next_message_untrusted() is None
    assert framer.take_pings() == 50_000
    assert framer.take_pings() == 0
    assert not framer.incomplete
    framer.feed(b"\r\n")
    assert framer.next_message_untrusted() is None
    assert framer.take_pings() == 1


def test_half_a_ping_before_a_message_is_none() -> None:
    assert frame([b"\r\n", request(), b"\r\n", request()]) == ([request(), request()], 0, None)


def test_an_empty_line_inside_a_body_is_body() -> None:
    message = request(body=b"a\r\n\r\n\r\n\r\nb")
    assert frame([message]) == ([message], 0, None)


def test_a_long_header_in_single_bytes_is_searched_once() -> None:
    """Twenty times the bytes may take twenty times as long, not four hundred times."""
    framer = StreamFramer(max_header=1_000_000, max_body=0)
    searched = 0
    for _ in range(2_000):
        framer.feed(b"x")
        before = framer._searched
        framer.next_message_untrusted()
        searched += framer._searched - before
    assert searched == 2_000
