"""Who is at the ends of a forking proxy: a caller and two servers, without machines of ours."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypeVar

from sipfsm.verify.fork_mail import LANES, UPSTREAM, Kind, kind_and_place, mail_number
from sipfsm.verify.scenario import ForkCallee, ForkCaller
from sipfsm.verify.side import Label, Move, Outcome, Side

S = TypeVar("S")

What = Literal["choose", "deliver"]


class CallerState(NamedTuple):
    """Where the caller is."""

    phase: Literal["idle", "waiting", "ringing", "cancelled", "over"]
    clock: int | None
    """For how many more ticks it may send CANCEL."""


class CallerSide(Side[CallerState]):
    """The caller."""

    def __init__(self, caller: ForkCaller) -> None:
        """Begin before the INVITE."""
        self._caller = caller
        super().__init__(CallerState("idle", None))

    def begin(self) -> Move:
        """Send the INVITE."""
        return self.moved(
            _outcome(
                CallerState("waiting", self._caller.cancel_within), "choose", LANES[0], "call", Kind.INVITE
            )
        )

    def deadlines(self, state: CallerState) -> Iterable[int]:
        """Yield how long it may send CANCEL."""
        return () if state.clock is None else (state.clock,)

    def may_choose(self, state: CallerState) -> bool:
        """Whether it may send CANCEL now."""
        return state.phase == "ringing" and state.clock is not None

    def aged(self, state: CallerState, passed: int) -> CallerState:
        """Give the state in some ticks."""
        return state if state.clock is None else state._replace(clock=state.clock - passed)

    def ended(self, _state: CallerState) -> bool:
        """It has no machine."""
        return True

    def moves(self, state: CallerState) -> Iterator[Outcome[CallerState]]:
        """Yield what it may do."""
        if self.may_choose(state):
            yield _outcome(CallerState("cancelled", None), "choose", LANES[0], "hang up", Kind.CANCEL)
        if state.clock == 0:
            yield _outcome(state._replace(clock=None), "choose", LANES[0], "wait")

    def take(self, state: CallerState, mail: int) -> Outcome[CallerState]:
        """Take a response."""
        kind, _place = kind_and_place(mail)
        if kind in {Kind.TRYING, Kind.PROVISIONAL}:
            phase = "ringing" if state.phase == "waiting" else state.phase
            return _outcome(state._replace(phase=phase), "deliver", LANES[0], kind)
        sent = [] if kind is Kind.SUCCESS else [Kind.ACK]
        return _outcome(CallerState("over", None), "deliver", LANES[0], kind, *sent)


class CalleeState(NamedTuple):
    """Where a callee is."""

    phase: Literal["idle", "asked", "waiting", "answered", "mute"]
    last: Kind | None = None
    """What it sent last, and sends again if the INVITE comes again."""
    clock: int | None = None
    """How long it may still think, while it is asked."""

    @property
    def waits(self) -> bool:
        """Whether it rings until a CANCEL comes."""
        return self.phase == "waiting"


class CalleeSide(Side[CalleeState]):
    """One of the servers."""

    def __init__(self, callee: ForkCallee, place: int) -> None:
        """Begin without a call.

        Args:
            callee: what it may do.
            place: which of them it is, 0 or 1.
        """
        self._callee = callee
        self._place = place
        self._lane = LANES[2 + place]
        super().__init__(CalleeState("idle"))

    def deadlines(self, state: CalleeState) -> Iterable[int]:
        """Yield how long it may think."""
        return () if state.clock is None else (state.clock,)

    def may_choose(self, state: CalleeState) -> bool:
        """Whether it may answer now."""
        return state.phase == "asked"

    def aged(self, state: CalleeState, passed: int) -> CalleeState:
        """Give the state in some ticks."""
        return state if state.clock is None else state._replace(clock=state.clock - passed)

    def ended(self, _state: CalleeState) -> bool:
        """It has no machine."""
        return True

    def moves(self, state: CalleeState) -> Iterator[Outcome[CalleeState]]:
        """Yield what it may answer."""
        if state.phase != "asked":
            return
        for answer in self._callee.answers:
            kind = Kind(answer)
            if kind not in {Kind.TRYING, Kind.PROVISIONAL}:
                yield self._sent(CalleeState("answered", kind), "choose", kind)
            elif state.last is None or (state.last, kind) == (Kind.TRYING, Kind.PROVISIONAL):
                yield self._sent(state._replace(last=kind), "choose", kind)
        if state.clock == 0 and "mute" in self._callee.at_last:
            yield self._sent(CalleeState("mute"), "choose", "mute")
        if state.clock == 0 and "wait" in self._callee.at_last and state.last is not None:
            yield self._sent(CalleeState("waiting", state.last), "choose", "wait")

    def take(self, state: CalleeState, mail: int) -> Outcome[CalleeState]:
        """Take the INVITE, or a CANCEL."""
        kind, _place = kind_and_place(mail)
        if kind is Kind.INVITE and state.phase == "idle":
            return self._sent(CalleeState("asked", None, self._callee.within), "deliver", kind)
        if kind is Kind.CANCEL and state.phase in {"asked", "waiting"}:
            return self._sent(CalleeState("answered", Kind.FAILURE), "deliver", Kind.FAILURE)
        again = state.last if kind is Kind.INVITE and state.phase != "mute" else None
        return self._sent(state, "deliver", again)

    def _sent(self, state: CalleeState, what: What, detail: str | None) -> Outcome[CalleeState]:
        sent = [Kind(detail)] if detail in set(Kind) - {Kind.INVITE} else []
        return _outcome(state, what, self._lane, detail or "", *sent, place=self._place)


def _outcome(
    state: S, what: What, lane: str, detail: str, *sent: Kind, place: int | None = UPSTREAM
) -> Outcome[S]:
    return Outcome(state, tuple(mail_number(kind, place) for kind in sent), (), Label(what, lane, detail))
