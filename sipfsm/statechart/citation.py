"""The clauses that rows cite: where their text is, and which kind of source they are."""

import re
from dataclasses import dataclass
from enum import StrEnum

_RFC = "https://www.rfc-editor.org/rfc/rfc{number}.html"
_ERRATUM = "https://www.rfc-editor.org/errata/eid{number}"
_START = re.compile(r"(?P<erratum>erratum )?(?P<number>\d{3,5})\b")
_SECTION = re.compile(r"\d+(?:\.\d+)+\b")


class Origin(StrEnum):
    """What a row rests on; each has its own colour."""

    RFC_3261 = "rfc3261"
    RFC_6026 = "rfc6026"
    OTHER = "other"
    """Another RFC, or an erratum."""
    GAP = "gap"
    """No RFC says anything: a decision of the model's author."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause that is cited: what to call it, and where it can be read."""

    label: str
    link: str


@dataclass(frozen=True, slots=True)
class Citation:
    """What the field `rfc` of a row says.

    Attributes:
        text: the field as it stands in the model.
        origin: the kind of its first source.
        clauses: every clause that it names; empty for a gap.
    """

    text: str
    origin: Origin
    clauses: tuple[Clause, ...]

    @property
    def link(self) -> str | None:
        """Where the first clause can be read, if there is one."""
        return self.clauses[0].link if self.clauses else None


def read_citation(text: str) -> Citation:
    """Read a citation such as ``3261 16.6 steps 10 and 11 MUST`` or ``3261 17.2.2 and 4320 4.1 MUST``."""
    starts = list(_START.finditer(text))
    if not starts:
        return Citation(text, Origin.GAP, ())
    ends = [*(start.start() for start in starts[1:]), len(text)]
    clauses: list[Clause] = []
    for start, end in zip(starts, ends, strict=True):
        clauses += _clauses(start, text[start.end() : end])
    return Citation(text, _origin(starts[0]), tuple(clauses))


def _clauses(start: re.Match[str], rest: str) -> list[Clause]:
    number = start["number"]
    if start["erratum"]:
        return [Clause(f"erratum {number}", _ERRATUM.format(number=number))]
    page = _RFC.format(number=number)
    # A section without a dot can only follow the number at once: other lone numbers are steps and figures.
    top = re.match(r" (\d{1,2})(?![\d.])", rest)
    sections = ([top[1]] if top else []) + _SECTION.findall(rest)
    if not sections:
        return [Clause(f"RFC {number}", page)]
    return [Clause(f"RFC {number} {section}", f"{page}#section-{section}") for section in sections]


def _origin(start: re.Match[str]) -> Origin:
    if start["erratum"]:
        return Origin.OTHER
    return {"3261": Origin.RFC_3261, "6026": Origin.RFC_6026}.get(start["number"], Origin.OTHER)
