"""The catalogue as a page of the documentation."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from sipfsm.fuzz.catalogue.case import Case, Part

_TITLES = {
    Part.PROXY: "Targets that pass requests on",
    Part.REGISTRAR: "Registrars",
    Part.ANY: "Whatever answers OPTIONS",
    Part.UAS: "Targets that answer calls themselves",
}
_WIDTH = 118


def as_markdown(cases: Sequence[Case]) -> str:
    """Return all cases with what they are about, by the part that a target has to play."""
    lines: list[str] = []
    for part, title in _TITLES.items():
        lines += [f"### {title}", ""]
        for case in cases:
            if case.part is part:
                suffix = ", UDP only" if case.unreliable else ""
                text = f"- `{case.name}` ({', '.join(case.ids)}{suffix}): {case.title}."
                lines += textwrap.wrap(
                    text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
                )
        lines.append("")
    return "\n".join(lines)
