"""A case as data: the steps of the players, with words in braces for what is known only when they play.

A script is played against a target, written out as a SIPp scenario or as a test that needs no sipfsm, and cut
down to its fewest steps, so it holds nothing but text and numbers. Durations are written like those of the
models, ``64*T1`` or ``0.5``; messages have these words:

| word | what stands there |
|---|---|
| `{target}` | host and port of the target |
| `{transport}` | UDP, TCP, TLS or WS |
| `{caller}`, `{callee}`, `{callee2}` | host and port of a player |
| `{callee_uri}`, ... | the URI that reaches that player, with its transport |
| `{user}`, `{call_id}`, `{tag}`, `{branch...}` | made up anew for each play; equal words get equal values |
| `{to_tag_param}` | ``;tag=`` and the tag of the latest final or provisional response, if it had one |
| `{routes}` | the Route lines that the latest dialog-forming response asks for |
| `{remote_uri}` | the Contact of the latest dialog-forming response |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from sipfsm.fuzz.pattern import Pattern
from sipfsm.fuzz.rules import Rule


@dataclass(frozen=True, slots=True)
class Send:
    """A player sends a message to the target.

    Attributes:
        who: the player.
        message: the bytes with words in braces.
        valid: whether the target has to understand it; what is owed for a malformed one is less.
    """

    who: str
    message: bytes
    valid: bool = True


@dataclass(frozen=True, slots=True)
class Receive:
    """A player waits for a message.

    Attributes:
        who: the player.
        pattern: the message.
        within: how long.
        rule: what the target breaks if it does not come; None: the case cannot go on then, and shows nothing.
        optional: the case goes on without it.
    """

    who: str
    pattern: Pattern
    within: str = "3"
    rule: Rule | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A player answers the latest request of a method that it got; nothing if it got none.

    Attributes:
        who: the player.
        method: the method.
        status: the status code.
        fields: further lines of the response.
        tag: the To tag, with words in braces.
        reason: the reason phrase.
    """

    who: str
    method: str
    status: int
    fields: tuple[str, ...] = ()
    tag: str = "{tag}callee"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """A player waits, and no such message may come.

    Attributes:
        who: the player.
        pattern: what must not come.
        lasting: how long.
        rule: what the target breaks if it comes.
    """

    who: str
    pattern: Pattern
    lasting: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Pause:
    """Everybody waits; what comes is kept for the judge."""

    lasting: str


Step: TypeAlias = Send | Receive | Answer | Silence | Pause


@dataclass(frozen=True, slots=True)
class Script:
    """A case that can be played.

    Attributes:
        steps: what happens, in order.
        players: who takes part, the caller first.
    """

    steps: tuple[Step, ...]
    players: tuple[str, ...] = field(default=("caller",))

    def without(self, number: int) -> Script:
        """Return a copy that lacks a step."""
        return Script(self.steps[:number] + self.steps[number + 1 :], self.players)

    @property
    def messages(self) -> int:
        """How many messages the players send."""
        return sum(isinstance(step, Send | Answer) for step in self.steps)
