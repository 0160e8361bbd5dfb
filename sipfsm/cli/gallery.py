"""Makes `statecharts/` anew: ``python -m sipfsm.cli.gallery FOLDER``, which is what ``make draw`` runs."""

import sys
from collections.abc import Sequence
from pathlib import Path

from sipfsm.cli.properties import verified
from sipfsm.fsm import load_model, model_names
from sipfsm.statechart import GENERATED, Chart, compare, make_chart
from sipfsm.statechart.gallery import make_gallery

FIRST_PUBLISHED = "rfc3261/"
"""The models of this folder are compared with those that replaced them."""


def statecharts() -> dict[str, str]:
    """Make all files of the folder: their texts by their names."""
    models = {name: load_model(name) for name in model_names()}
    charts = {name: make_chart(model) for name, model in models.items()}
    compared: list[Chart] = [
        compare(charts[name.removeprefix(FIRST_PUBLISHED)], charts[name])
        for name in charts
        if name.startswith(FIRST_PUBLISHED)
    ]
    sections = {model.name: [verified(model)] for model in models.values()}
    return make_gallery([*charts.values(), *compared], sections)


def main(arguments: Sequence[str]) -> int:
    """Write the folder that is named, and remove what was generated there and is no more."""
    folder = Path(arguments[0])
    files = statecharts()
    for path in sorted(folder.iterdir()):
        if path.name not in files and GENERATED in path.read_text(encoding="utf-8"):
            path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    print(f"wrote {len(files)} files to {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
