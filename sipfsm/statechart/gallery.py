"""The folder `statecharts/`: every machine in every format that is text, and a page that shows them all."""

from collections.abc import Mapping, Sequence

from sipfsm.statechart.chart import Chart
from sipfsm.statechart.comparison import summarize
from sipfsm.statechart.formats import RECIPES, Format
from sipfsm.statechart.markdown import Section, write_markdown
from sipfsm.statechart.marks import GENERATED

FORMATS = (Format.SVG, Format.MERMAID, Format.PLANTUML, Format.SCXML, Format.MARKDOWN)
"""What the folder has of each machine; of two that are compared, those that can show them."""

INDEX = "README.md"

_INTRODUCTION = f"""\
<!-- {GENERATED} -->

# Statecharts

Pictures of the machines in [models](../models/README.md). They are made of the models that run, and never
edited: a test compares them with what would be made now, and `make draw` makes them anew. How to draw a
machine of your own: [draw a machine](../docs/how-to/draw-a-machine.md).

Each machine has a page with its picture, its rows, states, timers and clauses, and what is verified of it.
`.svg` is the picture alone, in which every row leads to its clause; `.mmd` is for Mermaid, `.puml` for
PlantUML; `.scxml` runs in other programs.
"""


def make_gallery(charts: Sequence[Chart], sections: Mapping[str, Sequence[Section]]) -> dict[str, str]:
    """Make all files of the folder: their texts by their names.

    Args:
        charts: the machines, and those that are compared.
        sections: what else the page of a machine says, by the name of the machine.
    """
    files = {INDEX: _index(charts)}
    for chart in charts:
        for each in FORMATS:
            recipe = RECIPES[each]
            if chart.against is None or recipe.compares:
                content = recipe.render(chart)
                assert isinstance(content, str)
                files[chart.name + recipe.suffix] = content
        picture = chart.name + RECIPES[Format.SVG].suffix
        files[chart.name + RECIPES[Format.MARKDOWN].suffix] = write_markdown(
            chart, sections=sections.get(chart.name, ()), picture=picture
        )
    return files


def _index(charts: Sequence[Chart]) -> str:
    lines = [_INTRODUCTION, "| machine | states | rows | timers |", "|---|---|---|---|"]
    lines += [_line(chart) for chart in charts if chart.against is None]
    for chart in charts:
        lines += ["", f"## {chart.title}", "", f"[![{chart.title}]({chart.name}.svg)]({chart.name}.md)", ""]
        if chart.against is not None:
            lines += [*(f"- {line}" for line in summarize(chart)[1:]), ""]
        lines += ["Files:", *_files(chart)]
    return "\n".join(lines) + "\n"


def _line(chart: Chart) -> str:
    cells = (
        f"[{chart.title}]({chart.name}.md)",
        str(len(chart.states)),
        str(len(chart.rows)),
        ", ".join(timer.name for timer in chart.timers) or "none",
    )
    return f"| {' | '.join(cells)} |"


def _files(chart: Chart) -> list[str]:
    suffixes = [RECIPES[each].suffix for each in FORMATS if chart.against is None or RECIPES[each].compares]
    links = [f"[{suffix}]({chart.name}{suffix})" for suffix in suffixes]
    return [f"{link}," for link in links[:-1]] + links[-1:]
