"""``sipfsm verify``: check machines alone, and in composition."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from sipfsm.cli.models import find_model
from sipfsm.fsm import Model, ModelError, model_names
from sipfsm.verify.explore import Limits
from sipfsm.verify.explore import Progress as Explored
from sipfsm.verify.ladder import ladder
from sipfsm.verify.report import Report, describe, to_markdown
from sipfsm.verify.results import MachineResult, Result
from sipfsm.verify.scenario import MOST, AnyScenario, Call
from sipfsm.verify.scenarios import CALL_FINDINGS, CALLS, FINDINGS, FORKS, SCENARIOS
from sipfsm.verify.single import check_machine
from sipfsm.verify.spin.engine import NO_DIALOGS
from sipfsm.verify.spin.engine import verify_scenario as verify_scenario_with_spin
from sipfsm.verify.spin.run import Limits as SpinLimits
from sipfsm.verify.spin.run import MissingProgramError, SpinError
from sipfsm.verify.verify import scenarios_for, verify_scenario

BROKEN, USAGE, MISSING, OPEN, STOPPED = 1, 2, 3, 4, 130
"""Exit codes; 0 is that everything holds."""


_ALL: tuple[AnyScenario, ...] = (*SCENARIOS, *FORKS, *CALLS, *FINDINGS, *CALL_FINDINGS)


class UsageError(ValueError):
    """What was typed cannot be done; the text is one sentence."""


def verify(
    *models: Annotated[str, Parameter(metavar="MODEL")],
    scenario: Annotated[list[str] | None, Parameter(metavar="NAME")] = None,
    engine: Annotated[list[Literal["explore", "spin"]] | None, Parameter(metavar="explore|spin")] = None,
    report: Annotated[Path | None, Parameter(metavar="FILE.md|json")] = None,
    losses: Annotated[str | None, Parameter(metavar="NUMBER|any")] = None,
    duplicates: Annotated[int | None, Parameter(metavar="NUMBER")] = None,
    delay: Annotated[int | None, Parameter(metavar="T1S")] = None,
    max_states: Annotated[int | None, Parameter(metavar="NUMBER")] = None,
    seconds: Annotated[float | None, Parameter(metavar="NUMBER")] = None,
    list_: Annotated[bool, Parameter(name="--list")] = False,
) -> int:
    """Check state machines alone, and client, network and server together in every order of events.

    Args:
        models: Built-in models by name, such as invite-server or rfc3261/invite-server, or files of your own.
            Each is put in the place of the built-in machine of its kind. Without any: all of them.
        scenario: A composition by its name instead; may be repeated. See --list.
        engine: What explores; may be repeated, to have engines compared. Default: explore. The other one,
            spin, writes Promela and needs the programs spin and gcc.
        report: A file to write besides, its kind by its suffix: .md is for people, .json for programs.
        losses: How many messages an unreliable network may lose in a run, up to 15, or any.
        duplicates: How many messages an unreliable network may duplicate in a run, up to 15.
        delay: How many T1 (0.5 s) a message may take at most, up to 64.
        max_states: Stop a composition when it has so many states; the engine spin takes no heed of it.
        seconds: Stop a composition after this time.
        list_: Print the names of the compositions, and what each is.
    """
    if list_:
        print("\n".join(f"{each.name:22} {each.title}" for each in _ALL))
        return 0
    try:
        if report is not None and report.suffix not in _WRITERS:
            raise UsageError(f"--report {report}: the name must end in .md or .json")
        _check_limits(max_states, seconds)
        engines = engine or ["explore"]
        chosen = [_bounded(each, losses, duplicates, delay) for each in _chosen(models, scenario, engines)]
        machines = [find_model(name) for name in models or ([] if scenario else model_names())]
        if report is not None:
            report.open("a").close()  # rather fail now than after minutes
        done = _run(machines, chosen, engines, max_states, seconds)
        if report is not None:
            report.write_text(_WRITERS[report.suffix](done), encoding="utf-8")
    except ModelError as error:
        return _complain(str(error).splitlines(), USAGE)
    except UsageError as error:
        return _complain([f"sipfsm verify: {error}", "Try: sipfsm verify --help"], USAGE)
    except MissingProgramError as error:
        return _complain([f"sipfsm verify: {error}"], MISSING)
    except KeyboardInterrupt:
        return STOPPED
    except SpinError as error:
        return _complain([f"sipfsm verify: {error}"], OPEN)
    except BrokenPipeError:
        raise  # whoever read what was printed is gone
    except OSError as error:
        return _complain(
            [f"sipfsm verify: {error.filename or report}: cannot be written: {error.strerror}"], BROKEN
        )
    print("\n".join([*done.agreements(), _verdict(done)]))
    return _exit_code(done)


_WRITERS: dict[str, Callable[[Report], str]] = {
    ".md": to_markdown,
    ".json": lambda report: report.model_dump_json(indent=1, exclude_defaults=True) + "\n",
}


Verifier = Callable[[AnyScenario, Limits], Result]


def _with_spin(scenario: AnyScenario, limits: Limits) -> Result:
    begun = time.monotonic()

    def stopped() -> bool:
        return limits.stopped(Explored(0, 0, 0, time.monotonic() - begun))

    within = SpinLimits(seconds=limits.seconds or SpinLimits.seconds, stopped=stopped)
    return verify_scenario_with_spin(scenario, find_model, within)


_ENGINES: dict[str, Verifier] = {
    "explore": lambda scenario, limits: verify_scenario(scenario, find_model, limits),
    "spin": _with_spin,
}


def _chosen(models: Sequence[str], names: Sequence[str] | None, engines: Sequence[str]) -> list[AnyScenario]:
    if names and models:
        raise UsageError("a MODEL and --scenario do not go together")
    if not names and not models:
        return [*SCENARIOS, *FORKS, *CALLS]
    chosen = scenarios_for(models, find_model) if models else _named(names or ())
    if "spin" in engines:
        _refuse_dialogs(chosen)
    return chosen


def _named(names: Sequence[str]) -> list[AnyScenario]:
    known = {each.name: each for each in _ALL}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"there is no scenario {unknown[0]!r}; there are {', '.join(known)}")
    return [known[name] for name in names]


def _refuse_dialogs(scenarios: Sequence[AnyScenario]) -> None:
    for scenario in scenarios:
        if isinstance(scenario, Call):
            raise UsageError(f"--engine spin: {scenario.name}: {NO_DIALOGS}")


def _bounded(
    scenario: AnyScenario, losses: str | None, duplicates: int | None, delay: int | None
) -> AnyScenario:
    """Give a scenario other bounds; what a reliable transport never does it does not."""
    changes: dict[str, int | None] = {}
    if losses is not None and not scenario.network.reliable:
        if losses != "any" and not (losses.isascii() and losses.isdecimal() and int(losses) <= MOST):
            raise UsageError(f"--losses {losses}: a number up to {MOST}, or any")
        changes["losses"] = None if losses == "any" else int(losses)
    if duplicates is not None and not scenario.network.reliable:
        changes["duplicates"] = _number("--duplicates", duplicates, MOST)
    if delay is not None:
        changes["delay"] = _number("--delay", delay, 64)
    return scenario.model_copy(update={"network": scenario.network.model_copy(update=changes)})


def _check_limits(max_states: int | None, seconds: float | None) -> None:
    if max_states is not None and max_states < 1:
        raise UsageError(f"--max-states {max_states}: a number from 1")
    if seconds is not None and not 0 < seconds < math.inf:
        raise UsageError(f"--seconds {seconds:g}: a number above 0")


def _number(option: str, value: int, most: int) -> int:
    if not 0 <= value <= most:
        raise UsageError(f"{option} {value}: a number from 0 to {most}")
    return value


def _run(
    models: Sequence[Model],
    scenarios: Sequence[AnyScenario],
    engines: Sequence[str],
    max_states: int | None,
    seconds: float | None,
) -> Report:
    machines = []
    results: list[Result] = []
    with _interruptible() as interrupted:
        for model in models:
            machines.append(check_machine(model))
            print("\n".join(_machine_lines(machines[-1])), flush=True)
        for scenario, engine in product(scenarios, dict.fromkeys(engines)):
            if interrupted():
                break
            if engine == "spin" and isinstance(scenario, Call):
                continue  # among all of them: explored, if that engine was asked for as well
            with _progress(scenario.name, interrupted) as stopped:
                limits = Limits(states=max_states, seconds=seconds, stopped=stopped)
                try:
                    results.append(_ENGINES[engine](scenario, limits))
                except OverflowError as error:
                    raise UsageError(
                        f"{scenario.name}: {error}, and no numbers are left for more: "
                        "take fewer losses or duplicates, or a shorter delay"
                    ) from error
            print("\n".join(_result_lines(scenario, results[-1])), flush=True)
        return Report(
            machines=tuple(machines),
            scenarios=tuple(scenarios),
            results=tuple(results),
            stopped=interrupted(),
        )


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Have Ctrl-C and SIGTERM be noted, so that what was found by then is told; a second one ends at once."""
    noted = False

    def note(_number: int, _frame: object) -> None:
        nonlocal noted
        if noted:
            raise KeyboardInterrupt
        noted = True
        # To let go of millions of states takes some seconds.
        print("sipfsm: stopping; a second time ends at once", file=sys.stderr, flush=True)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(name: str, interrupted: Callable[[], bool]) -> Iterator[Callable[[Explored], bool]]:
    """Show how far an exploration is, where somebody looks; it is to stop if it was interrupted."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=None, told="")

        def stopped(progress: Explored) -> bool:
            followed = progress.states - progress.waiting
            speed = followed / progress.seconds if progress.seconds else 0
            told = f"{progress.states:,} states, {progress.depth} steps deep, {speed:,.0f} a second"
            bar.update(task, total=progress.states, completed=followed, told=told)
            return interrupted()

        yield stopped


def _machine_lines(result: MachineResult) -> Iterator[str]:
    good = "holds" if result.holds else "FAILS"
    cells = f"{result.cells} cells" + (
        f" and {result.further_cells} of our own timers" if result.further_cells else ""
    )
    ignored = f", {result.ignored} pairs without a row" if result.ignored else ""
    names = ", ".join(check.name for check in result.checks if check.holds)
    yield f"{good}  {result.model}: {names} ({cells}{ignored})"
    for state, who in result.waits.items():
        yield f"       no timer in {state}: it waits for {who}"
    for check in result.checks:
        yield from (f"       not {check.name}: {problem}" for problem in check.problems)


def _result_lines(scenario: AnyScenario, result: Result) -> Iterator[str]:
    good = "FAILS" if result.broken else "holds" if result.complete else "open "
    yield f"{good}  {scenario.name} ({result.engine}): {scenario.title}; {describe(scenario.network)}"
    said = {True: "holds", False: "is broken", None: "is not decided"}
    yield "       " + ", ".join(f"{verdict.property} {said[verdict.holds]}" for verdict in result.verdicts)
    end = "all" if result.complete else "not all"
    deep = f", {result.depth} steps deep" if result.depth else ""
    yield f"       {result.states:,} states ({end} within the bounds){deep}, {result.seconds:.1f} s"
    if result.overflowed:
        yield f"       also bounded: {scenario.network.capacity} messages in flight each way; more are lost"
    for verdict in result.verdicts:
        if verdict.counterexample is not None:
            yield from ("       " + line for line in ladder(verdict.counterexample))


def _verdict(report: Report) -> str:
    states = sum(result.states for result in report.results)
    seen = f"{_many(report.machines, 'machine')}, {_many(report.results, 'composition')}, {states:,} states"
    if report.broken:
        return f"Something does not hold: {seen}."
    if disagreements := report.disagreements():
        return "\n".join(disagreements)
    if report.stopped:
        return f"Stopped; nothing broken by then: {seen}."
    return (
        f"Everything holds: {seen}." if report.decided else f"Nothing broken, but not all was seen: {seen}."
    )


def _many(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'s' if len(things) != 1 else ''}"


def _exit_code(report: Report) -> int:
    if report.broken or report.disagreements():
        return BROKEN
    if report.stopped:
        return STOPPED
    return 0 if report.decided else OPEN


def _complain(lines: Sequence[str], code: int) -> int:
    for line in lines:
        print(line, file=sys.stderr)
    return code
