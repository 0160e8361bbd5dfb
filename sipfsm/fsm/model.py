"""The schema of a model file, and everything that is checked when one is read.

`transitions` accepts an initial state that does not exist, two rows for one event, or a misspelt action, and
shows them when they fire. Here each of them is an error that names the file, the row and the reason.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sipfsm.fsm.timing import DelayError, Timing
from sipfsm.fsm.vocabulary import TIMER_ACTIONS, TIMER_EVENTS, Action, Event, Timer, TimerVerb


class ModelError(ValueError):
    """A model file that cannot be used.

    Attributes:
        file: the name of the file.
        problems: one sentence each, with the row or table at fault first.
    """

    def __init__(self, file: str, problems: list[str]):
        """Keep the problems; the text has one a line."""
        self.file = file
        self.problems = problems
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Row(_Strict):
    """One arrow. Without `dest` it stays in its state, and neither leaves nor enters it."""

    id: str = Field(pattern=r"^[A-Z]+-\d\d$")
    """Stable key, for tests, verdicts and pictures."""
    source: str
    trigger: Annotated[tuple[Event, ...], BeforeValidator(_one_or_more), Field(min_length=1)]
    dest: str | None = None
    before: tuple[str, ...] = ()
    """Actions, in their order; those of leaving `source` and entering `dest` follow."""
    rfc: str
    """The clause, and MUST, SHOULD or MAY; or `gap` where no RFC says anything."""
    note: str = ""

    @property
    def acts(self) -> bool:
        """Whether the row does anything at all."""
        return bool(self.before) or self.dest is not None


class State(_Strict):
    """What happens whenever a state is entered or left."""

    on_enter: tuple[str, ...] = ()
    on_exit: tuple[str, ...] = ()
    note: str = ""


class TimerSpec(_Strict):
    """The delays of a timer. A transport class that is not named does not run it."""

    unreliable: str | None = None
    reliable: str | None = None
    backoff: float = Field(default=1, ge=1)
    cap: str | None = None
    note: str = ""


class Model(_Strict):
    """A machine as declared in its file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = ""
    sources: tuple[str, ...] = ()
    initial: str
    final: tuple[str, ...] = Field(min_length=1)
    transitions: tuple[Row, ...] = Field(min_length=1)
    states: dict[str, State] = Field(default_factory=dict)
    timers: dict[Timer, TimerSpec] = Field(default_factory=dict)

    def actions(self) -> Iterator[tuple[str, str]]:
        """Yield each action with the place that names it."""
        for row in self.transitions:
            yield from ((f"row {row.id}", action) for action in row.before)
        for name, state in self.states.items():
            yield from ((f"states.{name}", action) for action in (*state.on_enter, *state.on_exit))


@cache
def load_model(name: str) -> Model:
    """Read one of the built-in models, such as `invite-server` or `rfc3261/invite-server`.

    Raises:
        ModelError: there is no such model, or its file is wrong.
    """
    folder: Traversable = files("sipfsm.models")
    resource = folder.joinpath(*f"{name}.toml".split("/"))
    if not resource.is_file():
        raise ModelError(f"{name}.toml", ["there is no built-in model of this name"])
    return read_model(resource.read_text(encoding="utf-8"), file=f"{name}.toml")


def model_names() -> list[str]:
    """The names of all built-in models, as `load_model` takes them; those as first published come last."""
    folder: Traversable = files("sipfsm.models")
    return sorted(_names_in(folder, ""), key=lambda name: (name.count("/"), name))


