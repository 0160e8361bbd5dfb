"""The benchmark: calls by SIPp through sipfsm, through a relay that parses nothing, and through Kamailio.

The parts, in reading order: `targets` (what is measured), `load` (the calls), `measure` (the three
measurements, and how they interleave), `report`, `profiling`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.bench.measure import Bench, Plan
from tests.bench.profiling import profile
from tests.bench.report import as_json, machine, markdown
from tests.bench.targets import PROXY_CORE, all_targets

_DEFAULTS = Plan()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0]
    )
    known = [target.key for target in all_targets()]
    parser.add_argument("--calls", type=int, help=f"calls of one measurement of the cost ({_DEFAULTS.calls})")
    parser.add_argument(
        "--rate", type=int, default=_DEFAULTS.rate, help="calls a second for it (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, help=f"how often each is measured ({_DEFAULTS.rounds})")
    parser.add_argument("--held", type=int, help=f"calls in progress for the memory ({_DEFAULTS.held})")
    parser.add_argument("--quick", action="store_true", help="one short round: a look, not a result")
    parser.add_argument(
        "--only", choices=known, action="append", help="measure this target (may be repeated)"
    )
    parser.add_argument(
        "--output", type=Path, help="where the report goes (JSON beside it); else it is printed"
    )
    parser.add_argument(
        "--profile", action="store_true", help="where sipfsm's time goes, instead of the benchmark"
    )
    return parser.parse_args()


def _plan(arguments: argparse.Namespace) -> Plan:
    base = Plan.quick(arguments.rate) if arguments.quick else Plan(rate=arguments.rate)
    given = {name: getattr(arguments, name) for name in ("calls", "rounds", "held")}
    return Plan(**{**vars(base), **{name: value for name, value in given.items() if value is not None}})


def main() -> int:
    """Measure and report; the exit code."""
    arguments = _arguments()
    plan = _plan(arguments)
    if (os.cpu_count() or 1) < 2:
        _say("The benchmark needs two cores: one for the target, one for the generator.")
        return 1
    if arguments.profile:
        sys.stdout.write(profile(calls=plan.calls, rate=plan.rate))
        return 0
    chosen = [target for target in all_targets() if not arguments.only or target.key in arguments.only]
    measured = Bench(chosen, plan, say=_say).run()
    where = machine()
    page = markdown(measured, plan, where)
    sys.stdout.write(page)
    if arguments.output is not None:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(page)
        arguments.output.with_suffix(".json").write_text(as_json(measured, plan, where))
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    # Ourselves, too, keep away from the core that is measured.
    os.sched_setaffinity(0, set(range(os.cpu_count() or 1)) - {PROXY_CORE} or {0})
    sys.exit(main())
