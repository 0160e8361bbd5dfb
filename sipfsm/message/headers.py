"""Header fields, kept as the lines they came in: what is not touched leaves byte for byte as it came."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from itertools import compress
from typing import Any, TypeVar

from sipfsm.message.names import usual_name
from sipfsm.message.values import (
    COMMA,
    CR,
    FOLD,
    LF,
    WSP,
    first_value_end_untrusted,
    split_lines_untrusted,
    unfold,
)

T = TypeVar("T")


class Headers:
    """The header fields of a message in their order.

    Every method takes a field's name as its lower-case long form, such as ``b"via"``; a field is found under
    its compact form and any case too. Values that come out are unfolded and trimmed, those that go in must
    hold no line break.

    A line is held with its continuation lines and without the last line break. A parsed value is remembered
    until a field of the same name is edited.
    """

    __slots__ = ("_lines", "_names", "_straight", "parsed")

    def __init__(self, fields: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._names: list[bytes] = []
        self._lines: list[bytes] = []
        self._straight = True
        # Copies share the inner dictionaries: these only grow, by what parsing the same lines always gives.
        # An edit takes the whole entry of its name out of its own outer dictionary.
        self.parsed: dict[bytes, dict[Callable[..., Any], Any]] = {}
        """What has been read of the fields of a name, by the parser that read it; to be looked at only."""
        for name, value in fields:
            self.add(name, value)

    @classmethod
    def from_lines(cls, names: list[bytes], lines: list[bytes], *, straight: bool = False) -> Headers:
        """Take over lines as they were received, and the name of each in the lower-case long form.

        Args:
            names: the names.
            lines: the lines.
            straight: no line is folded, and none has white space before its colon.
        """
        headers = cls()
        headers._names = names
        headers._lines = lines
        headers._straight = straight
        return headers

    def copy(self) -> Headers:
        """Return an independent copy, which shares the bytes and what has been parsed."""
        headers = Headers()
        headers._names = self._names.copy()
        headers._lines = self._lines.copy()
        headers._straight = self._straight
        headers.parsed = self.parsed.copy()
        return headers

    def only(self, names: Container[bytes]) -> Headers:
        """Return a copy of the lines so named, in their order and as they came."""
        chosen = [*map(names.__contains__, self._names)]
        names, lines = [*compress(self._names, chosen)], [*compress(self._lines, chosen)]
        return Headers.from_lines(names, lines, straight=self._straight)

    # ---- reading

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    @property
    def size(self) -> int:
        """The bytes of all lines with their line breaks."""
        return sum(map(len, self._lines)) + 2 * len(self._lines)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Go through the fields in order: name in the lower-case long form and value."""
        for name, line in zip(self._names, self._lines, strict=True):
            yield name, _value(line)

    def names(self) -> list[bytes]:
        """Return the names of all lines in order, in the lower-case long form."""
        return self._names.copy()

    def count(self, name: bytes) -> int:
        """Return how many lines are so named."""
        return self._names.count(name)

    def first(self, name: bytes) -> bytes | None:
        """Return the value of the first line so named; None if there is none."""
        if name not in self._names:
            return None
        return _value(self._lines[self._names.index(name)])

    def lines(self, name: bytes) -> list[bytes]:
        """Return the value of each line so named."""
        count = self._names.count(name)
        if count < 2:
            return [_value(self._lines[self._names.index(name)])] if count else []
        return [_value(line) for own, line in zip(self._names, self._lines, strict=True) if own == name]

    def values_at_most(self) -> int:
        """Return an upper bound of how many values all comma lists hold together: the commas tell."""
        return len(self._lines) + b"".join(self._lines).count(b",")

    def count_byte(self, octet: bytes) -> int:
        """Return how often an octet stands in all lines together."""
        return b"".join(self._lines).count(octet)

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of the comma lists in all lines so named, at least one for each line.

        Raises:
            MessageError: a quoted string or an angle bracket is not closed.
        """
        return split_lines_untrusted(self.lines(name))

    def cached_first(self, name: bytes, parser: Callable[[bytes], T]) -> T | None:
        """Return what `parser` makes of the value of the first line so named; None if there is none.

        Raises:
            MessageError: from the parser, which is asked again the next time.
        """
        known = self.parsed.get(name)
        if known is not None and parser in known:
            remembered: T = known[parser]
            return remembered
        return self.parse_first(name, parser)

    def parse_first(self, name: bytes, parser: Callable[[bytes], T]) -> T | None:
        """Do what `cached_first` does, for who knows that nothing is remembered yet.

        Raises:
            MessageError: from the parser.
        """
        names = self._names
        if name not in names:
            return None
        value = self._lines[names.index(name)].partition(b":")[2].strip(WSP)
        parsed = parser(value if LF not in value else unfold(value))
        known = self.parsed.get(name)
        if known is None:
            self.parsed[name] = {parser: parsed}
        else:
            known[parser] = parsed
        return parsed

    def cached(self, name: bytes, parser: Callable[[list[bytes]], T]) -> T:
        """Return what `parser` makes of the values of all lines so named, possibly none.

        Raises:
            MessageError: from the parser, which is asked again the next time.
        """
        known = self.parsed.get(name)
        if known is None:
            known = self.parsed[name] = {}
        elif parser in known:
            remembered: T = known[parser]
            return remembered
        parsed = known[parser] = parser(self.lines(name))
        return parsed

    def remember(self, name: bytes, parser: Callable[..., T], parsed: T) -> None:
        """Keep what `parser` makes of the fields so named, for `cached_first` or `cached` to return."""
        self.parsed.setdefault(name, {})[parser] = parsed

    # ---- editing

    def add(self, name: bytes, value: bytes) -> None:
        """Add a line at the end."""
        self._insert(len(self._names), name, value)

    def prepend(self, name: bytes, value: bytes) -> None:
        """Add a line above the first line so named; at the top if there is none."""
        self._insert(self._names.index(name) if name in self._names else 0, name, value)

    def set(self, name: bytes, value: bytes) -> None:
        """Replace the first line so named and delete the others; add a line at the end if there is none."""
        names = self._names
        if name not in names:
            self.add(name, value)
            return
        self._lines[names.index(name)] = _write(name, value)
        self.parsed.pop(name, None)
        if names.count(name) > 1:
            self.keep_first(name)

    def keep_first(self, name: bytes) -> None:
        """Delete all lines so named but the first, if any."""
        if self._names.count(name) > 1:
            first = self._names.index(name)
            self.parsed.pop(name, None)
            self._keep([at for at, own in enumerate(self._names) if own != name or at == first])

    def remove(self, name: bytes) -> None:
        """Delete all lines so named, if any."""
        if name in self._names:
            self.parsed.pop(name, None)
            self._keep([at for at, own in enumerate(self._names) if own != name])

    def pop_first_value(self, name: bytes) -> bytes | None:
        """Take out the first value of the comma lists so named and return it; None if there is no such line.

        Raises:
            MessageError: a quoted string or an angle bracket is not closed; nothing is changed.
        """
        if name not in self._names:
            return None
        index = self._names.index(name)
        line = self._lines[index]
        start = line.index(b":") + 1
        end = first_value_end_untrusted(line, start) if COMMA in line else len(line)
        if end == len(line):
            del self._names[index], self._lines[index]
        else:
            rest = line[end + 1 :]
            space = b"" if rest[:1] in {b" ", b"\t", b"\r"} else b" "
            self._lines[index] = line[:start] + space + rest
        self.parsed.pop(name, None)
        return unfold(line[start:end])

    def replace_first_value(self, name: bytes, value: bytes) -> None:
        """Put `value` in place of the first value of the comma lists so named; all other bytes stay.

        Raises:
            MessageError: a quoted string or an angle bracket is not closed; nothing is changed.
            KeyError: there is no line so named.
        """
        if name not in self._names:
            raise KeyError(name)
        _check_value(value)
        index = self._names.index(name)
        line = self._lines[index]
        start = line.index(b":") + 1
        end = first_value_end_untrusted(line, start)
        self._lines[index] = b"%b %b%b" % (line[:start], value, line[end:])
        self.parsed.pop(name, None)

    def copy_lines(self, name: bytes, source: Headers) -> None:
        """Add all lines so named of `source` at the end, as they came."""
        names, lines = source._names, source._lines
        self._straight = self._straight and source._straight
        if name in names:
            for at in range(names.index(name), len(names)):
                if names[at] == name:
                    self._names.append(name)
                    self._lines.append(lines[at])
            self.parsed.pop(name, None)

    def append_to_first(self, name: bytes, suffix: bytes) -> None:
        """Append bytes, such as a parameter, to the first line so named.

        Raises:
            KeyError: there is no line so named.
        """
        if name not in self._names:
            raise KeyError(name)
        _check_value(suffix)
        self._lines[self._names.index(name)] += suffix
        self.parsed.pop(name, None)

    def straighten(self) -> None:
        """Take out the white space before colons, and write folded lines as one, with a space for each fold.

        :rfc:`3261#section-25.1` lets whoever forwards a message do so. No value is another afterwards, and an
        element that knows neither of the two reads the fields as this one did.
        """
        if self._straight:
            return
        self._straight = True
        lines = self._lines
        joined = b"".join(lines)
        if LF not in joined and b" :" not in joined and b"\t:" not in joined:
            return  # as nearly always
        for at, line in enumerate(lines):
            colon = line.index(b":")
            if line[colon - 1] in WSP or LF in line:
                lines[at] = line[:colon].rstrip(WSP) + FOLD.sub(b" ", line[colon:])

    def write_between(self, start_line: bytes, body: bytes) -> bytes:
        """Write a whole message."""
        return b"\r\n".join([start_line, *self._lines, b"", body])

    def to_bytes(self) -> bytes:
        """Write all lines, each with its line break."""
        return b"\r\n".join([*self._lines, b""])

    def _insert(self, index: int, name: bytes, value: bytes) -> None:
        line = _write(name, value)
        self._names.insert(index, name)
        self._lines.insert(index, line)
        self.parsed.pop(name, None)

    def _keep(self, indexes: list[int]) -> None:
        self._names = [self._names[at] for at in indexes]
        self._lines = [self._lines[at] for at in indexes]

    def __repr__(self) -> str:
        return f"Headers({list(self)!r})"


def _value(line: bytes) -> bytes:
    value = line.partition(b":")[2].strip(WSP)
    return unfold(value) if LF in value else value


def _write(name: bytes, value: bytes) -> bytes:
    _check_value(value)
    return b"%b: %b" % (usual_name(name), value)


def _check_value(value: bytes) -> None:
    if LF in value or CR in value:
        raise ValueError(f"a line break in the value of a header field: {value[:64]!r}")
