"""The machine as an image of points, drawn by Graphviz with the fonts of the machine that draws it."""

import struct
import zlib

import pygraphviz

from sipfsm.statechart.chart import Chart
from sipfsm.statechart.dot import write_dot
from sipfsm.statechart.marks import GENERATED

_RESOLUTION = 144
"""Points of the image in an inch."""
_HEADER = 33
"""The length of a PNG's signature and of its first chunk, which tells its size."""


def draw_png(chart: Chart) -> bytes:
    """Draw a machine, or two that are compared, as PNG on white paper.

    Unlike the SVG, the image depends on the fonts that are installed.
    """
    graph = pygraphviz.AGraph(string=write_dot(chart))
    graph.graph_attr["dpi"] = str(_RESOLUTION)
    image: bytes = graph.draw(format="png", prog="dot")
    return image[:_HEADER] + _comment(GENERATED) + image[_HEADER:]


def _comment(text: str) -> bytes:
    """A chunk of text, as PNG has it: length, type, data, checksum."""
    data = b"tEXtComment\0" + text.encode("latin-1")
    return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
