"""Header fields: what is not touched stays byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from sipfsm.message import Headers, MessageError
from tests.unit.message.samples import raw_request, request

LINES = (
    b"v:  SIP/2.0/UDP a;branch=1 ,\r\n  SIP/2.0/UDP b",
    b"Subject :lunch",
    b"X-Odd:\t;;,,;;,;",
    b"VIA: SIP/2.0/UDP c",
    b"Route: <sip:p1;lr>,<sip:p2;lr>",
)


@pytest.fixture
def headers() -> Headers:
    return request(raw_request(*LINES)).headers


def written(headers: Headers) -> list[bytes]:
    raw = headers.to_bytes()
    assert raw.endswith(b"\r\n")
    return raw.removesuffix(b"\r\n").replace(b"\r\n ", b"\0").split(b"\r\n")


# ---- reading


def test_values_come_out_unfolded_and_trimmed(headers: Headers) -> None:
    assert headers.first(b"via") == b"SIP/2.0/UDP a;branch=1 ,  SIP/2.0/UDP b".replace(b",  ", b", ")
    assert headers.first(b"subject") == b"lunch"
    assert headers.first(b"absent") is None
    assert headers.lines(b"via") == [b"SIP/2.0/UDP a;branch=1 , SIP/2.0/UDP b", b"SIP/2.0/UDP c"]
    assert headers.values(b"via") == [b"SIP/2.0/UDP a;branch=1", b"SIP/2.0/UDP b", b"SIP/2.0/UDP c"]
    assert headers.values(b"absent") == headers.lines(b"absent") == []


def test_compact_forms_and_case_are_the_same_field(headers: Headers) -> None:
    assert headers.count(b"via") == 2
    assert b"via" in headers
    assert b"v" not in headers
    assert len(headers) == 5
    assert headers.names() == [b"via", b"subject", b"x-odd", b"via", b"route"]
    assert list(headers)[1:3] == [(b"subject", b"lunch"), (b"x-odd", b";;,,;;,;")]


def test_an_upper_bound_of_values(headers: Headers) -> None:
    assert headers.values_at_most() == 5 + 5
    assert Headers().values_at_most() == 0


def test_the_size_is_that_of_all_lines(headers: Headers) -> None:
    assert headers.size == len(headers.to_bytes())


def test_what_is_not_touched_leaves_as_it_came(headers: Headers) -> None:
    assert headers.to_bytes() == b"\r\n".join([*LINES, b""])


def test_the_representation_shows_names_and_values() -> None:
    assert repr(Headers([(b"to", b"x")])) == "Headers([(b'to', b'x')])"


# ---- editing


def test_add_writes_the_usual_name_at_the_end(headers: Headers) -> None:
    headers.add(b"cseq", b"1 ACK")
    assert headers.to_bytes() == b"\r\n".join([*LINES, b"CSeq: 1 ACK", b""])


def test_prepend_writes_above_the_first_of_the_name_or_at_the_top(headers: Headers) -> None:
    headers.prepend(b"subject", b"first")
    headers.prepend(b"record-route", b"<sip:p0;lr>")
    assert headers.to_bytes() == b"\r\n".join(
        [b"Record-Route: <sip:p0;lr>", LINES[0], b"Subject: first", *LINES[1:], b""]
    )


def test_set_replaces_the_first_and_deletes_the_others(headers: Headers) -> None:
    headers.set(b"via", b"SIP/2.0/UDP x")
    headers.set(b"max-forwards", b"69")
    headers.set(b"subject", b"dinner")
    assert headers.to_bytes() == b"\r\n".join(
        [b"Via: SIP/2.0/UDP x", b"Subject: dinner", LINES[2], LINES[4], b"Max-Forwards: 69", b""]
    )


def test_the_first_of_a_name_alone_can_be_kept(headers: Headers) -> None:
    assert len(headers.cached(b"via", tuple)) == 2
    for name in (b"via", b"subject", b"absent"):
        headers.keep_first(name)
    assert headers.to_bytes() == b"\r\n".join([*LINES[:3], LINES[4], b""])
    assert len(headers.cached(b"via", tuple)) == 1


def test_remove_deletes_all_of_the_name(headers: Headers) -> None:
    headers.remove(b"via")
    headers.remove(b"absent")
    assert headers.to_bytes() == b"\r\n".join([LINES[1], LINES[2], LINES[4], b""])


def test_popping_the_first_value_leaves_the_bytes_of_the_others(headers: Headers) -> None:
    assert headers.pop_first_value(b"via") == b"SIP/2.0/UDP a;branch=1"
    assert headers.to_bytes() == b"\r\n".join([b"v:\r\n  SIP/2.0/UDP b", *LINES[1:], b""])
    assert headers.pop_first_value(b"via") == b"SIP/2.0/UDP b"
    assert headers.to_bytes() == b"\r\n".join([*LINES[1:], b""])
    assert headers.pop_first_value(b"route") == b"<sip:p1;lr>"
    assert headers.to_bytes() == b"\r\n".join([*LINES[1:4], b"Route: <sip:p2;lr>", b""])
    assert headers.pop_first_value(b"via") == b"SIP/2.0/UDP c"
    assert headers.pop_first_value(b"via") is None


def test_popping_keeps_the_white_space_behind_the_comma_and_adds_what_is_missing() -> None:
    for line, left in (
        (b"Route: <a>, <b>", b"Route: <b>"),
        (b"Route: <a>,\t<b>", b"Route:\t<b>"),
        (b"Route: <a>,<b>", b"Route: <b>"),
    ):
        headers = request(raw_request(line)).headers
        headers.pop_first_value(b"route")
        assert headers.to_bytes() == left + b"\r\n"


def test_replacing_the_first_value_leaves_the_bytes_of_the_others(headers: Headers) -> None:
    headers.replace_first_value(b"via", b"SIP/2.0/UDP x")
    headers.replace_first_value(b"subject", b"dinner")
    assert headers.to_bytes() == b"\r\n".join(
        [b"v: SIP/2.0/UDP x,\r\n  SIP/2.0/UDP b", b"Subject : dinner", *LINES[2:], b""]
    )
    with pytest.raises(KeyError):
        headers.replace_first_value(b"absent", b"x")


@pytest.mark.parametrize("line", [b'Route: "a, <b>, <c>', b"Route: <a, b"])
def test_a_list_that_is_not_balanced_is_not_edited(line: bytes) -> None:
    headers = request(raw_request(line)).headers
    with pytest.raises(MessageError):
        headers.pop_first_value(b"route")
    with pytest.raises(MessageError):
        headers.replace_first_value(b"route", b"x")
    assert headers.to_bytes() == line + b"\r\n"


def test_only_the_lines_of_some_names(headers: Headers) -> None:
    only = headers.only({b"via", b"route", b"absent"})
    assert only.to_bytes() == b"\r\n".join([LINES[0], LINES[3], LINES[4], b""])
    only.remove(b"via")
    assert headers.count(b"via") == 2


def test_appending_to_a_line_and_copying_lines(headers: Headers) -> None:
    other = Headers()
    other.copy_lines(b"via", headers)
    other.copy_lines(b"absent", headers)
    other.add(b"to", b"sip:a@b")
    other.append_to_first(b"to", b";tag=1")
    assert other.to_bytes() == b"\r\n".join([LINES[0], LINES[3], b"To: sip:a@b;tag=1", b""])
    with pytest.raises(KeyError):
        other.append_to_first(b"absent", b"x")


@pytest.mark.parametrize("value", [b"a\r\nVia: x", b"a\nb", b"a\rb"])
def test_no_edit_writes_a_line_break(headers: Headers, value: bytes) -> None:
    for edit in (
        headers.add,
        headers.prepend,
        headers.set,
        headers.replace_first_value,
        headers.append_to_first,
    ):
        with pytest.raises(ValueError, match="line break"):
            edit(b"subject", value)
    assert headers.to_bytes() == b"\r\n".join([*LINES, b""])


# ---- what has been parsed


class Counting:
    """A parser that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def first(self, value: bytes) -> bytes:
        self.asked += 1
        return value

    def all(self, lines: list[bytes]) -> list[bytes]:
        self.asked += 1
        return lines


