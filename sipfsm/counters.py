"""Counters: how often what happened, under labels such as ``dropped.parse.no-colon``.

One instance is made by the server and passed down to every layer. A label comes from a closed set in the
code, never from the network, so the table cannot be made to grow from outside; should a mistake break this
rule, the table still ends at `MAX_LABELS`.
"""

MAX_LABELS = 4096
"""Labels in a table; what comes under a further one is counted as `OVERFLOW`."""

OVERFLOW = "counters.overflow"
"""The label under which everything is counted that finds the table full."""


class Counters(dict[str, int]):
    """A table of labels and counts; a label that was never counted reads as 0."""

    __slots__ = ()

    def count(self, label: str, amount: int = 1) -> None:
        """Add to a counter.

        Args:
            label: dotted slugs, the general one first; from a closed set in the code.
            amount: what to add.
        """
        if label not in self and len(self) >= MAX_LABELS:
            label = OVERFLOW
        self[label] += amount

    def total(self, prefix: str) -> int:
        """Return the sum of a counter and all those below it: ``dropped`` takes in ``dropped.parse.x``."""
        below = prefix + "."
        return sum(count for label, count in self.items() if label == prefix or label.startswith(below))

    def __missing__(self, label: str) -> int:
        return 0
