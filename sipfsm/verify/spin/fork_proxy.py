"""The proxy of a forking composition as Promela: six machines that meet within one step.

What a machine asks for is an event for the next one, which takes it at once, before the first goes on; but
a machine whose own step is still carried out takes it after that. So the text has a stack of what is to be
done: what is done puts on it what it leads to, and a step of the composition ends when the stack is empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, Protocol

from sipfsm.fsm import TIMER_EVENTS, Action, Event, Model, Timer, Timing
from sipfsm.verify.scenario import TICK, Fork, ForkProperty
from sipfsm.verify.spin.machine import Machine

SERVER, CONTEXT = "server", "context"
BRANCH, CLIENT = ("branch_1", "branch_2"), ("client_1", "client_2")

BITS = {each: 1 << number for number, each in enumerate(ForkProperty)}
"""The value in the variable `broken` of each property."""

_DEEP = 32
"""What has room on the stack; a row of a model asks for a few things, and there are six machines."""
_WAITING = 4
"""How many events can wait for a machine whose own step is carried out."""


class Kind(StrEnum):
    """A kind of message."""

    INVITE = "INVITE"
    CANCEL = "CANCEL"
    ACK = "ACK"
    TRYING = "100"
    PROVISIONAL = "101-199"
    SUCCESS = "2xx"
    FAILURE = "3xx-5xx"
    GLOBAL_FAILURE = "6xx"


RESPONSES = {
    Kind.TRYING: Event.RESPONSE_1XX,
    Kind.PROVISIONAL: Event.RESPONSE_1XX,
    Kind.SUCCESS: Event.RESPONSE_2XX,
    Kind.FAILURE: Event.RESPONSE_300_699,
    Kind.GLOBAL_FAILURE: Event.RESPONSE_300_699,
}
"""The responses, with what each is for a client transaction."""

_TO_BRANCH = RESPONSES | {Kind.TRYING: Event.RESPONSE_100, Kind.PROVISIONAL: Event.RESPONSE_101_199}
_TO_SERVER = {
    Kind.PROVISIONAL: Event.TU_101_199,
    Kind.SUCCESS: Event.TU_2XX,
    Kind.FAILURE: Event.TU_300_699,
}
NUMBER = {kind: number for number, kind in enumerate(RESPONSES, start=1)}
"""How variables say which response; 0 is none."""


class Send(Protocol):
    """Says in Promela how a message is handed to the network."""

    def __call__(self, kind: Kind, callee: int | None) -> list[str]:
        """Send a message to a callee, or to the caller."""


class _Work(NamedTuple):
    """Something that is to be done; it has a number in the text."""

    what: str
    """call: have a machine take an event, now or when it can. step: have it take the event. done: what
    follows the step. ask: do what a machine asks for. tell: tell a branch that it is not wanted. settle: tell
    it that its client transaction is gone. forwarded: see whether a 2xx was. all: several of them."""
    machine: str = ""
    event: Event | None = None
    kind: Kind | None = None
    action: Action | None = None
    works: "tuple[_Work, ...]" = ()


@dataclass
class Proxy:
    """Writes the proxy of a scenario; `take` and `fire` first, for `run` writes what they lead to."""

    fork: Fork
    models: dict[str, Model]
    """What plays server, context, branch and client."""
    send: Send
    _work: dict[_Work, int] = field(default_factory=dict)

    @cached_property
    def machines(self) -> dict[str, Machine]:
        """The six of them."""
        reliable = self.fork.network.reliable
        return {
            name: Machine(name, self.models[name.partition("_")[0]], Timing(), reliable, TICK)
            for name in (SERVER, CONTEXT, *BRANCH, *CLIENT)
        }

    @property
    def timers(self) -> Iterator[tuple[Machine, Timer]]:
        """The timers that can run."""
        return ((machine, timer) for machine in self.machines.values() for timer in machine.running)

    @property
    def variables(self) -> dict[str, str]:
        """What is kept from step to step, with types."""
        known = {"todo": "byte", "begun": "bit", "last": "byte", "upstream": "byte", "unwanted": "bit"}
        marks = {f"{what}_{place}": "bit" for what in ("pending", "alive", "told") for place in (1, 2)}
        machines = [machine.variables for machine in self.machines.values()]
        return {name: kind for each in (*machines, known, marks) for name, kind in each.items()}

    def declared(self) -> Iterator[str]:
        """What is needed within a step only; all of it is 0 or without meaning between two steps."""
        yield f"short stack[{_DEEP}]; byte top; byte fresh;"
        yield "short now_; short next_;"
        yield "byte watched; byte forwarded; byte was_1; byte was_2;"
        for name in self.machines:
            yield f"byte {name}_busy; byte {name}_waiting; short {name}_inbox[{_WAITING}];"

    # ---- what begins a step ---------------------------------------------------------------------------

    def take(self, kind: Kind, callee: int | None) -> list[str]:
        """Take a message from either side."""
        if callee is not None:
            return [self._todo(_Work("call", CLIENT[callee], RESPONSES[kind], kind))]
        if kind is Kind.INVITE:
            return [self._todo(_Work("call", SERVER, Event.INVITE))]
        if kind is Kind.ACK:
            return [self._todo(_Work("call", SERVER, Event.ACK))]
        unwanted = "if :: upstream == 0 -> unwanted = 1 :: else -> skip fi"
        cancel = self._todo(_Work("call", CONTEXT, Event.CANCEL))
        return [f"if :: server != 0 -> {unwanted}; {cancel} :: else -> skip fi"]

    def fire(self, machine: Machine, timer: Timer) -> tuple[str, list[str]]:
        """When a timer is due, and what has it fire."""
        variable = machine.variable(timer)
        call = _Work("call", machine.name, TIMER_EVENTS[timer])
        return f"{variable} == 1", [f"{variable} = 0", self._todo(call)]

    def _todo(self, work: _Work) -> str:
        return f"todo = {self._number(work)}"

    # ---- the rest of a step ---------------------------------------------------------------------------

    def run(self) -> list[str]:
        """Do what is to be done, and all that it leads to."""
        at_end = [_Work("settle", BRANCH[1]), _Work("settle", BRANCH[0]), _Work("forwarded")]
        begin = [f"stack[{place}] = {self._number(work)}" for place, work in enumerate(at_end)]
        begin += [f"stack[{len(at_end)}] = todo", f"top = {len(at_end) + 1}"]
        begun_in = list(self._begun_in())
        for name in self.machines:
            self._number(_Work("done", name))
        written: list[str] = []
        while len(written) < len(self._work):
            work = list(self._work)[len(written)]
            written.append(self._option(f"now_ == {self._work[work]}", self._written(work)))
        written = [*filter(None, written), *self._calls()]
        loop = "\n".join(
            [
                "do :: top > 0 -> top--; now_ = stack[top]; next_ = 0; if",
                *written,
                ":: else -> skip fi; stack[top] = next_; top = top + (next_ > 0) :: else -> break od",
            ]
        )
        unlike = " || ".join(f"pending_{place} != told_{place}" for place in (1, 2))
        statements = [*begun_in, *begin, loop, *self._forget_intervals(), "todo = 0"]
        statements += self.broken(ForkProperty.F3, f"unwanted && ({unlike})")
        return [
            *statements,
            "forwarded = 0; watched = 0; was_1 = 0; was_2 = 0; fresh = 0; now_ = 0; next_ = 0",
        ]

    def _begun_in(self) -> Iterator[str]:
        yield "was_1 = (client_1 != 0); was_2 = (client_2 != 0)"
        for place in (0, 1):
            came = self._number(_Work("call", CLIENT[place], Event.RESPONSE_2XX, Kind.SUCCESS))
            allowed = f"upstream == 0 || upstream == {NUMBER[Kind.SUCCESS]}"
            yield f"watched = (watched || (todo == {came} && was_{place + 1} && ({allowed})))"

    def _forget_intervals(self) -> Iterator[str]:
        for machine, timer in self.timers:
            if timer in machine.with_interval:
                interval = machine.interval(timer)
                yield f"{interval} = ({machine.variable(timer)} -> {interval} : 0)"

    def broken(self, prop: ForkProperty, condition: str) -> list[str]:
        """Observe that a property is broken, if this scenario watches it."""
        if prop not in self.fork.properties:
            return []
        return [f"broken = ({condition} -> broken | {BITS[prop]} : broken)"]

    def _number(self, work: _Work) -> int:
        if work not in self._work:
            self._work[work] = len(self._work) + 1
            if work.what == "call":  # the number of its step is the next one
                self._work[work._replace(what="step")] = len(self._work) + 1
        return self._work[work]

    @staticmethod
    def _option(guard: str, statements: list[str]) -> str:
        return f":: {guard} -> {'; '.join(statements)}" if statements else ""

    def _calls(self) -> Iterator[str]:
        """Have a machine take an event: now, or if its own step is still carried out, after that."""
        for name in self.machines:
            numbers = [number for work, number in self._work.items() if work[:2] == ("call", name)]
            later = f"{name}_inbox[{name}_waiting] = now_ + 1; {name}_waiting++"
            done = self._number(_Work("done", name))
            now = f"{name}_busy = 1; fresh = 1; stack[top] = {done}; top++; next_ = now_ + 1"
            called = f"if :: {name}_busy -> {later} :: else -> {now} fi"
            yield self._option(_one_of(numbers), [called])

    def _next(self, *works: _Work) -> str:
        """The number of what does all this, the last one first; 0 is nothing."""
        if len(works) > 1:
            return str(self._number(_Work("all", works=works)))
        return str(self._number(works[0])) if works else "0"

    def _call(self, machine: str, event: Event, kind: Kind | None = None) -> list[str]:
        return [f"next_ = {self._number(_Work('call', machine, event, kind))}"]

    def _if(self, condition: str, machine: str, event: Event, kind: Kind | None = None) -> str:
        return f"next_ = ({condition} -> {self._number(_Work('call', machine, event, kind))} : 0)"

    def _written(self, work: _Work) -> list[str]:
        name = work.machine
        match work.what:
            case "call":
                return []
            case "step":
                return self._step(work)
            case "done":
                return self._done(name)
            case "ask":
                return self._asked(work)
            case "tell":
                place = BRANCH.index(name)
                return [f"told_{place + 1} = 1", *self._call(name, Event.CANCEL)]
            case "settle":
                place = BRANCH.index(name)
                return [self._if(f"was_{place + 1} && {CLIENT[place]} == 0", name, Event.CLIENT_GONE)]
            case "all":
                more = [f"stack[top + {n}] = {self._number(each)}" for n, each in enumerate(work.works[:-1])]
                return [*more, f"top = top + {len(more)}", f"next_ = {self._number(work.works[-1])}"]
        return self.broken(ForkProperty.F2, "watched && !forwarded")

    def _step(self, work: _Work) -> list[str]:
        """Have a machine take an event; one that is over takes only what comes first."""
        machine, event = self.machines[work.machine], work.event
        assert event is not None
        first = event in (Event.TU_REQUEST, Event.TU_INVITE)
        options = []
        for state, number in machine.states.items():
            if number == 0 and not (first or machine.name == SERVER):
                continue
            asked: list[Action] = []

            def note(action: Action, _event: Event, asked: list[Action] = asked) -> list[str]:
                asked.append(action)
                return []

            body = machine.body(state, event, note)
            if body is not None:
                works = [_Work("ask", machine.name, None, work.kind, action) for action in reversed(asked)]
                works = [each for each in works if self._asked(each)]
                guard = f"{machine.name} == {machine.constant(state)}"
                guard += " && fresh" if number == 0 and first else ""
                stays = f"{machine.name} = {machine.constant(state)}"
                lines = _shortened(body, stays, ends=f"{machine.name} = 0" in body)
                lines += [f"next_ = {self._next(*works)}"] if works else []
                options.append(f":: {guard} -> {'; '.join(lines)}")
        return [f"if {' '.join(options)} :: else -> skip fi"] if options else []

    def _done(self, name: str) -> list[str]:
        """What waited for a machine is its next event."""
        moved = [f"{name}_inbox[{place}] = {name}_inbox[{place + 1}]" for place in range(_WAITING - 1)]
        done = self._number(_Work("done", name))
        first = f"fresh = 0; stack[top] = {done}; top++; next_ = {name}_inbox[0]"
        again = "; ".join([first, *moved, f"{name}_inbox[{_WAITING - 1}] = 0; {name}_waiting--"])
        forget = ["last = (server -> last : 0)"] if name == SERVER else []
        return [*forget, f"if :: {name}_waiting > 0 -> {again} :: else -> {name}_busy = 0 fi"]

    # ---- what each machine asks for -------------------------------------------------------------------

    def _asked(self, work: _Work) -> list[str]:
        assert work.action is not None
        if work.machine == SERVER:
            return self._by_server(work.action, work.kind)
        if work.machine == CONTEXT:
            return self._by_context(work.action, work.kind)
        if work.machine in BRANCH:
            return self._by_branch(BRANCH.index(work.machine), work.action, work.kind)
        return self._by_client(CLIENT.index(work.machine), work.action, work.kind)

    def _by_server(self, action: Action, kind: Kind | None) -> list[str]:
        match action:
            case Action.PASS_REQUEST:
                again = self.broken(ForkProperty.F1, "begun")
                return [*again, self._if("!begun", CONTEXT, Event.TU_REQUEST), "begun = 1"]
            case Action.SEND_TRYING:
                return self._respond(Kind.TRYING)
            case Action.SEND_RESPONSE if kind is not None:
                return self._respond(kind)
            case Action.RESEND_RESPONSE:
                options = (
                    f":: last == {number} -> {'; '.join(self._upstream(kind))}"
                    for kind, number in NUMBER.items()
                )
                return [f"if {' '.join(options)} :: else -> skip fi"]
        return []

    def _upstream(self, kind: Kind) -> list[str]:
        noted = ["forwarded = 1"] if kind is Kind.SUCCESS else []
        return [*self.send(kind, None), *noted]

    def _respond(self, kind: Kind) -> list[str]:
        sent = [*self._upstream(kind), f"last = {NUMBER[kind]}"]
        if kind in (Kind.TRYING, Kind.PROVISIONAL):
            return sent
        if kind is Kind.SUCCESS:
            sent += ["unwanted = 1"]
            sent += self.broken(ForkProperty.F1, f"upstream != 0 && upstream != {NUMBER[kind]}")
        else:
            sent += self.broken(ForkProperty.F1, "pending_1 || pending_2 || upstream != 0")
        return [*sent, f"upstream = {NUMBER[kind]}"]

    def _by_context(self, action: Action, kind: Kind | None) -> list[str]:
        match action:
            case Action.START_BRANCHES:
                begun = [f"{what}_{place} = 1" for what in ("pending", "alive") for place in (1, 2)]
                calls = [_Work("call", name, Event.TU_INVITE) for name in reversed(BRANCH)]
                return [*begun, f"next_ = {self._next(*calls)}"]
            case Action.FORWARD_RESPONSE if kind in _TO_SERVER:
                return self._call(SERVER, _TO_SERVER[kind], kind)
            case Action.FORWARD_BEST:
                return [self._if("upstream == 0", SERVER, Event.TU_300_699, Kind.FAILURE)]
            case Action.CANCEL_BRANCHES:
                one, two = (_Work("tell", name) for name in BRANCH)
                first = f"(pending_1 -> {self._next(one)} : (pending_2 -> {self._next(two)} : 0))"
                return [f"next_ = (pending_1 && pending_2 -> {self._next(two, one)} : {first})"]
        return []

    def _by_branch(self, place: int, action: Action, kind: Kind | None) -> list[str]:
        settled = f"pending_{place + 1} = 0; told_{place + 1} = 0"
        match action:
            case Action.SEND_REQUEST:
                return self._call(CLIENT[place], Event.TU_REQUEST)
            case Action.SEND_CANCEL:
                return self.send(Kind.CANCEL, place)
            case Action.ABANDON_CLIENT:
                return self._call(CLIENT[place], Event.TU_ABANDON)
            case Action.OFFER_PROVISIONAL:
                return self._call(CONTEXT, Event.PROVISIONAL, kind)
            case Action.OFFER_SUCCESS:
                return [settled, *self._call(CONTEXT, Event.SUCCESS_INVITE, kind)]
            case Action.OFFER_FAILURE if kind is Kind.GLOBAL_FAILURE:
                offered = self._offered(Event.GLOBAL_FAILURE_LAST, Event.GLOBAL_FAILURE_PENDING)
                return [settled, "unwanted = 1", offered]
            case Action.OFFER_FAILURE:
                return [settled, self._offered(Event.FAILURE_LAST, Event.FAILURE_PENDING)]
            case Action.OFFER_TIMEOUT | Action.OFFER_UNAVAILABLE | Action.OFFER_CANCELLED:
                offered = self._offered(Event.FAILURE_LAST, Event.FAILURE_PENDING)
                return [settled, offered, "next_ = (upstream == 0 -> next_ : 0)"]
            case Action.TERMINATE:
                gone = self._if("!alive_1 && !alive_2", CONTEXT, Event.BRANCHES_GONE)
                return [f"alive_{place + 1} = 0", gone]
        return []

    def _offered(self, last: Event, more: Event) -> str:
        some, none = (self._number(_Work("call", CONTEXT, event)) for event in (more, last))
        return f"next_ = (pending_1 || pending_2 -> {some} : {none})"

    def _by_client(self, place: int, action: Action, kind: Kind | None) -> list[str]:
        match action:
            case Action.SEND_REQUEST | Action.RESEND_REQUEST:
                return self.send(Kind.INVITE, place)
            case Action.PASS_RESPONSE if kind is not None:
                return self._call(BRANCH[place], _TO_BRANCH[kind], kind)
            case Action.INFORM_TIMEOUT:
                return self._call(BRANCH[place], Event.TIMEOUT)
        return []


def _one_of(numbers: list[int]) -> str:
    return " || ".join(f"now_ == {number}" for number in numbers) or "false"


def _shortened(body: str, stays: str, *, ends: bool) -> list[str]:
    """What a body does, without what changes nothing: SPIN takes no more than 2048 statements in a step."""
    lines = [line for line in body.split("; ") if line != stays]
    if not ends:
        return lines
    return [line for number, line in enumerate(lines) if line not in lines[number + 1 :]]
