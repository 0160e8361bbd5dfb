"""From a line of configuration to a location service."""

import time
from collections.abc import Callable
from pathlib import Path

from sipfsm.location.memory import MemoryLocation
from sipfsm.location.service import LocationError, LocationLimits, LocationReason, LocationService


def open_location(
    spec: str,
    *,
    clock: Callable[[], float] = time.time,
    limits: LocationLimits | None = None,
    sweep_interval: float = 60.0,
    tracing: bool = False,
) -> LocationService:
    """Make the location service that `spec` names; its `run` opens it.

    Args:
        spec: `memory`, or `sqlite:PATH` for bindings that survive a restart.
        clock: gives the unix time in seconds.
        limits: how much may be held.
        sweep_interval: seconds between two sweeps of expired bindings.
        tracing: log every event of a binding with its contact, model and state, at level debug.

    Raises:
        LocationError: `spec` is neither.
    """
    kind, _, path = spec.partition(":")
    if spec == "memory":
        return MemoryLocation(clock=clock, limits=limits, sweep_interval=sweep_interval, tracing=tracing)
    if kind == "sqlite" and path and path != ":memory:":
        # Imported when needed: SQLAlchemy takes longer to load than the rest of the server.
        from sipfsm.location.sql import SqlLocation  # noqa: PLC0415

        return SqlLocation(
            Path(path), clock=clock, limits=limits, sweep_interval=sweep_interval, tracing=tracing
        )
    raise LocationError(
        LocationReason.BAD_SPEC,
        f"there is no location service {spec!r}: write memory, or sqlite: and the path of a file",
    )
