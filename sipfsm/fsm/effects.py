"""What a step of a machine returns: effects, as data, in the order in which they are to happen."""

from typing import NamedTuple

from sipfsm.fsm.vocabulary import Action, Timer


class StartTimer(NamedTuple):
    """Start a timer, or start it anew."""

    timer: Timer
    delay: float
    """Seconds, above 0: a delay of 0 fires inside the step and never becomes an effect."""


class StopTimer(NamedTuple):
    """Stop a timer that runs."""

    timer: Timer


Effect = Action | StartTimer | StopTimer
"""An action of the vocabulary, or what is to be done with a timer."""
