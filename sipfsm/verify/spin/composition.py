"""A scenario as Promela: one process, in which each step of the semantics is one indivisible step of SPIN.

So the states that SPIN stores are the global states of `docs/explanation/verification.md`, and besides them
the one before the start and one for each way in which properties are broken.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sipfsm.fsm import Action, Event, Model, Timing
from sipfsm.verify.scenario import TICK, TO_CLIENT, TO_SERVER, Message, Property, Scenario
from sipfsm.verify.spin.channel import Bag, Channel, Line, Option
from sipfsm.verify.spin.loop import passing, reset
from sipfsm.verify.spin.machine import Machine

CALLER = ("waiting", "ringing", "cancelling", "over", "gave_up")
CALLEE = ("idle", "asked", "repeating", "settled")
BITS = {each: 1 << number for number, each in enumerate(Property)}
"""The value in the variable `broken` of each property."""

_RESPONSES = {
    Message.PROVISIONAL: Event.RESPONSE_1XX,
    Message.SUCCESS: Event.RESPONSE_2XX,
    Message.FAILURE: Event.RESPONSE_300_699,
}
_RECEIVED = {event: message for message, event in _RESPONSES.items()}
_ANSWERED = {
    Event.TU_100: Message.PROVISIONAL,
    Event.TU_101_199: Message.PROVISIONAL,
    Event.TU_2XX: Message.SUCCESS,
    Event.TU_300_699: Message.FAILURE,
    Event.TU_408: Message.FAILURE,
}
_LAST = {Message.PROVISIONAL: 1, Message.SUCCESS: 2, Message.FAILURE: 3}


@dataclass(frozen=True)
class Composition:
    """A scenario with the models that it names."""

    scenario: Scenario
    client_model: Model
    server_model: Model

    @cached_property
    def client(self) -> Machine:
        """The client transaction."""
        return self._machine("client", self.scenario.client.applied(self.client_model))

    @cached_property
    def server(self) -> Machine:
        """The server transaction."""
        return self._machine("server", self.scenario.server.applied(self.server_model))

    def _machine(self, name: str, model: Model) -> Machine:
        return Machine(name, model, Timing(), self.scenario.network.reliable, TICK)

    @cached_property
    def to_server(self) -> Channel:
        """The direction of requests."""
        return self._channel("to_server", [kind for kind in TO_SERVER if kind in self.kinds])

    @cached_property
    def to_client(self) -> Channel:
        """The direction of responses."""
        return self._channel("to_client", list(TO_CLIENT))

    def _channel(self, name: str, kinds: list[Message]) -> Channel:
        network = self.scenario.network
        if network.reordering:
            return Bag(name, kinds, network.delay)
        return Line(name, kinds, network.delay, network.capacity)

    def _way(self, kind: Message) -> Channel:
        return self.to_server if kind in TO_SERVER else self.to_client

    @cached_property
    def kinds(self) -> list[Message]:
        """The messages that anybody can send here."""
        only_invite = {Message.ACK, Message.ACK_2XX, Message.CANCEL}
        return [kind for kind in Message if self.invite or kind not in only_invite]

    @property
    def invite(self) -> bool:
        """Whether the request is an INVITE."""
        return self.scenario.method == "INVITE"

    def watches(self, prop: Property) -> bool:
        """Whether a property is observed."""
        return prop in self.scenario.properties

    # ---- what is kept ---------------------------------------------------------------------------------

    @cached_property
    def clocks(self) -> list[str]:
        """All variables that count down; 0 is what does not run, and 1 is what is due."""
        timers = [
            machine.variable(timer) for machine in (self.client, self.server) for timer in machine.running
        ]
        return [*timers, "patience", "wait", "asked_for", "next", "rest"]

    @cached_property
    def variables(self) -> dict[str, str]:
        """All variables with their types."""
        network = self.scenario.network
        limited = {"losses": network.losses is not None, "duplicates": bool(network.duplicates)}
        return {
            **self.client.variables,
            **self.server.variables,
            "last": "byte",
            "caller": "byte",
            "patience": "short",
            "wait": "short",
            "callee": "byte",
            "provisionals": "byte",
            "asked_for": "short",
            "interval": "byte",
            "next": "short",
            "rest": "short",
            **self.to_server.variables,
            **self.to_client.variables,
            **{name: "byte" for name, kept in limited.items() if kept},
            **({"heard": "bit", "ack_lost": "bit"} if self.watches(Property.S3) else {}),
            "broken": "byte",
            "least": "short",
        }

    # ---- what the machines ask for --------------------------------------------------------------------

    def send(self, kind: Message) -> list[str]:
        """Hand a message to the network."""
        way = self._way(kind)
        put = "; ".join([*way.sent(kind), f'printf("@sent {kind}\\n")'])
        lost = self._noted(kind) or ["skip"]
        return [f"if :: {way.count} < {self.scenario.network.capacity} -> {put} :: else -> {lost[0]} fi"]

    def by_client(self, action: Action, event: Event) -> list[str]:
        """What an action of the client's machine does."""
        match action:
            case Action.SEND_REQUEST | Action.RESEND_REQUEST:
                return self.send(Message.REQUEST)
            case Action.SEND_ACK if self.invite:
                return self.send(Message.ACK)
            case Action.PASS_RESPONSE if event in _RECEIVED:
                return self._caller_gets(_RECEIVED[event])
            case Action.INFORM_TIMEOUT:
                return [
                    _tell("timeout"),
                    *self._break(Property.S5, "caller == over || caller == gave_up"),
                    "caller = gave_up; patience = 0; wait = 0",
                ]
        return []

    def _caller_gets(self, response: Message) -> list[str]:
        if response is Message.PROVISIONAL:
            return [_tell(response), "if :: caller == waiting -> caller = ringing :: else -> skip fi"]
        again = [] if self.invite else self._break(Property.S2, "caller == over")
        return [
            _tell(response),
            *again,
            *self._break(Property.S5, "caller == gave_up"),
            "if :: caller != gave_up -> caller = over :: else -> skip fi; patience = 0; wait = 0",
            *(self.send(Message.ACK_2XX) if self.invite and response is Message.SUCCESS else []),
        ]

    def by_server(self, action: Action, event: Event) -> list[str]:
        """What an action of the server's machine does."""
        match action:
            case Action.SEND_RESPONSE if event in _ANSWERED:
                return self._respond(_ANSWERED[event])
            case Action.SEND_TRYING:
                return self._respond(Message.PROVISIONAL)
            case Action.RESEND_RESPONSE:
                options = " ".join(
                    f":: last == {number} -> {'; '.join(self.send(kind))}" for kind, number in _LAST.items()
                )
                return [f"if {options} :: else -> skip fi"]
            case Action.PASS_REQUEST:
                asked = (
                    f"callee = asked; provisionals = {self.scenario.callee.provisionals};"
                    f" asked_for = {self.scenario.callee.within + 1}"
                )
                return [
                    _tell(Message.REQUEST),
                    *self._break(Property.S1, "callee != idle"),
                    f"if :: callee == idle -> {asked} :: else -> skip fi",
                ]
            case Action.INFORM_TIMEOUT:
                late = self.invite and self.watches(Property.S3)
                return [_tell("timeout"), *(self._break(Property.S3, "heard && !ack_lost") if late else [])]
        return []

    def _respond(self, kind: Message) -> list[str]:
        return [f"last = {_LAST[kind]}", *self.send(kind)]

    def _break(self, prop: Property, condition: str) -> list[str]:
        """Observe that a property is broken, if this scenario watches it."""
        if not self.watches(prop):
            return []
        return [f"if :: {condition} -> broken = broken | {BITS[prop]} :: else -> skip fi"]

    # ---- steps ----------------------------------------------------------------------------------------

    def client_gets(self, event: Event) -> list[str]:
        """Have the client's machine take an event."""
        return self.client.step(event, self.by_client)

    def server_gets(self, event: Event) -> list[str]:
        """Have the server's machine take an event; what it remembers ends with it."""
        return [*self.server.step(event, self.by_server), *self._forget()]

    def _forget(self) -> list[str]:
        return ["if :: server == 0 -> last = 0 :: else -> skip fi"]

    def options(self) -> Iterator[tuple[str, Option]]:
        """Every step but that of time, with what it is called."""
        yield from self._delivered()
        yield from self._lost_and_duplicated()
        yield from self._fired()
        yield from self._chosen_by_caller()
        yield from self._chosen_by_callee()

    def _delivered(self) -> Iterator[tuple[str, Option]]:
        for kind in self.kinds:
            who = "server" if kind in TO_SERVER else "client"
            for left, (guard, leave) in self._way(kind).first(kind):
                age = self.scenario.network.delay - left
                yield f"deliver {who} {kind} {age}", Option(guard, [*leave, *self._arrived(kind)])

    def _arrived(self, kind: Message) -> list[str]:
        match kind:
            case Message.REQUEST:
                return self.server_gets(Event.INVITE if self.invite else Event.REQUEST)
            case Message.ACK:
                return self.server_gets(Event.ACK)
            case Message.ACK_2XX:
                return [f"if :: callee == repeating -> {self._settle()} :: else -> skip fi"]
            case Message.CANCEL:
                answer = "; ".join(self.server_gets(Event.TU_300_699))
                return [f"if :: callee == asked -> {self._settle()}; {answer} :: else -> skip fi"]
            case Message.FAILURE if self.watches(Property.S3):
                heard = "if :: client != 0 -> heard = 1 :: else -> skip fi"
                return [heard, *self.client_gets(Event.RESPONSE_300_699)]
        return self.client_gets(_RESPONSES[kind])

    @staticmethod
    def _settle() -> str:
        return "callee = settled; provisionals = 0; asked_for = 0; interval = 0; next = 0; rest = 0"

    def _lost_and_duplicated(self) -> Iterator[tuple[str, Option]]:
        network = self.scenario.network
        for kind in self.kinds:
            for (guard, leave), again in self._way(kind).fresh(kind):
                if network.losses is None:
                    yield f"lose network {kind} 0", Option(guard, [*leave, *self._noted(kind)])
                elif network.losses:
                    lose = ["losses--", *leave, *self._noted(kind)]
                    yield f"lose network {kind} 0", Option(f"losses > 0 && {guard}", lose)
                if network.duplicates:
                    room = f"{self._way(kind).count} < {network.capacity}"
                    twice = Option(f"duplicates > 0 && {room} && {guard}", ["duplicates--", *again])
                    yield f"duplicate network {kind} 0", twice

    def _noted(self, lost: Message) -> list[str]:
        return ["ack_lost = 1"] if lost is Message.ACK and self.watches(Property.S3) else []

    def _fired(self) -> Iterator[tuple[str, Option]]:
        for timer in self.client.running:
            yield f"fire client {timer}", Option(*self.client.fire(timer, self.by_client))
        for timer in self.server.running:
            guard, statements = self.server.fire(timer, self.by_server)
            yield f"fire server {timer}", Option(guard, [*statements, *self._forget()])

    def _chosen_by_caller(self) -> Iterator[tuple[str, Option]]:
        caller = self.scenario.caller
        if self.invite:
            when = "true" if caller.may_cancel else "patience == 1"
            cancelled = f"caller = cancelling; patience = 0; wait = {caller.cancel_wait + 1}"
            yield (
                "choose caller cancel",
                Option(f"caller == ringing && {when}", [*self.send(Message.CANCEL), cancelled]),
            )
        gave_up = ["caller = gave_up; patience = 0; wait = 0", *self.client_gets(Event.TU_ABANDON)]
        late = "(caller == waiting && patience == 1) || (caller == cancelling && wait == 1)"
        yield "choose caller give-up", Option(late, gave_up)

    def _chosen_by_callee(self) -> Iterator[tuple[str, Option]]:
        callee = self.scenario.callee
        asked = "callee == asked"
        if "1xx" in callee.answers:
            rung = ["provisionals--", *self.server_gets(Event.TU_101_199)]
            yield "choose callee 1xx", Option(f"{asked} && provisionals > 0", rung)
        if "2xx" in callee.answers:
            yield "choose callee 2xx", Option(asked, [self._accepted(), *self.server_gets(Event.TU_2XX)])
        if "3xx-6xx" in callee.answers:
            yield (
                "choose callee 3xx-6xx",
                Option(asked, [self._settle(), *self.server_gets(Event.TU_300_699)]),
            )
        late = f"{asked} && asked_for == 1"
        if "abandon" in callee.at_last:
            yield "choose callee abandon", Option(late, [self._settle(), *self.server_gets(Event.TU_ABANDON)])
        if "mute" in callee.at_last:
            yield "choose callee mute", Option(late, [self._settle()])
        if self._repeats:
            yield "choose callee repeat", Option("callee == repeating && next == 1", self._repeated())
            yield "choose callee settle", Option("callee == repeating && rest == 1", [self._settle()])

    @property
    def _repeats(self) -> bool:
        return self.invite and self.scenario.callee.repeats_2xx

    def _accepted(self) -> str:
        if not self._repeats:
            return self._settle()
        return "callee = repeating; provisionals = 0; asked_for = 0; interval = 1; next = 2; rest = 65"

    def _repeated(self) -> list[str]:
        by_transaction = "; ".join(self.server_gets(Event.TU_2XX))
        by_itself = "; ".join(self.send(Message.SUCCESS))
        return [
            "interval = (interval * 2 < 8 -> interval * 2 : 8); next = interval + 1",
            f"if :: server != 0 -> {by_transaction} :: else -> {by_itself} fi",
        ]

    # ---- time -----------------------------------------------------------------------------------------

    def passing(self) -> Option:
        """The step of time."""
        choice = []
        if self.scenario.caller.may_cancel:
            choice.append("caller == ringing")
        if self.scenario.callee.answers:
            choice.append("callee == asked")
        return passing(self.clocks, (self.to_server, self.to_client), choice)

    # ---- text -----------------------------------------------------------------------------------------

    def promela(self) -> str:
        """The whole text."""
        steps = [*self.options(), ("pass", self.passing())]
        return "\n".join(
            [
                f"/* {self.scenario.name}: generated from the scenario and its models. */",
                *self._names(),
                *self._declared(),
                "active proctype everything() {",
                "d_step {",
                *(f"  {line};" for line in self._start()),
                "}",
                "#ifdef CIRCLES",
                "accept:",
                "#endif",
                "do",
                *(self._written(what, option) for what, option in steps),
                *self._broken([option.guard for _what, option in steps]),
                "od",
                "}",
                "",
            ]
        )

    def _names(self) -> Iterator[str]:
        yield from self.client.constants()
        yield from self.server.constants()
        for names in (CALLER, CALLEE):
            yield from (f"#define {name} {number}" for number, name in enumerate(names))

    def _declared(self) -> Iterator[str]:
        for name, kind in self.variables.items():
            yield f"{kind} {name};"

    def _start(self) -> Iterator[str]:
        network, caller = self.scenario.network, self.scenario.caller
        if network.losses is not None:
            yield f"losses = {network.losses}"
        if network.duplicates:
            yield f"duplicates = {network.duplicates}"
        if self.invite and caller.patience is not None:
            yield f"patience = {caller.patience + 1}"
        yield 'printf("@start caller start\\n")'
        yield from self.client_gets(Event.TU_REQUEST)

    def _written(self, what: str, option: Option) -> str:
        statements = [f'printf("@{what}\\n")', *option.statements]
        if any("broken =" in statement for statement in statements):
            all_alike = "; ".join(reset(self.variables))
            statements.append(f"if :: broken -> {all_alike} :: else -> skip fi")
        return f":: d_step {{ !broken && {option.guard} -> {'; '.join(statements)} }}"

    def _broken(self, guards: list[str]) -> Iterator[str]:
        """A state without a step in which a machine is left breaks S4; what is broken is told once."""
        if self.watches(Property.S4):
            stuck = f"!({' || '.join(f'({guard})' for guard in guards)})"
            all_alike = "; ".join(reset(self.variables))
            yield (
                f":: d_step {{ !broken && (client != 0 || server != 0) && {stuck} -> "
                f'printf("@stuck\\n"); broken = {BITS[Property.S4]}; {all_alike} }}'
            )
        watched = [BITS[prop] for prop in self.scenario.properties]
        for mask in range(1, sum(BITS.values()) + 1):
            if not mask & ~sum(watched):
                yield f"#ifndef CIRCLES\n:: d_step {{ broken == {mask} -> assert(broken != {mask}) }}\n#endif"


def _tell(what: str) -> str:
    """Print what a transaction tells its user."""
    return f'printf("@told {what}\\n")'
