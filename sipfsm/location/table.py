"""The bindings in memory, and updates that are decided but not published yet."""

from collections.abc import Iterator, Mapping

from sipfsm.location.binding import Binding, live_ordered
from sipfsm.location.life import expire
from sipfsm.location.service import Change, LocationCount, LocationError, LocationLimits, LocationReason

_SLICE = 1_000
"""Addresses-of-record looked at in one go by a sweep: well under a millisecond."""


class BindingTable:
    """What readers see. It changes only by `publish`, whole updates at a time.

    Args:
        limits: how much updates may add.
        tracing: log every event of a binding, at level debug.
    """

    def __init__(self, limits: LocationLimits, *, tracing: bool = False) -> None:
        self.limits = limits
        self.tracing = tracing
        self._held: dict[str, tuple[Binding, ...]] = {}
        self._bindings = 0

    def held(self, aor: str) -> tuple[Binding, ...]:
        """Give all bindings of `aor`, expired ones too, in order."""
        return self._held.get(aor, ())

    def live(self, aor: str, now: float) -> tuple[Binding, ...]:
        """Give the bindings of `aor` that end after `now` (unix time), in order."""
        held = self._held.get(aor, ())
        for binding in held:
            if binding.expires_at <= now:
                return tuple(other for other in held if other.expires_at > now)
        return held  # the usual case copies nothing

    def publish(self, changes: Mapping[str, tuple[Binding, ...]]) -> None:
        """Show new bindings, each tuple complete for its address-of-record and in order."""
        for aor, after in changes.items():
            self._bindings += len(after) - len(self.held(aor))
            if after:
                self._held[aor] = after
            else:
                self._held.pop(aor, None)

    def count(self) -> LocationCount:
        """Tell how much is held."""
        return LocationCount(len(self._held), self._bindings)

    def stale(self, now: float) -> Iterator[list[str]]:
        """Give the addresses-of-record that have expired bindings, in slices of all that there are.

        A slice can be empty. Between two slices the table may change.
        """
        aors = list(self._held)
        for start in range(0, len(aors), _SLICE):
            yield [aor for aor in aors[start : start + _SLICE] if self.live(aor, now) is not self.held(aor)]


def keep_live(live: tuple[Binding, ...]) -> tuple[Binding, ...]:
    """Change nothing, so that an update does no more than to drop what has expired."""
    return live


class Draft:
    """A group of updates on top of a table: each sees the ones before it, nobody else sees any.

    Args:
        table: what is published; not changed here.
        now: the time at which all of them happen, in seconds of unix time.

    Attributes:
        changes: the new bindings of every address-of-record that changed; to be stored, then published.
    """

    def __init__(self, table: BindingTable, now: float) -> None:
        self._table = table
        self._now = now
        self._new_aors = 0
        self.changes: dict[str, tuple[Binding, ...]] = {}

    def apply(self, aor: str, change: Change) -> tuple[Binding, ...]:
        """Decide one update and give the new bindings.

        Raises:
            LocationError: a limit is reached. Never for an update that adds nothing: a limit that was
                lowered takes nothing away from those who are registered.
        """
        held = self.changes.get(aor)
        if held is None:
            held = self._table.held(aor)
        before = live_ordered(self._without_expired(held), self._now)
        after = live_ordered(change(before), self._now)
        if after != held:
            self._check_limits(held, before, after)
            self._new_aors += bool(after) - bool(held)
            self.changes[aor] = after
        return after

    def _without_expired(self, held: tuple[Binding, ...]) -> tuple[Binding, ...]:
        if all(binding.expires_at > self._now for binding in held):
            return held  # the usual case
        return expire(held, self._now, tracing=self._table.tracing)

    def _check_limits(
        self, held: tuple[Binding, ...], before: tuple[Binding, ...], after: tuple[Binding, ...]
    ) -> None:
        limits = self._table.limits
        if len(after) > max(limits.bindings_per_aor, len(before)):
            raise LocationError(
                LocationReason.TOO_MANY_BINDINGS,
                f"an address-of-record may have {limits.bindings_per_aor} bindings, not {len(after)}",
            )
        if after and not held and self._table.count().aors + self._new_aors >= limits.aors:
            raise LocationError(
                LocationReason.TOO_MANY_AORS,
                f"all {limits.aors} addresses-of-record that the location service may hold are taken",
            )
        for binding in after:
            if binding.size > limits.binding_bytes and binding not in before:
                raise LocationError(
                    LocationReason.TOO_LARGE,
                    f"a binding may take {limits.binding_bytes} bytes, not {binding.size}",
                )
