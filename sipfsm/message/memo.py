"""Parsing the same bytes again: most values come several times, such as From in each message of a dialog."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")

LONGEST_REMEMBERED = 256
"""Longer values are parsed each time, so that nobody can fill the memory with them; in bytes."""

VALUES_REMEMBERED = 4096
"""So many values of a kind are remembered; then all are forgotten, and it begins anew."""


def remembered(parser: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """Give a parser a memory of bounded size; errors are not remembered.

    Only for parsers whose results are immutable, not None and depend on nothing but the bytes.
    """
    memory: dict[bytes, T] = {}

    @wraps(parser)
    def parse(raw: bytes) -> T:
        value = memory.get(raw)
        if value is None:
            value = parser(raw)
            if len(raw) <= LONGEST_REMEMBERED:
                if len(memory) >= VALUES_REMEMBERED:
                    memory.clear()
                memory[raw] = value
        return value

    return parse
