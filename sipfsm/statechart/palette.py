"""The colours of a picture, for light and for dark surroundings, and the style sheet that they make."""

from collections.abc import Mapping
from dataclasses import dataclass

from sipfsm.statechart.lettering import MONOSPACED, SANS


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as browsers write them.

    Attributes:
        paper: behind everything.
        box: the inside of a state.
        head: behind the name of a state.
        ink: what is read first.
        muted: what is read last.
        action: what a row does.
        tones: one colour for each origin of a row, and for each change.
        tints: the inside of boxes of some tones, and what is behind the name.
    """

    paper: str
    box: str
    head: str
    ink: str
    muted: str
    action: str
    tones: Mapping[str, str]
    tints: Mapping[str, tuple[str, str]]


LIGHT = Palette(
    paper="#ffffff",
    box="#f6f8fa",
    head="#e7ecf0",
    ink="#1f2328",
    muted="#59636e",
    action="#0550ae",
    tones={
        "rfc3261": "#4a535d",
        "rfc6026": "#b34700",
        "other": "#7a3fd1",
        "gap": "#5f6872",
        "same": "#636c76",
        "added": "#116329",
        "dropped": "#c11a28",
        "changed": "#855600",
        "before": "#c11a28",
    },
    tints={
        "rfc6026": ("#fff8f1", "#ffe6cc"),
        "added": ("#effbf1", "#cdf0d4"),
        "dropped": ("#fff3f2", "#ffdcd9"),
        "changed": ("#fff9e8", "#faeab8"),
    },
)

DARK = Palette(
    paper="#0d1117",
    box="#151b23",
    head="#232b35",
    ink="#e6edf3",
    muted="#9aa4af",
    action="#82c4ff",
    tones={
        "rfc3261": "#b1bac4",
        "rfc6026": "#ffab5e",
        "other": "#cfa8ff",
        "gap": "#949ea9",
        "same": "#949ea9",
        "added": "#56d364",
        "dropped": "#ff8a82",
        "changed": "#e3b341",
        "before": "#ff8a82",
    },
    tints={
        "rfc6026": ("#21180e", "#46301a"),
        "added": ("#0f2015", "#173d22"),
        "dropped": ("#2a1416", "#4a2022"),
        "changed": ("#241d0d", "#443613"),
    },
)

_SHAPES = f"""\
text {{ font: 11px {MONOSPACED}; white-space: pre; }}
.title {{ font: 600 20px {SANS}; }}
.subtitle, .panel {{ font: 12px {SANS}; }}
.panel-title {{ font: 600 12px {SANS}; }}
.name {{ font: 600 14px {SANS}; text-anchor: middle; }}
.event {{ font-weight: 600; }}
.id {{ font-size: 10px; }}
.box {{ stroke-width: 1.4; }}
.inner {{ fill: none; stroke-width: 1; }}
.card {{ stroke-width: 0.8; }}
.rule {{ stroke-width: 0.6; opacity: 0.5; }}
.line {{ fill: none; stroke-width: 1.4; }}
.gap.line, .gap.card, .before.line, .before.card {{ stroke-dasharray: 5 3; }}
.gap.id {{ font-style: italic; }}
.before.event, .dropped.event {{ text-decoration: line-through; }}
.bold.line {{ stroke-width: 2.2; }}
a:hover .id, a:focus .id {{ text-decoration: underline; }}
"""

_PRINT = "@media print { svg { width: 100vw; height: 99vh; } }\n"
"""Fits it to the paper, whatever its size."""


def style_sheet() -> str:
    """The style sheet of a picture: light, unless it is on a screen whose reader prefers dark."""
    dark = "\n".join(f"  {line}" for line in _colours(DARK).splitlines())
    return (
        f"{_SHAPES}{_colours(LIGHT)}@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n{_PRINT}"
    )


def _colours(palette: Palette) -> str:
    rules = [
        f".paper, .card {{ fill: {palette.paper}; }}",
        f"text, .dot {{ fill: {palette.ink}; }}",
        f".subtitle, .lead, .panel, .quiet {{ fill: {palette.muted}; }}",
        f".action {{ fill: {palette.action}; }}",
        f".same.event, .same.action {{ fill: {palette.muted}; }}",
        f".box {{ fill: {palette.box}; }}",
        f".head {{ fill: {palette.head}; }}",
    ]
    for tone, colour in palette.tones.items():
        rules.append(f".{tone}.id, .{tone}.tip, .{tone}.swatch {{ fill: {colour}; }}")
        strokes = (f".{tone}.{part}" for part in ("line", "box", "inner", "card", "rule"))
        rules.append(f"{', '.join(strokes)} {{ stroke: {colour}; }}")
    for tone, (box, head) in palette.tints.items():
        rules.append(f".{tone}.box {{ fill: {box}; }} .{tone}.head {{ fill: {head}; }}")
    return "\n".join(rules) + "\n"
