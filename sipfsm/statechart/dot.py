"""The machine as a graph for Graphviz, with states as tables: a text to lay out again or to embed."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from sipfsm.statechart.blocks import Box, Card, Entry, make_boxes, make_cards, sign_of, tone_of
from sipfsm.statechart.captions import timer_lines
from sipfsm.statechart.chart import Change, Chart
from sipfsm.statechart.lettering import Line
from sipfsm.statechart.marks import GENERATED
from sipfsm.statechart.palette import LIGHT
from sipfsm.statechart.panels import meanings

_DASHED = {"gap", str(Change.BEFORE)}


def write_dot(chart: Chart) -> str:
    """Write a machine, or two that are compared, as a directed graph in the language of Graphviz."""
    lines = [
        f"// {GENERATED}",
        f"digraph {_quoted(chart.name)} {{",
        f'  graph [rankdir="TB", nodesep="0.3", ranksep="0.34", bgcolor="{LIGHT.paper}", pad="0.3",',
        f'    fontname="sans-serif", labelloc="t", labeljust="l", label=<{_heading(chart)}>];',
        '  node [shape="plain", fontname="monospace", fontsize="11"];',
        '  edge [arrowsize="0.8"];',
        f'  "start" [shape="circle", style="filled", width="0.2", label="", color="{LIGHT.ink}"];',
    ]
    lines += [f"  {_node(name)} [label=<{_box(box)}>];" for name, box in make_boxes(chart).items()]
    lines.append(f'  "start" -> {_node(chart.initial)} [color="{LIGHT.tones["rfc3261"]}"];')
    for number, card in enumerate(make_cards(chart)):
        lines += _arrow(f'"card {number}"', card)
    return "\n".join([*lines, "}"]) + "\n"


def _node(state: str) -> str:
    return _quoted(f"state {state}")


def _arrow(name: str, card: Card) -> Iterator[str]:
    colour = LIGHT.tones[card.tone]
    style = "dashed" if card.tone in _DASHED else "solid"
    links = [entry.row.citation.link for entry in card.entries]
    link = next(filter(None, links), None)
    url = f", URL={_quoted(link)}" if link else ""
    yield f"  {name} [label=<{_card(card)}>];"
    yield f'  {_node(card.source)} -> {name} [arrowhead="none", color="{colour}", style="{style}"{url}];'
    yield f'  {name} -> {_node(card.dest)} [color="{colour}", style="{style}"{url}];'


def _box(box: Box) -> str:
    tone = tone_of(box.state)
    inside, head = LIGHT.tints.get(tone, (LIGHT.box, LIGHT.head))
    name = escape(f"{sign_of(box.state.change)} {box.state.name}".strip())
    title = f'<FONT FACE="sans-serif" POINT-SIZE="14"><B>{name}</B></FONT>'
    rows = [f'<TR><TD COLSPAN="2" ALIGN="CENTER" BGCOLOR="{head}">{title}</TD></TR>']
    rows += [f'<TR><TD COLSPAN="2" ALIGN="LEFT">{_lines([line])}</TD></TR>' for line in box.doings]
    rows += [_entry(entry) for entry in box.entries]
    # A double frame is a table within a table.
    table = _table(rows, border=1, colour=LIGHT.tones[tone], background=inside)
    if not box.state.final:
        return table
    return _table([f"<TR><TD>{table}</TD></TR>"], border=1, colour=LIGHT.tones[tone], padding=2)


def _card(card: Card) -> str:
    rows = [_entry(entry) for entry in card.entries]
    return _table(rows, border=1, colour=LIGHT.tones[card.tone], background=LIGHT.paper)


def _table(rows: Sequence[str], *, border: int, colour: str, background: str = "", padding: int = 3) -> str:
    fill = f' BGCOLOR="{background}"' if background else ""
    return (
        f'<TABLE BORDER="{border}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}" STYLE="ROUNDED" '
        f'COLOR="{colour}"{fill}>{"".join(rows)}</TABLE>'
    )


def _entry(entry: Entry) -> str:
    link = entry.row.citation.link
    url = f' HREF="{escape(link)}" TITLE="{escape(entry.row.citation.text)}"' if link else ""
    colour = LIGHT.tones[tone_of(entry.row)]
    label = f'<FONT COLOR="{colour}" POINT-SIZE="10">{escape(entry.label)}</FONT>'
    return (
        f'<TR><TD ALIGN="LEFT" VALIGN="TOP"{url}>{label}</TD><TD ALIGN="LEFT" BALIGN="LEFT">'
        f"{_lines(entry.lines, struck=entry.row.change in {Change.BEFORE, Change.DROPPED})}</TD></TR>"
    )


def _lines(lines: Sequence[Line], *, struck: bool = False) -> str:
    return "<BR/>".join("".join(_span(text, kind, struck) for text, kind in line) for line in lines)


def _span(text: str, kind: str, struck: bool) -> str:
    shown = escape(text).replace(" ", "&#160;")
    if not text.strip():
        return shown
    if kind == "event":
        return f"<S>{shown}</S>" if struck else f"<B>{shown}</B>"
    colour = LIGHT.action if kind == "action" else LIGHT.muted
    return f'<FONT COLOR="{colour}">{shown}</FONT>'


def _heading(chart: Chart) -> str:
    legend = "; ".join(
        f'<FONT COLOR="{LIGHT.tones[tone]}">{escape(text)}</FONT>' for tone, text in meanings(chart).items()
    )
    lines = [
        f'<FONT POINT-SIZE="18"><B>{escape(chart.title)}</B></FONT>',
        f'<FONT POINT-SIZE="11">{escape(" · ".join([chart.name, *chart.sources]))}</FONT>',
        f'<FONT POINT-SIZE="11">{legend}</FONT>',
        *(f'<FONT POINT-SIZE="11">{escape(line)}</FONT>' for line in timer_lines(chart)),
    ]
    return '<BR ALIGN="LEFT"/>'.join([*lines, ""])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
