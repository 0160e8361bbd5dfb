"""Tokens, words, quoted strings, comments and text (:rfc:`3261#section-25.1`)."""

from __future__ import annotations

from string import ascii_letters, digits

from hypothesis.strategies import SearchStrategy

from sipfsm.fuzz.strategies.notation import (
    FOLD,
    SWS,
    Construct,
    construct,
    glyphs,
    letters,
    repeated,
    sequence,
)

ALPHANUM = ascii_letters + digits
MARK = "-_.!~*'()"
UNRESERVED = ALPHANUM + MARK
TOKEN = ALPHANUM + "-.!%*_+`'~"
WORD = TOKEN + '()<>:\\"/[]?{}'
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


def each(characters: str) -> list[bytes]:
    """The characters of a string, which is ASCII, one by one."""
    return [bytes((octet,)) for octet in characters.encode()]


ESCAPES = [(b"%%%02X" if octet % 3 else b"%%%02x") % octet for octet in range(256)]
"""Every octet as an escape, in upper or in lower case."""


def escapable(alphabet: str, minimum: int = 1, maximum: int = 8) -> SearchStrategy[bytes]:
    """Characters of an alphabet, and any octet as its escape ``%XX``."""
    return glyphs(*each(alphabet) * 12, *ESCAPES, minimum=minimum, maximum=maximum)


# Characters beyond ASCII: usual ones, and the ends of each range that the grammar has, even where UTF-8 ends
# before (RFC 3261 section 25.1, UTF8-NONASCII).
NON_ASCII = [
    *[character.encode() for character in "\u00e9\u00fc\u00df\u20ac\u4e2d\U0001f600"],
    *[
        bytes((start, *[continuation] * following))
        for starts, following in (((0xC0, 0xDF), 1), ((0xE0, 0xEF), 2), ((0xF0, 0xF7), 3), ((0xF8, 0xFB), 4))
        for start in starts
        for continuation in (0x80, 0x9A, 0xBF)
    ],
    b"\xfc\x80\x80\x80\x80\x80",
    b"\xfd\xbf\xbf\xbf\xbf\xbf",
]
# No line break, for the grammar allows none there.
_QUOTED_PAIRS = [bytes((0x5C, octet)) for octet in range(0x80) if octet not in {0x0A, 0x0D}]


@construct("token")
def tokens() -> SearchStrategy[bytes]:
    """Tokens."""
    return letters(TOKEN)


@construct("word")
def words() -> SearchStrategy[bytes]:
    """Words, of which a Call-ID consists."""
    return letters(WORD, 1, 12)


@construct("quoted-string")
def quoted_strings() -> SearchStrategy[bytes]:
    """Quoted strings: white space, escaped characters, and characters beyond ASCII included."""
    text = each(_VISIBLE.replace('"', "").replace("\\", ""))
    content = glyphs(*text * 4, *[FOLD] * 20, *_QUOTED_PAIRS, *NON_ASCII, minimum=0, maximum=10)
    return sequence(SWS + b'"', content, b'"')


@construct("comment")
def comments() -> SearchStrategy[bytes]:
    """Comments, also one within another; without escaped control characters, which sipfsm refuses there."""
    text = each(_VISIBLE.replace("(", "").replace(")", "").replace("\\", ""))
    pairs = [b"\\" + character for character in each(_VISIBLE)]
    inner = [SWS + b"(" + SWS + inner + SWS + b")" + SWS for inner in (b"", b"x", b'"', b"(y)z\\)")]
    content = glyphs(*text * 2, *[FOLD] * 10, *pairs, *NON_ASCII, *inner * 5, minimum=0)
    return sequence(SWS + b"(" + SWS, content, SWS + b")" + SWS)


@construct("TEXT-UTF8-TRIM")
def texts() -> SearchStrategy[bytes]:
    """Descriptive text, as in Subject: it begins and ends with a character that can be seen."""
    words = glyphs(*each(_VISIBLE), *NON_ASCII)
    return repeated(words, 1, 3, FOLD)


@construct("header-value")
def extension_values() -> SearchStrategy[bytes]:
    """Values of a header field that nobody knows: any characters, also none."""
    stray = [bytes((octet,)) for octet in range(0x80, 0xC0)]
    return glyphs(*each(_VISIBLE) * 2, *NON_ASCII, *stray, *[FOLD] * 20, minimum=0, maximum=20)


CONSTRUCTS: tuple[Construct, ...] = (tokens, words, quoted_strings, comments, texts, extension_values)
