"""What the values of all header fields share: folding, comma lists, quoted strings, tokens, numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from sipfsm.message.errors import MessageError

S = TypeVar("S")
T = TypeVar("T")

WSP = b" \t"
# Numbers, for these are found in bytes faster than bytes are.
CR = 0x0D
LF = 0x0A
COMMA = 0x2C
QUOTE = 0x22
ANGLE = 0x3C

# All patterns of this package use possessive quantifiers (`*+`, `++`): what was taken is never given back, so
# that no input costs more than its length.
# A value can end with a fold whose white space has been trimmed.
FOLD = re.compile(rb"\r\n[ \t]*+")
_LIST_ITEM = re.compile(rb'(?>(?:[^",<]++|"(?>(?:[^"\\]++|\\.)*)"|<[^>]*+>)*)', re.DOTALL)
_TOKEN = re.compile(rb"[A-Za-z0-9\-.!%*_+`'~]++")
_QUOTED = re.compile(r'"([^"\\]*+(?>(?:\\.[^"\\]*+)*))"', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE = re.compile(r'(["\\\x00-\x08\x0b\x0c\x0e-\x1f\x7f])')


def text(raw: bytes) -> str:
    """Decode bytes so that every byte survives: UTF-8, and what is no UTF-8 as lone surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def octets(decoded: str) -> bytes:
    """Undo `text`."""
    return decoded.encode("utf-8", "surrogateescape")


def unfold(value: bytes) -> bytes:
    """Join continuation lines with one space and trim both ends (:rfc:`3261#section-7.3.1`)."""
    if LF in value:
        value = FOLD.sub(b" ", value)
    return value.strip(WSP)


def first_value_end_untrusted(line: bytes, start: int = 0) -> int:
    """Return where the first value of a comma list ends: the index of its comma, or the end of the line.

    Raises:
        MessageError: a quoted string or an angle bracket is not closed before a comma.
    """
    if line.find(b",", start) < 0:
        return len(line)
    found = _LIST_ITEM.match(line, start)
    end = found.end() if found else start
    if end < len(line) and line[end] != COMMA:
        if line[end] == QUOTE:
            raise MessageError("unbalanced-quote", "Quoted string not closed", line[end:])
        raise MessageError("unbalanced-angle-bracket", "Angle bracket not closed", line[end:])
    return end


def split_values_untrusted(value: bytes) -> list[bytes]:
    """Split a comma list into its trimmed values, at least one; quoted strings and ``<...>`` stay whole.

    Raises:
        MessageError: a quoted string or an angle bracket is not closed before a comma.
    """
    if COMMA not in value:
        return [value]
    if QUOTE not in value and ANGLE not in value:
        return [piece.strip(WSP) for piece in value.split(b",")]
    pieces = []
    start = 0
    while (end := first_value_end_untrusted(value, start)) < len(value):
        pieces.append(value[start:end].strip(WSP))
        start = end + 1
    pieces.append(value[start:].strip(WSP))
    return pieces


def split_lines_untrusted(lines: list[bytes]) -> list[bytes]:
    """Split the comma lists of all lines of a field into their trimmed values.

    Raises:
        MessageError: as `split_values_untrusted`.
    """
    if len(lines) == 1:
        return split_values_untrusted(lines[0])
    return [value for line in lines for value in split_values_untrusted(line)]


def parse_values_untrusted(values: list[S], parser: Callable[[S], T]) -> tuple[T, ...]:
    """Read each value of a list, or something of each.

    Raises:
        MessageError: from the parser; its position says which value it was, if there are several.
    """
    if len(values) == 1:
        return (parser(values[0]),)
    parsed: list[T] = []
    try:
        for value in values:
            parsed.append(parser(value))  # noqa: PERF401 - how many were read tells which one is malformed
    except MessageError as error:
        error.position = len(parsed) + 1
        raise
    return tuple(parsed)


def is_token_untrusted(raw: bytes) -> bool:
    """Say whether `raw` is a token of :rfc:`3261#section-25.1`."""
    return _TOKEN.fullmatch(raw) is not None


def parse_number_untrusted(raw: bytes, maximum: int, reason: str, detail: str) -> int:
    """Read digits as a number from 0 to `maximum`, which has at most ten digits.

    Raises:
        MessageError: with `reason` and `detail`, if there is anything but digits or the number is too large.
    """
    if raw.isdigit():
        digits = raw if len(raw) <= 10 else raw.lstrip(b"0")
        if len(digits) <= 10 and (number := int(digits or b"0")) <= maximum:
            return number
    raise MessageError(reason, detail, raw)


def parse_tokens_untrusted(lines: list[bytes]) -> tuple[str, ...]:
    """Read the tokens of all lines of a field such as Require; empty elements are passed over.

    Raises:
        MessageError: something that is no token.
    """
    tokens = []
    for line in lines:
        for piece in split_values_untrusted(line):
            if piece:
                if not is_token_untrusted(piece):
                    raise MessageError("bad-token", "Not a token", piece)
                tokens.append(piece.decode("ascii"))
    return tuple(tokens)


def quote(content: str) -> str:
    """Write a quoted string (:rfc:`3261#section-25.1`).

    Raises:
        ValueError: `content` holds CR or LF, which cannot be written.
    """
    if "\r" in content or "\n" in content:
        raise ValueError("a quoted string cannot hold a line break")
    escaped = _TO_ESCAPE.sub(r"\\\1", content)
    return f'"{escaped}"'


def unquote(value: str) -> str:
    """Return what a quoted string says; any other value as it is."""
    found = _QUOTED.fullmatch(value)
    if found is None:
        return value
    content = found[1]
    return _QUOTED_PAIR.sub(r"\1", content) if "\\" in content else content
