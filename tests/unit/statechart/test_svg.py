"""The picture: everything is in it, nothing overlaps, and it is the same bytes everywhere."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from sipfsm.fsm import load_model, model_names
from sipfsm.statechart import RECIPES, Chart, Format, compare, make_chart
from sipfsm.statechart.svg import draw_svg
from tests.unit.statechart.samples import awkward, sample

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
CHARTS = [make_chart(load_model(name)) for name in model_names()]
COMPARED = [
    compare(make_chart(load_model("invite-server")), make_chart(load_model("rfc3261/invite-server"))),
    compare(make_chart(load_model("rfc3261/invite-client")), make_chart(load_model("invite-client"))),
    compare(sample(('"inform_timeout"', '"drop"'), ('cap = "T2"', 'cap = "8"')), sample()),
]
every_chart = pytest.mark.parametrize(
    "chart", [*CHARTS, *COMPARED, sample(), awkward()], ids=lambda chart: chart.name
)


def parsed(chart: Chart) -> ET.Element:
    return ET.fromstring(draw_svg(chart))


def text_of(element: ET.Element) -> str:
    return "".join(element.itertext())


@every_chart
def test_every_row_is_there_with_its_events_and_actions(chart: Chart) -> None:
    groups = {group.get("id"): group for group in parsed(chart).iter(f"{SVG}g")}
    for row in chart.rows:
        group = groups[row.id + ("-before" if row.change == "before" else "")]
        text = re.sub(r",\s*", ", ", text_of(group))
        for word in (row.id, *row.events, *row.actions):
            assert word in text


@every_chart
def test_every_row_leads_to_its_clause(chart: Chart) -> None:
    groups = {group.get("id"): group for group in parsed(chart).iter(f"{SVG}g")}
    for row in chart.rows:
        group = groups[row.id + ("-before" if row.change == "before" else "")]
        links = [link.get(LINK) for link in group.iter(f"{SVG}a")]
        assert links == ([row.citation.link] if row.citation.link else [])


def test_every_arrow_leads_to_a_clause() -> None:
    root = parsed(make_chart(load_model("branch")))
    linked = [path for link in root.iter(f"{SVG}a") for path in link.iter(f"{SVG}path")]
    lines = [path for path in linked if "line" in path.get("class", "")]
    arrows = make_chart(load_model("branch")).arrows()
    assert len(lines) == 2 * len(arrows)  # to its card, and from there


@every_chart
def test_states_are_marked_as_beginning_and_as_end(chart: Chart) -> None:
    root = parsed(chart)
    groups = {group.get("id", ""): group for group in root.iter(f"{SVG}g")}
    for state in chart.states:
        group = groups[f"state-{state.name}"]
        inner = [rect for rect in group.iter(f"{SVG}rect") if "inner" in rect.get("class", "")]
        assert len(inner) == state.final
        assert state.name in text_of(group)
    assert len(list(root.iter(f"{SVG}circle"))) == 1


@every_chart
def test_every_timer_is_there_with_its_delays(chart: Chart) -> None:
    texts = [text_of(text) for text in parsed(chart).iter(f"{SVG}text")]
    for timer in chart.timers:
        assert timer.name in texts
        for delay in (timer.unreliable, timer.reliable):
            assert delay is None or any(text.startswith(delay) for text in texts)


def test_colours_tell_what_a_row_rests_on() -> None:
    root = parsed(make_chart(load_model("invite-server")))
    groups = {group.get("id"): group for group in root.iter(f"{SVG}g")}

    def tone(row: str) -> str:
        return str(next(text.get("class") for text in groups[row].iter(f"{SVG}text")))

    assert tone("IST-02") == "id rfc3261"
    assert tone("IST-04") == "id rfc6026"
    assert tone("IST-06") == "id gap"
    box = next(groups["state-Accepted"].iter(f"{SVG}rect"))
    assert box.get("class") == "box rfc6026"


def test_what_was_is_drawn_beside_what_is() -> None:
    groups = {group.get("id"): group for group in parsed(COMPARED[0]).iter(f"{SVG}g")}
    assert "~IST-04" in text_of(groups["IST-04"])
    assert "-IST-04" in text_of(groups["IST-04-before"])
    assert "+IST-22" in text_of(groups["IST-22"])


# ---- legibility


class Rectangle(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Rectangle") -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, x: float, y: float, margin: float) -> bool:
        across = self.left + margin < x < self.right - margin
        return across and self.top + margin < y < self.bottom - margin


def rectangles(root: ET.Element) -> list[Rectangle]:
    """States and cards, in the coordinates of the drawing."""
    found = []
    for rect in root.iter(f"{SVG}rect"):
        if rect.get("class", "").split()[0] in {"box", "card"}:
            x, y, width, height = (float(rect.get(key, "")) for key in ("x", "y", "width", "height"))
            found.append(Rectangle(x, y, x + width, y + height))
    return found


def points_on_lines(root: ET.Element) -> list[tuple[float, float]]:
    """Points all along the strokes of the drawing."""
    points = []
    for path in root.iter(f"{SVG}path"):
        data = path.get("d", "")
        if "line" in path.get("class", "") and "C" in data:
            corners = [tuple(map(float, pair)) for pair in re.findall(r"(-?[\d.]+),(-?[\d.]+)", data)]
            for first in range(0, len(corners) - 3, 3):
                points += [bezier(corners[first : first + 4], step / 20) for step in range(21)]
    return points


def bezier(corners: list[tuple[float, ...]], t: float) -> tuple[float, float]:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x, y = (sum(w * corner[axis] for w, corner in zip(weights, corners, strict=True)) for axis in (0, 1))
    return x, y


@every_chart
def test_no_state_and_no_card_overlaps_another(chart: Chart) -> None:
    found = rectangles(parsed(chart))
    assert len(found) >= len(chart.states) + len(chart.arrows())
    assert not [pair for pair in itertools.combinations(found, 2) if pair[0].overlaps(pair[1])]


@every_chart
def test_no_arrow_runs_through_a_state_or_a_card(chart: Chart) -> None:
    root = parsed(chart)
    points = points_on_lines(root)
    assert points
    assert not [(x, y) for x, y in points for each in rectangles(root) if each.holds(x, y, margin=3)]


@every_chart
def test_text_stays_in_its_frame(chart: Chart) -> None:
    root = parsed(chart)
    frames = rectangles(root)
    for text in root.iter(f"{SVG}text"):
        if text.find(f"{SVG}tspan") is None:
            continue
        x, y = float(text.get("x", "")), float(text.get("y", ""))
        end = x + len(text_of(text)) * 11 * 0.602  # DejaVu Sans Mono, the widest that is common
        assert any(each.left < x and end < each.right and each.top < y < each.bottom for each in frames)


# ---- the same everywhere


def test_the_file_is_text_of_seven_bits_or_utf_8_and_says_that_it_is_generated() -> None:
    text = draw_svg(sample())
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!-- Generated by sipfsm draw')
    assert "A sample &amp; more" in text
    assert "nobody &lt;answers&gt;" in text


@pytest.mark.slow
def test_the_picture_depends_on_no_font_and_on_no_setting_of_the_machine(tmp_path: Path) -> None:
    """Another process without any font, in another language and with other hashes, draws the same bytes."""
    fonts = tmp_path / "fonts.conf"
    fonts.write_text("<fontconfig></fontconfig>")
    program = (
        "import sys\n"
        "from sipfsm.fsm import load_model\n"
        "from sipfsm.statechart import make_chart\n"
        "from sipfsm.statechart.svg import draw_svg\n"
        "sys.stdout.write(draw_svg(make_chart(load_model('branch'))))\n"
    )
    surroundings = {
        "FONTCONFIG_FILE": str(fonts),
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "7",
        "GVBINDIR": str(tmp_path),
    }
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "COV"))}
    done = subprocess.run(
        [sys.executable, "-c", program], env=kept | surroundings, capture_output=True, text=True, check=True
    )
    assert done.stdout == RECIPES[Format.SVG].render(make_chart(load_model("branch")))
