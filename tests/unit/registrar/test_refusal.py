"""What a client is told when the location service cannot do what it asked for."""

import pytest

from sipfsm.location import LocationError, LocationReason
from sipfsm.registrar.refusal import of_location

EXPECTED = {
    LocationReason.TOO_MANY_BINDINGS: (403, False),
    LocationReason.TOO_LARGE: (403, False),
    LocationReason.TOO_MANY_AORS: (500, True),
    LocationReason.OVERLOADED: (503, True),
    LocationReason.NOT_RUNNING: (503, True),
    LocationReason.GIVEN_UP: (503, True),
    LocationReason.COMMIT_FAILED: (500, False),
    LocationReason.NOT_STORABLE: (500, False),
}


@pytest.mark.parametrize("reason", list(LocationReason))
def test_every_failure_has_a_status(reason: LocationReason) -> None:
    refusal = of_location(LocationError(reason, "a sentence with the path of a file"))
    status, retry = EXPECTED.get(reason, (500, False))  # the others are told when the server starts
    assert refusal.status == status
    assert (b"retry-after" in refusal.fields) == retry
    assert "file" not in (refusal.reason or "")
