"""The network of a composition: what is in flight, and what may become of it."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sipfsm.verify.scenario import Network

_AGE_BITS = 7


class Mail(NamedTuple):
    """A kind of message that can be in flight."""

    name: str
    to: int
    """The side that gets it, as its place among the sides."""
    channel: int
    """Messages of one channel share its capacity, and keep their order where the network does not reorder."""
    way: tuple[str, str]
    """Who sends it and who gets it, as a picture names them."""
    carried: bool = False
    """Whether a transaction that is no part of the composition sees to it: it comes, and comes once."""


class InFlight(NamedTuple):
    """A state of the network."""

    messages: tuple[int, ...]
    """Kind and remaining ticks in one number each."""
    marked: bool
    """Whether a message that is to be watched was lost."""


class Delivery(NamedTuple):
    """A message taken out of the network, or one more of it put in."""

    mail: int
    remaining: int
    after: int
    """The state of the network that follows."""


class Medium:
    """All states of the network met so far, each with a number, and what leads from one to another.

    Attributes:
        overflowed: whether a message ever found no room.
    """

    def __init__(self, network: Network, mails: Sequence[Mail], *, watched: Collection[int]) -> None:
        """Begin with an empty network.

        Args:
            network: its bounds.
            mails: the kinds of messages; elsewhere each is named by its place here.
            watched: the kinds whose loss is to be marked.
        """
        self._network = network
        self.mails = mails
        self._watched = watched
        self._numbers: dict[InFlight, int] = {}
        self.states: list[InFlight] = []
        self.deliveries: list[tuple[Delivery, ...] | None] = []
        self.losses: list[tuple[Delivery, ...] | None] = []
        self.copies: list[tuple[Delivery, ...] | None] = []
        self.due: list[bool] = []
        self.empty: list[bool] = []
        self._next_tick: list[int] = []
        self._put: dict[tuple[int, tuple[int, ...]], int] = {}
        self.overflowed = False
        self.start = self._number(InFlight((), False))

    def _number(self, state: InFlight) -> int:
        number = self._numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
            self.deliveries.append(None)
            self.losses.append(None)
            self.copies.append(None)
            self.due.append(any(_remaining(code) == 0 for code in state.messages))
            self.empty.append(not state.messages)
            self._next_tick.append(-1)
        return number

    def put(self, number: int, sent: tuple[int, ...]) -> int:
        """Put messages, named by their kinds, into the network."""
        key = (number, sent)
        after = self._put.get(key)
        if after is None:
            state = self.states[number]
            for mail in sent:
                if self._has_room(state.messages, mail):
                    state = self._added(state, mail)
                else:
                    self.overflowed = True
                    state = self._lost(state, mail)
            after = self._put[key] = self._number(state)
        return after

    def next_tick(self, number: int) -> int:
        """Let a tick pass; no message may be due."""
        after = self._next_tick[number]
        if after < 0:
            state = self.states[number]
            older = tuple(code - 1 for code in state.messages)
            after = self._next_tick[number] = self._number(state._replace(messages=older))
        return after

    def deliver(self, number: int) -> tuple[Delivery, ...]:
        """Work out which messages can be delivered."""
        state = self.states[number]
        places = self._first(state.messages, self._places(state.messages))
        found = self.deliveries[number] = tuple(self._delivered(state, place) for place in places)
        return found

    def lose(self, number: int) -> tuple[Delivery, ...]:
        """Work out which messages can be lost."""
        state = self.states[number]
        found = self.losses[number] = tuple(self._loss(state, place) for place in self._fresh(state.messages))
        return found

    def duplicate(self, number: int) -> tuple[Delivery, ...]:
        """Work out which messages can be duplicated."""
        state = self.states[number]
        found = self.copies[number] = tuple(
            self._copy(state, place)
            for place in self._fresh(state.messages)
            if self._has_room(state.messages, _mail(state.messages[place]))
        )
        return found

    def _fresh(self, messages: tuple[int, ...]) -> list[int]:
        delay = self._network.delay
        return [
            place
            for place in self._places(messages)
            if _remaining(messages[place]) == delay and not self.mails[_mail(messages[place])].carried
        ]

    def _places(self, messages: tuple[int, ...]) -> list[int]:
        """One place of those that make no difference."""
        if not self._network.reordering:
            return list(range(len(messages)))
        return [place for place, code in enumerate(messages) if place == 0 or messages[place - 1] != code]

    def _first(self, messages: tuple[int, ...], places: list[int]) -> list[int]:
        if self._network.reordering:
            return places
        channels: dict[int, int] = {}
        for place in places:
            channels.setdefault(self._channel(messages[place]), place)
        return list(channels.values())

    def _delivered(self, state: InFlight, place: int) -> Delivery:
        code = state.messages[place]
        after = state._replace(messages=_without(state.messages, place))
        return Delivery(_mail(code), _remaining(code), self._number(after))

    def _loss(self, state: InFlight, place: int) -> Delivery:
        code = state.messages[place]
        after = state._replace(messages=_without(state.messages, place))
        return Delivery(_mail(code), _remaining(code), self._number(self._lost(after, _mail(code))))

    def _copy(self, state: InFlight, place: int) -> Delivery:
        code = state.messages[place]
        return Delivery(_mail(code), _remaining(code), self._number(self._added(state, _mail(code))))

    def _lost(self, state: InFlight, mail: int) -> InFlight:
        return state._replace(marked=True) if mail in self._watched else state

    def _added(self, state: InFlight, mail: int) -> InFlight:
        messages = [*state.messages, mail << _AGE_BITS | self._network.delay]
        messages.sort(key=None if self._network.reordering else self._channel)
        return state._replace(messages=tuple(messages))

    def _has_room(self, messages: tuple[int, ...], mail: int) -> bool:
        channel = self.mails[mail].channel
        return sum(self._channel(code) == channel for code in messages) < self._network.capacity

    def _channel(self, code: int) -> int:
        return self.mails[_mail(code)].channel


def _mail(code: int) -> int:
    return code >> _AGE_BITS


def _remaining(code: int) -> int:
    return code & ((1 << _AGE_BITS) - 1)


def _without(messages: tuple[int, ...], place: int) -> tuple[int, ...]:
    return messages[:place] + messages[place + 1 :]
