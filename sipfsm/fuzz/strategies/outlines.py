"""Messages before their spelling is chosen, and all the ways to spell one (:rfc:`3261#section-7.3`)."""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby, pairwise
from math import factorial
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sipfsm.fuzz.strategies.fields import FIELDS
from sipfsm.fuzz.strategies.notation import COMMA, EQUAL, LWS, SEMI, fill, plain, spelled, white_space
from sipfsm.message import SipMessage
from sipfsm.message.names import usual_name


class Outline(NamedTuple):
    """A message whose meaning is chosen and whose spelling is not.

    Attributes:
        start_line: without its line break.
        fields: names as they are usually written, each with its values; white space that can be chosen is
            marked in them. A name comes several times where the values do not form a comma list.
        body: the body.
    """

    start_line: bytes
    fields: tuple[tuple[str, tuple[bytes, ...]], ...]
    body: bytes

    def plain(self) -> bytes:
        """Write it the usual way: long names, single spaces, no folding, a line for each field."""
        lines = [b"%b: %b" % (name.encode(), plain(COMMA.join(values))) for name, values in self.fields]
        return b"\r\n".join([self.start_line, *lines, b"", self.body])

    @classmethod
    def of(cls, message: SipMessage) -> Outline:
        """Make the outline of a message, so that it can be spelled in other ways.

        White space is left to choose around the separators of the header fields that sipfsm reads, as far as
        they are well formed; the values of others keep their bytes.
        """
        fields: list[tuple[str, tuple[bytes, ...]]] = []
        for raw_name, value in message.headers:
            name = usual_name(raw_name).decode()
            fields.append((name, (_mark(value),) if name in _MARKED else (value,)))
        return cls(message.start_line(), tuple(fields), message.body)


_MARKED = frozenset(
    {"Via", "From", "To", "Contact", "Route", "Record-Route", "CSeq", "Require", "Supported", "Proxy-Require"}
)
_PIECES = re.compile(
    rb'("[^"\\]*(?:\\.[^"\\]*)*"|<[^>]*>)|[ \t]*(,)[ \t]*'
    rb'|[ \t]*(;)[ \t]*([^";=<, \t]*)(?:[ \t]*(=)[ \t]*)?|([ \t]+)',
    re.DOTALL,
)


def _mark(value: bytes) -> bytes:
    """Mark where the white space of a value can be chosen: outside quoted strings and angle brackets."""

    def marked(found: re.Match[bytes]) -> bytes:
        whole, comma, semicolon, name, equals, space = found.groups()
        if whole is not None:
            return whole
        if comma:
            return COMMA
        if semicolon:
            return SEMI + name + (EQUAL if equals else b"")
        return LWS if space else b""

    return _PIECES.sub(marked, value)


@st.composite
def spellings(draw: st.DrawFn, outline: Outline) -> bytes:
    """All the ways to spell a message: each means the same to whoever receives it.

    Long and compact names in any case, white space before the colon and around separators, folded lines,
    comma lists in one line or in several, fields of different names in any order.
    """
    lines = [
        (name, draw(_beginnings(name)) + fill(COMMA.join(part), draw(white_space)))
        for name, values in outline.fields
        for part in draw(_partitions(values, name))
    ]
    return b"\r\n".join([outline.start_line, *draw(_orders(lines)), b"", outline.body])


def field_lines(name: str, marked: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    """The line of a header field in all spellings, without the last line break."""
    return st.tuples(_beginnings(name), spelled(marked)).map(b"".join)


_COLONS = (b": ", b": ", b": ", b":", b" : ", b"\t:", b":\r\n ", b":  ")


@cache
def _beginnings(name: str) -> SearchStrategy[bytes]:
    """The name of a field, its compact form too, and the colon."""
    spelled_names = [name, name, name, name.lower(), name.upper(), name.title()]
    compact = FIELDS[name].compact if name in FIELDS else None
    if compact is not None:
        spelled_names += [compact, compact.upper()]
    return st.sampled_from([name.encode() + colon for name in spelled_names for colon in _COLONS])


def _partitions(values: tuple[bytes, ...], name: str) -> SearchStrategy[list[tuple[bytes, ...]]]:
    """Each way to part the values of a comma list into lines, in their order."""
    if len(values) < 2 or not FIELDS[name].is_list:
        return st.just([values])

    def parted(cuts: set[int]) -> list[tuple[bytes, ...]]:
        return [values[start:end] for start, end in pairwise([0, *sorted(cuts), len(values)])]

    return st.sets(st.integers(1, len(values) - 1)).map(parted)


def _orders(lines: list[tuple[str, bytes]]) -> SearchStrategy[list[bytes]]:
    """Each order in which lines of the same name keep theirs."""

    def ordered(names: list[str]) -> list[bytes]:
        by_name = {
            name: iter([line for _, line in group])
            for name, group in groupby(sorted(lines, key=lambda line: line[0]), key=lambda line: line[0])
        }
        return [next(by_name[name]) for name in names]

    names = [name for name, _ in lines]
    # One draw for all: the number of a permutation, of which 0 leaves all in its place.
    return (st.just(0) | st.integers(0, factorial(len(names)) - 1)).map(
        lambda number: ordered(_permutation(names, number))
    )


def _permutation(names: list[str], number: int) -> list[str]:
    rest, permuted = list(names), []
    while rest:
        number, at = divmod(number, len(rest))
        permuted.append(rest.pop(at))
    return permuted
