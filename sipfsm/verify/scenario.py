"""What is verified, as data: who takes part, what may happen, and what must hold.

Every engine reads this declaration and the models, and nothing of another engine. What a step is, and how
each property is observed, is said in words in `docs/explanation/verification.md`: engines follow that.
"""

from enum import StrEnum
from math import ceil
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sipfsm.fsm import Model, Timer, TimerSpec, Timing

TICK = 0.5
"""Seconds in a tick: T1. So T2 is 8 ticks, T4 is 10, 64*T1 is 64."""

MOST = 15
"""The largest number of losses or duplications that can be counted."""

T1 = 1
T2 = 8
T4 = 10


def ticks(delay: str) -> int:
    """Evaluate a delay as models write it, with the default timer values, in ticks.

    What is no whole number of ticks is rounded up, so the 0.2 s of Timer `trying` are one tick.

    Raises:
        DelayError: the text is no delay.
    """
    return ceil(Timing().delay(delay) / TICK)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Property(StrEnum):
    """What must hold in every run; the numbers are those of the documentation."""

    S1 = "S1"
    """A request reaches the server's transaction user once."""
    S2 = "S2"
    """At most one final response of a non-INVITE reaches the client's transaction user."""
    S3 = "S3"
    """Every non-2xx final response to an INVITE is acknowledged, unless the network loses the ACKs."""
    S4 = "S4"
    """Every run ends, with both transactions destroyed."""
    S5 = "S5"
    """No second outcome after a timeout was reported."""


class ForkProperty(StrEnum):
    """What must hold of a forking proxy."""

    F1 = "F1"
    """Exactly one final response that is no 2xx goes upstream, or one or more that are."""
    F2 = "F2"
    """Every 2xx is forwarded."""
    F3 = "F3"
    """Every branch that is pending when it is not wanted any more is cancelled."""
    F4 = "F4"
    """Every run ends, and nothing is left behind."""


class CallProperty(StrEnum):
    """What must hold of the dialog between two user agents."""

    D1 = "D1"
    """Every run ends, with both dialogs gone."""
    D2 = "D2"
    """Every 2xx to an INVITE that comes to a dialog is acknowledged."""
    D3 = "D3"
    """In Mortal no new request is sent, a BYE is accepted, and all else is refused."""
    D4 = "D4"
    """What is Established ends with a BYE; and what a BYE ends is Mortal."""
    D5 = "D5"
    """No offer is sent or accepted while another one is pending."""
    D6 = "D6"
    """Every request that comes to a dialog is answered, and a BYE with a 2xx."""


AnyProperty = Property | ForkProperty | CallProperty


class Message(StrEnum):
    """What can be in flight between the two."""

    REQUEST = "request"
    """The INVITE, or the request that is none."""
    ACK = "ack"
    """The ACK of the client transaction, for a non-2xx final response."""
    ACK_2XX = "ack-2xx"
    """The ACK of the client's transaction user, for a 2xx: it matches no transaction."""
    CANCEL = "cancel"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "3xx-6xx"


TO_SERVER = (Message.REQUEST, Message.ACK, Message.ACK_2XX, Message.CANCEL)
TO_CLIENT = (Message.PROVISIONAL, Message.SUCCESS, Message.FAILURE)


class Role(_Strict):
    """A machine that takes part."""

    model: str
    """The name of a built-in model, or of the file of a user's own."""
    delays: dict[Timer, str] = Field(default_factory=dict)
    """Timers that have another delay here than in the model, over both classes of transport."""

    def applied(self, model: Model) -> Model:
        """Give the model the delays of this role."""
        changed = {
            timer: TimerSpec(**model.timers[timer].model_dump() | {"unreliable": text, "reliable": text})
            for timer, text in self.delays.items()
        }
        return model.model_copy(update={"timers": model.timers | changed})


class Network(_Strict):
    """What the network may do to messages."""

    reliable: bool = False
    """The class of transport: which delays the machines run. A reliable one neither loses nor reorders."""
    losses: int | None = Field(default=1, ge=0, le=MOST)
    """How many messages it may lose in a run; None is any number."""
    duplicates: int = Field(default=1, ge=0, le=MOST)
    """How many messages it may duplicate in a run."""
    delay: int = Field(default=2, ge=0, le=64)
    """How many ticks a message may take at most; it may arrive at once as well."""
    reordering: bool = True
    """Whether a message may overtake another one that goes the same way."""
    capacity: int = Field(default=8, ge=1)
    """How many messages can be in flight in each direction; one more is lost."""

    @model_validator(mode="after")
    def _reliable_is_reliable(self) -> Self:
        if self.reliable and (self.losses != 0 or self.duplicates or self.reordering):
            raise ValueError("a reliable transport has losses = 0, duplicates = 0 and reordering = false")
        return self


