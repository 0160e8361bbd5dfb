"""How many mutants of the models each engine finds: ``python -m tests.models.mutation [MODEL...]``.

What comes out stands in `tests/models/mutants.json`, and for people in `docs/explanation/mutants.md`. A
mutant is killed by the schema, by an engine that holds it against its obligations, or not at all.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from itertools import compress
from pathlib import Path
from typing import Any

from sipfsm.fsm import Model, load_model
from sipfsm.verify.mutants import equivalent, mutants
from sipfsm.verify.obligations import OBLIGATIONS
from sipfsm.verify.spin.alone import judge_mutants
from sipfsm.verify.watch import Watch

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "tests/models/mutants.json"
PAGE = ROOT / "docs/explanation/mutants.md"
COMMAND = "make verify-mutants"

Record = dict[str, dict[str, Any]]

_TICK = "half a tick is one for SPIN; the first engine counts seconds"
_TRYING = "is one tick, as 0.2 s is; `tests/conformance` measures milliseconds"

WHY = {
    # Of survivors that are no equivalents: why nothing sees them.
    ("invite-client", "halve timer A"): _TICK,
    ("non-invite-client", "halve timer E"): _TICK,
    ("invite-server", "halve timer G"): _TICK,
    ("invite-server", "halve timer trying"): f"0.1 s {_TRYING}",
    ("invite-server", "double timer trying"): f"0.4 s {_TRYING}",
}


def unseen_by_exploration(name: str, models: Sequence[Model]) -> list[bool]:
    """Say of each model whether the first engine finds nothing wrong with it."""
    return [
        all(Watch(model, OBLIGATIONS[name], reliable).search()[1] is None for reliable in (False, True))
        for model in models
    ]


def unseen_by_spin(name: str, models: Sequence[Model]) -> list[bool]:
    """Say the same of the second one."""
    return judge_mutants(load_model(name), models, OBLIGATIONS[name])


ENGINES = {"explore": unseen_by_exploration, "spin": unseen_by_spin}


def fingerprint(name: str) -> str:
    """What changes when the mutants or the obligations of a model do, and nothing else."""
    made = {
        mutant.name: mutant.model and mutant.model.model_dump_json() for mutant in mutants(load_model(name))
    }
    text = json.dumps([made, OBLIGATIONS[name]], default=sorted)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def judge(name: str) -> dict[str, Any]:
    """Have both engines judge all mutants of a model."""
    model = load_model(name)
    made = mutants(model)
    named = {mutant.name: mutant.model for mutant in made if mutant.model is not None}
    survivors = {
        engine: list(compress(named, unseen(name, list(named.values()))))
        for engine, unseen in ENGINES.items()
    }
    alive = dict.fromkeys(each for names in survivors.values() for each in names)
    return {
        "fingerprint": fingerprint(name),
        "mutants": len(made),
        "refused": len(made) - len(named),
        "equivalent": [each for each in alive if equivalent(model, named[each])],
        "survivors": survivors,
    }


def rate(entry: dict[str, Any], engine: str) -> tuple[int, int]:
    """How many mutants an engine killed, of those that the schema takes and that differ at all."""
    different = entry["mutants"] - entry["refused"] - len(entry["equivalent"])
    alive = set(entry["survivors"][engine]) - set(entry["equivalent"])
    return different - len(alive), different


def page(record: Record) -> str:
    """The text for people."""
    lines = [
        "# Mutants",
        "",
        f"Made by `{COMMAND}`; not to be edited.",
        "",
        "Each mutant is a model with one mistake: a row is dropped, or leads to another state, or stays;",
        "an action is dropped; a timer is dropped, for one class of transport or altogether, is half or",
        "twice as long, or does not back off or stop growing as it should. The schema refuses some,",
        "because they cannot be a machine. The others are held against what the RFCs oblige the machine",
        "to do (`sipfsm/verify/obligations.py`), by each engine. An *equivalent* one differs from the",
        "model in nothing that anybody could see: both were run side by side through every order of",
        "events and timers, late timers included, and asked for the same at every step.",
        "",
        "| model | mutants | refused by the schema | equivalent | killed by exploration | killed by SPIN |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, entry in record.items():
        counts = f"{entry['mutants']} | {entry['refused']} | {len(entry['equivalent'])}"
        figures = " | ".join(_share(*rate(entry, engine)) for engine in ENGINES)
        lines.append(f"| `{name}` | {counts} | {figures} |")
    lines += ["", "## Survivors", ""]
    for name, entry in record.items():
        alive = sorted({each for names in entry["survivors"].values() for each in names})
        lines += [f"- `{name}`: *{each}*{_who(each, entry)}: {reason(name, each, entry)}" for each in alive]
    return "\n".join([*lines, ""])


def reason(name: str, mutant: str, entry: dict[str, Any]) -> str:
    """Why a mutant lives."""
    if mutant in entry["equivalent"]:
        return "equivalent"
    return WHY[name, mutant]


def _who(mutant: str, entry: dict[str, Any]) -> str:
    """Which engine lets a mutant live, where the other one does not."""
    who = [engine for engine in ENGINES if mutant in entry["survivors"][engine]]
    return "" if len(who) == len(ENGINES) else f" ({' and '.join(who)} only)"


def _share(killed: int, of: int) -> str:
    return f"{killed} of {of} ({100 * killed / of:.1f} %)"


def main() -> None:
    """Judge the models that are named, or all, and write down what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="*")
    chosen = parser.parse_args().model or list(OBLIGATIONS)
    record: Record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for name in chosen:
        sys.stderr.write(f"{name}\n")
        record[name] = judge(name)
        kept = {each: record[each] for each in OBLIGATIONS if each in record}
        RECORD.write_text(json.dumps(kept, indent=1) + "\n")
        PAGE.write_text(page(kept))


if __name__ == "__main__":
    main()
