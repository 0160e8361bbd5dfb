"""A forking proxy between a caller and two servers as Promela: one process, as in `composition.py`.

A step of the semantics is two steps of SPIN within one `atomic`, so that no state between them is stored: who
begins it, and what the proxy does then.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sipfsm.fsm import Model
from sipfsm.verify.scenario import Fork, ForkProperty
from sipfsm.verify.spin.channel import Bag, Line, Option
from sipfsm.verify.spin.fork_proxy import BITS, NUMBER, RESPONSES, Kind, Proxy
from sipfsm.verify.spin.loop import passing, reset

CALLER = ("idle", "waiting", "ringing", "cancelled", "over")
CALLEE = ("absent", "asked", "rings", "answered", "mute")

LANES = ("caller", "proxy", "callee 1", "callee 2")
"""Who takes part, as a picture shows them."""

_CALLEES = (0, 1)


class Letter(NamedTuple):
    """A kind of message between the proxy and a callee, or the caller."""

    kind: Kind
    callee: int | None

    @property
    def name(self) -> str:
        """What its variables are called."""
        return f"{self.kind.name}_{self.other}"

    @property
    def other(self) -> str:
        """Who is at the other end."""
        return "caller" if self.callee is None else f"callee_{self.callee + 1}"

    @property
    def to_proxy(self) -> bool:
        """Whether it goes to the proxy: a request of the caller, a response of a callee."""
        return (self.kind in RESPONSES) == (self.callee is not None)

    @property
    def way(self) -> tuple[str, str]:
        """Who sends it and who gets it."""
        return (self.other, "proxy") if self.to_proxy else ("proxy", self.other)


@dataclass(frozen=True)
class Forking:
    """A scenario of a proxy with the models that it names."""

    fork: Fork
    find: Callable[[str], Model]

    @cached_property
    def proxy(self) -> Proxy:
        """The proxy."""
        fork = self.fork
        roles = {"server": fork.server, "context": fork.context, "branch": fork.branch, "client": fork.client}
        models = {name: role.applied(self.find(role.model)) for name, role in roles.items()}
        return Proxy(fork, models, self.send)

    @cached_property
    def channels(self) -> dict[Bag | Line, list[Letter]]:
        """The directions of the network, with what goes there."""
        directions = (
            [Letter(kind, None) for kind in (Kind.INVITE, Kind.CANCEL, Kind.ACK)],
            [Letter(kind, None) for kind in RESPONSES],
            *([Letter(kind, callee) for kind in (Kind.INVITE, Kind.CANCEL)] for callee in _CALLEES),
            *([Letter(kind, callee) for kind in RESPONSES] for callee in _CALLEES),
        )
        return {self._channel(letters): letters for letters in directions}

    def _channel(self, letters: list[Letter]) -> Bag | Line:
        network, name = self.fork.network, "_to_".join(letters[0].way)
        if network.reordering:
            return Bag(name, tuple(letters), network.delay)
        return Line(name, tuple(letters), network.delay, network.capacity)

    # ---- what is kept ---------------------------------------------------------------------------------

    @cached_property
    def clocks(self) -> list[str]:
        """All variables that count down; 0 is what does not run, and 1 is what is due."""
        timers = [machine.variable(timer) for machine, timer in self.proxy.timers]
        return [*timers, "may_cancel", *(f"thinks_{callee}" for callee in _CALLEES)]

    @cached_property
    def variables(self) -> dict[str, str]:
        """All variables with their types."""
        network = self.fork.network
        limited = {"losses": network.losses is not None, "duplicates": bool(network.duplicates)}
        variables = {**self.proxy.variables, "caller": "byte", "may_cancel": "short"}
        for callee in _CALLEES:
            variables |= {f"callee_{callee}": "byte", f"said_{callee}": "byte", f"thinks_{callee}": "short"}
        for channel in self.channels:
            variables |= channel.variables
        variables |= {name: "byte" for name, kept in limited.items() if kept}
        return variables | {"cancel_lost": "bit", "broken": "byte", "least": "short"}

    # ---- the network ----------------------------------------------------------------------------------

    def send(self, kind: Kind, callee: int | None) -> list[str]:
        """Hand a message to the network."""
        letter = Letter(kind, callee)
        channel = next(channel for channel, letters in self.channels.items() if letter in letters)
        put = "; ".join(channel.sent(letter))
        lost = "; ".join(_noted(letter)) or "skip"
        room = f"{channel.count} < {self.fork.network.capacity}"
        return [f'printf("@sent {kind}\\n")', f"if :: {room} -> {put} :: else -> {lost} fi"]

    def _delivered(self) -> Iterator[tuple[str, Option]]:
        for channel, letters in self.channels.items():
            for letter in letters:
                for left, (guard, leave) in channel.first(letter):
                    what = self._what("deliver", letter.way[1], letter, self.fork.network.delay - left)
                    yield what, Option(guard, [*leave, *self._arrived(letter)])

    @staticmethod
    def _what(what: str, who: str, letter: Letter, age: int) -> str:
        return " ".join([what, who, letter.kind, str(age), *letter.way])

    def _arrived(self, letter: Letter) -> list[str]:
        if letter.to_proxy:
            return self.proxy.take(letter.kind, letter.callee)
        if letter.callee is None:
            return self._caller_gets(letter.kind)
        return self._callee_gets(letter.callee, letter.kind)

    def _lost_and_duplicated(self) -> Iterator[tuple[str, Option]]:
        network = self.fork.network
        for channel, letters in self.channels.items():
            for letter in letters:
                for (guard, leave), again in channel.fresh(letter):
                    lost = [*leave, *_noted(letter)]
                    if network.losses is None:
                        yield self._what("lose", "network", letter, 0), Option(guard, lost)
                    elif network.losses:
                        counted = Option(f"losses > 0 && {guard}", ["losses--", *lost])
                        yield self._what("lose", "network", letter, 0), counted
                    if network.duplicates:
                        room = f"{channel.count} < {network.capacity}"
                        twice = Option(f"duplicates > 0 && {room} && {guard}", ["duplicates--", *again])
                        yield self._what("duplicate", "network", letter, 0), twice

    # ---- the ends -------------------------------------------------------------------------------------

    def _caller_gets(self, kind: Kind) -> list[str]:
        if kind in (Kind.TRYING, Kind.PROVISIONAL):
            return ["if :: caller == waiting -> caller = ringing :: else -> skip fi"]
        sent = [] if kind is Kind.SUCCESS else self.send(Kind.ACK, None)
        return ["caller = over; may_cancel = 0", *sent]

    def _callee_gets(self, callee: int, kind: Kind) -> list[str]:
        name, said, thinks = f"callee_{callee}", f"said_{callee}", f"thinks_{callee}"
        if kind is Kind.CANCEL:
            refused = "; ".join([self._settles(callee, Kind.FAILURE), *self.send(Kind.FAILURE, callee)])
            return [f"if :: {name} == asked || {name} == rings -> {refused} :: else -> skip fi"]
        first = f"{name} == absent -> {name} = asked; {said} = 0; {thinks} = {self.fork.callee.within + 1}"
        again = " ".join(
            f":: {name} != absent && {said} == {number} -> {'; '.join(self.send(response, callee))}"
            for response, number in NUMBER.items()
        )
        return [f"if :: {first} {again} :: else -> skip fi"]

    @staticmethod
    def _settles(callee: int, kind: Kind) -> str:
        return f"callee_{callee} = answered; said_{callee} = {NUMBER[kind]}; thinks_{callee} = 0"

    def _chosen_by_caller(self) -> Iterator[tuple[str, Option]]:
        hung_up = ["caller = cancelled; may_cancel = 0", *self.send(Kind.CANCEL, None)]
        yield "choose caller hang up", Option("caller == ringing && may_cancel > 0", hung_up)
        yield "choose caller wait", Option("may_cancel == 1", ["may_cancel = 0"])

    def _chosen_by_callee(self, callee: int) -> Iterator[tuple[str, Option]]:
        name, said = f"callee_{callee}", f"said_{callee}"
        asked, who = f"{name} == asked", f"choose callee_{callee + 1}"
        for kind in map(Kind, self.fork.callee.answers):
            sent = self.send(kind, callee)
            if kind not in (Kind.TRYING, Kind.PROVISIONAL):
                yield f"{who} {kind}", Option(asked, [self._settles(callee, kind), *sent])
                continue
            more = f" || {said} == {NUMBER[Kind.TRYING]}" if kind is Kind.PROVISIONAL else ""
            ringing = [f"{said} = {NUMBER[kind]}", *sent]
            yield f"{who} {kind}", Option(f"{asked} && ({said} == 0{more})", ringing)
        late = f"{asked} && thinks_{callee} == 1"
        if "mute" in self.fork.callee.at_last:
            mute = [f"{name} = mute; {said} = 0; thinks_{callee} = 0"]
            yield f"{who} mute", Option(late, mute)
        if "wait" in self.fork.callee.at_last:
            yield f"{who} wait", Option(f"{late} && {said} != 0", [f"{name} = rings; thinks_{callee} = 0"])

    # ---- text -----------------------------------------------------------------------------------------

    def _options(self) -> Iterator[tuple[str, Option]]:
        yield from self._delivered()
        yield from self._lost_and_duplicated()
        for machine, timer in self.proxy.timers:
            shown = machine.name.replace("_", " ")
            yield f"fire proxy {timer} of {shown}", Option(*self.proxy.fire(machine, timer))
        yield from self._chosen_by_caller()
        for callee in _CALLEES:
            yield from self._chosen_by_callee(callee)
        choices = [
            "(caller == ringing && may_cancel > 0)",
            *(f"callee_{callee} == asked" for callee in _CALLEES),
        ]
        yield "pass", passing(self.clocks, list(self.channels), choices)

    def promela(self) -> str:
        """The whole text."""
        steps = list(self._options())
        reset_all = "; ".join(reset(self.variables))
        return "\n".join(
            [
                f"/* {self.fork.name}: generated from the scenario and its models. */",
                *(line for machine in self.proxy.machines.values() for line in machine.constants()),
                *(f"#define {name} {n}" for names in (CALLER, CALLEE) for n, name in enumerate(names)),
                *(f"{kind} {name};" for name, kind in self.variables.items()),
                *self.proxy.declared(),
                "active proctype everything() {",
                "d_step {",
                *(f"  {line};" for line in self._start()),
                "}",
                "#ifdef CIRCLES",
                "accept:",
                "#endif",
                "do",
                ":: atomic { if",
                *(_written(what, option) for what, option in steps),
                *self._ended([option.guard for _what, option in steps]),
                "fi;",
                "d_step {",
                f"if :: todo -> {'; '.join(self.proxy.run())} :: else -> skip fi;",
                f"if :: broken -> {reset_all} :: else -> skip fi",
                "} }",
                "od",
                "}",
                "",
            ]
        )

    def _start(self) -> Iterator[str]:
        network, within = self.fork.network, self.fork.caller.cancel_within
        if network.losses is not None:
            yield f"losses = {network.losses}"
        if network.duplicates:
            yield f"duplicates = {network.duplicates}"
        yield 'printf("@start caller call\\n")'
        yield f"caller = waiting; may_cancel = {0 if within is None else within + 1}"
        yield from self.send(Kind.INVITE, None)

    def _ended(self, guards: list[str]) -> Iterator[str]:
        """What is broken if there is no step any more; and each way of being broken is told once."""
        rings = " || ".join(f"callee_{callee} == rings" for callee in _CALLEES)
        left = " || ".join(f"{name} != 0" for name in self.proxy.machines)
        wrong = {
            ForkProperty.F1: "(begun && upstream == 0)",
            ForkProperty.F3: f"(!cancel_lost && ({rings}))",
            ForkProperty.F4: f"({left})",
        }
        watched = {prop: text for prop, text in wrong.items() if prop in self.fork.properties}
        if watched:
            stuck = " || ".join(f"({guard})" for guard in guards)
            noted = [line for prop, text in watched.items() for line in self.proxy.broken(prop, text)]
            yield (
                f":: d_step {{ !broken && ({' || '.join(watched.values())}) && !({stuck}) -> "
                f'printf("@stuck\\n"); {"; ".join(noted)} }}'
            )
        for mask in range(1, sum(BITS.values()) + 1):
            if not mask & ~sum(BITS[prop] for prop in self.fork.properties):
                yield f"#ifndef CIRCLES\n:: d_step {{ broken == {mask} -> assert(broken != {mask}) }}\n#endif"


def _noted(lost: Letter) -> list[str]:
    return ["cancel_lost = 1"] if lost.kind is Kind.CANCEL and lost.callee is not None else []


def _written(what: str, option: Option) -> str:
    statements = [f'printf("@{what}\\n")', *option.statements]
    return f":: d_step {{ !broken && {option.guard} -> {'; '.join(statements)} }}"