class Caller(_Strict):
    """The client's transaction user. It sends one request, and an ACK for each 2xx to an INVITE."""

    may_cancel: bool = False
    """Whether it may send CANCEL, at any time after a provisional response."""
    patience: int | None = Field(default=128, ge=1)
    """Ticks after which it cancels an INVITE without a final response (Timer C); None: it waits for ever."""
    cancel_wait: int = Field(default=64, ge=1)
    """Ticks after CANCEL for which it awaits the final response (:rfc:`3261#section-9.1`: 64*T1)."""


class Callee(_Strict):
    """The server's transaction user. It answers when it likes, within bounds."""

    answers: tuple[Literal["1xx", "2xx", "3xx-6xx"], ...] = ("1xx", "2xx", "3xx-6xx")
    """What it may answer, at any time until `within`."""
    provisionals: int = Field(default=1, ge=0)
    """How many provisional responses it may send."""
    within: int = Field(default=2, ge=0)
    """Ticks after which it must have made up its mind."""
    at_last: tuple[Literal["abandon", "mute"], ...] = ()
    """What else it may do then: tell the transaction that no answer will come, or say nothing any more."""
    repeats_2xx: bool = True
    """Whether it repeats its 2xx to an INVITE until the ACK comes (:rfc:`3261#section-13.3.1.4`)."""

    @model_validator(mode="after")
    def _comes_to_an_end(self) -> Self:
        if not self.at_last and not {"2xx", "3xx-6xx"}.intersection(self.answers):
            raise ValueError("a callee without final answers needs at_last: abandon or mute")
        return self


class Scenario(_Strict):
    """A client transaction, a network, a server transaction, and their transaction users."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    method: Literal["INVITE", "OTHER"]
    client: Role
    server: Role
    network: Network = Network()
    caller: Caller = Caller()
    callee: Callee = Callee()
    properties: tuple[Property, ...]

    @model_validator(mode="after")
    def _no_cancel_but_of_invite(self) -> Self:
        if self.method != "INVITE" and self.caller.may_cancel:
            raise ValueError("only an INVITE is cancelled (RFC 3261 9.1)")
        if self.method != "INVITE" and "1xx" in self.callee.answers:
            raise ValueError(
                "a non-INVITE is answered 100 by its transaction, and no other 1xx (RFC 4320 4.1)"
            )
        return self


class ForkCaller(_Strict):
    """The client of a forking proxy: it sends one INVITE, and an ACK for each final response but 2xx."""

    cancel_within: int | None = Field(default=1, ge=0)
    """For how many ticks it may send CANCEL, once it has a provisional response; None: never."""


class ForkCallee(_Strict):
    """Each of the servers behind a forking proxy."""

    answers: tuple[Literal["100", "101-199", "2xx", "3xx-5xx", "6xx"], ...] = (
        "101-199",
        "2xx",
        "3xx-5xx",
        "6xx",
    )
    """What it may answer, at any time until `within`; a provisional response once."""
    within: int = Field(default=1, ge=0)
    """Ticks after which it must have made up its mind."""
    at_last: tuple[Literal["mute", "wait"], ...] = ("mute", "wait")
    """What else it may do then: say nothing any more, not even to a CANCEL; or ring until it gets one."""


class Fork(_Strict):
    """A caller, a forking proxy with all its machines, and two servers."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    server: Role = Role(model="invite-server")
    context: Role = Role(model="response-context")
    branch: Role = Role(model="branch")
    client: Role = Role(model="invite-client")
    network: Network = Network(losses=1, duplicates=0, delay=0)
    caller: ForkCaller = ForkCaller()
    callee: ForkCallee = ForkCallee()
    properties: tuple[ForkProperty, ...] = tuple(ForkProperty)


Wish = Literal["CANCEL", "early BYE", "BYE", "re-INVITE", "UPDATE", "REFER"]
"""A request that a user may send once; an early BYE is one before a final response has come."""


class Call(_Strict):
    """Two user agents with a dialog, and what each of them knows of offers and answers."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    caller: Role = Role(model="dialog-caller")
    callee: Role = Role(model="dialog-callee")
    offer: Role = Role(model="offer")
    network: Network = Network(losses=None, duplicates=0, delay=0)
    caller_wishes: tuple[Wish, ...] = ()
    callee_wishes: tuple[Wish, ...] = ()
    within: int = Field(default=1, ge=0)
    """Ticks for which a user may do something of its own accord, in each state of its dialog."""
    offer_in: Literal["INVITE", "2xx"] = "INVITE"
    """Which message carries the first offer; the answer is in the 2xx, or else in the ACK."""
    waits_for_ack: bool = True
    """Whether the callee sends no BYE before the ACK has come (:rfc:`3261#section-15`)."""
    properties: tuple[CallProperty, ...] = tuple(CallProperty)


AnyScenario = Scenario | Fork | Call
