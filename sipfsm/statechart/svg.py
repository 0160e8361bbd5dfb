"""The picture: SVG that is printed as well as read on a screen, in light and in dark.

Graphviz says where things go; every stroke and letter is drawn here, so a machine is the same bytes
everywhere.
"""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from sipfsm.statechart.blocks import (
    GAP,
    HEAD,
    LETTER,
    PADDING,
    PITCH,
    Box,
    Card,
    Entry,
    make_boxes,
    make_cards,
    sign_of,
    tone_of,
)
from sipfsm.statechart.chart import Change, Chart, ChartRow
from sipfsm.statechart.layout import Arrow, Curve, Point, Route, Size, lay_out
from sipfsm.statechart.lettering import Line, monospaced_width, sans_width
from sipfsm.statechart.marks import GENERATED
from sipfsm.statechart.palette import style_sheet
from sipfsm.statechart.panels import SIGNS, TIMER_HEADINGS, meanings, timer_cells

_MARGIN = 28
_TITLE = 58
"""The height of the title and what stands below it."""
_PANEL_GAP = 30
_DOT = Size(14, 14)
_START = " "  # the name of the dot; no state is called so
_BASELINE = 11
_STRESSED = {str(Change.ADDED), str(Change.CHANGED), str(Change.DROPPED)}


def draw_svg(chart: Chart) -> str:
    """Draw a machine, or two that are compared, as SVG."""
    boxes = make_boxes(chart)
    cards = make_cards(chart)
    sizes = {_START: _DOT} | {name: box.size for name, box in boxes.items()}
    arrows = [Arrow(_START, chart.initial), *(Arrow(card.source, card.dest, card.size) for card in cards)]
    layout = lay_out(sizes, arrows)
    panels = list(_panels(chart))
    panel_width = sum(width for width, _, _ in panels) + _PANEL_GAP * (len(panels) - 1)
    subtitle = _subtitle(chart)
    width = max(layout.size.width, panel_width, sans_width(chart.title, 20), sans_width(subtitle, 11))
    left = (width - layout.size.width) / 2 + _MARGIN
    below = _TITLE + layout.size.height + _PANEL_GAP + _MARGIN
    whole = Size(width + 2 * _MARGIN, below + max(height for _, height, _ in panels) + _MARGIN)
    parts = [
        *_beginning(chart, whole),
        f'<text class="title" x="{_MARGIN}" y="{_MARGIN + 18}">{escape(chart.title)}</text>',
        f'<text class="subtitle" x="{_MARGIN}" y="{_MARGIN + 38}">{escape(subtitle)}</text>',
        f'<g transform="translate({_number(left)} {_MARGIN + _TITLE - 12})">',
        *_route(layout.routes[0], "", "rfc3261", None),
        _dot(layout.boxes[_START]),
        *(part for card, route in zip(cards, layout.routes[1:], strict=True) for part in _arrow(card, route)),
        *(part for name, box in boxes.items() for part in _box(box, layout.boxes[name])),
        *(part for card, route in zip(cards, layout.routes[1:], strict=True) for part in _card(card, route)),
        "</g>",
    ]
    x: float = _MARGIN
    for panel_width, _, panel in panels:
        parts += [f'<g transform="translate({_number(x)} {_number(below)})">', *panel, "</g>"]
        x += panel_width + _PANEL_GAP
    return "\n".join([*parts, "</svg>"]) + "\n"


def _subtitle(chart: Chart) -> str:
    return " · ".join([chart.name, *chart.sources])


def _beginning(chart: Chart, size: Size) -> Iterator[str]:
    width, height = round(size.width), round(size.height)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<!-- {GENERATED} -->"
    yield (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    )
    yield f"<title>{escape(chart.title)}</title>"
    yield f"<style>\n{style_sheet()}</style>"
    yield f'<rect class="paper" width="{width}" height="{height}"/>'


# ---- states


