"""A clock that is a number: runs a machine of the engine by hand, and writes down what it does when."""

from functools import cache

from sipfsm.fsm import (
    TIMER_EVENTS,
    Action,
    Engine,
    Event,
    Instance,
    StartTimer,
    StopTimer,
    Timer,
    Timing,
    load_model,
)


@cache
def engine(model: str, timing: Timing) -> Engine:
    """The engine of a built-in model with these timer values."""
    return Engine(load_model(model), timing)


class Schedule:
    """One run of a machine. All instants are whole milliseconds after its start.

    Attributes:
        now: the instant.
        log: what the machine asked for, with the instant; timers are not in it.
    """

    def __init__(self, model: str, *, reliable: bool, timing: Timing):
        self.now = 0
        self.log: list[tuple[int, Action]] = []
        self._instance: Instance = engine(model, timing).create(reliable=reliable)
        self._due: dict[Timer, int] = {}

    @property
    def state(self) -> str:
        """The state that the machine is in."""
        return self._instance.state

    def at(self, instant: int, event: str) -> "Schedule":
        """Let time pass until an instant, then have the machine take an event."""
        self.until(instant)
        self._take(Event(event))
        return self

    def until(self, instant: int) -> "Schedule":
        """Let time pass until an instant; the timers of that very instant fire too."""
        while self._due and min(self._due.values()) <= instant:
            self._fire_next()
        self.now = instant
        return self

    def to_the_end(self) -> "Schedule":
        """Let time pass until no timer runs."""
        while self._due:
            self._fire_next()
        return self

    def instants(self, action: Action) -> list[int]:
        """When the machine asked for this."""
        return [instant for instant, done in self.log if done is action]

    def _fire_next(self) -> None:
        timer = min(self._due, key=lambda timer: self._due[timer])
        self.now = self._due.pop(timer)
        self._take(TIMER_EVENTS[timer])

    def _take(self, event: Event) -> None:
        for effect in self._instance.handle(event):
            match effect:
                case StartTimer(timer, delay):
                    self._due[timer] = self.now + round(delay * 1000)
                case StopTimer(timer):
                    del self._due[timer]  # what is stopped must run
                case Action.TERMINATE:
                    self._due.clear()
                    self.log.append((self.now, effect))
                case _:
                    self.log.append((self.now, effect))
