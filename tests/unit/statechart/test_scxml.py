"""SCXML: the structure that the W3C recommendation asks for, and what cannot be seen by running it alone."""

import re
from xml.etree import ElementTree as ET

import pytest

from sipfsm.fsm import load_model, model_names
from sipfsm.statechart import Chart, make_chart
from sipfsm.statechart.scxml import write_scxml
from tests.unit.statechart.samples import sample

NAMESPACE = "{http://www.w3.org/2005/07/scxml}"
CHARTS = [*(make_chart(load_model(name)) for name in model_names()), sample()]
every_chart = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)

EXECUTABLE = {"log", "if", "assign", "raise", "send", "cancel"}
CHILDREN = {
    # https://www.w3.org/TR/scxml/ 3.2 to 3.7, 3.10 to 3.12, 4.2 to 4.7, 5.2 to 5.4, 6.2 and 6.3
    "scxml": {"datamodel", "state", "final"},
    "datamodel": {"data"},
    "data": set(),
    "state": {"onentry", "transition"},
    "final": {"onentry"},
    "onentry": EXECUTABLE,
    "transition": EXECUTABLE,
    "if": EXECUTABLE | {"else"},
    **{name: set() for name in ("else", "log", "assign", "raise", "send", "cancel")},
}
ATTRIBUTES = {
    # Those that must be there, and those that may.
    "scxml": ({"version", "initial"}, {"name", "datamodel"}),
    "data": ({"id"}, {"expr"}),
    "state": ({"id"}, set()),
    "final": ({"id"}, set()),
    "transition": ({"event"}, {"target"}),
    "log": (set(), {"label", "expr"}),
    "if": ({"cond"}, set()),
    "assign": ({"location", "expr"}, set()),
    "raise": ({"event"}, set()),
    "send": ({"event"}, {"id", "delay", "delayexpr"}),
    "cancel": ({"sendid"}, set()),
}


def parsed(chart: Chart) -> ET.Element:
    return ET.fromstring(write_scxml(chart))


def name_of(element: ET.Element) -> str:
    return element.tag.removeprefix(NAMESPACE)


@every_chart
def test_elements_and_attributes_are_those_of_the_recommendation(chart: Chart) -> None:
    for element in parsed(chart).iter():
        assert element.tag.startswith(NAMESPACE)
        name = name_of(element)
        assert {name_of(child) for child in element} <= CHILDREN[name]
        needed, allowed = ATTRIBUTES.get(name, (set(), set()))
        assert needed <= set(element.keys()) <= needed | allowed
        assert not (element.text or "").strip()


@every_chart
def test_identifiers_are_unique_names_and_targets_exist(chart: Chart) -> None:
    root = parsed(chart)
    states = [str(each.get("id")) for each in root if name_of(each) in {"state", "final"}]
    data = [str(each.get("id")) for each in root.iter(f"{NAMESPACE}data")]
    names = [*states, *data, root.get("name", "")]
    assert len({*states, *data}) == len(states) + len(data)
    assert all(re.fullmatch(r"[A-Za-z_]\w*", each, re.ASCII) for each in names)
    targets = {each.get("target") for each in root.iter(f"{NAMESPACE}transition")} - {None}
    assert {root.get("initial"), *targets} <= set(states)
    assert {name_of(each) for each in root if each.get("id") in chart.final} == {"final"}


@every_chart
def test_each_event_of_a_state_has_one_transition(chart: Chart) -> None:
    for state in parsed(chart):
        waits = [each.get("event", "").split() for each in state.iter(f"{NAMESPACE}transition")]
        events = [event for each in waits for event in each]
        assert len(set(events)) == len(events)


def content(chart: Chart, row: str) -> str:
    """The transition of a row, as it is written."""
    found = re.search(rf"<transition [^>]*>\n *<log label=\"row\" expr=\"'{row}'\"/>\n(.*?) *</transition>",
                      write_scxml(chart), re.DOTALL)  # fmt: skip
    assert found
    return re.sub(r"\n *", "\n", found[1]).strip()


def test_a_timer_has_the_delay_of_its_transport_class() -> None:
    document = re.sub(r"\n *", "\n", write_scxml(sample()))
    assert (
        '<cancel sendid="F"/>\n<if cond="reliable == 0">\n<send event="timer_F" id="F" delay="32000ms"/>\n'
        '<else/>\n<raise event="timer_F"/>\n</if>'
    ) in document
    assert "<data id=\"unreliable_E\" expr=\"['500ms', '1000ms', '2000ms', '4000ms']\"/>" in document
    assert "<data id=\"reliable_E\" expr=\"['1000ms', '2000ms', '4000ms']\"/>" in document


def test_leaving_and_entering_are_in_the_order_of_our_engine() -> None:
    # Idle is where the machine begins: it has no onentry, which would run at the start, too.
    assert content(sample(), "SMP-03").splitlines() == [
        '<cancel sendid="E"/>',
        '<cancel sendid="F"/>',
        '<log label="action" expr="\'drop\'"/>',
    ]


def test_a_timer_can_jump_to_its_cap() -> None:
    chart = sample(('"back_off_E"', '"cap_E"'))
    assert '<assign location="step_E" expr="3"/>' in content(chart, "SMP-02")
    assert '<assign location="step_E" expr="2"/>' in content(chart, "SMP-02")


def test_a_timer_for_one_transport_class_only_asks_which_it_is() -> None:
    chart = sample(('unreliable = "64*T1", reliable = "0"', 'reliable = "3"'))
    document = re.sub(r"\n *", "\n", write_scxml(chart))
    assert '<if cond="reliable == 1">\n<send event="timer_F" id="F" delay="3000ms"/>\n</if>' in document


def test_a_delay_without_a_cap_stops_growing_some_time() -> None:
    chart = sample((', backoff = 2, cap = "T2"', ", backoff = 2"))
    delays = re.search(r'id="unreliable_E" expr="\[(.*)\]"', write_scxml(chart))
    assert delays
    assert len(delays[1].split(", ")) == 17


def test_a_cap_without_growth_is_the_second_delay() -> None:
    chart = sample((', backoff = 2, cap = "T2"', ', cap = "T2"'), ('"back_off_E"', '"cap_E"'))
    assert "['500ms', '4000ms']" in write_scxml(chart)


def test_a_name_that_begins_with_a_digit_is_made_one() -> None:
    assert 'name="machine_3_way"' in write_scxml(sample(('"sample"', '"3-way"')))


def test_a_comment_cannot_end_early() -> None:
    assert "<!-- gap; no - -> such -->" in write_scxml(sample(("nobody <answers>", "no --> such")))
