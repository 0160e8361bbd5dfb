"""The memory of parsers."""

from __future__ import annotations

import pytest

from sipfsm.message import MessageError
from sipfsm.message.memo import LONGEST_REMEMBERED, VALUES_REMEMBERED, remembered


class Parser:
    """Counts how often it is asked; empty bytes are malformed."""

    def __init__(self) -> None:
        self.asked = 0
        self.parse = remembered(self._parse)

    def _parse(self, raw: bytes) -> tuple[bytes]:
        self.asked += 1
        if not raw:
            raise MessageError("empty", "Empty")
        return (raw,)


def test_a_value_is_parsed_once() -> None:
    parser = Parser()
    assert parser.parse(b"a") is parser.parse(b"a")
    assert parser.asked == 1


def test_a_long_value_is_not_remembered() -> None:
    parser = Parser()
    longest = b"a" * LONGEST_REMEMBERED
    assert parser.parse(longest) is parser.parse(longest)
    assert parser.parse(longest + b"a") is not parser.parse(longest + b"a")


def test_the_memory_has_an_end() -> None:
    parser = Parser()
    numbers = [str(number).encode() for number in range(VALUES_REMEMBERED)]
    for raw in numbers + numbers:
        parser.parse(raw)
    assert parser.asked == VALUES_REMEMBERED
    parser.parse(b"one more")
    parser.parse(b"one more")
    assert parser.asked == VALUES_REMEMBERED + 1
    parser.parse(numbers[0])
    assert parser.asked == VALUES_REMEMBERED + 2


def test_an_error_is_found_anew_each_time() -> None:
    """An error carries the message that it was found in."""
    parser = Parser()
    errors = []
    for _ in range(2):
        with pytest.raises(MessageError) as caught:
            parser.parse(b"")
        errors.append(caught.value)
    assert errors[0] is not errors[1]


def test_a_parser_keeps_its_name() -> None:
    def parse_this(raw: bytes) -> bytes:
        """Read this."""
        return raw

    parser = remembered(parse_this)
    assert (parser.__name__, parser.__doc__) == ("parse_this", "Read this.")
