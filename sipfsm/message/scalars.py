"""Header fields of one word or number: Call-ID, Max-Forwards, Content-Length, Expires, Min-Expires."""

from __future__ import annotations

import re

from sipfsm.message.address import MAX_DELTA
from sipfsm.message.errors import MessageError
from sipfsm.message.memo import remembered
from sipfsm.message.values import parse_number_untrusted

MAX_HOPS = 255
"""The largest Max-Forwards (:rfc:`3261#section-20.22`)."""

MAX_LENGTH = 2**31 - 1
"""The largest Content-Length that is read as a number; far above what any limit lets in."""

# The words of the grammar and the few visible ASCII characters that it leaves out but phones use.
_CALL_ID = re.compile(rb"[!-+\--~]++")


def parse_call_id_untrusted(raw: bytes) -> str:
    """Read a Call-ID, which is compared letter by letter (:rfc:`3261#section-20.8`).

    It is not remembered by its bytes: to find it again would cost as much.

    Raises:
        MessageError: ``bad-call-id``: it is empty, or holds white space, a comma or anything but ASCII.
    """
    if _CALL_ID.fullmatch(raw) is None:
        raise MessageError("bad-call-id", "Malformed Call-ID", raw)
    return raw.decode("ascii")


@remembered
def parse_max_forwards_untrusted(raw: bytes) -> int:
    """Read how many hops are left, 0 to `MAX_HOPS` (:rfc:`3261#section-20.22`).

    Raises:
        MessageError: ``bad-max-forwards``.
    """
    return parse_number_untrusted(raw, MAX_HOPS, "bad-max-forwards", "Malformed Max-Forwards")


@remembered
def parse_content_length_untrusted(raw: bytes) -> int:
    """Read the length of the body in bytes (:rfc:`3261#section-20.14`).

    Raises:
        MessageError: ``bad-content-length``.
    """
    return parse_number_untrusted(raw, MAX_LENGTH, "bad-content-length", "Malformed Content-Length")


@remembered
def parse_expires_untrusted(raw: bytes) -> int:
    """Read Expires in seconds, 0 to `MAX_DELTA` (:rfc:`3261#section-20.19`).

    Raises:
        MessageError: ``bad-expires``.
    """
    return parse_number_untrusted(raw, MAX_DELTA, "bad-expires", "Malformed Expires")


@remembered
def parse_min_expires_untrusted(raw: bytes) -> int:
    """Read Min-Expires in seconds, 0 to `MAX_DELTA` (:rfc:`3261#section-20.23`).

    Raises:
        MessageError: ``bad-min-expires``.
    """
    return parse_number_untrusted(raw, MAX_DELTA, "bad-min-expires", "Malformed Min-Expires")
