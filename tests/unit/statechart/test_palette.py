"""Colours that everybody can read, on white paper and on a dark screen."""

import itertools

import pytest

from sipfsm.statechart import Change, Origin
from sipfsm.statechart.palette import DARK, LIGHT, Palette, style_sheet

palettes = pytest.mark.parametrize("palette", [LIGHT, DARK])


def luminance(colour: str) -> float:
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """As the Web Content Accessibility Guidelines count it; 4.5 is their least for text."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@palettes
def test_text_stands_out_from_what_is_behind_it(palette: Palette) -> None:
    behind = {palette.paper, palette.box, *(tint for tint, _ in palette.tints.values())}
    text = {palette.ink, palette.muted, palette.action, *palette.tones.values()}
    low = [pair for pair in itertools.product(text, behind) if contrast(*pair) < 4.5]
    assert not low
    heads = {palette.head, *(head for _, head in palette.tints.values())}
    assert min(contrast(palette.ink, head) for head in heads) > 7


@palettes
def test_every_origin_and_every_change_has_a_colour(palette: Palette) -> None:
    assert palette.tones.keys() == {*map(str, Origin), *map(str, Change)}


@palettes
def test_what_rfc_6026_added_has_a_colour_of_its_own(palette: Palette) -> None:
    others = {colour for tone, colour in palette.tones.items() if tone != "rfc6026"}
    assert palette.tones["rfc6026"] not in others


def test_the_style_sheet_has_both() -> None:
    light, dark = style_sheet().split("@media screen and (prefers-color-scheme: dark)")
    assert LIGHT.paper in light
    assert DARK.paper not in light
    assert DARK.paper in dark


def test_what_is_printed_is_light_and_fits_the_paper() -> None:
    assert "@media screen and (prefers-color-scheme: dark)" in style_sheet()
    assert "@media print { svg { width: 100vw; height: 99vh; } }" in style_sheet()
