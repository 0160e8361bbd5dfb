"""The same run again: Trio's scheduler made to follow from a seed.

Trio runs tasks that are ready at the same moment in an order that it draws at random, so that nobody comes to
rely on one, and has no public switch for it. Hypothesis, when it is imported, makes the order follow from the
seeds of its tests, by two private names of Trio; the same two are used here.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

_MODULE = "trio._core._run"
_SWITCH, _RANDOM = "_ALLOW_DETERMINISTIC_SCHEDULING", "_r"


@contextmanager
def scheduled_by(seed: int) -> Iterator[None]:
    """Have every `trio.run` within this block schedule its tasks in an order that follows from a seed.

    Raises:
        RuntimeError: the installed Trio has no such switch, so that no run could be had again.
    """
    run = importlib.import_module(_MODULE)
    if not (hasattr(run, _SWITCH) and hasattr(run, _RANDOM)):
        raise RuntimeError("this version of Trio schedules at random and cannot be told not to")
    random = getattr(run, _RANDOM)
    before = getattr(run, _SWITCH), random.getstate()
    setattr(run, _SWITCH, True)
    random.seed(seed)
    try:
        yield
    finally:
        setattr(run, _SWITCH, before[0])
        random.setstate(before[1])
