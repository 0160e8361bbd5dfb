"""What the registrar answers when the location service says no."""

from sipfsm.location import LocationError, LocationReason
from sipfsm.message.refusal import RefusedError

_RETRY_SOON = 10
"""Seconds after which an overloaded server expects to have room again."""

_RETRY_LATER = 300
"""Seconds after which a full one may: bindings have to expire first."""


def of_location(error: LocationError) -> RefusedError:
    """Choose the answer to a request that the location service could not carry out.

    500 is what :rfc:`3261#section-10.3` step 7 asks for when an update fails. The exceptions: a client that
    wants more than one address-of-record may have gets 403, for trying again, here or at another server,
    cannot help it; and a server that did not even begin, or gave it up, says 503, so that clients turn to
    another one.
    """
    match error.reason:
        case LocationReason.TOO_MANY_BINDINGS:
            return RefusedError(403, "Too Many Bindings")
        case LocationReason.TOO_LARGE:
            return RefusedError(403, "Binding Too Large")
        case LocationReason.TOO_MANY_AORS:
            return RefusedError(500, "Location Service Full", _retry_after(_RETRY_LATER))
        case LocationReason.OVERLOADED | LocationReason.NOT_RUNNING | LocationReason.GIVEN_UP:
            return RefusedError(503, None, _retry_after(_RETRY_SOON))
        case _:
            return RefusedError(500, "Location Service Failed")


def _retry_after(seconds: int) -> dict[bytes, bytes]:
    return {b"retry-after": str(seconds).encode()}
