"""``sipfsm simulate``: hours of traffic in minutes, from one seed, all of it judged."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from sipfsm.simulation.town import Result, TownPlan

OUTCOMES = ("answered", "busy", "declined", "cancelled", "refused", "lost", "interrupted")
"""What becomes of calls, in the order in which it is told."""


class UsageError(Exception):
    """Options that cannot be; the text is a sentence for a person."""


def simulate(
    *,
    users: Annotated[int, Parameter(metavar="N")] = 1000,
    proxies: Annotated[int, Parameter(metavar="N")] = 3,
    hours: Annotated[float, Parameter(metavar="H")] = 24.0,
    calls_per_user_hour: Annotated[float, Parameter(metavar="X")] = 0.2,
    loss: Annotated[float, Parameter(metavar="P")] = 0.02,
    duplicate: Annotated[float, Parameter(metavar="P")] = 0.01,
    reorder: Annotated[float, Parameter(metavar="P")] = 0.01,
    delay: Annotated[float, Parameter(metavar="SECONDS")] = 0.02,
    jitter: Annotated[float, Parameter(metavar="SECONDS")] = 0.03,
    seed: Annotated[int, Parameter(metavar="K")] = 1,
    report: Annotated[Path | None, Parameter(metavar="FILE")] = None,
) -> int:
    """Have thousands of users call each other through proxies, in virtual time.

    No socket is opened. The proxies are those of sipfsm run; the network loses,
    doubles, delays and reorders; phones behave, misbehave and vanish. The same
    options give the same run, byte for byte, as the digest at the end shows.

    Exit code 0: all rules held; 1: one did not, and its call is drawn; 2: an
    option cannot be.

    Args:
        users: How many users; each has a phone. Default: 1000.
        proxies: How many proxies; each has a domain and its share of the users. Default: 3.
        hours: Hours of virtual time. Default: 24.
        calls_per_user_hour: How often a user calls another one. Default: 0.2.
        loss: How likely a datagram is lost, 0 to 1. Default: 0.02.
        duplicate: How likely it is doubled. Default: 0.01.
        reorder: How likely it is overtaken by later ones. Default: 0.01.
        delay: How long it takes at least. Default: 0.02.
        jitter: How much longer it may take. Default: 0.03.
        seed: Of everything that is left to chance. Default: 1.
        report: A file for the result, as JSON.
    """
    from sipfsm.logs import configure_logging  # noqa: PLC0415 - help and usage need none of this
    from sipfsm.simulation.subscriber import Habits  # noqa: PLC0415
    from sipfsm.simulation.town import TownPlan  # noqa: PLC0415
    from sipfsm.simulation.town import simulate as run  # noqa: PLC0415

    try:
        link = _link(loss=loss, duplicate=duplicate, reorder=reorder, delay=delay, jitter=jitter)
        habits = Habits(calls_per_hour=_above("--calls-per-user-hour", calls_per_user_hour))
        plan = TownPlan(users=users, proxies=proxies, hours=hours, link=link, habits=habits, seed=seed)
        if report is not None:
            report.open("a").close()  # rather fail now than after minutes
        configure_logging("error")
        with _progress(plan) as tick:
            result = run(plan, tick=tick)
        _print_result(result)
        if report is not None:
            report.write_text(json.dumps(_as_data(result), indent=2) + "\n")
    except (UsageError, ValueError) as error:
        print(f"sipfsm: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        raise  # whoever read the result is gone
    except OSError as error:
        print(f"sipfsm: {report or 'the result'} cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    except BaseExceptionGroup as group:  # a Ctrl-C that reached a task of Trio
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        return _stopped()
    except KeyboardInterrupt:
        return _stopped()
    return 1 if result.violations else 0


def _stopped() -> int:
    print("sipfsm: stopped before the end; nothing was judged as a whole", file=sys.stderr)
    return 130


def _link(*, loss: float, duplicate: float, reorder: float, delay: float, jitter: float) -> Any:
    from sipfsm.simulation.network import Link  # noqa: PLC0415

    for option, value in (("--loss", loss), ("--duplicate", duplicate), ("--reorder", reorder)):
        if not 0 <= value <= 1:
            raise UsageError(f"{option} is a probability, from 0 to 1, not {value:g}")
    for option, value in (("--delay", delay), ("--jitter", jitter)):
        if not 0 <= value <= 60:
            raise UsageError(f"{option} is a number of seconds, from 0 to 60, not {value:g}")
    return Link(loss=loss, duplication=duplicate, reordering=reorder, latency=delay, jitter=jitter)


def _above(option: str, value: float) -> float:
    if not 0 < value <= 1000:
        raise UsageError(f"{option} must be above 0 and at most 1000, not {value:g}")
    return value


@contextmanager
def _progress(plan: "TownPlan") -> "Iterator[Callable[[Result], None]]":
    """Show how far virtual time has come, on a terminal only."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=plan.hours * 3600)

        def tick(result: "Result") -> None:
            text = f"{result.now / 3600:.1f} h, {result.tally.get('calls', 0):,} calls, "
            text += f"{result.messages:,} messages, {len(result.violations)} violations"
            bar.update(task, completed=result.now, description=text)

        yield tick


def _rows(result: "Result") -> list[tuple[str, str]]:
    """What is told of a run, in order."""
    tally, plan = result.tally, result.plan
    outcomes = ", ".join(f"{tally[name]:,} {name}" for name in OUTCOMES if name in tally)
    registrations = f"{tally.get('registered', 0):,}, {tally.get('not registered', 0):,} failed"
    speed = tally.get("calls", 0) * 60 / result.seconds if result.seconds else 0
    return [
        (
            "Simulated",
            f"{plan.hours:g} h, {plan.users:,} users, {plan.proxies} proxies, seed {plan.seed}",
        ),
        ("Took", f"{result.seconds:.0f} s; {speed:,.0f} calls a minute"),
        ("Calls", f"{tally.get('calls', 0):,}: {outcomes or 'none'}"),
        ("Registrations", registrations),
        ("Messages", f"{result.messages:,}, of which {result.lost:,} were lost on the way"),
        ("Checks", f"{result.checks:,}, {len(result.violations):,} violations"),
        ("Digest", result.digest),
    ]


def _print_result(result: "Result") -> None:
    rows = [*_rows(result), *((label, f"{number:,}") for label, number in result.counters.items())]
    if sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        table = Table.grid(padding=(0, 2))
        for label, value in rows:
            table.add_row(f"  {label}", value)
        Console().print(table)
    else:
        sys.stdout.write("".join(f"{label}: {value}\n" for label, value in rows))
    for found in result.violations[:5]:
        sys.stdout.write(f"\nViolated at {found.where}: {found.what}\n{found.ladder}")
    if result.violations:
        sys.stdout.write(f"\nThe same run again: the same options, and --seed {result.plan.seed}\n")
    sys.stdout.flush()


def _as_data(result: "Result") -> dict[str, Any]:
    plan = result.plan
    return {
        "users": plan.users,
        "proxies": plan.proxies,
        "hours": plan.hours,
        "seed": plan.seed,
        "calls": result.tally.get("calls", 0),
        "outcomes": {name: result.tally.get(name, 0) for name in OUTCOMES},
        "registered": result.tally.get("registered", 0),
        "not_registered": result.tally.get("not registered", 0),
        "messages": result.messages,
        "lost": result.lost,
        "checks": result.checks,
        "violations": [
            {"where": each.where, "what": each.what, "ladder": each.ladder} for each in result.violations
        ],
        "counters": result.counters,
        "digest": result.digest,
        "seconds": round(result.seconds, 3),
    }
