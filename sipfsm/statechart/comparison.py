"""Two machines compared: what one adds, drops and changes against another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from sipfsm.statechart.chart import Change, Chart, ChartRow, ChartState, ChartTimer

Named = TypeVar("Named", ChartState, ChartTimer)


def compare(new: Chart, old: Chart) -> Chart:
    """Draw two machines as one: all parts of `new`, with those of `old` that it drops or moves.

    Rows are the same row if they have the same id, or else if they wait in the same state for the same
    events. What a row cites and what is noted beside it is no difference: the machines behave alike.
    """
    partners = _partners(new, old)
    kept = {row.id for row in partners.values()}
    dropped = [replace(row, change=Change.DROPPED) for row in old.rows if row.id not in kept]
    rows = [each for row in new.rows for each in _compared_row(row, partners.get(row.id))]
    return Chart(
        name=f"{new.name}-against-{old.name}",
        title=f"{new.title} against {old.title}",
        sources=new.sources,
        states=_compared(new.states, old.states, _state_differences),
        rows=(*rows, *dropped),
        timers=_compared(new.timers, old.timers, _timer_differences),
        against=old.name,
    )


def summarize(chart: Chart) -> list[str]:
    """Say in sentences how two machines differ: one line for each part, after one on the whole.

    Args:
        chart: what `compare` returned.
    """
    parts = [*_lines("state", chart.states), *_lines("timer", chart.timers), *_row_lines(chart.rows)]
    count = {0: "no difference", 1: "1 difference"}.get(len(parts), f"{len(parts)} differences")
    return [f"{chart.title}: {count}", *parts]


def _lines(kind: str, parts: Sequence[ChartState] | Sequence[ChartTimer]) -> Iterator[str]:
    for part in parts:
        if part.change in {Change.ADDED, Change.DROPPED}:
            yield f"{part.change} {kind} {part.name}"
        elif part.change is Change.CHANGED:
            yield f"changed {kind} {part.name}: {'; '.join(part.differences)}"


def _row_lines(rows: Sequence[ChartRow]) -> Iterator[str]:
    for row in rows:
        if row.change in {Change.ADDED, Change.DROPPED}:
            arrow = f"{row.source} -> {row.dest}" if row.dest else f"stays in {row.source}"
            yield f"{row.change} row {row.id}: {arrow} on {', '.join(row.events)}{_does(row)}"
        elif row.change is Change.CHANGED:
            yield f"changed row {row.id}: {'; '.join(row.differences)}"


def _does(row: ChartRow) -> str:
    return f", does {', '.join(row.actions)}" if row.actions else ""


def _partners(new: Chart, old: Chart) -> dict[str, ChartRow]:
    """The old row of each new one, by the id of the new one."""
    by_id = {row.id: row for row in old.rows}
    partners = {row.id: by_id[row.id] for row in new.rows if row.id in by_id}
    free = {(row.source, frozenset(row.events)): row for row in old.rows if row.id not in partners}
    for row in new.rows:
        key = (row.source, frozenset(row.events))
        if row.id not in partners and key in free:
            partners[row.id] = free.pop(key)
    return partners


def _compared_row(row: ChartRow, partner: ChartRow | None) -> Iterator[ChartRow]:
    if partner is None:
        yield replace(row, change=Change.ADDED)
        return
    differences = tuple(_row_differences(row, partner))
    if not differences:
        yield replace(row, change=Change.SAME)
        return
    yield replace(row, change=Change.CHANGED, differences=differences)
    if (row.source, row.dest) != (partner.source, partner.dest):
        yield replace(partner, change=Change.BEFORE)


def _row_differences(new: ChartRow, old: ChartRow) -> Iterator[str]:
    yield from _difference("source", old.source, new.source)
    yield from _difference("events", _joined(old.events), _joined(new.events))
    yield from _difference("dest", old.dest or "stays", new.dest or "stays")
    yield from _difference("actions", _joined(old.actions), _joined(new.actions))


def _compared(
    new: Sequence[Named], old: Sequence[Named], differ: Callable[[Named, Named], Iterator[str]]
) -> tuple[Named, ...]:
    before = {part.name: part for part in old}
    now = {part.name for part in new}
    parts: list[Named] = []
    for part in new:
        if part.name not in before:
            parts.append(replace(part, change=Change.ADDED))
            continue
        differences = tuple(differ(part, before[part.name]))
        change = Change.CHANGED if differences else Change.SAME
        parts.append(replace(part, change=change, differences=differences))
    parts += [replace(part, change=Change.DROPPED) for part in old if part.name not in now]
    return tuple(parts)


def _state_differences(new: ChartState, old: ChartState) -> Iterator[str]:
    yield from _difference("initial", _yes_or_no(old.initial), _yes_or_no(new.initial))
    yield from _difference("final", _yes_or_no(old.final), _yes_or_no(new.final))
    yield from _difference("on_enter", _joined(old.on_enter), _joined(new.on_enter))
    yield from _difference("on_exit", _joined(old.on_exit), _joined(new.on_exit))


def _timer_differences(new: ChartTimer, old: ChartTimer) -> Iterator[str]:
    yield from _difference("unreliable", old.unreliable or "not run", new.unreliable or "not run")
    yield from _difference("reliable", old.reliable or "not run", new.reliable or "not run")
    yield from _difference("backoff", f"{old.backoff:g}", f"{new.backoff:g}")
    yield from _difference("cap", old.cap or "none", new.cap or "none")


def _difference(what: str, old: str, new: str) -> Iterator[str]:
    if old != new:
        yield f"{what} {old} -> {new}"


def _joined(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"
