"""What is written in a picture, set in lines, and how much room it takes: states, cards and their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sipfsm.statechart.chart import Change, Chart, ChartRow, ChartState, ChartTimer
from sipfsm.statechart.citation import Origin
from sipfsm.statechart.layout import Size
from sipfsm.statechart.lettering import Line, Words, length, monospaced_width, sans_width, set_lines

LETTER = 11
PITCH = 15
"""From one line to the next, in points."""
PADDING = 9
HEAD = 26
"""The height of what is behind the name of a state."""
NAME = 14
GAP = 5
"""Between what entering and leaving a state does, and the rows that stay in it."""

_CARD_WIDTH = 32
_BOX_WIDTH = 44


def sign_of(change: Change | None) -> str:
    """What tells a change without its colour: a sign before an id or a name, or nothing."""
    signs = {Change.ADDED: "+", Change.DROPPED: "-", Change.CHANGED: "~", Change.BEFORE: "-"}
    return signs.get(change or Change.SAME, "")


def tone_of(part: ChartRow | ChartState | ChartTimer) -> str:
    """The name of the colour of a part: its change where machines are compared, else its origin."""
    return str(part.origin if part.change is None else part.change)


@dataclass(frozen=True)
class Entry:
    """One row of a model, as it is written in a box or on a card.

    Attributes:
        row: the row.
        label: its id, after a sign where machines are compared.
        lines: events and actions.
    """

    row: ChartRow
    label: str
    lines: Sequence[Line]

    @property
    def height(self) -> float:
        """The room that it takes."""
        return len(self.lines) * PITCH


def make_entry(row: ChartRow, width: int) -> Entry:
    """Set a row in lines of so many characters."""
    parts = [Words("event", row.events)]
    if row.actions:
        parts.append(Words("action", row.actions, lead="/ "))
    elif row.dest is None:
        parts.append(Words("lead", ["nothing"], lead="/ "))
    lines = set_lines(parts, width)
    lines += [line for text in row.differences for line in _told(text, width)]
    return Entry(row, sign_of(row.change) + row.id, lines)


def _told(difference: str, width: int) -> list[Line]:
    """How a row was, unless it is drawn beside it as it was."""
    what, _, values = difference.partition(" ")
    if what in {"source", "dest"}:
        return []
    before, _, _ = values.partition(" -> ")
    return set_lines([Words("lead", before.split(", "), lead=f"{what} were ")], width)


def text_column(chart: Chart) -> float:
    """How far right of its id the text of a row begins."""
    longest = max(len(row.id) for row in chart.rows) + (chart.against is not None)
    return monospaced_width(longest + 1, LETTER)


@dataclass(frozen=True)
class Card:
    """The rows that lead from one state to another."""

    source: str
    dest: str
    entries: Sequence[Entry]
    column: float

    @cached_property
    def size(self) -> Size:
        """The room that the card takes."""
        height = sum(entry.height for entry in self.entries)
        return Size(_width(self.entries, self.column) + 2 * PADDING, height + PADDING)

    @property
    def tone(self) -> str:
        """The colour of the arrow: that of its rows, if they agree."""
        tones = {tone_of(entry.row) for entry in self.entries}
        quiet = Change.SAME if self.entries[0].row.change else Origin.RFC_3261
        return tones.pop() if len(tones) == 1 else str(quiet)


@dataclass(frozen=True)
class Box:
    """A state, with what entering and leaving it does, and the rows that stay in it."""

    state: ChartState
    doings: Sequence[Line]
    entries: Sequence[Entry]
    column: float

    @cached_property
    def size(self) -> Size:
        """The room that the box takes."""
        name = sans_width(self.state.name, NAME) + 16
        doings = max((monospaced_width(length(line), LETTER) for line in self.doings), default=0)
        width = max(name, doings, _width(self.entries, self.column), 84) + 2 * PADDING
        lines = len(self.doings) * PITCH + sum(entry.height for entry in self.entries)
        both = GAP if self.doings and self.entries else 0
        return Size(width, HEAD + (lines + both + PADDING + 1 if lines else 4))


def make_boxes(chart: Chart) -> dict[str, Box]:
    """Set all states in type, the initial one first."""
    column = text_column(chart)
    ordered = sorted(chart.states, key=lambda state: state.name != chart.initial)
    return {
        state.name: Box(
            state,
            _doings(state),
            [make_entry(row, _BOX_WIDTH) for row in chart.stays(state.name)],
            column,
        )
        for state in ordered
    }


def make_cards(chart: Chart) -> list[Card]:
    """Set all arrows in type; where machines are compared, what was and what is are on cards of their own."""
    column = text_column(chart)
    cards: list[Card] = []
    for (source, dest), rows in chart.arrows().items():
        for change in dict.fromkeys(row.change for row in rows):
            entries = [make_entry(row, _CARD_WIDTH) for row in rows if row.change is change]
            cards.append(Card(source, dest, entries, column))
    return cards


def _doings(state: ChartState) -> list[Line]:
    lines: list[Line] = []
    for lead, actions in (("enter ", state.on_enter), ("exit  ", state.on_exit)):
        if actions:
            lines += set_lines([Words("action", actions, lead=lead)], _BOX_WIDTH)
    lines += [line for text in state.differences for line in set_lines([Words("lead", [text])], _BOX_WIDTH)]
    return lines


def _width(entries: Sequence[Entry], column: float) -> float:
    longest = max((length(line) for entry in entries for line in entry.lines), default=0)
    return column + monospaced_width(longest, LETTER) if entries else 0
