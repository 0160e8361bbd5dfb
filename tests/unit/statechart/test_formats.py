"""The formats that other programs read: what is in them. Those programs read them in `tests/interop`."""

import json
import re
import struct
import zlib
from dataclasses import asdict
from xml.etree import ElementTree as ET

import pygraphviz
import pytest

from sipfsm.fsm import load_model, model_names
from sipfsm.statechart import GENERATED, RECIPES, Chart, Format, compare, make_chart, write_markdown
from tests.unit.statechart.samples import awkward, sample

CHARTS = [make_chart(load_model(name)) for name in model_names()]
COMPARED = compare(make_chart(load_model("invite-server")), make_chart(load_model("rfc3261/invite-server")))
every_chart = pytest.mark.parametrize("chart", [*CHARTS, sample(), COMPARED], ids=lambda chart: chart.name)
TEXTS = [each for each in Format if each is not Format.PNG]


def text(chart: Chart, format_: Format) -> str:
    content = RECIPES[format_].render(chart)
    assert isinstance(content, str)
    return content


@pytest.mark.parametrize("format_", TEXTS)
def test_every_text_says_that_it_is_generated_and_ends_its_last_line(format_: Format) -> None:
    content = text(sample(), format_)
    assert GENERATED in content
    assert content.endswith("\n")
    assert not [line for line in content.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize("format_", TEXTS)
def test_every_text_has_every_row_state_and_timer(format_: Format) -> None:
    for chart in CHARTS:
        content = text(chart, format_)
        timers = [timer.event if format_ is Format.SCXML else timer.name for timer in chart.timers]
        wanted = [*(row.id for row in chart.rows), *(state.name for state in chart.states), *timers]
        assert not [word for word in wanted if word not in content]


@pytest.mark.parametrize("format_", [each for each in TEXTS if RECIPES[each].compares])
def test_a_comparison_tells_its_changes_in_words(format_: Format) -> None:
    content = text(COMPARED, format_)
    signs = {Format.SVG: ("+IST-22", "~IST-04"), Format.DOT: ("+IST-22", "~IST-04")}
    for sign in signs.get(format_, ("added", "changed")):
        assert sign in content


def test_only_what_could_run_is_left_out_of_comparisons() -> None:
    assert [each for each in Format if not RECIPES[each].compares] == [Format.SCXML]


def test_what_is_looked_at_and_what_is_read() -> None:
    assert {each for each in Format if RECIPES[each].is_picture} == {Format.SVG, Format.PNG}
    assert len({recipe.suffix for recipe in RECIPES.values()}) == len(RECIPES) == len(Format)


# ---- Graphviz


@every_chart
def test_graphviz_reads_the_graph(chart: Chart) -> None:
    graph = pygraphviz.AGraph(string=text(chart, Format.DOT))
    states = {node for node in graph.nodes() if node.startswith("state ")}
    assert states == {f"state {state.name}" for state in chart.states}
    cards = {node for node in graph.nodes() if node.startswith("card ")}
    ways = {(graph.in_edges(card)[0][0], graph.out_edges(card)[0][1]) for card in cards}
    assert ways == {(f"state {source}", f"state {dest}") for source, dest in chart.arrows()}
    assert graph.out_edges("start") == [("start", f"state {chart.initial}")]


def test_signs_that_mean_something_do_no_harm() -> None:
    graph = pygraphviz.AGraph(string=text(awkward(), Format.DOT))
    assert len([node for node in graph.nodes() if node.startswith("state ")]) == 3
    assert ET.fromstring(text(awkward(), Format.SVG)).find(".//*[@id='SMP-04']") is not None
    assert len({len(cells) for cells in tables(text(awkward(), Format.MARKDOWN))["Rows"]}) == 1
    assert json.loads(text(awkward(), Format.JSON))["sources"] == ["RFC 3261 17.1.2"]
    assert 'target="very__Busy_______1__a_b_c"' in text(awkward(), Format.SCXML)


def chunks(image: bytes) -> dict[bytes, bytes]:
    """The chunks of a PNG, each with its checksum tried."""
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    found, place = {}, 8
    while place < len(image):
        (length,) = struct.unpack_from(">I", image, place)
        kind, data = image[place + 4 : place + 8], image[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", image, place + 8 + length)
        assert checksum == zlib.crc32(kind + data)
        found[kind] = data
        place += 12 + length
    return found


def test_the_image_is_a_png_of_a_readable_size_and_says_that_it_is_generated() -> None:
    image = RECIPES[Format.PNG].render(sample())
    assert isinstance(image, bytes)
    found = chunks(image)
    width, height = struct.unpack_from(">II", found[b"IHDR"])
    assert width > 600
    assert height > 600
    assert found[b"tEXt"].endswith(GENERATED.encode())


# ---- Mermaid and PlantUML


def test_a_row_reads_the_same_in_mermaid_and_in_plantuml() -> None:
    rows = [
        ("SMP-01", "tu_request / send_request"),
        ("SMP-03", "response_2xx, response_300_699 (RFC 6026)"),
        ("SMP-04", "timer_F / inform_timeout (gap)"),
        ("SMP-05", "response_1xx / nothing (RFC 4320)"),
        ("SMP-06", "tu_invite / start_E (erratum)"),
    ]
    mermaid, plantuml = text(sample(), Format.MERMAID), text(sample(), Format.PLANTUML)
    for row, caption in rows:
        assert f": {row} {caption}\n" in mermaid
        assert re.search(rf": (\[\[\S+ )?{row}(\]\])? {re.escape(caption)}\n", plantuml)


def test_plantuml_links_each_row_to_its_clause() -> None:
    content = text(sample(), Format.PLANTUML)
    assert "[[https://www.rfc-editor.org/rfc/rfc3261.html#section-17.1.2.2 SMP-01]]" in content
    assert ": SMP-04 timer_F" in content


@pytest.mark.parametrize("format_", [Format.MERMAID, Format.PLANTUML])
def test_timers_are_told(format_: Format) -> None:
    content = text(make_chart(load_model("invite-server")), format_).replace(":", "")
    assert "timer G unreliable T1 = 0.5 s, reliable not run, then x2 up to T2\n" in content
    assert "timer I unreliable T4 = 5 s, reliable 0 s\n" in content


@pytest.mark.parametrize(
    ("format_", "declared"),
    [(Format.MERMAID, "  [*] --> state_end\n"), (Format.PLANTUML, "[*] --> state_end\n")],
)
def test_a_state_named_like_a_word_of_the_language_gets_another_name(format_: Format, declared: str) -> None:
    content = text(sample(("Idle", "end")), format_)
    assert 'state "end" as state_end' in content
    assert declared in content


def test_states_whose_names_differ_in_signs_only_stay_apart() -> None:
    chart = sample(('"Idle"', '"a b"'), ("states.Idle", "states.'a b'"), ('"Busy"', '"a_b"'), ("states.Busy", "states.a_b"))  # fmt: skip  # noqa: E501
    content = text(chart, Format.MERMAID)
    assert 'state "a b" as a_b\n' in content
    assert 'state "a_b" as a_b_\n' in content


# ---- JSON


def test_json_is_the_description_itself() -> None:
    data = json.loads(text(sample(), Format.JSON))
    assert (data["format"], data["version"]) == ("sipfsm-statechart", 1)
    assert (data["initial"], data["final"]) == ("Idle", ["Gone"])
    for key, value in json.loads(json.dumps(asdict(sample()))).items():
        assert data[key] == value


def test_json_tells_what_changed() -> None:
    rows = json.loads(text(COMPARED, Format.JSON))["rows"]
    changed = next(row for row in rows if row["id"] == "IST-04")
    assert changed["change"] == "changed"
    assert changed["differences"] == ["dest Terminated -> Accepted"]


# ---- Markdown


def tables(page: str) -> dict[str, list[list[str]]]:
    """The rows of the table below each heading, without its own heading."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in page.splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif line.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found.setdefault(heading, []).append(cells)
    return {heading: rows[2:] for heading, rows in found.items()}


@every_chart
def test_the_tables_of_a_page_have_a_row_for_each_part(chart: Chart) -> None:
    found = tables(text(chart, Format.MARKDOWN))
    assert [cells[0] for cells in found["Rows"]] == [row.id for row in chart.rows]
    assert [cells[0] for cells in found["States"]] == [f"`{state.name}`" for state in chart.states]
    assert [cells[0] for cells in found.get("Timers", [])] == [timer.name for timer in chart.timers]
    cited = {row for cells in found["Clauses"] for row in cells[1].split(", ")}
    assert cited == {row.id for row in chart.rows}
    for rows in found.values():
        assert len({len(cells) for cells in rows}) == 1


def test_a_page_has_its_picture_and_what_else_is_known() -> None:
    page = write_markdown(sample(), picture="sample.svg", sections=[("Verified", ["All of it."])])
    assert "[![A sample & more](sample.svg)](sample.svg)\n" in page
    assert page.endswith("\n## Verified\n\nAll of it.\n")
    assert "sample.svg" not in write_markdown(sample())


def test_a_page_on_two_machines_begins_with_their_differences() -> None:
    page = text(COMPARED, Format.MARKDOWN)
    assert "- changed row IST-04: dest Terminated -> Accepted\n" in page
    assert "None." in text(compare(sample(), sample()), Format.MARKDOWN)
