"""Two machines compared: what is added, dropped and changed, and what is not."""

from sipfsm.fsm import load_model
from sipfsm.statechart import Change, Chart, compare, make_chart, summarize
from tests.unit.statechart.samples import sample


def changes(chart: Chart) -> list[tuple[str, str]]:
    return [(row.id, str(row.change)) for row in chart.rows if row.change is not Change.SAME]


def test_a_machine_is_no_different_from_itself() -> None:
    chart = compare(sample(), sample())
    states, timers = {state.change for state in chart.states}, {timer.change for timer in chart.timers}
    assert {row.change for row in chart.rows} == states == timers == {Change.SAME}
    assert summarize(chart) == ["A sample & more against A sample & more: no difference"]


def test_rfc_6026_is_what_parts_the_two_invite_server_machines() -> None:
    chart = compare(make_chart(load_model("invite-server")), make_chart(load_model("rfc3261/invite-server")))
    assert changes(chart) == [
        ("IST-04", "changed"), ("IST-04", "before"), ("IST-07", "changed"), ("IST-07", "before"),
        ("IST-15", "changed"), ("IST-15", "before"), ("IST-22", "added"), ("IST-23", "added"),
        ("IST-24", "added"), ("IST-25", "added"), ("IST-26", "added"), ("IST-27", "added"),
    ]  # fmt: skip
    assert [state.name for state in chart.states if state.change is Change.ADDED] == ["Accepted"]
    assert [timer.name for timer in chart.timers if timer.change is Change.ADDED] == ["L"]
    assert summarize(chart)[:4] == [
        "INVITE server transaction against INVITE server transaction of RFC 3261: 11 differences",
        "added state Accepted",
        "added timer L",
        "changed row IST-04: dest Terminated -> Accepted",
    ]


def test_the_other_way_round_what_was_added_is_dropped() -> None:
    chart = compare(make_chart(load_model("rfc3261/invite-server")), make_chart(load_model("invite-server")))
    assert [state.name for state in chart.states if state.change is Change.DROPPED] == ["Accepted"]
    assert [timer.name for timer in chart.timers if timer.change is Change.DROPPED] == ["L"]
    assert ("IST-27", "dropped") in changes(chart)
    assert "dropped row IST-27: Accepted -> Terminated on timer_L" in summarize(chart)


def test_rows_of_another_numbering_are_known_by_state_and_events() -> None:
    chart = compare(sample(('"SMP-05"', '"SMP-15"')), sample())
    assert changes(chart) == []


def test_what_a_row_does_can_change_without_its_arrow() -> None:
    chart = compare(sample(('"inform_timeout"', '"drop"')), sample())
    assert changes(chart) == [("SMP-04", "changed")]
    assert summarize(chart) == [
        "A sample & more against A sample & more: 1 difference",
        "changed row SMP-04: actions inform_timeout -> drop",
    ]


def test_events_states_and_timers_can_change() -> None:
    chart = compare(
        sample(
            ('["response_2xx", "response_300_699"]', '"response_2xx"'),
            ('on_exit  = ["stop_E", "stop_F"]', 'on_exit  = ["stop_F"]'),
            ('cap = "T2"', 'cap = "8"'),
            ('unreliable = "64*T1", reliable = "0"', 'unreliable = "32"'),
        ),
        sample(),
    )
    assert summarize(chart)[1:] == [
        "changed state Busy: on_exit stop_E, stop_F -> stop_F",
        "changed timer E: cap T2 -> 8",
        "changed timer F: unreliable 64*T1 -> 32; reliable 0 -> not run",
        "changed row SMP-03: events response_2xx, response_300_699 -> response_2xx",
    ]


def test_a_citation_alone_is_no_difference() -> None:
    assert changes(compare(sample(('"4320 4.1"', '"gap"')), sample())) == []


def test_the_picture_begins_where_the_new_machine_begins() -> None:
    old = sample(
        ('initial = "Idle"', 'initial = "Start"'),
        ("transitions = [", 'transitions = [\n{ id = "SMP-09", source = "Start", trigger = "invite", dest = "Idle", rfc = "gap" },'),  # noqa: E501
    )  # fmt: skip
    assert compare(sample(), old).initial == "Idle"
    assert compare(old, sample()).initial == "Start"
