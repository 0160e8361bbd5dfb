"""A machine as it is drawn: made of a model once, and the only thing that the formats read."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sipfsm.fsm import TIMER_EVENTS, Event, Model, Row, Timer, Timing
from sipfsm.fsm.model import TimerSpec
from sipfsm.statechart.citation import Citation, Origin, read_citation


class Change(StrEnum):
    """What became of a part of a machine, where two machines are compared."""

    SAME = "same"
    ADDED = "added"
    DROPPED = "dropped"
    CHANGED = "changed"
    """The part as it is now."""
    BEFORE = "before"
    """A changed row as it was; only rows whose arrow moved are there twice."""


@dataclass(frozen=True, slots=True)
class ChartRow:
    """One row: an arrow, or, without `dest`, what happens while the machine stays.

    Attributes:
        id: the stable key of the row.
        source: the state that it leaves or stays in.
        dest: the state that it enters; None where it stays.
        events: what triggers it.
        actions: what it does, in order; not what leaving and entering states adds.
        citation: what it rests on.
        note: what the model says beside it.
        change: what became of it, where two machines are compared.
        differences: how it differs from what it was, one phrase each.
    """

    id: str
    source: str
    dest: str | None
    events: tuple[str, ...]
    actions: tuple[str, ...]
    citation: Citation
    note: str = ""
    change: Change | None = None
    differences: tuple[str, ...] = ()

    @property
    def origin(self) -> Origin:
        """The kind of source that the row rests on."""
        return self.citation.origin


@dataclass(frozen=True, slots=True)
class ChartState:
    """A state, with what entering and leaving it does.

    Attributes:
        origin: the kind of source that brought the state: that of the rows that enter it, if they agree, and
            if it is not the initial one.
    """

    name: str
    initial: bool
    final: bool
    on_enter: tuple[str, ...]
    on_exit: tuple[str, ...]
    origin: Origin = Origin.RFC_3261
    note: str = ""
    change: Change | None = None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChartTimer:
    """A timer, with its delay for each class of transport; None where the class does not run it.

    Attributes:
        name: A to M, or a name of our own in lower case.
        event: what it fires.
        unreliable: the delay as the model writes it.
        reliable: likewise.
        unreliable_seconds: the delay with the default values of T1, T2, T4 and Timer C.
        reliable_seconds: likewise.
        backoff: by what the delay grows each time.
        cap: the longest delay, as the model writes it.
        cap_seconds: likewise with the default values.
        origin: the kind of source that the rows rest on which the timer triggers, if they agree.
    """

    name: str
    event: str
    unreliable: str | None
    reliable: str | None
    unreliable_seconds: float | None
    reliable_seconds: float | None
    backoff: float
    cap: str | None
    cap_seconds: float | None
    origin: Origin = Origin.RFC_3261
    note: str = ""
    change: Change | None = None
    differences: tuple[str, ...] = ()

    @property
    def steps(self) -> str:
        """How the delay grows, such as `x2 up to T2`; empty where it does not."""
        growth = f"x{self.backoff:g}" if self.backoff != 1 else ""
        limit = f"up to {self.cap}" if self.cap else ""
        return " ".join(filter(None, (growth, limit)))


@dataclass(frozen=True, slots=True)
class Chart:
    """A machine as it is drawn, or two of them compared.

    Attributes:
        name: the name of the model; it also names the files.
        title: a heading for people.
        sources: the clauses that the machine as a whole rests on.
        states: in the order in which the model has them.
        rows: likewise.
        timers: likewise.
        against: the name of the machine that this one is compared with, if any.
    """

    name: str
    title: str
    sources: tuple[str, ...]
    states: tuple[ChartState, ...]
    rows: tuple[ChartRow, ...]
    timers: tuple[ChartTimer, ...]
    against: str | None = None

    @property
    def initial(self) -> str:
        """The state that the machine begins in."""
        return next(
            state.name for state in self.states if state.initial and state.change is not Change.DROPPED
        )

    @property
    def final(self) -> tuple[str, ...]:
        """The states that it ends in."""
        return tuple(state.name for state in self.states if state.final)

    def rows_of(self, source: str) -> list[ChartRow]:
        """The rows that leave a state or stay in it."""
        return [row for row in self.rows if row.source == source]

    def stays(self, source: str) -> list[ChartRow]:
        """The rows that stay in a state."""
        return [row for row in self.rows_of(source) if row.dest is None]

    def arrows(self) -> dict[tuple[str, str], list[ChartRow]]:
        """The rows that go somewhere, by where from and where to, in the order of the model."""
        groups: dict[tuple[str, str], list[ChartRow]] = {}
        for row in self.rows:
            if row.dest is not None:
                groups.setdefault((row.source, row.dest), []).append(row)
        return groups


def make_chart(model: Model) -> Chart:
    """Make what is drawn of a model.

    Delays in seconds are those of the default timing (:rfc:`3261#section-17.1.1.1`).
    """
    rows = tuple(_row(row) for row in model.transitions)
    states = tuple(
        ChartState(
            name=name,
            initial=name == model.initial,
            final=name in model.final,
            on_enter=state.on_enter,
            on_exit=state.on_exit,
            origin=_origin_of(name, model, rows),
            note=_one_line(state.note),
        )
        for name, state in model.states.items()
    )
    timers = tuple(_timer(timer, spec, rows) for timer, spec in model.timers.items())
    return Chart(
        name=model.name,
        title=_one_line(model.title) or model.name,
        sources=tuple(map(_one_line, model.sources)),
        states=states,
        rows=rows,
        timers=timers,
    )


def _origin_of(state: str, model: Model, rows: tuple[ChartRow, ...]) -> Origin:
    if state == model.initial:  # it is there before any row has led to it
        return Origin.RFC_3261
    return _common(row.origin for row in rows if row.dest == state != row.source)


def _one_line(text: str) -> str:
    """A text as formats can have it whose lines mean something."""
    return " ".join(text.split())


def _row(row: Row) -> ChartRow:
    return ChartRow(
        id=row.id,
        source=row.source,
        dest=row.dest,
        events=tuple(map(str, row.trigger)),
        actions=row.before,
        citation=read_citation(_one_line(row.rfc)),
        note=_one_line(row.note),
    )


def _timer(timer: Timer, spec: TimerSpec, rows: tuple[ChartRow, ...]) -> ChartTimer:
    timing = Timing()
    event: Event = TIMER_EVENTS[timer]
    unreliable, reliable, cap = (
        None if text is None else timing.delay(text) for text in (spec.unreliable, spec.reliable, spec.cap)
    )
    return ChartTimer(
        name=str(timer),
        event=str(event),
        unreliable=spec.unreliable,
        reliable=spec.reliable,
        unreliable_seconds=unreliable,
        reliable_seconds=reliable,
        backoff=spec.backoff,
        cap=spec.cap,
        cap_seconds=cap,
        origin=_common(
            row.origin for row in rows if event in row.events and (row.actions or row.dest is not None)
        ),
        note=_one_line(spec.note),
    )


def _common(origins: Iterable[Origin]) -> Origin:
    found = set(origins)
    return found.pop() if len(found) == 1 else Origin.RFC_3261
