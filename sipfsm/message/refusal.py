"""The exception of whoever decides that a request gets an error response."""

from __future__ import annotations

from sipfsm.message.build import make_response
from sipfsm.message.message import Request, Response


class RefusedError(Exception):
    """The request is answered with an error, and nothing else happens.

    Attributes:
        status: the status code, 300 to 699.
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
