"""``sipfsm conformance`` and ``sipfsm fuzz``: judge any SIP server by the models."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from cyclopts import Parameter

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    import trio

    from sipfsm.fuzz.campaign import Campaign, Plan
    from sipfsm.fuzz.catalogue import Case
    from sipfsm.fuzz.player.play import Table
    from sipfsm.fuzz.runner import Result
    from sipfsm.fuzz.setting import Role
    from sipfsm.fuzz.target import Target
    from sipfsm.fuzz.verdict import Verdict

DEFAULT_RATE = 100.0
"""Messages a second that are sent to a target, if nothing is said."""


class UsageError(ValueError):
    """What was typed cannot be done; the text is one sentence."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What both commands are told.

    Attributes:
        role: Which side is judged: what it answers, what it sends on, or both. Default: both.
        report: A file to write, Markdown, JUnit XML or JSON by its suffix; may be repeated.
        artifacts: A folder to write each deviation to: a SIPp scenario, a capture and a test.
        t1: The target's estimate of the round-trip time, the base of its timers. Default: 0.5.
        rate: Messages a second that are sent at most. Default: 100.
        ca: Certificates to trust, for TLS.
        insecure: Trust any certificate.
        i_may_test_this_host: Also test another machine than this one.
    """

    role: Annotated[str | None, Parameter(metavar="uas|uac|both")] = None
    report: Annotated[list[Path] | None, Parameter(metavar="FILE.md|xml|json")] = None
    artifacts: Annotated[Path | None, Parameter(metavar="FOLDER")] = None
    t1: Annotated[float, Parameter(metavar="SECONDS")] = 0.5
    rate: Annotated[float, Parameter(metavar="NUMBER")] = DEFAULT_RATE
    ca: Annotated[Path | None, Parameter(metavar="FILE.pem")] = None
    insecure: bool = False
    i_may_test_this_host: bool = False

    def read(self, target: str | None) -> Order:
        """Make of what was typed what is to be done.

        Raises:
            UsageError: an option is wrong.
            LookupError: the name of the target does not resolve.
        """
        table = make_table(
            target,
            t1=self.t1,
            rate=self.rate,
            ca=self.ca,
            insecure=self.insecure,
            anywhere=self.i_may_test_this_host,
        )
        role, reports = role_of(self.role), check_reports(self.report or [])
        try:  # rather fail now than after minutes
            for path in reports:
                path.open("a").close()
            if self.artifacts is not None:
                self.artifacts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{error.filename}: cannot be written: {error.strerror}") from error
        return Order(table, user_of(str(target)), role, reports, self.artifacts)

    def lost(self, reason: LookupError, target: str | None) -> int:
        """End because the target cannot be found; the reports say so, too."""
        from sipfsm.fuzz.runner import Result  # noqa: PLC0415 - takes longer to load than help needs

        return finish(Result(str(target), lost=str(reason)), self.report or [], None)


class Order(NamedTuple):
    """Who is to be judged, as what, and where that is written."""

    table: Table
    user: str
    role: Role | None
    reports: list[Path]
    artifacts: Path | None


_NOTHING_SAID = Options()

_Options = Annotated[Options, Parameter(name="*")]


def conformance(
    target: Annotated[str | None, Parameter(metavar="TARGET")] = None,
    /,
    *,
    case: Annotated[list[str] | None, Parameter(metavar="NAME")] = None,
    as_list: Annotated[bool, Parameter(name="--list")] = False,
    options: _Options = _NOTHING_SAID,
) -> int:
    """Judge a SIP server by a catalogue of cases; exit code 1 if it deviates, 3 if it is lost.

    Args:
        target: The server: sip:HOST:PORT, with ;transport=tcp|tls|ws if not UDP; sip:USER@HOST calls USER.
        case: A case to run instead of all; may be repeated.
        as_list: Print the cases and what they are about.
        options: What both commands are told.
    """
    from sipfsm.fuzz.catalogue import CASES  # noqa: PLC0415 - as above

    try:
        cases = _chosen(CASES, case or [])
        if as_list:
            _print_list(cases)
            return 0
        order = options.read(target)
    except UsageError as error:
        print(f"sipfsm: {error}", file=sys.stderr)
        return 2
    except LookupError as error:
        return options.lost(error, target)
    return _run(order, cases)


def _run(order: Order, cases: list[Case]) -> int:
    import trio  # noqa: PLC0415 - as above

    from sipfsm.fuzz.runner import run_cases  # noqa: PLC0415

    progress = Progress(len(cases))

    async def judge(scope: trio.CancelScope) -> Result:
        return await run_cases(order.table, order.user, order.role, cases, progress.show, scope=scope)

    with progress:
        result = trio.run(_interruptible, judge)
    if result.setting is not None:
        print(f"{order.table.target} was judged as {result.setting}.")
    return finish(result, order.reports, order.artifacts)


def fuzz(
    target: Annotated[str, Parameter(metavar="TARGET")],
    /,
    *,
    examples: Annotated[int, Parameter(metavar="NUMBER")] = 100,
    seconds: Annotated[float | None, Parameter(metavar="SECONDS")] = None,
    seed: Annotated[int | None, Parameter(metavar="NUMBER")] = None,
    options: _Options = _NOTHING_SAID,
) -> int:
    """Judge a SIP server by generated sequences, some of them broken; exit codes as of conformance.

    Args:
        target: The server: sip:HOST:PORT, with ;transport=tcp|tls|ws if not UDP; sip:USER@HOST calls USER.
        examples: Sequences to play. Default: 100.
        seconds: End after so many seconds, however many sequences are left.
        seed: Play the sequences that follow from this number. Default: others each time.
        options: What both commands are told.
    """
    try:
        plan = _plan(examples, seconds, seed)
        order = options.read(target)
    except UsageError as error:
        print(f"sipfsm: {error}", file=sys.stderr)
        return 2
    except LookupError as error:
        return options.lost(error, target)
    return _run_fuzz(order, plan)


def _plan(examples: int, seconds: float | None, seed: int | None) -> Plan:
    import secrets  # noqa: PLC0415 - as above

    from sipfsm.fuzz.campaign import Plan  # noqa: PLC0415

    if examples < 1:
        raise UsageError(f"--examples is at least 1, not {examples}")
    if seconds is not None and not seconds > 0:
        raise UsageError(f"--seconds is above 0, not {seconds:g}")
    return Plan(examples, seconds, secrets.randbelow(10**6) if seed is None else seed)


def _run_fuzz(order: Order, plan: Plan) -> int:
    import trio  # noqa: PLC0415 - as above

    from sipfsm.fuzz.campaign import run_fuzz  # noqa: PLC0415
    from sipfsm.fuzz.verdict import Outcome  # noqa: PLC0415

    print(f"seed {plan.seed}", flush=True)
    progress = Progress(plan.examples)

    async def judge(scope: trio.CancelScope) -> Result:
        return await run_fuzz(order.table, order.user, order.role, plan, progress.count, scope=scope)

    with progress:
        result = trio.run(_interruptible, judge)
    for verdict in result.verdicts:
        if verdict.outcome is not Outcome.NOT_OBSERVABLE:
            progress.show(verdict)
    if result.setting is not None:
        print(f"{order.table.target} was judged as {result.setting}, by {progress.counted} sequences.")
        print(f"Its slowest first answer took {1000 * progress.slowest:.0f} ms.")
    return finish(result, order.reports, order.artifacts)


async def _interruptible(judge: Callable[[trio.CancelScope], Awaitable[Result]]) -> Result:
    """Judge, and have Ctrl-C and SIGTERM end it so that what was seen is told; a second one ends at once."""
    import signal  # noqa: PLC0415 - as above

    import trio  # noqa: PLC0415

    scope = trio.CancelScope()

    async def heed(signals: AsyncIterator[int]) -> None:
        async for _ in signals:
            if scope.cancel_called:
                raise KeyboardInterrupt
            scope.cancel()
            print("sipfsm: stopping; a second time ends at once", file=sys.stderr, flush=True)

    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(heed, signals)
            result = await judge(scope)
            nursery.cancel_scope.cancel()
    return result


# ---- what is typed


def _chosen(cases: tuple[Case, ...], names: list[str]) -> list[Case]:
    known = {case.name: case for case in cases}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no case {name!r}; sipfsm conformance --list names them")
    return [case for case in cases if not names or case.name in names]


def make_table(
    text: str | None, *, t1: float, rate: float, ca: Path | None, insecure: bool, anywhere: bool
) -> Table:
    """Make of options what all cases share.

    Raises:
        UsageError: an option is wrong.
        LookupError: the name of the target does not resolve.
    """
    from sipfsm.fsm import Timing  # noqa: PLC0415 - as above
    from sipfsm.fuzz.player import Pace  # noqa: PLC0415
    from sipfsm.fuzz.player.play import Table  # noqa: PLC0415
    from sipfsm.fuzz.target import TargetError, TargetLostError, find_target  # noqa: PLC0415

    if text is None:
        raise UsageError("which server? Write for example: sipfsm conformance sip:127.0.0.1:5060")
    if not 0 < rate <= 10_000:
        raise UsageError(f"--rate is above 0 and at most 10000 messages a second, not {rate:g}")
    try:
        timing = Timing(t1=t1, t2=max(4.0, t1))
    except ValueError as error:
        raise UsageError(f"--t1: {error}") from None
    try:
        target = find_target(text, anywhere=anywhere)
    except TargetError as error:
        raise UsageError(str(error)) from None
    except TargetLostError as error:
        raise LookupError(str(error)) from None
    return Table(target, Pace(rate), timing, _tls(target, ca, insecure=insecure))


def _tls(target: Target, ca: Path | None, *, insecure: bool) -> ssl.SSLContext | None:
    import ssl  # noqa: PLC0415 - as above

    if target.protocol not in {"tls", "wss"}:
        return None
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"--ca {ca}: no certificates can be read from it: {error}") from None
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def role_of(text: str | None) -> Role | None:
    """Return the role that a person named; None if none was.

    Raises:
        UsageError: there is no such role.
    """
    from sipfsm.fuzz.setting import Role  # noqa: PLC0415 - as above

    try:
        return None if text is None else Role(text)
    except ValueError:
        raise UsageError(f"--role is {', '.join(Role)}, not {text!r}") from None


def user_of(target: str) -> str:
    """Return the user part of a target that names one."""
    scheme, _, rest = target.partition(":")
    del scheme
    return rest.partition("@")[0] if "@" in rest else "sipfsm"


def check_reports(paths: list[Path]) -> list[Path]:
    """Return the files that reports go to.

    Raises:
        UsageError: a suffix names no form of report, or there is no such folder.
    """
    from sipfsm.fuzz.report import FORMATS  # noqa: PLC0415 - as above

    for path in paths:
        if path.suffix.lower() not in FORMATS:
            raise UsageError(f"--report {path}: the name has to end in {', '.join(FORMATS)}")
        if not path.parent.is_dir():
            raise UsageError(f"--report {path}: there is no folder {path.parent}")
    return paths


# ---- what is printed


def _print_list(cases: list[Case]) -> None:
    # A reader that has gone away wants no more of the list.
    with contextlib.suppress(BrokenPipeError):
        for case in cases:
            print(f"{case.name:26} {case.part:10} {', '.join(case.ids)}")
            print(f"    {case.title}.")


class Progress:
    """Says what became of each case; on a terminal with a bar for how many are left."""

    def __init__(self, total: int) -> None:
        """Prepare for so many cases."""
        from rich.console import Console  # noqa: PLC0415 - as above
        from rich.progress import Progress as Bar  # noqa: PLC0415

        self.counted, self.slowest = 0, 0.0
        self._console = Console()
        self._bar = Bar(console=self._console, transient=True) if sys.stdout.isatty() else None
        self._task = None if self._bar is None else self._bar.add_task("cases", total=total)

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, verdict: Verdict) -> None:
        """Say what became of a case."""
        from sipfsm.fuzz.report.lines import details, verdict_line  # noqa: PLC0415 - as above

        lines = [f"{verdict.case:28} {verdict_line(verdict)}", *(f"    {text}" for text in details(verdict))]
        if self._bar is None or self._task is None:
            print("\n".join(lines), flush=True)
            return
        style = {"conformant": "green", "deviates": "red"}.get(str(verdict.outcome), "dim")
        self._console.print(lines[0], style=style, markup=False, highlight=False)
        for line in lines[1:]:
            self._console.print(line, markup=False, highlight=False)
        self._bar.advance(self._task)

    def count(self, campaign: Campaign) -> None:
        """Say how far a run of the fuzzer is."""
        self.counted, self.slowest = campaign.played, campaign.slowest
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task)


def finish(result: Result, reports: list[Path], artifacts: Path | None) -> int:
    """Write what was asked for, print the summary and return the exit code."""
    from sipfsm.fuzz.report import summary, write_report  # noqa: PLC0415 - as above

    try:
        if artifacts is not None:
            from sipfsm.fuzz.artifacts import write_artifacts  # noqa: PLC0415

            write_artifacts(result, artifacts)
        for path in reports:
            write_report(result, path)
    except OSError as error:
        print(f"sipfsm: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    if result.lost:
        print(f"sipfsm: target lost: {result.lost}", file=sys.stderr)
        if result.last and artifacts is None:
            print("sipfsm: with --artifacts FOLDER, what was sent last is kept there", file=sys.stderr)
    if result.verdicts:
        print(summary(result))
    return result.exit_code
