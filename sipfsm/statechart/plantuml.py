"""The machine as a PlantUML state diagram."""

from collections.abc import Iterator, Sequence

from sipfsm.statechart.blocks import tone_of
from sipfsm.statechart.captions import caption, identifiers, timer_lines
from sipfsm.statechart.chart import Change, Chart, ChartRow, ChartState
from sipfsm.statechart.marks import GENERATED
from sipfsm.statechart.palette import LIGHT
from sipfsm.statechart.panels import meanings

_RESERVED = {"as", "end", "legend", "note", "state", "title"}
_DASHED = {"gap", str(Change.BEFORE)}


def write_plantuml(chart: Chart) -> str:
    """Write a machine, or two that are compared, as a PlantUML state diagram.

    What stays in a state stands in the state. The id of each row is a link to its clause.
    """
    names = identifiers(chart, _RESERVED)
    lines = ["@startuml", f"' {GENERATED}", f"title {chart.title}", "hide empty description"]
    for state in chart.states:
        lines += _state(state, names[state.name], chart.stays(state.name))
    lines.append(f"[*] --> {names[chart.initial]}")
    for (source, dest), rows in chart.arrows().items():
        # One arrow for each colour, since an arrow has one.
        for tone in dict.fromkeys(map(tone_of, rows)):
            label = "\\n".join(_row(row) for row in rows if tone_of(row) == tone)
            lines.append(f"{names[source]} {_arrow(tone)} {names[dest]} : {label}")
    lines += [f"{names[state]} --> [*]" for state in chart.final]
    return "\n".join([*lines, *_legend(chart), "@enduml"]) + "\n"


def _state(state: ChartState, name: str, rows: Sequence[ChartRow]) -> Iterator[str]:
    tint = LIGHT.tints.get(tone_of(state))
    change = f" ({state.change})" if state.change not in {None, Change.SAME} else ""
    shown = (state.name + change).replace('"', "'")
    yield f'state "{shown}" as {name}' + (f" {tint[0]}" if tint else "")
    for verb, actions in (("enter", state.on_enter), ("exit", state.on_exit)):
        if actions:
            yield f"{name} : {verb} / {', '.join(actions)}"
    yield from (f"{name} : {_row(row)}" for row in rows)


def _row(row: ChartRow) -> str:
    link = row.citation.link
    return f"{f'[[{link} {row.id}]]' if link else row.id} {caption(row)}"


def _arrow(tone: str) -> str:
    return f"-[{LIGHT.tones[tone]}{',dashed' if tone in _DASHED else ''}]->"


def _legend(chart: Chart) -> Iterator[str]:
    yield "legend left"
    for tone, text in meanings(chart).items():
        yield f"<color:{LIGHT.tones[tone]}>{text}</color>"
    yield from timer_lines(chart)
    yield "end legend"