def _box(box: Box, middle: Point) -> Iterator[str]:
    state, size = box.state, box.size
    x, y = middle.x - size.width / 2, middle.y - size.height / 2
    tone = tone_of(state)
    yield f"<g id={quoteattr('state-' + state.name)}>"
    if state.note:
        yield f"<title>{escape(state.note)}</title>"
    yield _rect(f"box {tone}", x, y, size, 8)
    # The head has the round corners of the box above, and none below.
    right, below = x + size.width - 0.7, y + HEAD
    yield (
        f'<path class="head {tone}" d="M{_at(x + 0.7, below)} V{_number(y + 8)} '
        f"Q{_at(x + 0.7, y + 0.7)} {_at(x + 8, y + 0.7)} H{_number(right - 7.3)} "
        f'Q{_at(right, y + 0.7)} {_at(right, y + 8)} V{_number(below)} Z"/>'
    )
    if state.final:
        yield _rect(f"inner {tone}", x + 3, y + 3, Size(size.width - 6, size.height - 6), 5.5)
    name = f"{sign_of(state.change)} {state.name}".strip()
    yield f'<text class="name" x="{_number(middle.x)}" y="{_number(y + 18)}">{escape(name)}</text>'
    yield from _inside(box, x + PADDING, below + 4)
    yield "</g>"


def _inside(box: Box, x: float, y: float) -> Iterator[str]:
    for line in box.doings:
        yield _text(line, x, y + _BASELINE)
        y += PITCH
    if box.doings and box.entries:
        width = box.size.width - 2 * PADDING
        yield f'<path class="rule {tone_of(box.state)}" d="M{_at(x, y + 3)} h{_number(width)}"/>'
        y += GAP + 1
    yield from _entries(box.entries, x, y, box.column)


def _entries(entries: Sequence[Entry], x: float, y: float, column: float) -> Iterator[str]:
    for entry in entries:
        yield from _entry(entry, x, y, column)
        y += entry.height


def _entry(entry: Entry, x: float, y: float, column: float) -> Iterator[str]:
    row, tone = entry.row, tone_of(entry.row)
    suffix = "-before" if row.change is Change.BEFORE else ""
    yield f"<g id={quoteattr(row.id + suffix)}><title>{escape(_hint(row))}</title>"
    label = (
        f'<text class="id {tone}" x="{_number(x)}" y="{_number(y + _BASELINE)}">{escape(entry.label)}</text>'
    )
    yield _linked(label, row.citation.link)
    for number, line in enumerate(entry.lines):
        yield _text(line, x + column, y + _BASELINE + number * PITCH, tone)
    yield "</g>"


def _hint(row: ChartRow) -> str:
    source = "no RFC says" if row.citation.link is None else row.citation.text
    return f"{row.id}: {source}" + (f"; {row.note}" if row.note else "")


def _text(line: Line, x: float, y: float, tone: str = "") -> str:
    spans = "".join(
        f'<tspan class="{f"{kind} {tone}".strip()}">{escape(text)}</tspan>' for text, kind in line
    )
    return f'<text xml:space="preserve" x="{_number(x)}" y="{_number(y)}">{spans}</text>'


# ---- arrows


def _arrow(card: Card, route: Route) -> Iterator[str]:
    bold = "bold" if card.tone in _STRESSED else ""
    links = [entry.row.citation.link for entry in card.entries]
    yield from _route(route, bold, card.tone, next(filter(None, links), None))


def _card(card: Card, route: Route) -> Iterator[str]:
    assert route.card is not None
    x, y = route.card.x - card.size.width / 2, route.card.y - card.size.height / 2
    yield _rect(f"card {card.tone}", x, y, card.size, 4)
    yield from _entries(card.entries, x + PADDING, y + PADDING / 2, card.column)


def _route(route: Route, kind: str, tone: str, link: str | None) -> Iterator[str]:
    strokes = "".join(_stroke(curve, f"line {tone} {kind}".strip(), tone) for curve in route.curves)
    yield _linked(strokes, link)


