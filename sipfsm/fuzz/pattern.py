"""Which messages are meant: a description that a script, a verdict and a test without sipfsm can share."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sipfsm.message import MessageError, Request, SipMessage


@dataclass(frozen=True, slots=True)
class Pattern:
    """A message, by what can be seen of it.

    Attributes:
        method: of a request; of a response, the method of its CSeq. Empty for any.
        statuses: the lowest and the highest status of a response; None for a request.
        fields: name and regular expression of header fields that have to be there, and hold a value in which
            the expression is found.
        absent: names of header fields that must not be there.
        branch_of: the method of a request that the same player got before, whose branch it has to have;
            empty for any branch.
    """

    method: str = ""
    statuses: tuple[int, int] | None = None
    fields: tuple[tuple[str, str], ...] = ()
    absent: tuple[str, ...] = ()
    branch_of: str = ""

    def matches(self, message: SipMessage, branch: str = "") -> bool:
        """Say if a message is one of those that are meant; `branch` is that of the `branch_of` request."""
        try:
            return (
                self._kind(message)
                and message.via.branch == (branch or message.via.branch)
                and (self._fields(message))
            )
        except MessageError:
            return False

    def _kind(self, message: SipMessage) -> bool:
        if isinstance(message, Request):
            return self.statuses is None and self.method in {"", message.method}
        if self.statuses is None or not self.statuses[0] <= message.status <= self.statuses[1]:
            return False
        return not self.method or message.cseq.method == self.method

    def _fields(self, message: SipMessage) -> bool:
        headers = message.headers
        if any(name.lower().encode() in headers for name in self.absent):
            return False
        return all(
            any(
                re.search(expression.encode(), value, re.IGNORECASE)
                for value in headers.lines(name.lower().encode())
            )
            for name, expression in self.fields
        )

    def __str__(self) -> str:
        if self.statuses is None:
            text = self.method or "a request"
        else:
            low, high = self.statuses
            text = str(low) if low == high else f"{low} to {high}"
            text += f" to {self.method}" if self.method else ""
        details = [f"{name}: {expression}" for name, expression in self.fields]
        details += [f"no {name}" for name in self.absent]
        return f"{text} with {', '.join(details)}" if details else text


def request(method: str, fields: tuple[tuple[str, str], ...] = (), *, branch_of: str = "") -> Pattern:
    """Return the pattern of a request."""
    return Pattern(method, fields=fields, branch_of=branch_of)


def response(
    low: int, high: int | None = None, *, method: str = "", fields: tuple[tuple[str, str], ...] = ()
) -> Pattern:
    """Return the pattern of a response with a status, or with one of a range."""
    return Pattern(method, (low, low if high is None else high), fields)


ANY_RESPONSE = Pattern(statuses=(100, 699))
FINAL = Pattern(statuses=(200, 699))
