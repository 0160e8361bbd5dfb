"""Generated sequences for as long as one likes: ``make fuzz SECONDS=600``.

The time goes to the machines alone, to the transaction layer, and to whole servers. What fails is shrunk,
told as a ladder, and ends the run with exit code 1; the seed that is printed brings it back.
"""

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sipfsm.fsm import load_model
from sipfsm.logs import configure_logging
from sipfsm.proxy import proxy
from tests.fuzz import plan, script, stage
from tests.fuzz.cells import MACHINES, Reached, all_cells, all_rows
from tests.fuzz.machines import walk
from tests.fuzz.shrink import shrink

BATCH = {"machines": 200, "transaction layer": 50, "whole server": 20}
SHARE = {"machines": 0.1, "transaction layer": 0.45, "whole server": 0.45}
"""Of the time."""


@dataclass
class Search:
    """One kind of sequences, and what came of them."""

    name: str
    run: Callable[[Random, int], str | None]
    """Draws so many sequences and runs them; returns what failed, if anything did."""
    sequences: int = 0
    cpu: float = 0.0
    found: str | None = None
    new: list[str] = field(default_factory=list)
    """What was reached for the first time in this run, with the number of sequences that it took."""


def fuzz_machines(reached: Reached) -> Callable[[Random, int], str | None]:
    """Events straight into the machines, both engines against the reference."""

    def run(chance: Random, count: int) -> str | None:
        try:
            for _ in range(count):
                walk(chance, chance.choice(MACHINES), reached)
        except AssertionError as error:
            return str(error)
        return None

    return run


def fuzz_layer(reached: Reached) -> Callable[[Random, int], str | None]:
    """Sequences through the transaction layer, against the reference."""

    def run(chance: Random, count: int) -> str | None:
        for failed in stage.play_all([script.draw(chance) for _ in range(count)], reached):
            small = shrink(failed, lambda part: bool(stage.play_all([part], Reached())))
            return str(stage.play_all([small], Reached()).get(small, "it holds when it is run alone"))
        return None

    return run


def fuzz_server(rows: set[str]) -> Callable[[Random, int], str | None]:
    """Plans for whole servers."""

    def run(chance: Random, count: int) -> str | None:
        for failed in plan.play_all([plan.draw(chance) for _ in range(count)], rows=rows):
            return plan.tell(plan.smaller(failed))
        return None

    return run


def search(
    each: Search, seconds: float, seed: int, tick: Callable[[Search], None], news: Callable[[], set[str]]
) -> None:
    """Run sequences of one kind until the time is over or something was found."""
    chance, known = Random(f"{seed} {each.name}"), news()
    end = time.monotonic() + seconds
    while time.monotonic() < end and each.found is None:
        began = time.process_time()
        each.found = each.run(chance, BATCH[each.name])
        each.cpu += time.process_time() - began
        each.sequences += BATCH[each.name]
        each.new += [f"{what} after {each.sequences}" for what in sorted(news() - known)]
        known = news()
        tick(each)


@contextmanager
def progress(console: Console, seconds: float) -> Iterator[Callable[[Search], None]]:
    """A bar on a terminal, nothing elsewhere."""
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    began = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=seconds)

        def tick(each: Search) -> None:
            speed = each.sequences / each.cpu if each.cpu else 0
            text = f"{each.name}: {each.sequences:,} sequences, {speed:,.0f} a second of CPU"
            bar.update(task, description=text, completed=time.monotonic() - began)

        yield tick


def proxy_rows() -> set[str]:
    """The ids of the rows of a forking proxy."""
    return {row.id for name in proxy.MODELS for row in load_model(name).transitions}


def report(console: Console, searches: list[Search], reached: dict[str, Reached], rows: set[str]) -> None:
    """Say what was run and reached."""
    table = Table("sequences of the", "number", "a second of CPU", "new at the end", title_justify="left")
    for each in searches:
        speed = f"{each.sequences / each.cpu:,.0f}" if each.cpu else "-"
        table.add_row(each.name, f"{each.sequences:,}", speed, ", ".join(each.new[-3:]) or "-")
    console.print(table)
    for where, part in reached.items():
        cells, every = len(part.cells), len(list(all_cells()))
        console.print(f"Cells (state, event) reached, {where}: {cells} of {every}")
        console.print(f"Rows reached, {where}: {len(part.rows)} of {len(all_rows())}")
    console.print(f"Rows reached, whole server: {len(rows)} of {len(all_rows()) + len(proxy_rows())}")


def main() -> int:
    """Parse the arguments and fuzz."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument(
        "--seed", type=int, default=None, help="of everything; default: another one each time"
    )
    arguments = parser.parse_args()
    if arguments.seconds <= 0:
        parser.error("--seconds has to be above 0")
    configure_logging("error", "console")
    seed = arguments.seed if arguments.seed is not None else time.time_ns() % 1_000_000
    console, rows = Console(), set[str]()
    reached = {"machines": Reached(), "transaction layer": Reached()}
    searches = [
        Search("machines", fuzz_machines(reached["machines"])),
        Search("transaction layer", fuzz_layer(reached["transaction layer"])),
        Search("whole server", fuzz_server(rows)),
    ]

    def news() -> set[str]:
        """Everything that was reached."""
        found = set(rows)
        for where, part in reached.items():
            found |= {f"{row} ({where})" for row in part.rows}
            found |= {f"{' '.join(cell)} ({where})" for cell in part.cells}
        return found

    console.print(f"Seed {seed}")
    with progress(console, arguments.seconds) as tick:
        for each in searches:
            search(each, arguments.seconds * SHARE[each.name], seed, tick, news)
    report(console, searches, reached, rows)
    for each in searches:
        if each.found is not None:
            sys.stdout.write(f"\nFound in the {each.name} with --seed {seed}:\n{each.found}\n")
    return 1 if any(each.found for each in searches) else 0


if __name__ == "__main__":
    # What is loaded by now stays; to look at it again and again would take a tenth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    sys.exit(main())
