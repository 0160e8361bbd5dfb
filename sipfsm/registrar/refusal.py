"""A step of the registrar that ends with something else than 200 (OK)."""

from sipfsm.location import LocationError, LocationReason
from sipfsm.message import Request, Response, make_response

_RETRY_SOON = 10
"""Seconds after which an overloaded server expects to have room again."""

_RETRY_LATER = 300
"""Seconds after which a full one may: bindings have to expire first."""


class RefusedError(Exception):
    """The request is answered with an error, and nothing is changed.

    Attributes:
        status: the status code, 400 to 599: a registrar sends no 6xx (:rfc:`3261#section-10.3`).
        reason: the reason phrase; None for the usual one.
        fields: header fields that this response has to have, names in lower case.
    """

    def __init__(
        self, status: int, reason: str | None = None, fields: dict[bytes, bytes] | None = None
    ) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.fields = fields or {}

    def response(self, request: Request) -> Response:
        """Write it as the response to `request`."""
        response = make_response(request, self.status, self.reason)
        for name, value in self.fields.items():
            response.headers.add(name, value)
        return response


def of_location(error: LocationError) -> RefusedError:
    """Choose the answer to a request that the location service could not carry out.

    500 is what :rfc:`3261#section-10.3` step 7 asks for when an update fails. The exceptions: a client that
    wants more than one address-of-record may have gets 403, for trying again, here or at another server,
    cannot help it; and a server that did not even begin says 503, so that clients turn to another one.
    """
    match error.reason:
        case LocationReason.TOO_MANY_BINDINGS:
            return RefusedError(403, "Too Many Bindings")
        case LocationReason.TOO_LARGE:
            return RefusedError(403, "Binding Too Large")
        case LocationReason.TOO_MANY_AORS:
            return RefusedError(500, "Location Service Full", _retry_after(_RETRY_LATER))
        case LocationReason.OVERLOADED | LocationReason.NOT_RUNNING:
            return RefusedError(503, None, _retry_after(_RETRY_SOON))
        case _:
            return RefusedError(500, "Location Service Failed")


def _retry_after(seconds: int) -> dict[bytes, bytes]:
    return {b"retry-after": str(seconds).encode()}