EDITS: Sequence[Callable[[Headers], object]] = (
    lambda headers: headers.add(b"subject", b"x"),
    lambda headers: headers.prepend(b"subject", b"x"),
    lambda headers: headers.set(b"subject", b"x"),
    lambda headers: headers.remove(b"subject"),
    lambda headers: headers.pop_first_value(b"subject"),
    lambda headers: headers.replace_first_value(b"subject", b"x"),
    lambda headers: headers.append_to_first(b"subject", b"x"),
    lambda headers: headers.copy_lines(b"subject", Headers([(b"subject", b"x")])),
)


@pytest.mark.parametrize("edit", EDITS)
def test_a_parsed_value_is_remembered_until_its_field_is_edited(
    headers: Headers, edit: Callable[[Headers], object]
) -> None:
    counting = Counting()
    first, lines = counting.first, counting.all
    for _ in range(2):
        assert headers.cached_first(b"subject", first) == b"lunch"
        assert headers.cached(b"subject", lines) == [b"lunch"]
        headers.set(b"to", b"x")
    assert counting.asked == 2
    copy = headers.copy()
    edit(headers)
    assert headers.cached_first(b"subject", first) == headers.first(b"subject")
    assert headers.cached(b"subject", lines) == headers.lines(b"subject")
    asked = counting.asked
    assert copy.cached_first(b"subject", first) == b"lunch"
    assert copy.cached(b"subject", lines) == [b"lunch"]
    assert counting.asked == asked


