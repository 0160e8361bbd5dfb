"""One side of a composition: it is stepped alone, and meets the others through the network only."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Generic, Literal, NamedTuple, TypeVar

from sipfsm.verify.scenario import AnyProperty

S = TypeVar("S")


class Label(NamedTuple):
    """What a move is, for whoever reads a run."""

    what: Literal["fire", "choose", "deliver"]
    who: str
    detail: str
    rows: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    """What a transaction told its user."""
    state: str = ""
    """The state of a dialog afterwards."""


class Outcome(NamedTuple, Generic[S]):
    """What a move of one side leads to."""

    after: S
    sent: tuple[int, ...]
    """Kinds of messages, by their numbers, in the order of sending."""
    broken: tuple[tuple[AnyProperty, str], ...]
    """The properties that are broken by it, each with a sentence that says how."""
    label: Label


class Move(NamedTuple):
    """An outcome, with the state by its number."""

    after: int
    sent: tuple[int, ...]
    broken: tuple[tuple[AnyProperty, str], ...]
    label: Label


class Side(ABC, Generic[S]):
    """The states of a side met so far, each with a number; each move is worked out once.

    Attributes:
        states: the states by number.
        own: by number, the moves that need no message: timers and choices. None where not yet worked out.
        due: by number, whether something is due, so that time waits.
        least: by number, in how many ticks the next thing is due; None if nothing runs.
        open: by number, whether a transaction user has a choice that it can make at any time.
    """

    def __init__(self, start: S) -> None:
        """Begin with one state."""
        self._numbers: dict[S, int] = {}
        self.states: list[S] = []
        self.own: list[tuple[Move, ...] | None] = []
        self.reactions: list[dict[int, Move]] = []
        self.due: list[bool] = []
        self.least: list[int | None] = []
        self.open: list[bool] = []
        self._later: dict[tuple[int, int], int] = {}
        self.start = self.number(start)

    def number(self, state: S) -> int:
        """Give a state its number."""
        number = self._numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
            self.own.append(None)
            self.reactions.append({})
            least = min(self.deadlines(state), default=None)
            self.due.append(least == 0)
            self.least.append(least)
            self.open.append(self.may_choose(state))
        return number

    def prepare(self, number: int) -> tuple[Move, ...]:
        """Work out the moves that need no message."""
        moves = self.own[number] = tuple(map(self.moved, self.moves(self.states[number])))
        return moves

    def react(self, number: int, mail: int) -> Move:
        """Work out what a message leads to."""
        move = self.reactions[number][mail] = self.moved(self.take(self.states[number], mail))
        return move

    def later(self, number: int, passed: int) -> int:
        """Let time pass; nothing may be due before."""
        key = (number, passed)
        after = self._later.get(key)
        if after is None:
            after = self._later[key] = self.number(self.aged(self.states[number], passed))
        return after

    def moved(self, outcome: Outcome[S]) -> Move:
        """Give the outcome with its state by number."""
        return Move(self.number(outcome.after), outcome.sent, outcome.broken, outcome.label)

    # ---- what each kind of side says about its states

    @abstractmethod
    def deadlines(self, state: S) -> Iterable[int]:
        """Yield the remaining ticks of everything that runs."""

    @abstractmethod
    def may_choose(self, state: S) -> bool:
        """Whether a transaction user has a choice now."""

    @abstractmethod
    def aged(self, state: S, passed: int) -> S:
        """Give the state in some ticks, if nothing happens before."""

    @abstractmethod
    def moves(self, state: S) -> Iterator[Outcome[S]]:
        """Yield what can happen without a message."""

    @abstractmethod
    def take(self, state: S, mail: int) -> Outcome[S]:
        """Take a message."""

    @abstractmethod
    def ended(self, state: S) -> bool:
        """Whether every machine of this side is in its initial state."""
