"""The machine as a page: its picture, and tables of its rows, states, timers and clauses."""

from collections.abc import Iterable, Iterator, Sequence

from sipfsm.statechart.chart import Change, Chart, ChartRow, ChartState, ChartTimer
from sipfsm.statechart.comparison import summarize
from sipfsm.statechart.marks import GENERATED
from sipfsm.statechart.panels import ORIGINS, TIMER_HEADINGS, timer_cells

Section = tuple[str, Sequence[str]]
"""A heading, and the lines that stand below it."""


def write_markdown(chart: Chart, *, sections: Sequence[Section] = (), picture: str | None = None) -> str:
    """Write a page on a machine, or on two that are compared.

    Args:
        chart: the machine.
        sections: what else is known of it; it stands at the end.
        picture: the file of its picture, as seen from the page.
    """
    lines = [f"<!-- {GENERATED} -->", "", f"# {chart.title}", "", _sources(chart)]
    if picture is not None:
        lines += ["", f"[![{chart.title}]({picture})]({picture})"]
    for heading, body in (*_sections(chart), *sections):
        lines += ["", f"## {heading}", "", *body]
    return "\n".join(lines) + "\n"


def _sources(chart: Chart) -> str:
    name = f"`{chart.name}`"
    return f"{name}, after {'; '.join(chart.sources)}." if chart.sources else f"{name}."


def _sections(chart: Chart) -> Iterator[Section]:
    compared = chart.against is not None
    if compared:
        yield "Differences", [f"- {line}" for line in summarize(chart)[1:]] or ["None."]
    yield "States", _table(("state", "", "on enter", "on exit", "note"), map(_state, chart.states))
    change = ("change",) if compared else ()
    headings = ("row", "state", "event", "actions", "next state", "clause", "note")
    yield "Rows", _table((*headings, *change), map(_row, chart.rows))
    if chart.timers:
        yield "Timers", _table((*TIMER_HEADINGS, "note", *change), map(_timer, chart.timers))
    yield "Clauses", _table(("clause", "rows"), _clauses(chart))


def _state(state: ChartState) -> list[str]:
    kind = "initial" if state.initial else "final" if state.final else ""
    told = _change(state.change)
    note = "; ".join(filter(None, (told if told != "same" else "", *state.differences, state.note)))
    return [f"`{state.name}`", kind, _code(state.on_enter), _code(state.on_exit), note]


def _row(row: ChartRow) -> list[str]:
    dest = "stays" if row.dest is None else f"`{row.dest}`"
    link = row.citation.link
    clause = row.citation.text if link is None else f"[{row.citation.text}]({link})"
    cells = [row.id, f"`{row.source}`", _code(row.events), _code(row.actions), dest, clause, row.note]
    return cells if row.change is None else [*cells, "; ".join([_change(row.change), *row.differences])]


def _timer(timer: ChartTimer) -> list[str]:
    cells = [*(cell.replace("*", "\\*") for cell in timer_cells(timer)), timer.note]
    return cells if timer.change is None else [*cells, _change(timer.change)]


def _change(change: Change | None) -> str:
    return "" if change is None else str(change)


def _clauses(chart: Chart) -> Iterator[list[str]]:
    rows: dict[str, list[str]] = {}
    for row in chart.rows:
        if not row.citation.clauses:
            rows.setdefault(f"none: {ORIGINS[row.origin]}", []).append(row.id)
        for clause in row.citation.clauses:
            rows.setdefault(f"[{clause.label}]({clause.link})", []).append(row.id)
    yield from ([clause, ", ".join(ids)] for clause, ids in rows.items())


def _code(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(headings: Sequence[str], rows: Iterable[list[str]]) -> list[str]:
    lines = [headings, ["---"] * len(headings), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in lines]
