"""Where boxes and arrows go: Graphviz, asked for positions only.

Graphviz is given sizes and no text, so what it answers does not depend on the fonts of a machine. The label
of an arrow is a card that the arrow runs through: no label overlaps anything, and none can be taken for
another arrow's. All lengths are points; the origin is the upper left corner.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pygraphviz

_INCH = 72


@dataclass(frozen=True, slots=True)
class Size:
    """A width and a height."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Point:
    """A place."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """What is to be drawn from one box to another, by way of its card, if it has one."""

    source: str
    dest: str
    card: Size | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """One stroke.

    Attributes:
        points: a start, then three points for each cubic Bézier curve that follows.
        tip: where the arrowhead ends, if there is one; the curve ends at its base.
    """

    points: tuple[Point, ...]
    tip: Point | None


@dataclass(frozen=True, slots=True)
class Route:
    """How an arrow runs: its strokes, and the middle of its card."""

    curves: tuple[Curve, ...]
    card: Point | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is.

    Attributes:
        size: of the whole.
        boxes: the middle of each box.
        routes: one for each arrow, in their order.
    """

    size: Size
    boxes: Mapping[str, Point]
    routes: Sequence[Route]


def lay_out(boxes: Mapping[str, Size], arrows: Sequence[Arrow]) -> Layout:
    """Place boxes from top to bottom, and lead arrows between them.

    Args:
        boxes: the size of each box by its name; the first one goes on top.
        arrows: what leads where, between boxes of these names.
    """
    graph = pygraphviz.AGraph(directed=True, strict=False)
    graph.graph_attr.update(rankdir="TB", nodesep="0.3", ranksep="0.34", splines="true")
    graph.node_attr.update(shape="box", fixedsize="true", label="")
    graph.edge_attr.update(arrowsize="0.8")
    for name, size in boxes.items():
        graph.add_node(f"box {name}", width=_inches(size.width), height=_inches(size.height))
    for number, arrow in enumerate(arrows):
        _add_arrow(graph, number, arrow)
    graph.add_subgraph([f"box {next(iter(boxes))}"], rank="source")
    graph.layout(prog="dot")
    return _read(graph, boxes, arrows)


def _add_arrow(graph: pygraphviz.AGraph, number: int, arrow: Arrow) -> None:
    source, dest = f"box {arrow.source}", f"box {arrow.dest}"
    if arrow.card is None:
        graph.add_edge(source, dest, key=f"{number}")
        return
    card = f"card {number}"
    graph.add_node(card, width=_inches(arrow.card.width), height=_inches(arrow.card.height))
    graph.add_edge(source, card, key=f"{number} out", arrowhead="none")
    graph.add_edge(card, dest, key=f"{number} in")


def _read(graph: pygraphviz.AGraph, boxes: Mapping[str, Size], arrows: Sequence[Arrow]) -> Layout:
    _, _, width, height = (float(number) for number in graph.graph_attr["bb"].split(","))

    def point(text: str) -> Point:
        x, y = text.split(",")
        return Point(float(x), height - float(y))

    def middle(node: str) -> Point:
        return point(graph.get_node(node).attr["pos"])

    def curve(source: str, dest: str, key: str) -> Curve:
        # Graphviz breaks long values with a backslash at the end of the line.
        words = re.sub(r"\\\r?\n", "", graph.get_edge(source, dest, key=key).attr["pos"]).split()
        tips = [point(word.removeprefix("e,")) for word in words if word.startswith("e,")]
        return Curve(tuple(point(word) for word in words if word[0] not in "es"), tips[0] if tips else None)

    def route(number: int, arrow: Arrow) -> Route:
        source, dest, card = f"box {arrow.source}", f"box {arrow.dest}", f"card {number}"
        if arrow.card is None:
            return Route((curve(source, dest, f"{number}"),), None)
        strokes = (curve(source, card, f"{number} out"), curve(card, dest, f"{number} in"))
        return Route(strokes, middle(card))

    return Layout(
        size=Size(width, height),
        boxes={name: middle(f"box {name}") for name in boxes},
        routes=[route(number, arrow) for number, arrow in enumerate(arrows)],
    )


def _inches(points: float) -> str:
    return f"{points / _INCH:.4f}"
