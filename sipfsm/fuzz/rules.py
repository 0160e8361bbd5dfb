"""What a verdict is about: a row of a model, or a clause beside the models, with its level in the RFC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from sipfsm.fsm import Row

_KEYWORD = re.compile(r"\b(MUST NOT|MUST|SHOULD NOT|SHOULD|MAY)\b")


class Level(StrEnum):
    """How strongly an RFC asks for something (:rfc:`2119`)."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    STATED = "stated"
    """A plain statement of the RFC, without one of the words of :rfc:`2119`."""
    NONE = "none"
    """No RFC says anything: whatever a server does here is no deviation."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a server has to do.

    Attributes:
        id: the id of a row of a model, such as ``IST-08``, or a name of our own in the same form.
        clause: where it stands, such as ``RFC 3261 17.2.1``.
        level: how strongly.
        text: what has to happen, as the end of a sentence that begins with the situation.
    """

    id: str
    clause: str
    level: Level
    text: str = ""


def rule_of_row(row: Row, text: str = "") -> Rule:
    """Return what a row of a model asks for."""
    if row.rfc == "gap":
        return Rule(row.id, "no RFC", Level.NONE, text)
    found = _KEYWORD.search(row.rfc)
    level = Level.STATED
    if found is not None:
        word = found[1].removesuffix(" NOT")
        level = Level.NONE if word == "MAY" else Level(word)
    clause = row.rfc[: found.start()] if found else row.rfc
    return Rule(row.id, _clause(clause), level, text)


_CLIENT_SIDE = re.compile(r"(ICT|NICT|BRA)-|(ack-of|ack-via|no-ack|timer-[abef]|cancel-(too-early|via))")


def is_client_side(identity: str) -> bool:
    """Say if a row or rule is about what a server sends on, not about what it answers."""
    return _CLIENT_SIDE.match(identity) is not None


def _clause(text: str) -> str:
    text = text.strip().rstrip(",")
    return text[0].upper() + text[1:] if text.startswith("erratum") else f"RFC {text}"
