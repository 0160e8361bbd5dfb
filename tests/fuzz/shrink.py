"""Making a sequence that fails small: steps go, one run of them after another, as long as it still fails."""

from collections.abc import Callable, Sequence
from typing import TypeVar

S = TypeVar("S")


def shrink(steps: Sequence[S], fails: Callable[[tuple[S, ...]], bool]) -> tuple[S, ...]:
    """Return a part of the steps, in their order, that still fails, and of which no single step can go."""
    rest = tuple(steps)
    width = max(1, len(rest) // 2)
    while width:
        start, shorter = 0, False
        while start < len(rest):
            without = rest[:start] + rest[start + width :]
            if without and fails(without):
                rest, shorter = without, True
            else:
                start += width
        if not shorter:
            width //= 2
    return rest
