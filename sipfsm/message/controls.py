"""Control characters: none may stand in the header section, but for tabs, line breaks and quoted pairs.

A line that one element ends at a bare LF and the next one at CRLF is how header fields are smuggled; a NUL at
which one of them stops reading is another way.
"""

from __future__ import annotations

import re

from sipfsm.message.errors import MessageError

_CONTROLS = bytes([*range(0x09), *range(0x0A, 0x20), 0x7F])
_CONTROL = re.compile(rb"(?!\r\n[ \t])[\x00-\x08\x0a-\x1f\x7f]")

# What is sound of a field: text, continuations, quoted strings with their pairs (RFC 3261 section 25.1).
_SOUND = re.compile(
    rb'(?>(?:[^"\x00-\x08\x0a-\x1f\x7f]++|\r\n(?=[ \t])'
    rb'|"(?>(?:[^"\\\x00-\x08\x0a-\x1f\x7f]++|\r\n(?=[ \t])|\\[\x00-\x09\x0b\x0c\x0e-\x7f])*)")*)'
)

REASONS = {
    0x00: ("nul", "NUL"),
    0x0A: ("bare-lf", "LF without CR"),
    0x0D: ("bare-cr", "CR without LF"),
    None: ("control-character", "Control character"),
}
"""What a control character is called that is out of place, by its code; None is any other."""


def are_controls_in_place(head: bytes, line_breaks: int) -> bool:
    """Say whether a header section has no control character but tabs and CRLF, not even in a quoted pair.

    Args:
        head: the start line and the header fields without the empty line at their end.
        line_breaks: how many CRLF it holds.
    """
    # In one pass: if the line breaks account for all control characters, each is in its place.
    return len(head) - len(head.translate(None, _CONTROLS)) == 2 * line_breaks


def misplaced_control_untrusted(line: bytes) -> MessageError | None:
    """Return a defect if a control character of a field, with its continuation lines, is out of place.

    Its reason is ``nul``, ``bare-cr``, ``bare-lf`` or ``control-character``.
    """
    sound = _SOUND.match(line)
    # A quote that is never closed stops the pattern too; it is for the field's own syntax to judge.
    found = _CONTROL.search(line, sound.end() if sound else 0)
    if found is None:
        return None
    reason, detail = REASONS.get(found[0][0]) or REASONS[None]
    return MessageError(reason, detail, line[max(0, found.start() - 32) :])
