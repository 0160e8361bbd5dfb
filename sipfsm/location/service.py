"""What every location service offers, and the one error that it raises."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

import trio

from sipfsm.location.binding import Binding

Change = Callable[[tuple[Binding, ...]], tuple[Binding, ...]]


class LocationReason(StrEnum):
    """Why the location service said no: a closed set, fit for a counter's label or a field of the log."""

    BAD_SPEC = "bad-spec"
    """The line of configuration names no location service."""
    CANNOT_OPEN = "cannot-open"
    """The file cannot be opened, created or written."""
    IN_USE = "in-use"
    """Another server has the file open."""
    NOT_OURS = "not-ours"
    """The file holds something else than bindings."""
    NEWER_SCHEMA = "newer-schema"
    """The file was written by a later version of the program."""
    NOT_RUNNING = "not-running"
    """`run` has not opened the service yet, or has ended."""
    GIVEN_UP = "given-up"
    """Who asked for the update took it back in time."""
    OVERLOADED = "overloaded"
    """More updates wait for the disk than the limit allows."""
    TOO_MANY_BINDINGS = "too-many-bindings"
    """The address-of-record has all the bindings it may have."""
    TOO_MANY_AORS = "too-many-aors"
    """The service holds as many addresses-of-record as it may."""
    TOO_LARGE = "too-large"
    """One binding takes more bytes than the limit allows."""
    NOT_STORABLE = "not-storable"
    """The database refuses this update; others may pass."""
    COMMIT_FAILED = "commit-failed"
    """The database could not commit, for example because the disk is full."""


class LocationError(Exception):
    """The location service could not do what was asked for; nothing was changed.

    Attributes:
        reason: what kind of failure, from a closed set.
        detail: a sentence for the person who runs the server.
    """

    def __init__(self, reason: LocationReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class LocationLimits:
    """How much strangers can make the location service hold.

    Raises:
        ValueError: a limit is below one.
    """

    bindings_per_aor: int = 10
    """Bindings of one address-of-record; a call forks to all of them."""
    aors: int = 100_000
    """Addresses-of-record that have at least one binding."""
    binding_bytes: int = 8_192
    """Contact, its parameters, Call-ID and path of one binding, in bytes."""
    pending_updates: int = 1_000
    """Updates that wait for the disk."""

    def __post_init__(self) -> None:
        """Refuse limits with which nothing can be stored."""
        if min(self.bindings_per_aor, self.aors, self.binding_bytes, self.pending_updates) < 1:
            raise ValueError("every limit of the location service must be at least 1")


class LocationCount(NamedTuple):
    """How much is held; expired bindings count until they are swept out."""

    aors: int
    bindings: int


class PendingUpdate(Protocol):
    """An update that was submitted."""

    def give_up(self) -> None:
        """Take the update back, if that is still possible: `outcome` tells.

        Then it raises `LocationError` with the reason `GIVEN_UP`; otherwise all goes on as before.
        """
        ...

    async def outcome(self) -> tuple[Binding, ...]:
        """Wait until the update is durable as far as the service makes things durable, and give the bindings.

        Cancelled, it takes the update back, if that is still possible.

        Raises:
            LocationError: nothing was changed, for the reason given.
            Exception: whatever the change raised; nothing was changed.
        """
        ...


class LocationService(Protocol):
    """Bindings by address-of-record, in the canonical form that `address_of_record` gives."""

    def bindings(self, aor: str) -> tuple[Binding, ...]:
        """Give the bindings that have not expired, highest q first, equal ones in the order they were stored.

        Never waits: a service keeps in memory what it would have to ask others for.
        """
        ...

    def submit(self, aor: str, change: Change) -> PendingUpdate:
        """Have the bindings of `aor` replaced by what `change` makes of them.

        Never waits. Updates are applied one after the other, in the order of the calls. `bindings` shows the
        result, ordered, once `outcome` gives it, and never one that could still be lost.

        Args:
            aor: the canonical address-of-record.
            change: gets the live bindings, returns the ones to keep. It must be pure: it can be called again,
                and what it returns can be thrown away. Its exceptions propagate to the caller, here or from
                `outcome`.

        Raises:
            LocationError: nothing was changed, for the reason given.
        """
        ...

    async def update(self, aor: str, change: Change) -> tuple[Binding, ...]:
        """Submit an update and wait for its outcome: both in one, where no order has to be kept.

        Raises:
            LocationError: nothing was changed, for the reason given.
        """
        ...

    async def sweep(self) -> int:
        """Drop all expired bindings, wherever they are held, and give the number of AORs concerned.

        Raises:
            LocationError: they could not be dropped; they stay invisible all the same.
        """
        ...

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Open the service, report it started, and sweep and write until cancelled.

        What was given to `update` before the cancellation is committed before this returns.

        Raises:
            LocationError: it cannot be opened; the text says what to do.
        """
        ...

    def count(self) -> LocationCount:
        """Tell how much is held."""
        ...
