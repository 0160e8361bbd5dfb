"""What the strategies are written with: the operators of ABNF (:rfc:`2234`), and white space chosen last.

Bytes in the making carry marks: `SWS` where white space may stand, `LWS` where it must, `FOLD` for a space
within a text. No header section of a SIP message holds these octets without a CR before them
(:rfc:`3261#section-25.1`: UTF8-NONASCII ends at FD), so that one and the same value can be spelled in many
ways, after it has been chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from itertools import cycle

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

SWS = b"\xfe"
"""White space may stand here."""

LWS = b"\xff"
"""White space must stand here."""

FOLD = b"\n"
"""One space, at which the line may be folded; an LF behind a CR is none."""

_MARKS = FOLD + SWS + LWS
_MARK = re.compile(rb"(?<!\r)\n|[\xfe\xff]")
_LWS = (b" ", b"\t", b"  ", b"\r\n ", b" \r\n\t", b" \t\r\n  ")

WhiteSpace = tuple[bytes, bytes, bytes]

PLAIN: WhiteSpace = (b" ", b"", b" ")
"""What stands for `FOLD`, `SWS` and `LWS` in the usual spelling: no more than there must be."""

white_space: SearchStrategy[list[WhiteSpace]] = st.sampled_from(
    [
        [PLAIN],
        [PLAIN],
        [(b" ", b" ", b" ")],
        [(b"\r\n ", b"\r\n ", b"\r\n ")],
        # Some marks are spelled in one way, the next in another.
        *[[(b" ", b"", ws), (b"\r\n ", ws, b" "), (b" ", b"", b" ")] for ws in _LWS],
        *[[(b"\r\n ", ws, b"\t"), (b" ", b"", ws)] for ws in _LWS],
        *[[(b" ", ws, ws)] for ws in _LWS],
    ]
)
"""What to put for the marks, in turns."""


def plain(marked: bytes) -> bytes:
    """Spell marked bytes with no more white space than there must be."""
    return fill(marked, [PLAIN])


def spelled(marked: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    """Spell marked bytes with any white space, folded lines included."""
    return st.tuples(marked, white_space).map(lambda drawn: fill(*drawn))


def fill(marked: bytes, chosen: list[WhiteSpace]) -> bytes:
    """Spell marked bytes with the white space that was chosen."""
    pairs = cycle(chosen)
    return _MARK.sub(lambda mark: next(pairs)[_MARKS.index(mark[0])], marked)


class Construct:
    """A construct of the grammar of :rfc:`3261#section-25`.

    Called, it gives a strategy for its bytes. For what holds it, `marked` gives them with their white space
    still to be chosen.

    Attributes:
        rule: the name of its rule in section 25.
    """

    def __init__(self, rule: str, define: Callable[[], SearchStrategy[bytes]]) -> None:
        self.rule = rule
        self.__doc__ = define.__doc__
        self._define = define

    @cached_property
    def marked(self) -> SearchStrategy[bytes]:
        """The strategy for its bytes with marks for white space."""
        return self._define()

    def __call__(self, *, plain_spelling: bool = False) -> SearchStrategy[bytes]:
        """Give a strategy for its bytes: in any spelling, or without any white space that need not be."""
        return drawn(self).map(plain) if plain_spelling else spelled(drawn(self))

    def __repr__(self) -> str:
        return f"<Construct {self.rule}>"


@st.composite
def drawn(draw: st.DrawFn, what: Construct) -> bytes:
    """Draw a construct with its marks: a strategy that is described in one word, however much it holds."""
    return draw(what.marked)


def construct(rule: str) -> Callable[[Callable[[], SearchStrategy[bytes]]], Construct]:
    """Make a construct of the function that gives its strategy with marks."""
    return lambda define: Construct(rule, define)


Part = bytes | Construct | SearchStrategy[bytes]


def _strategy(part: Part) -> SearchStrategy[bytes]:
    if isinstance(part, Construct):
        return drawn(part)
    return st.just(part) if isinstance(part, bytes) else part


def sequence(*parts: Part) -> SearchStrategy[bytes]:
    """One part after the other."""
    # What is the same each time is not drawn: whole messages are made of some hundred draws as it is.
    drawn = [_strategy(part) for part in parts if not isinstance(part, bytes)]
    pattern = b"".join(part.replace(b"%", b"%%") if isinstance(part, bytes) else b"%b" for part in parts)
    return st.tuples(*drawn).map(lambda pieces: pattern % pieces)


def either(*parts: Part) -> SearchStrategy[bytes]:
    """One of the parts (``/``)."""
    return st.one_of(*map(_strategy, parts))


def optional(*parts: Part) -> SearchStrategy[bytes]:
    """All of the parts or nothing (``[ ]``)."""
    return st.just(b"") | sequence(*parts)


def repeated(part: Part, minimum: int = 0, maximum: int = 3, separator: bytes = b"") -> SearchStrategy[bytes]:
    """A part several times (``*``)."""
    return st.lists(_strategy(part), min_size=minimum, max_size=maximum).map(separator.join)


def letters(alphabet: str, minimum: int = 1, maximum: int = 8) -> SearchStrategy[bytes]:
    """Characters of an alphabet, which is ASCII."""
    return st.text(alphabet, min_size=minimum, max_size=maximum).map(str.encode)


def glyphs(*alphabet: bytes, minimum: int = 1, maximum: int = 8) -> SearchStrategy[bytes]:
    """Strings of these pieces, the simplest of them first; each string is one draw, and so it is cheap."""
    first = 0x100
    characters = "".join(chr(first + at) for at in range(len(alphabet)))
    return st.text(characters, min_size=minimum, max_size=maximum).map(
        lambda drawn: b"".join([alphabet[ord(character) - first] for character in drawn])
    )


def numbers(minimum: int, maximum: int, digits: int = 1) -> SearchStrategy[bytes]:
    """Decimal numbers of so many digits at least."""
    return st.integers(minimum, maximum).map(lambda number: b"%0*d" % (digits, number))


def literal(*words: str) -> SearchStrategy[bytes]:
    """One of the words, in any case (:rfc:`2234#section-2.3`)."""
    spellings = [spelling for word in words for spelling in (word, word.upper(), word.title(), word.lower())]
    # As they are usually written they come more often.
    return st.sampled_from([spelling.encode() for spelling in [*words, *words, *spellings]])


COMMA = SWS + b"," + SWS
SEMI = SWS + b";" + SWS
EQUAL = SWS + b"=" + SWS
SLASH = SWS + b"/" + SWS
COLON = SWS + b":" + SWS
LAQUOT = SWS + b"<"
RAQUOT = b">" + SWS
LDQUOT = SWS + b'"'
RDQUOT = b'"' + SWS
