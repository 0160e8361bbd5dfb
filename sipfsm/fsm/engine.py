"""Running a model on `transitions`: one machine per model, shared by every instance, and no I/O.

An `Instance` is what `transitions` calls a model: it has a state, and callbacks act on it. It is never added
to the machine, because that costs more than a whole transaction may: `transitions` only reads and sets its
`state`. Each event then runs in one of two ways that the tests prove equal: through `transitions` as it
comes, or through `CompiledEvent`, which has looked up beforehand what stock `transitions` looks up at each
event.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from transitions import Event as StockEvent
from transitions import EventData, Machine

from sipfsm.fsm.effects import Effect, StartTimer, StopTimer
from sipfsm.fsm.model import Model, Row, load_model
from sipfsm.fsm.timing import Timing
from sipfsm.fsm.vocabulary import TIMER_ACTIONS, TIMER_EVENTS, Action, Event, Timer, TimerVerb

Observer = Callable[["Instance", Row], None]
"""Is told of each row that fires, just before; also of those that a delay of zero fires in the same step."""

_STOPS = {timer: StopTimer(timer) for timer in Timer}
_EVENT_TIMERS = {event: timer for timer, event in TIMER_EVENTS.items()}


class Engine:
    """A model made ready to run with given timer values."""

    def __init__(
        self, model: Model, timing: Timing, *, compiled: bool = True, observer: Observer | None = None
    ):
        """Build the shared machine.

        Args:
            model: a validated model.
            timing: the values of T1, T2, T4 and Timer C, in seconds.
            compiled: False runs every event through stock `transitions`.
            observer: is told of each row that fires.
        """
        self.model = model
        self.observer = observer
        self.compiled = compiled
        self.final = frozenset(model.final)
        self.rows: dict[tuple[str, str], Row] = {
            (row.source, trigger): row for row in model.transitions for trigger in row.trigger
        }
        self.delays: dict[bool, dict[Timer, float]] = {
            reliable: {
                timer: timing.delay(text)
                for timer, spec in model.timers.items()
                if (text := spec.reliable if reliable else spec.unreliable) is not None
            }
            for reliable in (False, True)
        }
        # The effects of starting and stopping are the same each time: made once.
        self.starts = {
            reliable: {timer: StartTimer(timer, delay) for timer, delay in delays.items()}
            for reliable, delays in self.delays.items()
        }
        self.backoff = {timer: spec.backoff for timer, spec in model.timers.items()}
        self.caps = {
            timer: timing.delay(spec.cap) if spec.cap is not None else float("inf")
            for timer, spec in model.timers.items()
        }
        self.machine = _build_machine(model, compiled=compiled)
        self.triggers: dict[str, Callable[[Instance], bool]] = {
            name: event.trigger for name, event in self.machine.events.items()
        }
        # What needs no look at the timers that run, nor at the row: most events.
        self.plain = (
            {name: trigger for name, trigger in self.triggers.items() if name not in _EVENT_TIMERS}
            if compiled
            else {}
        )

    def create(self, *, reliable: bool) -> "Instance":
        """Make an instance in the initial state, for one of the two transport classes."""
        return Instance(self, reliable=reliable)


def make_engines(timing: Timing, names: Iterable[str], *, compiled: bool = True) -> dict[str, Engine]:
    """Make built-in models ready to run, by their names; arguments as for `Engine`."""
    return {name: Engine(load_model(name), timing, compiled=compiled) for name in names}


class Instance:
    """One run of a model: a state, the timers that run, and nothing that knows a clock or a socket."""

    __slots__ = ("_due", "_fired_interval", "effects", "engine", "reliable", "running", "starts", "state")

    def __init__(self, engine: Engine, *, reliable: bool):
        """Start in the model's initial state."""
        self.engine = engine
        self.reliable = reliable
        self.state: str = engine.model.initial
        self.running: dict[Timer, float] = {}
        """The timers that run, each with the delay it was started with, in seconds."""
        self.starts = engine.starts[reliable]
        self.effects: list[Effect] = []
        """Those of the step that is being taken."""
        self._due: list[Event] = []
        self._fired_interval = 0.0

    @property
    def terminated(self) -> bool:
        """Whether a final state is reached."""
        return self.state in self.engine.final

    def handle(self, event: Event) -> list[Effect]:
        """Take one step, and those that a timer with a delay of zero adds to it.

        An event that has no row in the current state changes nothing. Neither does a timer that does not run:
        only a row that does nothing, written to say so, sees it.

        Returns:
            The effects, in the order in which they are to happen.
        """
        engine = self.engine
        effects = self.effects = []
        plain = engine.plain.get(event) if engine.observer is None else None
        if plain is not None:
            plain(self)
        else:
            self._fire(event)
        while self._due:
            self._fire(self._due.pop(0))
        return effects

    def _fire(self, event: Event) -> None:
        engine = self.engine
        timer = _EVENT_TIMERS.get(event)
        stale = timer is not None and timer not in self.running
        if timer is not None and not stale:
            self._fired_interval = self.running.pop(timer)
        if stale or engine.observer is not None or not engine.compiled:
            row = engine.rows.get((self.state, event))
            if row is None or (stale and row.acts):
                return
            if engine.observer is not None:
                engine.observer(self, row)
        trigger = engine.triggers.get(event)
        if trigger is not None:
            trigger(self)

    def start(self, effect: StartTimer) -> None:
        """Note that a timer starts, or let it fire in this very step if its delay is zero."""
        timer, delay = effect
        self.running[timer] = delay
        if delay == 0:
            self._due.append(TIMER_EVENTS[timer])
        else:
            self.effects.append(effect)

    def stop(self, timer: Timer) -> None:
        """Note that a timer stops, if it runs; one of zero seconds never started for anybody else."""
        if self.running.pop(timer, 0) > 0:
            self.effects.append(_STOPS[timer])

    def terminate(self) -> None:
        """Note the end, which no timer survives."""
        self.running.clear()
        self.effects.append(Action.TERMINATE)

    @property
    def fired_interval(self) -> float:
        """The delay, in seconds, of the timer whose firing is being handled."""
        return self._fired_interval