def test_an_absent_field_is_not_parsed(headers: Headers) -> None:
    counting = Counting()
    first, lines = counting.first, counting.all
    for _ in range(2):
        assert headers.cached_first(b"expires", first) is None
    assert counting.asked == 0
    assert headers.cached(b"expires", lines) == []
    assert headers.cached(b"expires", lines) == []
    assert counting.asked == 1
    headers.add(b"expires", b"1")
    assert headers.cached_first(b"expires", first) == b"1"


def test_the_first_value_is_remembered_beside_all_values(headers: Headers) -> None:
    counting = Counting()
    first, lines = counting.first, counting.all
    for _ in range(2):
        assert headers.cached(b"subject", lines) == [b"lunch"]
        assert headers.cached_first(b"subject", first) == b"lunch"
    assert counting.asked == 2


def test_what_is_known_need_not_be_parsed(headers: Headers) -> None:
    counting = Counting()
    first = counting.first
    headers.set(b"subject", b"x")
    headers.remember(b"subject", first, b"known")
    assert headers.cached_first(b"subject", first) == b"known"
    assert counting.asked == 0


def test_a_copy_is_independent(headers: Headers) -> None:
    copy = headers.copy()
    copy.remove(b"via")
    headers.add(b"to", b"x")
    assert headers.count(b"via") == 2
    assert b"to" not in copy


@pytest.mark.parametrize(
    ("line", "straight"),
    [
        (b"Subject: a :b", b"Subject: a :b"),
        (b"Subject \t: a", b"Subject: a"),
        (b"Subject: a\r\n\tb\r\n c", b"Subject: a b c"),
        (b"Subject:\r\n a", b"Subject: a"),
        (b"s\t:", b"s:"),
    ],
)
def test_straight_lines_say_the_same(line: bytes, straight: bytes) -> None:
    """RFC 3261 section 25.1 lets whoever forwards a message write linear white space as one space."""
    headers = Headers.from_lines([b"subject", b"to"], [line, b"To: <sip:a@b>"])
    before = headers.lines(b"subject")
    headers.straighten()
    assert headers.to_bytes() == straight + b"\r\nTo: <sip:a@b>\r\n"
    assert headers.lines(b"subject") == before
