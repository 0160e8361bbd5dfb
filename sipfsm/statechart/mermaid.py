"""The machine as a Mermaid state diagram, which many sites draw where Markdown is shown."""

import json
from collections.abc import Iterator, Sequence

from sipfsm.statechart.blocks import tone_of
from sipfsm.statechart.captions import caption, identifiers, timer_lines
from sipfsm.statechart.chart import Change, Chart, ChartRow, ChartState
from sipfsm.statechart.marks import GENERATED
from sipfsm.statechart.palette import LIGHT

_RESERVED = {
    "as",
    "class",
    "classdef",
    "click",
    "default",
    "direction",
    "end",
    "fork",
    "note",
    "state",
    "style",
}


def write_mermaid(chart: Chart) -> str:
    """Write a machine, or two that are compared, as a Mermaid `stateDiagram-v2`.

    What stays in a state stands in the state. Colours are those of a light background.
    """
    names = identifiers(chart, _RESERVED)
    lines = ["---", f"title: {json.dumps(chart.title, ensure_ascii=False)}", "---", "stateDiagram-v2"]
    lines += [f"  %% {GENERATED}", "  direction TB"]
    for state in chart.states:
        lines += [f"  {line}" for line in _state(state, names[state.name], chart.stays(state.name))]
    lines.append(f"  [*] --> {names[chart.initial]}")
    for (source, dest), rows in chart.arrows().items():
        label = "<br/>".join(f"{row.id} {caption(row)}" for row in rows)
        lines.append(f"  {names[source]} --> {names[dest]} : {label}")
    lines += [f"  {names[state]} --> [*]" for state in chart.final]
    if chart.timers:
        note = [f"    {line.replace(':', '')}" for line in timer_lines(chart)]
        lines += [f"  note right of {names[chart.initial]}", *note, "  end note"]
    return "\n".join([*lines, *_classes(chart, names)]) + "\n"


def _state(state: ChartState, name: str, rows: Sequence[ChartRow]) -> Iterator[str]:
    change = f" ({state.change})" if state.change not in {None, Change.SAME} else ""
    yield f'state "{_entities(state.name)}{change}" as {name}'
    for verb, actions in (("enter", state.on_enter), ("exit", state.on_exit)):
        if actions:
            yield f"{name} : {verb} / {', '.join(actions)}"
    yield from (f"{name} : {row.id} {caption(row)}" for row in rows)


def _entities(text: str) -> str:
    """A text between quotation marks, with Mermaid's own names for its signs."""
    return text.replace("#", "#35;").replace('"', "#quot;")


def _classes(chart: Chart, names: dict[str, str]) -> Iterator[str]:
    tones: dict[str, list[str]] = {}
    for state in chart.states:
        tones.setdefault(tone_of(state), []).append(names[state.name])
    for tone, states in tones.items():
        if tone in LIGHT.tints:
            fill = LIGHT.tints[tone][0]
            yield f"  classDef {tone} fill:{fill},stroke:{LIGHT.tones[tone]},color:{LIGHT.ink}"
            yield f"  class {','.join(states)} {tone}"
