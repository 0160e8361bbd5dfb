"""SPIN as an engine: a scenario in, and out of it a result of the same form as that of the first engine."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from sipfsm.fsm import Model
from sipfsm.verify.results import Counterexample, Result, Step, Verdict
from sipfsm.verify.scenario import (
    TO_SERVER,
    AnyProperty,
    AnyScenario,
    Call,
    Fork,
    ForkProperty,
    Message,
    Property,
)
from sipfsm.verify.spin.composition import BITS, Composition
from sipfsm.verify.spin.fork import LANES as FORK_LANES
from sipfsm.verify.spin.fork import Forking
from sipfsm.verify.spin.fork_proxy import BITS as FORK_BITS
from sipfsm.verify.spin.run import Limits, Search, SpinError, StoppedError, run_spin

_MASK = re.compile(r"broken!=(\d+)")

_REASONS: dict[AnyProperty, str] = {
    Property.S1: "the callee is given the request a second time",
    Property.S2: "the caller is given a second final response",
    Property.S3: "the client heard the final response, and the server waits for the ACK in vain",
    Property.S4: "nothing can happen any more, and a transaction is left",
    Property.S5: "the caller is given a second outcome after a timeout",
    ForkProperty.F1: "a final response goes upstream too early, or after another one, or none does",
    ForkProperty.F2: "the proxy does not forward a 2xx",
    ForkProperty.F3: "a branch that is not wanted any more is not cancelled",
    ForkProperty.F4: "nothing can happen any more, and a machine of the proxy is left",
}
NO_DIALOGS = "dialogs are not written as Promela; the engine explore checks them"

_LANES = ("caller", "client", "server", "callee")
_ENDLESS = "this goes on for ever"


def verify_scenario(
    scenario: AnyScenario, find: Callable[[str], Model], limits: Limits | None = None
) -> Result:
    """Have SPIN check a scenario.

    Args:
        scenario: who takes part, within which bounds.
        find: gives the model of a name.
        limits: how much each search may take: for what is broken, and for runs without an end.

    Raises:
        MissingProgramError: spin or gcc is not installed.
        SpinError: a timer has too many ticks, a machine more rows than SPIN takes, or the scenario is one of
            dialogs.
    """
    try:
        return _searched(scenario, _promela(scenario, find), limits)
    except StoppedError:
        nothing = tuple(Verdict(property=each, holds=None) for each in scenario.properties)
        return Result(
            scenario=scenario.name,
            engine="spin",
            verdicts=nothing,
            states=0,
            steps=0,
            depth=0,
            complete=False,
        )


def _promela(scenario: AnyScenario, find: Callable[[str], Model]) -> str:
    if isinstance(scenario, Fork):
        return Forking(scenario, find).promela()
    if isinstance(scenario, Call):
        raise SpinError(f"{scenario.name}: {NO_DIALOGS}")
    return Composition(scenario, find(scenario.client.model), find(scenario.server.model)).promela()


def _searched(scenario: AnyScenario, promela: str, limits: Limits | None) -> Result:
    forks = isinstance(scenario, Fork)
    search = run_spin(promela, limits, depth_first=forks)
    if forks and search.violations and search.complete:
        shortest = run_spin(promela, limits)
        search = shortest if shortest.complete else search
    runs = dict(_broken(search, FORK_BITS if forks else BITS))
    circles = None
    endless: AnyProperty = ForkProperty.F4 if forks else Property.S4
    if endless in scenario.properties and endless not in runs and search.complete:
        circles = run_spin(promela, limits, circles=True)
        runs.update((endless, violation.trail) for violation in circles.violations)
    sure = search.complete and (circles is None or circles.complete)
    return Result(
        scenario=scenario.name,
        engine="spin",
        verdicts=tuple(_verdict(scenario, prop, runs, sure=sure) for prop in scenario.properties),
        states=_global_states(search),
        # With a broken property SPIN also counts the steps that tell of it.
        steps=0 if runs else search.transitions - 2,
        depth=0 if runs or forks else search.depth - 1,
        complete=sure,
        seconds=search.seconds + (circles.seconds if circles else 0),
    )


def _broken(
    search: Search, bits: Mapping[Property, int] | Mapping[ForkProperty, int]
) -> Iterator[tuple[AnyProperty, tuple[str, ...]]]:
    """The shortest run that breaks each property."""
    for violation in sorted(search.violations, key=lambda each: len(each.trail), reverse=True):
        mask = _mask(violation.assertion)
        yield from ((prop, violation.trail) for prop, bit in bits.items() if mask & bit)


def _global_states(search: Search) -> int:
    """Without the state before the start, and those in which something is broken."""
    return search.states - 1 - len({_mask(violation.assertion) for violation in search.violations})


def _mask(assertion: str | None) -> int:
    match = _MASK.search(assertion or "")
    return int(match[1]) if match else 0


def _verdict(
    scenario: AnyScenario, prop: AnyProperty, runs: dict[AnyProperty, tuple[str, ...]], *, sure: bool
) -> Verdict:
    if prop not in runs:
        return Verdict(property=prop, holds=True if sure else None)
    steps = tuple(read_trail(runs[prop]))
    stuck = "stuck" in runs[prop]
    endless = prop in {Property.S4, ForkProperty.F4} and not stuck
    return Verdict(
        property=prop,
        holds=False,
        counterexample=Counterexample(
            scenario=scenario.name,
            property=prop,
            reason=_ENDLESS if endless else _REASONS[prop],
            lanes=FORK_LANES if isinstance(scenario, Fork) else _LANES,
            steps=steps,
        ),
    )


@dataclass
class _Collected:
    """A step as its lines come."""

    words: list[str]
    at: int
    rows: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    passed: int = 0


def read_trail(lines: Iterable[str]) -> Iterator[Step]:
    """Make steps of what SPIN prints when it follows a counterexample."""
    step: _Collected | None = None
    now = 0
    for line in chain(lines, ["stuck"]):
        what, *rest = line.split()
        match what:
            case "rows" if step:
                step.rows += rest
            case "sent" if step:
                step.sent += rest
            case "told" if step:
                step.told += rest
            case "passed" if step:
                step.passed = int(rest[0])
            case _:
                if step:
                    now += step.passed
                    yield _step(step)
                step = None if what == "stuck" else _Collected([what, *rest], now)


def _step(step: _Collected) -> Step:
    what, *rest = step.words
    fields: dict[str, object] = {
        "at": step.at,
        "what": what,
        "rows": tuple(step.rows),
        "sent": tuple(step.sent),
        "told": tuple(step.told),
    }
    match what:
        case "pass":
            fields |= {"who": "network", "detail": str(step.passed)}
        case "deliver" | "lose" | "duplicate":
            who, kind, age, *way = rest
            way = [_shown(end) for end in way] or _way(kind)
            fields |= {"who": _shown(who), "message": kind, "way": tuple(way), "age": int(age)}
        case _:
            who, *detail = rest
            fields |= {"who": _shown(who), "detail": " ".join(detail)}
    return Step.model_validate(fields)


def _way(kind: str) -> list[str]:
    return ["client", "server"] if Message(kind) in TO_SERVER else ["server", "client"]


def _shown(who: str) -> str:
    """A name as a picture shows it; in what SPIN prints a word has no space."""
    return who.replace("_", " ")
