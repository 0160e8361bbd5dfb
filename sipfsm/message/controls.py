"""Control characters: none may stand in the header section, but for tabs, line breaks and quoted pairs.

A line that one element ends at a bare LF and the next one at CRLF is how header fields are smuggled; a NUL at
which one of them stops reading is another way.
"""

from __future__ import annotations

import re

from sipfsm.message.errors import MessageError

_CONTROLS = bytes([*range(0x09), *range(0x0A, 0x20), 0x7F])
_CONTROL = re.compile(rb"(?!\r\n[ \t])[\x00-\x08\x0a-\x1f\x7f]")
_FIELD_BREAK = re.compile(rb"\r\n(?![ \t])")

# What is sound of a field: text, continuations, quoted strings with their pairs (RFC 3261 section 25.1).
_SOUND = re.compile(
    rb'(?:[^"\x00-\x08\x0a-\x1f\x7f]++|\r\n(?=[ \t])'
    rb'|"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]++|\r\n(?=[ \t])|\\[\x00-\x09\x0b\x0c\x0e-\x7f])*+")*+'
)

_REASONS = {
    0x00: ("nul", "NUL in header field"),
    0x0A: ("bare-lf", "LF without CR"),
    0x0D: ("bare-cr", "CR without LF"),
}
_OTHER = ("control-character", "Control character in header field")


def check_controls_untrusted(head: bytes, line_breaks: int, defects: list[MessageError]) -> None:
    """Append a defect if a control character of a header section is out of place.

    Args:
        head: the start line and the header fields without the empty line at their end.
        line_breaks: how many CRLF it holds.
        defects: gets ``nul``, ``bare-cr``, ``bare-lf`` or ``control-character``.
    """
    # In one pass: if the line breaks account for all control characters, each is in its place.
    if len(head) - len(head.translate(None, _CONTROLS)) == 2 * line_breaks:
        return
    for line in _FIELD_BREAK.split(head):
        sound = _SOUND.match(line)
        # A quote that is never closed stops the pattern too; it is for the field's own syntax to judge.
        found = _CONTROL.search(line, sound.end() if sound else 0)
        if found is not None:
            reason, detail = _REASONS.get(found[0][0], _OTHER)
            defects.append(MessageError(reason, detail, line[max(0, found.start() - 32) :]))
            return
