"""The proxy of a forking composition: six machines that meet within one step, as in the running proxy."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sipfsm.fsm import TIMER_EVENTS, Action, Event
from sipfsm.verify.fork_mail import LANES, PROXY, UPSTREAM, Kind, kind_and_place, mail_number
from sipfsm.verify.machine import Local, Machine
from sipfsm.verify.scenario import ForkProperty
from sipfsm.verify.side import Label, Outcome, Side

SERVER, CONTEXT, BRANCHES, CLIENTS = 0, 1, (2, 3), (4, 5)
"""The places of the machines in a state."""

_NAMES = ("server", "context", "branch 1", "branch 2", "client 1", "client 2")

_FINAL = {Kind.SUCCESS, Kind.FAILURE, Kind.GLOBAL_FAILURE}

_TO_CLIENT = {
    Kind.TRYING: Event.RESPONSE_1XX,
    Kind.PROVISIONAL: Event.RESPONSE_1XX,
    Kind.SUCCESS: Event.RESPONSE_2XX,
    Kind.FAILURE: Event.RESPONSE_300_699,
    Kind.GLOBAL_FAILURE: Event.RESPONSE_300_699,
}
_TO_BRANCH = _TO_CLIENT | {Kind.TRYING: Event.RESPONSE_100, Kind.PROVISIONAL: Event.RESPONSE_101_199}
_TO_SERVER = {
    Kind.PROVISIONAL: Event.TU_101_199,
    Kind.SUCCESS: Event.TU_2XX,
    Kind.FAILURE: Event.TU_300_699,
}


class ProxyState(NamedTuple):
    """Where the machines are, and what the proxy knows besides."""

    machines: tuple[Local, ...]
    begun: bool = False
    """Whether the INVITE was forwarded."""
    last: Kind | None = None
    """The response that the server transaction remembers."""
    upstream: Kind | None = None
    """The final response that went upstream: a 2xx, or another one."""
    pending: tuple[int, ...] = ()
    """The branches without an outcome."""
    alive: tuple[int, ...] = ()
    """The branches that are not over."""
    unwanted: bool = False
    """Whether no further answer is wanted: a 2xx or a 6xx came, or a CANCEL before the final response."""
    cancelled: tuple[int, ...] = ()
    """The pending branches that were told so."""


class ProxySide(Side[ProxyState]):
    """The proxy, as `sipfsm.proxy` connects its machines."""

    def __init__(self, machines: Mapping[str, Machine], properties: tuple[ForkProperty, ...]) -> None:
        """Begin without a call.

        Args:
            machines: what plays server, context, branch and client.
            properties: those that are observed.
        """
        client, branch = machines["client"], machines["branch"]
        self.machines = (machines["server"], machines["context"], branch, branch, client, client)
        self._properties = properties
        super().__init__(ProxyState(tuple(machine.initial for machine in self.machines)))

    def deadlines(self, state: ProxyState) -> Iterable[int]:
        """Yield the remaining ticks of all timers."""
        return (left for local in state.machines for _timer, left, _interval in local.timers)

    def may_choose(self, _state: ProxyState) -> bool:
        """It chooses nothing."""
        return False

    def aged(self, state: ProxyState, passed: int) -> ProxyState:
        """Give the state in some ticks."""
        return state._replace(machines=tuple(local.later(passed) for local in state.machines))

    def ended(self, state: ProxyState) -> bool:
        """Whether all machines are gone."""
        return all(self.is_over(state, place) for place in range(len(self.machines)))

    def is_over(self, state: ProxyState, place: int) -> bool:
        """Whether a machine has ended, or has not begun."""
        return state.machines[place] == self.machines[place].initial

    def moves(self, state: ProxyState) -> Iterator[Outcome[ProxyState]]:
        """Yield the timers that fire."""
        for place, local in enumerate(state.machines):
            for timer in local.due:
                cascade = Cascade(self, state)
                cascade.handle(place, TIMER_EVENTS[timer])
                yield self._outcome(cascade, Label("fire", LANES[PROXY], f"{timer} of {_NAMES[place]}"))

    def take(self, state: ProxyState, mail: int) -> Outcome[ProxyState]:
        """Take a message from either side."""
        kind, place = kind_and_place(mail)
        cascade = Cascade(self, state)
        if place is not UPSTREAM:
            self._take_response(cascade, state, kind, place)
        elif kind is Kind.INVITE:
            cascade.handle(SERVER, Event.INVITE)
        elif kind is Kind.ACK:
            cascade.handle(SERVER, Event.ACK)
        elif not self.is_over(state, SERVER):  # a CANCEL that finds its INVITE
            if state.upstream is None:
                cascade.note_unwanted()
            cascade.handle(CONTEXT, Event.CANCEL)
        return self._outcome(cascade, Label("deliver", LANES[PROXY], kind))

    def _take_response(self, cascade: "Cascade", state: ProxyState, kind: Kind, place: int) -> None:
        alive = not self.is_over(state, CLIENTS[place])
        cascade.handle(CLIENTS[place], _TO_CLIENT[kind], kind)
        sent = mail_number(Kind.SUCCESS, UPSTREAM) in cascade.sent
        if kind is Kind.SUCCESS and alive and not sent and state.upstream in {None, Kind.SUCCESS}:
            cascade.broken.append((ForkProperty.F2, "the proxy does not forward a 2xx"))

    def _outcome(self, cascade: "Cascade", label: Label) -> Outcome[ProxyState]:
        cascade.settle()
        if cascade.state.unwanted and set(cascade.state.pending) != set(cascade.state.cancelled):
            cascade.broken.append(
                (ForkProperty.F3, "a branch is pending, and is not told that it is not wanted")
            )
        broken = tuple(item for item in cascade.broken if item[0] in self._properties)
        rows = tuple(cascade.rows)
        return Outcome(cascade.state, tuple(cascade.sent), broken, label._replace(rows=rows))


class Cascade:
    """One step of the proxy: what one machine asks for is an event for the next, until nothing more is asked.

    A machine that is told something while its own step is carried out takes it afterwards, as in `Driver`.

    Attributes:
        state: where the machines are.
        sent: the messages, by number.
        broken: the properties that are broken.
        rows: the rows that fired.
    """

    def __init__(self, side: ProxySide, state: ProxyState) -> None:
        """Begin with nothing done."""
        self._side = side
        self._inboxes: dict[int, list[tuple[Event, Kind | None]]] = {}
        self._begun_in = state
        self.state = state
        self.sent: list[int] = []
        self.broken: list[tuple[ForkProperty, str]] = []
        self.rows: list[str] = []

    def handle(self, place: int, event: Event, kind: Kind | None = None, *, first: bool = False) -> None:
        """Have a machine take an event; one that is over takes none, unless it is its `first`."""
        inbox = self._inboxes.get(place)
        if inbox is not None:
            inbox.append((event, kind))
            return
        inbox = self._inboxes[place] = [(event, kind)]
        while inbox:
            event, kind = inbox.pop(0)
            # The layer makes server transactions anew; all else of the proxy is there once.
            if first or place == SERVER or not self._side.is_over(self.state, place):
                self._step(place, event, kind)
            first = False
        del self._inboxes[place]

    def _step(self, place: int, event: Event, kind: Kind | None) -> None:
        after, actions, rows = self._side.machines[place].step(self.state.machines[place], event)
        locals_ = list(self.state.machines)
        locals_[place] = after
        self.state = self.state._replace(machines=tuple(locals_))
        self.rows += rows
        for action in actions:
            if place == SERVER:
                self._server(action, kind)
            elif place == CONTEXT:
                self._context(action, kind)
            elif place in BRANCHES:
                self._branch(BRANCHES.index(place), action, kind)
            else:
                self._client(CLIENTS.index(place), action, kind)
        if place == SERVER and self._side.is_over(self.state, SERVER):
            self.state = self.state._replace(last=None)

    def note_unwanted(self) -> None:
        """Note that no further answer is wanted."""
        self.state = self.state._replace(unwanted=True)

    def settle(self) -> None:
        """Tell the branches whose client transactions have ended in this step."""
        for place, client in enumerate(CLIENTS):
            if self._side.is_over(self.state, client) and not self._side.is_over(self._begun_in, client):
                self.handle(BRANCHES[place], Event.CLIENT_GONE)

    # ---- what each machine asks for

    def _server(self, action: Action, kind: Kind | None) -> None:
        if action is Action.PASS_REQUEST:
            self._forward()
        elif action is Action.SEND_TRYING:
            self._respond(Kind.TRYING)
        elif action is Action.SEND_RESPONSE and kind is not None:
            self._respond(kind)
        elif action is Action.RESEND_RESPONSE and self.state.last is not None:
            self.sent.append(mail_number(self.state.last, UPSTREAM))

    def _forward(self) -> None:
        if self.state.begun:
            self.broken.append((ForkProperty.F1, "the proxy forwards the INVITE a second time"))
            return
        self.state = self.state._replace(begun=True)
        self.handle(CONTEXT, Event.TU_REQUEST, first=True)

    def _respond(self, kind: Kind) -> None:
        self.sent.append(mail_number(kind, UPSTREAM))
        self.state = self.state._replace(last=kind)
        if kind not in _FINAL:
            return
        before = self.state.upstream
        if kind is Kind.SUCCESS:
            self.note_unwanted()
        elif self.state.pending:
            self.broken.append((ForkProperty.F1, f"a {kind} goes upstream while a branch is pending"))
        if before is not None and (before, kind) != (Kind.SUCCESS, Kind.SUCCESS):
            self.broken.append((ForkProperty.F1, f"a {kind} goes upstream after a {before}"))
        self.state = self.state._replace(upstream=kind)

    def _context(self, action: Action, kind: Kind | None) -> None:
        if action is Action.START_BRANCHES:
            self.state = self.state._replace(pending=(0, 1), alive=(0, 1))
            for branch in BRANCHES:
                self.handle(branch, Event.TU_INVITE, first=True)
        elif action is Action.FORWARD_RESPONSE:
            assert kind is not None
            self.handle(SERVER, _TO_SERVER[kind], kind)
        elif action is Action.FORWARD_BEST and self.state.upstream is None:
            self.handle(SERVER, Event.TU_300_699, Kind.FAILURE)
        elif action is Action.CANCEL_BRANCHES:
            for place in self.state.pending:
                cancelled = tuple(sorted({*self.state.cancelled, place}))
                self.state = self.state._replace(cancelled=cancelled)
                self.handle(BRANCHES[place], Event.CANCEL)

    def _branch(self, place: int, action: Action, kind: Kind | None) -> None:
        if action is Action.SEND_REQUEST:
            self.handle(CLIENTS[place], Event.TU_REQUEST, first=True)
        elif action is Action.SEND_CANCEL:
            self.sent.append(mail_number(Kind.CANCEL, place))
        elif action is Action.ABANDON_CLIENT:
            self.handle(CLIENTS[place], Event.TU_ABANDON)
        elif action is Action.OFFER_PROVISIONAL:
            self.handle(CONTEXT, Event.PROVISIONAL, kind)
        elif action is Action.OFFER_SUCCESS:
            self._not_pending(place)
            self.handle(CONTEXT, Event.SUCCESS_INVITE, kind)
        elif action is Action.OFFER_FAILURE:
            self._offer(place, is_global=kind is Kind.GLOBAL_FAILURE)
        elif action in {Action.OFFER_TIMEOUT, Action.OFFER_UNAVAILABLE, Action.OFFER_CANCELLED}:
            self._offer_own(place)
        elif action is Action.TERMINATE:
            self._gone(place)

    def _offer(self, place: int, *, is_global: bool) -> None:
        self._not_pending(place)
        if is_global:
            self.note_unwanted()
            last, more = Event.GLOBAL_FAILURE_LAST, Event.GLOBAL_FAILURE_PENDING
        else:
            last, more = Event.FAILURE_LAST, Event.FAILURE_PENDING
        self.handle(CONTEXT, more if self.state.pending else last)

    def _offer_own(self, place: int) -> None:
        if self.state.upstream is None:
            self._offer(place, is_global=False)
        else:
            self._not_pending(place)

    def _not_pending(self, place: int) -> None:
        pending = tuple(other for other in self.state.pending if other != place)
        cancelled = tuple(other for other in self.state.cancelled if other != place)
        self.state = self.state._replace(pending=pending, cancelled=cancelled)

    def _gone(self, place: int) -> None:
        self.state = self.state._replace(alive=tuple(other for other in self.state.alive if other != place))
        if not self.state.alive:
            self.handle(CONTEXT, Event.BRANCHES_GONE)

    def _client(self, place: int, action: Action, kind: Kind | None) -> None:
        if action in {Action.SEND_REQUEST, Action.RESEND_REQUEST}:
            self.sent.append(mail_number(Kind.INVITE, place))
        elif action is Action.PASS_RESPONSE:
            assert kind is not None
            self.handle(BRANCHES[place], _TO_BRANCH[kind], kind)
        elif action is Action.INFORM_TIMEOUT:
            self.handle(BRANCHES[place], Event.TIMEOUT)