def _stroke(curve: Curve, kind: str, tone: str) -> str:
    start, *rest = (_at(point.x, point.y) for point in curve.points)
    path = f'<path class="{kind}" d="M{start} C{" ".join(rest)}"/>'
    return path if curve.tip is None else path + _tip(curve.points[-1], curve.tip, tone)


def _tip(base: Point, tip: Point, tone: str) -> str:
    across = Point((base.y - tip.y) * 0.42, (tip.x - base.x) * 0.42)
    corners = (
        _at(base.x + across.x, base.y + across.y),
        _at(tip.x, tip.y),
        _at(base.x - across.x, base.y - across.y),
    )
    return f'<path class="tip {tone}" d="M{" L".join(corners)} Z"/>'


def _dot(middle: Point) -> str:
    return f'<circle class="dot" cx="{_number(middle.x)}" cy="{_number(middle.y)}" r="{_DOT.width / 2:g}"/>'


# ---- panels


def _panels(chart: Chart) -> Iterator[tuple[float, float, list[str]]]:
    """The width, the height and the parts of each panel."""
    if chart.timers:
        yield _timer_panel(chart)
    yield _legend(chart)


def _timer_panel(chart: Chart) -> tuple[float, float, list[str]]:
    rows = [timer_cells(timer) for timer in chart.timers]
    shown = len(TIMER_HEADINGS) if any(row[-1] for row in rows) else len(TIMER_HEADINGS) - 1
    headings = TIMER_HEADINGS[:shown]
    columns = [
        max(
            sans_width(heading, 12) * 0.85,
            *(monospaced_width(len(row[number]), LETTER) for row in rows),
        )
        for number, heading in enumerate(headings)
    ]
    starts = [sum(columns[:number]) + 16 * number for number in range(len(columns))]
    parts = ['<text class="panel-title" x="0" y="0">Timers</text>']
    for x, heading in zip(starts, headings, strict=True):
        parts.append(f'<text class="panel" x="{_number(x)}" y="20">{heading}</text>')
    for number, (timer, cells) in enumerate(zip(chart.timers, rows, strict=True)):
        y = 38 + number * (PITCH + 1)
        tone = tone_of(timer)
        for column, (x, cell) in enumerate(zip(starts, cells[:shown], strict=True)):
            kind = f"swatch event {tone}" if column == 0 else "quiet" if cell == "-" else "plain"
            parts.append(f'<text class="{kind}" x="{_number(x)}" y="{y}">{escape(cell)}</text>')
    return starts[-1] + columns[-1], 38 + len(rows) * (PITCH + 1), parts


def _legend(chart: Chart) -> tuple[float, float, list[str]]:
    parts = ['<text class="panel-title" x="0" y="0">Legend</text>']
    y, width = 20, 0.0
    for tone, text in meanings(chart).items():
        bold = " bold" if tone in _STRESSED else ""
        parts.append(f'<path class="line {tone}{bold}" d="M0 {y - 4} H30"/>')
        parts.append(f'<text class="panel" x="40" y="{y}">{escape(text)}</text>')
        width = max(width, 40 + sans_width(text, 12) * 0.85)
        y += 17
    for text in SIGNS:
        parts.append(f'<text class="panel" x="0" y="{y}">{escape(text)}</text>')
        width = max(width, sans_width(text, 12) * 0.85)
        y += 17
    return width, y - 17, parts


# ---- writing


def _linked(text: str, link: str | None) -> str:
    return text if link is None else f'<a xlink:href={quoteattr(link)} target="_blank">{text}</a>'


def _rect(kind: str, x: float, y: float, size: Size, radius: float) -> str:
    return (
        f'<rect class="{kind}" x="{_number(x)}" y="{_number(y)}" width="{_number(size.width)}" '
        f'height="{_number(size.height)}" rx="{radius:g}"/>'
    )


def _at(x: float, y: float) -> str:
    return f"{_number(x)},{_number(y)}"


def _number(value: float) -> str:
    return f"{round(value, 1) + 0:g}"
