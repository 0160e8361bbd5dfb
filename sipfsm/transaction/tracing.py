"""The log of the machines: one line for each event, with key, model and state."""

from collections.abc import Hashable
from typing import Any

import structlog

from sipfsm.fsm import Driver, Event

log = structlog.get_logger("sipfsm.fsm")


def log_step(driver: Driver[Any], key: Hashable, event: Event, before: str) -> None:
    """Log a step at level debug; only if every event is wanted, for a line costs more than the step.

    Args:
        driver: the machine, after the step.
        key: the key of the transaction that it is, or belongs to.
        event: what happened.
        before: the state that the step began in.
    """
    parts = key if isinstance(key, tuple) else (key,)
    texts = [part.decode("ascii", "replace") if isinstance(part, bytes) else str(part) for part in parts]
    model = driver.instance.engine.model.name
    log.debug("event", key=" ".join(texts), model=model, trigger=str(event), state=driver.state, was=before)