def _names_in(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _names_in(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".toml"):
            yield prefix + entry.name.removesuffix(".toml")


def load_model_file(path: Path) -> Model:
    """Read a model of a user's own.

    Raises:
        ModelError: the file cannot be read or is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(str(path), [f"cannot be read: {reason}"]) from error
    return read_model(text, file=str(path))


def read_model(text: str, *, file: str) -> Model:
    """Make a model of the text of a file.

    Raises:
        ModelError: with everything that is wrong, not only the first thing.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(file, [f"is not valid TOML: {error}"]) from error
    return make_model(data, file=file)


def make_model(data: dict[str, Any], *, file: str) -> Model:
    """Make a model of what its file says, as data; `file` is what errors name.

    Raises:
        ModelError: with everything that is wrong, not only the first thing.
    """
    try:
        model = Model.model_validate(data)
    except ValidationError as error:
        raise ModelError(file, [_sentence(data, problem) for problem in error.errors()]) from error
    names = dict.fromkeys([model.initial, *(row.source for row in model.transitions), *model.final])
    complete = model.model_copy(update={"states": {name: State() for name in names} | model.states})
    problems = list(_problems(complete))
    if problems:
        raise ModelError(file, problems)
    return complete


def _sentence(data: dict[str, object], problem: object) -> str:
    """Turn an error of pydantic into a sentence that names the row by its id."""
    assert isinstance(problem, dict)
    place = list(problem["loc"])
    rows = data.get("transitions")
    if len(place) > 1 and place[0] == "transitions" and isinstance(rows, list) and isinstance(place[1], int):
        row = rows[place[1]]
        row_id = row.get("id") if isinstance(row, dict) else None
        place[:2] = [f"row {row_id or f'number {place[1] + 1}'}"]
    where = ".".join(str(part) for part in place) or "the file"
    value = problem["input"]
    shown = f", got {value!r}" if isinstance(value, str | int | float) else ""
    return f"{where}: {problem['msg']}{shown}"


def _problems(model: Model) -> Iterator[str]:
    yield from _name_problems(model)
    yield from _row_problems(model)
    yield from _timer_problems(model)
    yield from _restart_problems(model)
    yield from _path_problems(model)
    yield from _circle_problems(model)


def _name_problems(model: Model) -> Iterator[str]:
    known = {str(action) for action in Action} | set(TIMER_ACTIONS)
    for where, action in model.actions():
        if action not in known:
            yield f"{where}: unknown action {action!r}"
    sources = {row.source for row in model.transitions}
    if model.initial not in sources:
        yield f"initial: no row leaves the state {model.initial!r}"
    for row in model.transitions:
        if row.dest is not None and row.dest not in sources and row.dest not in model.final:
            yield f"row {row.id}: dest {row.dest!r} is neither the source of a row nor a final state"
    used = sources | set(model.final)
    yield from (f"states.{name}: no row uses this state" for name in model.states if name not in used)


def _row_problems(model: Model) -> Iterator[str]:
    for row_id, count in Counter(row.id for row in model.transitions).items():
        if count > 1:
            yield f"row {row_id}: the id stands {count} times"
    seen: dict[tuple[str, Event], str] = {}
    for row in model.transitions:
        for trigger in row.trigger:
            first = seen.setdefault((row.source, trigger), row.id)
            if first != row.id:
                yield f"row {row.id}: {trigger} in {row.source} has a row already, {first}"
        if row.source in model.final:
            yield f"row {row.id}: {row.source} is a final state, nothing leaves it"


def _timer_problems(model: Model) -> Iterator[str]:
    for timer, spec in model.timers.items():
        yield from (f"timers.{timer}: {reason}" for reason in _delay_problems(spec))
    started = set()
    for where, action in model.actions():
        verb, used = TIMER_ACTIONS.get(action, (None, None))
        if used is not None and used not in model.timers:
            yield f"{where}: {action} needs a table entry timers.{used}"
        elif used is not None and verb is TimerVerb.CAP and model.timers[used].cap is None:
            yield f"{where}: {action} needs a cap in timers.{used}"
        if verb is TimerVerb.START:
            started.add(used)
    fired = {trigger for row in model.transitions for trigger in row.trigger}
    for timer, event in TIMER_EVENTS.items():
        if timer in model.timers and timer not in started:
            yield f"timers.{timer}: nothing starts this timer"
        if timer in model.timers and event not in fired:
            yield f"timers.{timer}: no row waits for {event}"
        if event in fired and timer not in model.timers:
            yield f"timers: a row waits for {event}, but there is no timers.{timer}"


def _restart_problems(model: Model) -> Iterator[str]:
    """Only the row that a timer fires knows its last delay, and that the transport class runs it at all."""
    fired = {(f"row {row.id}", timer) for row in model.transitions for timer in _only_timer(row)}
    for where, action in model.actions():
        verb, timer = TIMER_ACTIONS.get(action, (None, None))
        if verb in {TimerVerb.BACK_OFF, TimerVerb.CAP} and (where, timer) not in fired:
            yield f"{where}: {action} belongs in a row that only timer_{timer} triggers"


def _only_timer(row: Row) -> list[Timer]:
    return [timer for timer, event in TIMER_EVENTS.items() if row.trigger == (event,)]


def _delay_problems(spec: TimerSpec) -> Iterator[str]:
    if spec.unreliable is None and spec.reliable is None:
        yield "has a delay for no transport class"
    for text in (spec.unreliable, spec.reliable, spec.cap):
        try:
            Timing().delay("0" if text is None else text)
        except DelayError as error:
            yield str(error)


def _path_problems(model: Model) -> Iterator[str]:
    arrows: dict[str, set[str]] = {}
    for row in model.transitions:
        if row.dest is not None and row.dest != row.source:
            arrows.setdefault(row.source, set()).add(row.dest)
    reached = {model.initial} | _reachable(model.initial, arrows)
    for name in model.states:
        if name not in reached:
            yield f"state {name}: cannot be reached from {model.initial}"
        if name not in model.final and not arrows.get(name):
            yield f"state {name}: nothing leads out of it"
        elif name not in model.final and _reachable(name, arrows).isdisjoint(model.final):
            yield f"state {name}: no way from here to a final state"


def _circle_problems(model: Model) -> Iterator[str]:
    """A timer of 0 seconds fires in the step that starts it, so a circle of them is a step without an end."""
    for transport in ("unreliable", "reliable"):
        at_once = {TIMER_EVENTS[timer] for timer, spec in model.timers.items() if _is_zero(spec, transport)}
        arrows: dict[str, set[str]] = {}
        for row in model.transitions:
            if at_once.intersection(row.trigger) and (row.dest is not None or _starts_any(row)):
                arrows.setdefault(row.source, set()).add(row.dest or row.source)
        for state in arrows:
            if state in _reachable(state, arrows):
                yield f"state {state}: timers of 0 seconds lead round in a circle ({transport})"


def _is_zero(spec: TimerSpec, transport: str) -> bool:
    text = getattr(spec, transport)
    try:
        return text is not None and Timing().delay(text) == 0
    except DelayError:
        return False  # told elsewhere


def _starts_any(row: Row) -> bool:
    return any(TIMER_ACTIONS.get(action, (TimerVerb.STOP,))[0] is not TimerVerb.STOP for action in row.before)


def _reachable(start: str, arrows: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        following = arrows.get(todo.pop(), set()) - seen
        seen |= following
        todo += following
    return seen
