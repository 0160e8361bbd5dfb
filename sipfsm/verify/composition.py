"""Several sides and a network as one machine: its states are whole numbers, and each knows its steps."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from sipfsm.verify.network import Delivery, Mail, Medium
from sipfsm.verify.scenario import MOST, AnyProperty, Network
from sipfsm.verify.side import Move, Side

Broken = tuple[tuple[AnyProperty, str], ...]

Edge = tuple[int, Broken, str, Delivery | None, Move | None, int]
"""A step: the state after it, what it breaks, which kind of step it is, what it takes from the network or
puts there once more, the move of a side, how many ticks pass. A plain tuple, for there are millions."""

_BUDGET_BITS = MOST.bit_length()


class Composition(ABC):
    """The global states of some sides and a network, as numbers.

    From the lowest bits: how many losses and how many duplications are left, the numbers of the sides, and
    that of the network's state. Of these there are by far the most: nothing is above it, so it has room.

    Attributes:
        circle: the property that a run without an end breaks.
        sides: the sides.
        medium: the network.
        start: the state after the start.
        first: the move that led there.
    """

    circle: ClassVar[AnyProperty]

    def __init__(
        self,
        network: Network,
        sides: Sequence[Side[Any]],
        mails: Sequence[Mail],
        *,
        watched: frozenset[int],
        bits: Sequence[int],
    ) -> None:
        """Put the parts together; `begin` makes the first step.

        Args:
            network: its bounds.
            sides: each in its first state.
            mails: the kinds of messages, by number.
            watched: those whose loss is to be marked.
            bits: how many bits number the states of each side.
        """
        self.sides = sides
        self.delay = network.delay
        self.medium = Medium(network, mails, watched=watched)
        self._bits = bits
        shifts = [2 * _BUDGET_BITS + sum(bits[:place]) for place in range(len(bits) + 1)]
        self._above = shifts[-1]
        self._placed = [(shifts[place], (1 << bits[place]) - 1, side) for place, side in enumerate(sides)]
        self._receivers = [self._placed[mail.to] for mail in mails]
        self._always_loses = network.losses is None
        self._loss = 0 if network.losses is None else 1  # what each loss takes from a state
        self._loss_mask = MOST
        self._copy = 1 << _BUDGET_BITS
        self._copy_mask = MOST << _BUDGET_BITS
        self.start = self._copy * network.duplicates + self._loss * (network.losses or 0)

    def begin(self, place: int, first: Move) -> None:
        """Make the first step, which is one of a side."""
        self.first = first
        self.start += self.medium.put(self.medium.start, first.sent) << self._above
        for other, (shift, _mask, side) in enumerate(self._placed):
            self.start += (first.after if other == place else side.start) << shift

    def parts(self, state: int) -> list[Any]:
        """Give the states of the sides."""
        return [side.states[state >> shift & mask] for shift, mask, side in self._placed]

    def receiver(self, state: int, mail: int) -> int:
        """Give the number of the state of the side that a kind of message goes to."""
        shift, mask, _side = self._receivers[mail]
        return state >> shift & mask

    def flying(self, state: int) -> int:
        """Give the number of the network's state."""
        return state >> self._above

    @abstractmethod
    def at_end(self, state: int) -> Broken:
        """Give what is broken if nothing can happen any more in this state."""

    def confirm(self, _state: int, broken: Broken) -> Broken:
        """Give those properties that are broken indeed, where that depends on another side."""
        return broken

    def check_room(self) -> None:
        """Make sure that the numbers of all sides met so far have room in a state.

        Raises:
            OverflowError: a side has too many states.
        """
        for side, bits in zip(self.sides, self._bits, strict=True):
            if len(side.states) >> bits:
                raise OverflowError(f"{type(side).__name__} has more than {1 << bits} states")

    def edges(self, state: int) -> list[Edge]:
        """Give all steps from a state, always in the same order."""
        found: list[Edge] = []
        medium, above = self.medium, self._above
        number = state >> above
        rest = state - (number << above)  # all but the network
        deliveries = medium.deliveries[number]
        for delivery in medium.deliver(number) if deliveries is None else deliveries:
            shift, mask, side = self._receivers[delivery[0]]
            here = state >> shift & mask
            move = side.reactions[here].get(delivery[0]) or side.react(here, delivery[0])
            flying = medium.put(delivery[2], move[1]) if move[1] else delivery[2]
            after = rest + ((move[0] - here) << shift) + (flying << above)
            broken = self.confirm(state, move[2]) if move[2] else ()
            found.append((after, broken, "deliver", delivery, move, 0))
        if self._always_loses or state & self._loss_mask:
            losses = medium.losses[number]
            found += [
                (rest + (delivery[2] << above) - self._loss, (), "lose", delivery, None, 0)
                for delivery in (medium.lose(number) if losses is None else losses)
            ]
        if state & self._copy_mask:
            copies = medium.copies[number]
            found += [
                (rest + (delivery[2] << above) - self._copy, (), "duplicate", delivery, None, 0)
                for delivery in (medium.duplicate(number) if copies is None else copies)
            ]
        waits = medium.due[number]
        for shift, mask, side in self._placed:
            here = state >> shift & mask
            waits = waits or side.due[here]
            moves = side.own[here]
            for move in side.prepare(here) if moves is None else moves:
                flying = medium.put(number, move[1]) if move[1] else number
                after = rest + ((move[0] - here) << shift) + (flying << above)
                broken = self.confirm(state, move[2]) if move[2] else ()
                found.append((after, broken, move[3][0], None, move, 0))
        if not waits:
            found.extend(self._time(state, number))
        return found

    def _time(self, state: int, number: int) -> list[Edge]:
        here = [(shift, side, state >> shift & mask) for shift, mask, side in self._placed]
        if not self.medium.empty[number] or any(side.open[part] for _shift, side, part in here):
            passed = 1
        else:
            least = [left for _shift, side, part in here if (left := side.least[part]) is not None]
            if not least:
                return []
            passed = min(least)
        after = state + ((self.medium.next_tick(number) - number) << self._above)
        for shift, side, part in here:
            after += (side.later(part, passed) - part) << shift
        return [(after, (), "pass", None, None, passed)]