def _start(timer: Timer, instance: Instance) -> None:
    effect = instance.starts.get(timer)
    if effect is not None:
        instance.start(effect)


def _back_off(timer: Timer, instance: Instance) -> None:
    engine = instance.engine
    delay = min(instance.fired_interval * engine.backoff[timer], engine.caps[timer])
    instance.start(StartTimer(timer, delay))


def _cap(timer: Timer, instance: Instance) -> None:
    instance.start(StartTimer(timer, instance.engine.caps[timer]))


def _stop(timer: Timer, instance: Instance) -> None:
    instance.stop(timer)


_VERBS: dict[TimerVerb, Callable[[Timer, Instance], None]] = {
    TimerVerb.START: _start,
    TimerVerb.BACK_OFF: _back_off,
    TimerVerb.CAP: _cap,
    TimerVerb.STOP: _stop,
}


def _act(action: Action, instance: Instance) -> None:
    instance.effects.append(action)


Callback = Callable[[Instance], None]

CALLBACKS: Mapping[str, Callback] = (
    {str(action): partial(_act, action) for action in Action}
    | {str(Action.TERMINATE): Instance.terminate}
    | {name: partial(_VERBS[verb], timer) for name, (verb, timer) in TIMER_ACTIONS.items()}
)
"""What each name that a model may write does to an instance."""


class _SharedMachine(Machine):
    """A machine whose callbacks are names of the vocabulary instead of attributes of the instance."""

    @staticmethod
    def resolve_callable(func: Any, event_data: EventData) -> Callable[..., None]:
        """Find the callback of a name and bind it to the instance at hand."""
        instance: Any = event_data.model
        return partial(CALLBACKS[func], instance)


class CompiledEvent(StockEvent):
    """An event of `transitions` that has looked up, for each source state, all that will happen."""

    def compile(self) -> None:
        """Resolve the names of callbacks and states; to be called once the machine is complete."""
        self.compiled = {
            source: self._compile(transitions[0])
            for source, transitions in self.transitions.items()
            if transitions
        }

    def _compile(self, transition: Any) -> tuple[Sequence[Callback], str | None, Sequence[Callback]]:
        leaving: list[Any] = list(transition.before)
        entering: list[Any] = []
        if transition.dest:
            leaving += self.machine.get_state(transition.source).on_exit
            entering += self.machine.get_state(transition.dest).on_enter
        return (
            tuple(CALLBACKS[name] for name in leaving),
            transition.dest,
            tuple(CALLBACKS[name] for name in entering),
        )

    def trigger(self, model: Any, *_args: Any, **_kwargs: Any) -> bool:
        """Run the row of the instance's state, if there is one."""
        row = self.compiled.get(model.state)
        if row is None:
            return False
        leaving, dest, entering = row
        for callback in leaving:
            callback(model)
        if dest is not None:
            model.state = dest
            for callback in entering:
                callback(model)
        return True


class _CompiledMachine(_SharedMachine):
    event_cls = CompiledEvent


def _build_machine(model: Model, *, compiled: bool) -> Machine:
    machine = (_CompiledMachine if compiled else _SharedMachine)(
        model=None,
        name=model.name,
        states=[
            {
                "name": name,
                "on_enter": list(state.on_enter),
                "on_exit": list(state.on_exit),
                "final": name in model.final,
            }
            for name, state in model.states.items()
        ],
        initial=model.initial,
        transitions=[
            {"trigger": str(trigger), "source": row.source, "dest": row.dest, "before": list(row.before)}
            for row in model.transitions
            for trigger in row.trigger
        ],
        auto_transitions=False,
    )
    for event in machine.events.values():
        if isinstance(event, CompiledEvent):
            event.compile()
    return machine
