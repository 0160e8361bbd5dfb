"""The messages in flight as Promela: one direction of a network that is bounded in what it may do.

Where messages overtake each other only their numbers count, by kind and by the ticks that they have left.
Where they keep their order each has a place. Both have one form for one content, so equal states are equal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Named(Protocol):
    """A kind of message; no other one has its name."""

    @property
    def name(self) -> str:
        """What its variables are called."""


class Option(NamedTuple):
    """A step that may be taken: when, and what it does."""

    guard: str
    statements: list[str]


def word(message: Named) -> str:
    """The name of a kind of message in Promela."""
    return message.name.lower()


class Channel(Protocol):
    """One direction. All texts are expressions or lists of statements."""

    @property
    def count(self) -> str:
        """How many messages are in flight."""

    @property
    def variables(self) -> dict[str, str]:
        """Names with types; an array has its length behind the name."""

    def sent(self, kind: Named) -> list[str]:
        """Put a message into the network, if it has room."""

    def first(self, kind: Named) -> Iterator[tuple[int, Option]]:
        """The ways in which a message of this kind can leave to arrive, each with its remaining ticks."""

    def fresh(self, kind: Named) -> Iterator[tuple[Option, list[str]]]:
        """The ways in which a message of this very tick can leave, and what duplicates it instead."""

    def due(self) -> str:
        """Whether a message has no ticks left."""

    def passed(self) -> list[str]:
        """Have a tick pass."""


@dataclass(frozen=True)
class Bag:
    """A direction in which messages overtake each other."""

    name: str
    kinds: Sequence[Named]
    delay: int

    @property
    def count(self) -> str:
        """A variable of its own: it follows from the others and makes no more states."""
        return self.name

    @property
    def variables(self) -> dict[str, str]:
        """A number for each kind and each remaining tick."""
        return {self.name: "byte", **{f"{word(kind)}[{self.delay + 1}]": "byte" for kind in self.kinds}}

    def sent(self, kind: Named) -> list[str]:
        """Put it where the whole delay is left."""
        return [f"{word(kind)}[{self.delay}]++", f"{self.name}++"]

    def first(self, kind: Named) -> Iterator[tuple[int, Option]]:
        """Any, whatever remains."""
        for left in range(self.delay + 1):
            yield left, self._leave(kind, left)

    def fresh(self, kind: Named) -> Iterator[tuple[Option, list[str]]]:
        """One is like the other."""
        yield self._leave(kind, self.delay), self.sent(kind)

    def _leave(self, kind: Named, left: int) -> Option:
        return Option(f"{word(kind)}[{left}] > 0", [f"{word(kind)}[{left}]--", f"{self.name}--"])

    def due(self) -> str:
        """Any of the kinds."""
        return " || ".join(f"{word(kind)}[0] > 0" for kind in self.kinds)

    def passed(self) -> list[str]:
        """Move the numbers one place on."""
        moved = []
        for kind in self.kinds:
            moved += [f"{word(kind)}[{left}] = {word(kind)}[{left + 1}]" for left in range(self.delay)]
            moved.append(f"{word(kind)}[{self.delay}] = 0")
        return moved


@dataclass(frozen=True)
class Line:
    """A direction in which messages keep their order."""

    name: str
    kinds: Sequence[Named]
    delay: int
    capacity: int

    @property
    def count(self) -> str:
        """How long the line is."""
        return self.name

    @property
    def variables(self) -> dict[str, str]:
        """The kind and the remaining ticks of each place; 0 where nothing is."""
        return {
            self.name: "byte",
            f"{self.name}_kind[{self.capacity}]": "byte",
            f"{self.name}_left[{self.capacity}]": "byte",
        }

    def sent(self, kind: Named) -> list[str]:
        """Put it at the end."""
        return [
            f"{self.name}_kind[{self.name}] = {self._number(kind)}",
            f"{self.name}_left[{self.name}] = {self.delay}",
            f"{self.name}++",
        ]

    def first(self, kind: Named) -> Iterator[tuple[int, Option]]:
        """The first of the line, and no other one."""
        for left in range(self.delay + 1):
            yield left, self._leave(kind, 0, left)

    def fresh(self, kind: Named) -> Iterator[tuple[Option, list[str]]]:
        """Each place from which nothing has come nearer yet."""
        for place in range(self.capacity):
            yield self._leave(kind, place, self.delay), self.sent(kind)

    def _number(self, kind: Named) -> int:
        return list(self.kinds).index(kind) + 1

    def _leave(self, kind: Named, place: int, left: int) -> Option:
        guard = (
            f"{self.name}_kind[{place}] == {self._number(kind)} && {self.name}_left[{place}] == {left}"
            f" && {self.name} > {place}"
        )
        moved = []
        for each in range(place, self.capacity - 1):
            moved += [
                f"{self.name}_{what}[{each}] = {self.name}_{what}[{each + 1}]" for what in ("kind", "left")
            ]
        moved += [f"{self.name}_{what}[{self.capacity - 1}] = 0" for what in ("kind", "left")]
        return Option(guard, [*moved, f"{self.name}--"])

    def due(self) -> str:
        """The first has the least left."""
        return f"{self.name} > 0 && {self.name}_left[0] == 0"

    def passed(self) -> list[str]:
        """Take a tick from each place that is taken."""
        return [
            f"{self.name}_left[{place}] = ({self.name} > {place} -> {self.name}_left[{place}] - 1 : 0)"
            for place in range(self.capacity)
        ]
