"""A run of a composition, done again by the running machines in virtual time.

What the network does to each message and what the ends choose is taken from the run; what the machines do is
left to them, their timers included. So the run says when a message arrives, and they say what comes of it.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import trio
from trio.testing import wait_all_tasks_blocked

from sipfsm.fsm import Engine, Instance, Model, Row, Timing
from sipfsm.simulation.network import Packet
from sipfsm.verify.machine import in_ticks
from sipfsm.verify.results import Step
from sipfsm.verify.scenario import TICK, Role
from tests.simulation.post import Letter, PostOffice

Find = Callable[[str], Model]
"""Gives the model of a name."""

A_MOMENT = 0.0002
"""Seconds: the n-th step of a run comes n moments before or after its instant.

So it comes before the timers that are due then, or after them, which were started at an earlier step.
"""

REST = 3600.0
"""Seconds after the run, in which nothing arrives: every timer of a call has fired by then."""


@dataclass
class Outcome:
    """What a run led to."""

    told: dict[str, list[str]] = field(default_factory=dict)
    """What each end was told, in its order, by its lane."""
    sent: dict[str, list[str]] = field(default_factory=dict)
    """What was sent during the run, in its order, by the lane of who was to get it."""
    rows: Counter[str] = field(default_factory=Counter)
    """How often each row of the models fired during the run."""
    later: dict[str, list[str]] = field(default_factory=dict)
    """What was sent afterwards, when nothing arrived any more."""
    left: dict[str, object] = field(default_factory=dict)
    """What was there at last that should have gone."""


class Player(ABC):
    """Does the steps of a run one after the other; each kind of composition has its own."""

    def __init__(self) -> None:
        self.post = PostOffice(self.read)
        self._rows: Counter[str] = Counter()
        self._fired: set[int] = set()

    # ---- what each composition says

    @abstractmethod
    def read(self, packet: Packet) -> tuple[str, tuple[str, str]] | None:
        """Give the kind of a datagram, and its way from lane to lane; None for what is left out."""

    @abstractmethod
    def stage(self) -> AbstractAsyncContextManager[None]:
        """Run all who take part."""

    @abstractmethod
    async def begin(self, step: Step) -> None:
        """Take the first step."""

    @abstractmethod
    async def choose(self, step: Step) -> None:
        """Do what an end chooses."""

    @abstractmethod
    async def react(self, step: Step) -> None:
        """Do what an end without a machine does about what it was just given."""

    @abstractmethod
    def told(self) -> dict[str, list[str]]:
        """Give what each end was told, by its lane."""

    @abstractmethod
    def left(self) -> dict[str, object]:
        """Give what is there of calls, and every fault."""

    # ---- the run

    def engine(self, role: Role, find: Find) -> Engine:
        """Make the machine of a role as it is explored: in whole ticks, so 0.2 s are one tick here, too."""
        return Engine(in_ticks(role.applied(find(role.model))), Timing(), observer=self._note)

    def _note(self, _instance: Instance, row: Row) -> None:
        self._rows[row.id] += 1

    async def play(self, steps: tuple[Step, ...]) -> Outcome:
        """Do the steps; then let an hour pass, in which nothing more arrives.

        Raises:
            AssertionError: a message that the run speaks of was not sent.
        """
        outcome: Outcome | AssertionError
        async with self.stage():
            try:
                outcome = await self._play(steps)
            except AssertionError as error:  # raised again where no nursery wraps it in a group
                outcome = error
        if isinstance(outcome, AssertionError):
            raise outcome
        return outcome

    async def _play(self, steps: tuple[Step, ...]) -> Outcome:
        for number, step in enumerate(steps):
            await self._do(number, step)
        await trio.sleep_until((steps[-1].at + 0.25) * TICK)  # so that what is due in this tick has fired
        outcome = Outcome(self.told(), by_lane(self.post.sent_so_far), self._rows.copy())
        self.post.sent_so_far.clear()
        await trio.sleep(REST)
        outcome.later, outcome.left = by_lane(self.post.sent_so_far), self.left()
        return outcome

    async def _do(self, number: int, step: Step) -> None:
        if step.what == "fire":
            self._fired.add(step.at)
        if step.what in {"fire", "pass"}:
            return
        instant = step.at * TICK + number * (A_MOMENT if step.at in self._fired else -A_MOMENT)
        await trio.sleep_until(max(instant, trio.current_time()))
        if step.what == "start":
            await self.begin(step)
        elif step.what == "choose":
            await self.choose(step)
        else:
            letter = self.post.take(step)
            if step.what == "duplicate":
                self.post.letters += [letter, letter]
            elif step.what == "deliver":
                self.post.deliver(letter)
        await wait_all_tasks_blocked()
        if step.what == "deliver":
            await self.react(step)


def by_lane(letters: list[Letter]) -> dict[str, list[str]]:
    """Give the kinds of messages, by who was to get them."""
    kinds: dict[str, list[str]] = {}
    for letter in letters:
        kinds.setdefault(letter.way[1], []).append(letter.kind)
    return kinds


def rows_of(steps: tuple[Step, ...]) -> Counter[str]:
    """Count the rows that a run says to fire.

    A copy of a CANCEL is for the transaction of the first one, which the composition leaves out.
    """
    cancels = [
        step for step in steps if (step.what, step.who, step.message) == ("deliver", "proxy", "CANCEL")
    ]
    copies = {id(step) for step in cancels[1:]}
    return Counter(row for step in steps if id(step) not in copies for row in step.rows)


def sent_in(steps: tuple[Step, ...]) -> Counter[str]:
    """Count the messages that a run says to be sent, by their kinds."""
    return Counter(kind for step in steps for kind in step.sent)


def told_in(steps: tuple[Step, ...]) -> dict[str, list[str]]:
    """Give what a run says each end is told: by its transaction if it has one, else by the network."""
    told: dict[str, list[str]] = {}
    for step in steps:
        if step.told:
            told.setdefault(_USERS.get(step.who, step.who), []).extend(step.told)
        elif step.what == "deliver" and step.who not in _MACHINES:
            told.setdefault(step.who, []).append(step.message or "")
    return told


_USERS = {"client": "caller", "server": "callee"}
_MACHINES = {*_USERS, "proxy"}


def agrees(steps: tuple[Step, ...], outcome: Outcome) -> bool:
    """Say if a run came out as it says: what the ends were told, what was sent, and which rows fired."""
    return (outcome.told, _sent(outcome), outcome.rows) == (told_in(steps), sent_in(steps), rows_of(steps))


def shows(steps: tuple[Step, ...], outcome: Outcome) -> bool:
    """Say the same of a run that breaks off within a tick, where all else that is due in it happens, too."""
    told = all(outcome.told.get(lane, [])[: len(kinds)] == kinds for lane, kinds in told_in(steps).items())
    return told and sent_in(steps) <= _sent(outcome) and rows_of(steps) <= outcome.rows


def _sent(outcome: Outcome) -> Counter[str]:
    return Counter(kind for kinds in outcome.sent.values() for kind in kinds)
