"""Parsing the same bytes again: most values come several times, such as From in each message of a dialog."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

LONGEST_REMEMBERED = 256
"""Longer values are parsed each time, so that an attacker cannot fill the memory with them; in bytes."""

VALUES_REMEMBERED = 4096
"""So many values of a kind are remembered; those used longest ago go first."""


def remembered(parser: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """Give a parser, whose results are immutable, a memory of bounded size; errors are not remembered."""
    recall = lru_cache(maxsize=VALUES_REMEMBERED)(parser)

    def parse(raw: bytes) -> T:
        return recall(raw) if len(raw) <= LONGEST_REMEMBERED else parser(raw)

    parse.__name__ = parser.__name__
    parse.__doc__ = parser.__doc__
    return parse
