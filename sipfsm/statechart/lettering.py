"""Text of a picture: how wide it is at most, and where it is broken into lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MONOSPACED = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
SANS = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
# The widest fonts of these families that are in use: DejaVu Sans Mono, and DejaVu Sans in bold.
_MONOSPACED_EM = 0.603
_SANS_EM = 0.70
_NARROW = "fijlrt.,:;' |()"
_NARROW_EM = 0.44


class Span(NamedTuple):
    """Some characters of one line that look alike: `kind` is their class in the style sheet."""

    text: str
    kind: str


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """Words that share a line with others only if there is room.

    Attributes:
        kind: the class of all of them.
        words: what is not broken.
        lead: what stands before the first one.
    """

    kind: str
    words: Sequence[str]
    lead: str = ""


def monospaced_width(characters: int, size: float) -> float:
    """The width of so many characters of a font of fixed pitch, at most."""
    return characters * size * _MONOSPACED_EM


def sans_width(text: str, size: float) -> float:
    """The width of a text in bold letters of a sans-serif font, at most."""
    return sum(_NARROW_EM if letter in _NARROW else _SANS_EM for letter in text) * size


def length(line: Line) -> int:
    """The number of characters of a line."""
    return sum(len(span.text) for span in line)


def set_lines(parts: Sequence[Words], width: int) -> list[Line]:
    """Set parts on one line if they fit, else each on lines of its own.

    Args:
        parts: what is to be set, in order.
        width: how many characters a line should have at most; one word alone may have more.
    """
    whole = tuple(span for number, part in enumerate(parts) for span in _spans(part, " " if number else ""))
    if length(whole) <= width:
        return [_trimmed(whole)]
    return [line for part in parts for line in _broken(part, width)]


def _broken(part: Words, width: int) -> list[Line]:
    lines: list[list[str]] = [[]]
    for word in part.words:
        if lines[-1] and len(part.lead) + len(", ".join([*lines[-1], word])) + 1 > width:
            lines.append([])
        lines[-1].append(word)
    indent = " " * len(part.lead)
    set_: list[Line] = []
    for number, words in enumerate(lines):
        comma = "," if number + 1 < len(lines) else ""
        lead = indent if number else part.lead
        set_.append(_trimmed((Span(lead, "lead"), Span(", ".join(words) + comma, part.kind))))
    return set_


def _spans(part: Words, before: str) -> Line:
    return Span(before + part.lead, "lead"), Span(", ".join(part.words), part.kind)


def _trimmed(line: Line) -> Line:
    return tuple(span for span in line if span.text)
