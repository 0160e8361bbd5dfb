"""The formats that a machine can be drawn in."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sipfsm.statechart.chart import Chart
from sipfsm.statechart.dot import write_dot
from sipfsm.statechart.json_text import write_json
from sipfsm.statechart.markdown import write_markdown
from sipfsm.statechart.mermaid import write_mermaid
from sipfsm.statechart.plantuml import write_plantuml
from sipfsm.statechart.png import draw_png
from sipfsm.statechart.scxml import write_scxml
from sipfsm.statechart.svg import draw_svg


class Format(StrEnum):
    """What `sipfsm draw --format` takes."""

    SVG = "svg"
    PNG = "png"
    DOT = "dot"
    MERMAID = "mermaid"
    PLANTUML = "plantuml"
    SCXML = "scxml"
    MARKDOWN = "markdown"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a format is made.

    Attributes:
        suffix: how its files end.
        render: what makes it of a chart: text, or bytes.
        is_picture: whether it is looked at rather than read.
        compares: whether it can show two machines compared.
    """

    suffix: str
    render: Callable[[Chart], str | bytes]
    is_picture: bool = False
    compares: bool = True


RECIPES: dict[Format, Recipe] = {
    Format.SVG: Recipe(".svg", draw_svg, is_picture=True),
    Format.PNG: Recipe(".png", draw_png, is_picture=True),
    Format.DOT: Recipe(".dot", write_dot),
    Format.MERMAID: Recipe(".mmd", write_mermaid),
    Format.PLANTUML: Recipe(".puml", write_plantuml),
    Format.SCXML: Recipe(".scxml", write_scxml, compares=False),
    Format.MARKDOWN: Recipe(".md", write_markdown),
    Format.JSON: Recipe(".json", write_json),
}
"""What makes each format."""
