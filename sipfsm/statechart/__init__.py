"""Drawing machines: a description of a model, rendered as pictures and in other programs' formats.

`make_chart` describes a model, `compare` puts two descriptions together, and `RECIPES` has a renderer for
each `Format`. What is drawn is what runs: everything comes from the model.
"""

from sipfsm.statechart.chart import Change, Chart, ChartRow, ChartState, ChartTimer, make_chart
from sipfsm.statechart.citation import Citation, Clause, Origin, read_citation
from sipfsm.statechart.comparison import compare, summarize
from sipfsm.statechart.formats import RECIPES, Format, Recipe
from sipfsm.statechart.markdown import Section, write_markdown
from sipfsm.statechart.marks import GENERATED

__all__ = [
    "GENERATED",
    "RECIPES",
    "Change",
    "Chart",
    "ChartRow",
    "ChartState",
    "ChartTimer",
    "Citation",
    "Clause",
    "Format",
    "Origin",
    "Recipe",
    "Section",
    "compare",
    "make_chart",
    "read_citation",
    "summarize",
    "write_markdown",
]
