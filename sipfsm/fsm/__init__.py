"""The machines: schema, engine, timers and effects. Sans-IO: no clock, no socket, no Trio.

A model is declared in a file under `models/`. `load_model` reads it, `Engine` makes it ready to run, and each
`Instance` takes events and returns effects. Whoever drives an instance carries the effects out.
"""

from sipfsm.fsm.driver import Driver
from sipfsm.fsm.effects import Effect, StartTimer, StopTimer
from sipfsm.fsm.engine import Engine, Instance, Observer, make_engines
from sipfsm.fsm.model import (
    Model,
    ModelError,
    Row,
    State,
    TimerSpec,
    load_model,
    load_model_file,
    make_model,
    model_names,
    read_model,
)
from sipfsm.fsm.timing import DelayError, Timing
from sipfsm.fsm.vocabulary import TIMER_EVENTS, Action, Event, Timer, TimerVerb

__all__ = [
    "TIMER_EVENTS",
    "Action",
    "DelayError",
    "Driver",
    "Effect",
    "Engine",
    "Event",
    "Instance",
    "Model",
    "ModelError",
    "Observer",
    "Row",
    "StartTimer",
    "State",
    "StopTimer",
    "Timer",
    "TimerSpec",
    "TimerVerb",
    "Timing",
    "load_model",
    "load_model_file",
    "make_engines",
    "make_model",
    "model_names",
    "read_model",
]
