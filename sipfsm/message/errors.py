"""The one error of every function that is fed by the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipfsm.message.names import usual_name

if TYPE_CHECKING:
    from sipfsm.message.message import Request, Response

OFFENDING_LIMIT = 64
"""So many of the bytes at fault are kept, in bytes: enough to see what was wrong, too few to fill a log."""


class MessageError(Exception):
    """A message, or a part of one, that cannot be used.

    Attributes:
        reason: what is wrong as a slug from a closed set, such as ``cseq-method-mismatch``: the label of a
            counter and a field of the log.
        detail: the same as a short ASCII sentence without a full stop, fit for a reason phrase
            (:rfc:`3261#section-21.4.1` recommends to name what is wrong).
        offending: the bytes at fault, cut to `OFFENDING_LIMIT`.
        status: the status code to answer with; None when no answer may be sent (a response or an ACK) or none
            can be built (no Via).
        where: the header field, ``Request-URI`` or the like that it was found in; None where `detail` says
            it all.
        position: which value of a comma list, from 1; None if there is one only.
        message: what could be read of the message, so that an answer can be built from it.
    """

    def __init__(self, reason: str, detail: str, offending: bytes = b"", *, status: int | None = 400) -> None:
        super().__init__(reason, detail, offending[:OFFENDING_LIMIT])
        self.reason = reason
        self.detail = detail
        self.offending = offending[:OFFENDING_LIMIT]
        self.status = status
        self.message: Request | Response | None = None
        self.where: str | None = None
        self.position: int | None = None

    @property
    def phrase(self) -> str:
        """What is wrong and where, fit for a reason phrase: ``Malformed address in Route, value 2``."""
        named = self.where is None or self.where in self.detail.split()
        phrase = self.detail if named else f"{self.detail} in {self.where}"
        return phrase if self.position is None else f"{phrase}, value {self.position}"

    def __str__(self) -> str:
        return f"{self.detail} ({self.reason}): {self.offending!r}" if self.offending else self.detail

    def found_in(self, where: str) -> MessageError:
        """Say where the error was found, unless that is known already."""
        if self.where is None:
            self.where = where
        return self

    def about(self, message: Request | Response) -> MessageError:
        """Say which message the error was found in, and forget the status if that one cannot be answered."""
        if self.message is None:
            self.message = message
            if not message.answerable or b"via" not in message.headers:
                self.status = None
        return self


def missing(name: bytes) -> MessageError:
    """Return the error of a field, given in the lower-case long form, that has to be there."""
    usual = usual_name(name).decode("ascii")
    return MessageError(f"missing-{usual.lower()}", f"Missing {usual}")


def duplicate(name: bytes, second: bytes) -> MessageError:
    """Return the error of a field that is there twice and can be there only once, with its second value."""
    usual = usual_name(name).decode("ascii")
    return MessageError(f"duplicate-{usual.lower()}", f"{usual} appears twice", second)


def too_many(name: bytes) -> MessageError:
    """Return the error of a comma list that has more values than a limit allows."""
    usual = usual_name(name).decode("ascii")
    return MessageError(f"too-many-{usual.lower()}", f"Too many {usual} values")
