"""CSeq: which request of a dialog this is, and of what method (:rfc:`3261#section-20.16`)."""

from __future__ import annotations

import re
from typing import NamedTuple

from sipfsm.message.errors import MessageError
from sipfsm.message.memo import remembered

MAX_CSEQ = 2**31 - 1
"""The sequence number MUST be less than 2**31 (:rfc:`3261#section-8.1.1.5`)."""

_CSEQ = re.compile(rb"0*+([0-9]++|(?<=0))[ \t]++([A-Za-z0-9\-.!%*_+`'~]++)")


class CSeq(NamedTuple):
    """A CSeq value.

    Attributes:
        number: 0 to `MAX_CSEQ`.
        method: the method, whose case matters (:rfc:`3261#section-7.1`).
    """

    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"

    def to_bytes(self) -> bytes:
        """Write the value."""
        return str(self).encode("ascii")


@remembered
def parse_cseq_untrusted(raw: bytes) -> CSeq:
    """Read a CSeq value, unfolded and trimmed.

    Raises:
        MessageError: ``bad-cseq``, ``cseq-too-large``.
    """
    found = _CSEQ.fullmatch(raw)
    if found is None:
        raise MessageError("bad-cseq", "Malformed CSeq", raw)
    digits = found[1] or b"0"
    if len(digits) > 10 or (number := int(digits)) > MAX_CSEQ:
        raise MessageError("cseq-too-large", "CSeq number is not below 2**31", raw)
    return CSeq(number, found[2].decode("ascii"))
