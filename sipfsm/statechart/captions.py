"""What the formats that are text write beside their arrows, and how they name states."""

import re
from collections.abc import Collection

from sipfsm.statechart.chart import Change, Chart, ChartRow
from sipfsm.statechart.citation import Origin
from sipfsm.statechart.panels import TIMER_HEADINGS, timer_cells


def caption(row: ChartRow) -> str:
    """A row on one line, without its id: `tu_2xx / send_response (RFC 6026)`."""
    actions = f" / {', '.join(row.actions)}" if row.actions else ""
    if not row.actions and row.dest is None:
        actions = " / nothing"
    remarks = remark(row)
    return ", ".join(row.events) + actions + (f" ({remarks})" if remarks else "")


def remark(row: ChartRow) -> str:
    """What a colour says elsewhere: the change where machines are compared, else what the row rests on.

    Empty for what is ordinary: a row that is the same in both machines, or one of RFC 3261.
    """
    if row.change is not None:
        told = [text for text in row.differences if row.change is Change.CHANGED]
        return (
            ""
            if row.change is Change.SAME
            else ": ".join([str(row.change), *filter(None, ["; ".join(told)])])
        )
    if row.origin is Origin.GAP:
        return "gap"
    return "" if row.origin is Origin.RFC_3261 else row.citation.clauses[0].label.rpartition(" ")[0]


def timer_lines(chart: Chart) -> list[str]:
    """The timers, one a line: `timer G: unreliable T1 = 0.5 s, reliable not run, then x2 up to T2`."""
    lines = []
    for timer in chart.timers:
        cells = timer_cells(timer)
        parts = [
            f"{heading.removesuffix(' transport')} {'not run' if cell == '-' else cell}"
            for heading, cell in zip(TIMER_HEADINGS[1:], cells[1:], strict=True)
            if cell
        ]
        change = f" ({timer.change})" if timer.change not in {None, Change.SAME} else ""
        lines.append(f"timer {timer.name}{change}: {', '.join(parts)}")
    return lines


def identifiers(chart: Chart, reserved: Collection[str] = ()) -> dict[str, str]:
    """A name of letters, digits and underscores for each state: its own, if that will do.

    Args:
        chart: the machine.
        reserved: words in lower case that a format keeps for itself.
    """
    names: dict[str, str] = {}
    for state in chart.states:
        name = re.sub(r"\W", "_", state.name, flags=re.ASCII)
        if not name[0].isalpha() or name.lower() in reserved:
            name = f"state_{name}"
        while name in names.values():
            name += "_"
        names[state.name] = name
    return names
