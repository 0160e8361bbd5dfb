"""What reading costs: it grows with the size of a message and nothing else; it holds a few megabytes at most.

Time is compared with time, never with a clock: a message twice as long must not take much more than twice as
long, over three doublings. What was quadratic would take eight times as long per doubling pair, 64 in all.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from time import process_time

import pytest

from sipfsm.message import (
    DEFAULT_LIMITS,
    Limits,
    MessageError,
    Request,
    check_untrusted,
    make_response,
    parse_message_untrusted,
)
from tests.unit.message.samples import INVITE_LINES

UNBOUNDED = Limits(
    max_message=10**9,
    max_start_line=10**9,
    max_line=10**9,
    max_fields=10**9,
    max_body=10**9,
    max_via=10**9,
    max_route=10**9,
    max_values=10**9,
    max_params=10**9,
)
"""The limits would refuse most of these at once; that is not what is measured here."""

READERS = (
    "via",
    "vias",
    "from_",
    "to",
    "call_id",
    "cseq",
    "max_forwards",
    "content_length",
    "expires",
    "date",
    "timestamp",
    "routes",
    "record_routes",
    "contacts",
    "require",
    "authorization",
    "www_authenticate",
    "uri",
)

Maker = Callable[[int], bytes]


def _start(uri: bytes) -> bytes:
    return b"\r\n".join([b"INVITE " + uri + b" SIP/2.0", *INVITE_LINES[:-1], b"l: 0", b"", b""])


def _line(line: bytes) -> bytes:
    name = line.partition(b":")[0]
    lines = [each for each in INVITE_LINES[:-1] if not each.startswith(name + b":")]
    return b"\r\n".join([b"INVITE sip:bob@biloxi.com SIP/2.0", *lines, line, b"l: 0", b"", b""])


SHAPES: dict[str, Maker] = {
    "commas": lambda n: _line(b"Contact: " + b"," * n),
    "contacts": lambda n: _line(b"Contact: " + b",".join([b"<sip:a@b>"] * (n // 10))),
    "quotes": lambda n: _line(b"To: " + b'"' * n),
    "quoted strings": lambda n: _line(b"Contact: " + b'"a",' * (n // 4)),
    "quotes never closed": lambda n: _line(b"Contact: " + b'<a>,"' * (n // 5)),
    "semicolons": lambda n: _line(b"To: <sip:a@b>" + b";" * n),
    "parameters": lambda n: _line(b"To: <sip:a@b>" + b"".join(b";p%d=1" % at for at in range(n // 8))),
    "parameters with spaces": lambda n: _line(b"To: <sip:a@b>" + b" ; " * (n // 3)),
    "escapes": lambda n: _line(b'To: "' + b"\\a" * (n // 2) + b'" <sip:a@b>'),
    "escapes never closed": lambda n: _line(b'To: "' + b"\\a" * (n // 2)),
    "escapes with NUL": lambda n: _line(b'To: "' + b"\\\0" * (n // 2) + b'" <sip:a@b>'),
    "escapes in a URI": lambda n: _start(b"sip:" + b"%61" * (n // 3) + b"@biloxi.com"),
    "folded lines": lambda n: _line(b"Subject: a" + b"\r\n b" * (n // 4)),
    "folded lists": lambda n: _line(b"Route: <sip:a;lr>" + b",\r\n <sip:a;lr>" * (n // 14)),
    "fields": lambda n: _line(b"Subject: a\r\n" + b"X: y\r\n" * (n // 6) + b"X: y"),
    "fields without colon": lambda n: _line(b"Subject: a\r\n" + b"x\r\n" * (n // 3) + b"X: y"),
    "vias": lambda n: _line(b"Via: " + b", ".join([b"SIP/2.0/UDP h;branch=z9hG4bK1"] * (n // 31))),
    "routes": lambda n: _line(b"Route: " + b",".join([b"<sip:a;lr>"] * (n // 11))),
    "angle brackets": lambda n: _line(b"Route: " + b"<" * n),
    "nested parentheses": lambda n: _line(b"User-Agent: " + b"(" * (n // 2) + b")" * (n // 2)),
    "nested parentheses in a Date": lambda n: _line(b"Date: " + b"(" * n),
    "long user": lambda n: _start(b"sip:" + b"u" * n + b"@biloxi.com"),
    "long host": lambda n: _start(b"sip:" + b"h." * (n // 2) + b"com"),
    "host of dashes": lambda n: _start(b"sip:" + b"-" * n),
    "URI parameters": lambda n: _start(b"sip:bob@b" + b"".join(b";p%d=1" % at for at in range(n // 8))),
    "URI parameters without end": lambda n: _start(b"sip:bob@b" + b";a=" * (n // 3)),
    "URI header fields": lambda n: _start(b"sip:bob@b?" + b"a=b&" * (n // 4) + b"a=b"),
    "colons": lambda n: _start(b"sip:" + b"a:" * (n // 2) + b"@b"),
    "at signs": lambda n: _start(b"sip:" + b"a@" * (n // 2) + b"b"),
    "digits": lambda n: _line(b"CSeq: " + b"0" * n + b" INVITE"),
    "spaces": lambda n: _line(b"CSeq: 1" + b" " * n + b"INVITE"),
    "tokens": lambda n: _line(b"Require: " + b"a," * (n // 2)),
    "credentials": lambda n: _line(b"Authorization: Digest " + b"a=b," * (n // 4)),
    "credentials without commas": lambda n: _line(b"Authorization: Digest " + b"a=b " * (n // 4)),
    "octets above 127": lambda n: _line(b"Subject: " + b"\xc3\xa9" * (n // 2)),
    "octets that are no UTF-8": lambda n: _line(b"To: " + b"\xe0" * n + b" <sip:a@b>"),
}


def read_all(raw: bytes, limits: Limits = UNBOUNDED) -> None:
    """Do with a message all that anybody here does with one."""
    try:
        message = parse_message_untrusted(raw, limits)
        check_untrusted(message, limits)
    except MessageError as error:
        if error.message is None:
            return
        message = error.message
    for name in READERS:
        try:
            str(getattr(message, name, None))
        except MessageError:
            continue
    message.headers.straighten()
    message.to_bytes()


def cost(raw: bytes) -> float:
    """Return the CPU seconds that it takes to read a message: the least of several times."""
    times = []
    for _ in range(3):
        began = process_time()
        read_all(raw)
        times.append(process_time() - began)
    return min(times)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_cost_grows_with_size_and_not_with_its_square(shape: str) -> None:
    make = SHAPES[shape]
    size = 16_384
    while cost(make(size)) < 1e-4:  # what is too fast to measure is made longer
        size *= 2
    once, eightfold = cost(make(size)), cost(make(8 * size))
    # Linear is 8, quadratic 64; the garbage collector, caches and other programs are in between.
    assert eightfold < 28 * once, f"8 times as long took {eightfold / once:.1f} times the time"


def serve(raw: bytes) -> None:
    """Do with a message what a server does: refuse it with an answer, or read all there is to be read."""
    try:
        message = parse_message_untrusted(raw)
        check_untrusted(message)
    except MessageError as error:
        if isinstance(error.message, Request):
            make_response(error.message, 400, error.phrase).to_bytes()
        return
    read_all(raw, DEFAULT_LIMITS)


def peak(raw: bytes) -> int:
    """Return how many bytes reading a message needs at once, beyond the message itself."""
    gc.collect()
    tracemalloc.start()
    try:
        serve(raw)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_no_datagram_is_worth_more_than_two_megabytes(shape: str) -> None:
    """With the limits that hold if nothing is said, of the largest datagram that there can be."""
    raw = SHAPES[shape](65_000)[:65_507]
    assert peak(raw) < 2_000_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n" * 32_000,
        b"x\r\n" * 21_000,
        b":\r\n" * 21_000,
        b"INVITE sip:a SIP/2.0\r\n" + b"\0:\r\n" * 16_000,
    ],
    ids=["empty lines", "short lines", "colons", "NULs"],
)
def test_nor_is_nonsense(raw: bytes) -> None:
    assert peak(raw) < 2_500_000
