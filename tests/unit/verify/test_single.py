"""What is checked of a machine alone: the built-in ones keep it, and each failure is told by its place."""

import pytest

from sipfsm.fsm import load_model, model_names, read_model
from sipfsm.verify.kinds import Kind, kind_of
from sipfsm.verify.results import MachineResult
from sipfsm.verify.single import check_machine
from tests.models.changes import changed, without


@pytest.mark.parametrize("name", model_names())
def test_every_built_in_machine_keeps_it(name: str) -> None:
    result = check_machine(load_model(name))
    assert [problem for check in result.checks for problem in check.problems] == []


def test_the_transactions_have_81_cells() -> None:
    """The live cells that the conformance tests type from the RFCs, and four of timers of our own."""
    names = ["invite-client", "non-invite-client", "invite-server", "non-invite-server"]
    results = [check_machine(load_model(name)) for name in names]
    assert [result.cells for result in results] == [20, 14, 28, 19]
    assert sum(result.further_cells for result in results) == 4


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("invite-client", Kind.INVITE_CLIENT),
        ("rfc3261/invite-client", Kind.INVITE_CLIENT),
        ("invite-server", Kind.INVITE_SERVER),
        ("non-invite-client", Kind.OTHER_CLIENT),
        ("non-invite-server", Kind.OTHER_SERVER),
        ("branch", Kind.BRANCH),
        ("response-context", Kind.RESPONSE_CONTEXT),
        ("binding", Kind.UNKNOWN),
        ("connection", Kind.UNKNOWN),
        ("dialog-caller", Kind.DIALOG_CALLER),
        ("dialog-callee", Kind.DIALOG_CALLEE),
        ("offer", Kind.OFFER),
    ],
)
def test_what_a_model_is_shows_in_what_it_does(name: str, kind: Kind) -> None:
    assert kind_of(load_model(name)) is kind


def test_who_has_to_act_where_no_timer_runs() -> None:
    assert check_machine(load_model("invite-client")).waits == {
        "Proceeding": "the other side, the transaction user"
    }
    assert check_machine(load_model("non-invite-client")).waits == {}
    assert check_machine(load_model("response-context")).waits["Forking"] == (
        "the branches, the transaction user"
    )


def problems(result: MachineResult, name: str) -> list[str]:
    (check,) = (check for check in result.checks if check.name == name)
    return list(check.problems)


def test_a_missing_row_is_told_by_state_and_event() -> None:
    (problem,) = problems(check_machine(without("invite-server", "IST-17")), "complete")
    assert problem.startswith("state Confirmed: no row for invite;")
    (problem,) = problems(check_machine(without("branch", "BRA-09")), "complete")
    assert problem == "state Calling: timer C runs here, but no row waits for it"


def test_two_rows_for_one_event_are_told() -> None:
    model = load_model("invite-client")
    twice = model.model_copy(update={"transitions": (*model.transitions, model.transitions[3])})
    assert problems(check_machine(twice), "deterministic") == ["state Calling: 2 rows for timer_B"]


def test_what_nothing_leads_to_is_told() -> None:
    result = check_machine(changed("invite-server", "IST-11", dest=None))
    assert "state Confirmed: no sequence of events leads here" in problems(result, "reachable")
    assert "row IST-18: no sequence of events fires it" in problems(result, "reachable")


def test_a_state_that_cannot_end_is_told() -> None:
    result = check_machine(changed("non-invite-client", "NICT-13", dest=None))
    assert problems(result, "can end") == [
        "state Completed: from here no sequence of events leads to an end (unreliable)",
        "state Completed: from here no sequence of events leads to an end (reliable)",
    ]


STUCK = """
name = "stuck"
initial = "Absent"
final = ["Terminated"]
[[transitions]]
id = "STK-01"
source = "Absent"
trigger = "request"
dest = "Waiting"
rfc = "gap"
[[transitions]]
id = "STK-02"
source = "Waiting"
trigger = "timer_J"
dest = "Terminated"
rfc = "gap"
[states.Waiting]
on_enter = ["start_J"]
[states.Terminated]
on_enter = ["terminate"]
[timers]
J = { unreliable = "T1" }
"""


def test_a_state_that_waits_for_nobody_is_told_with_the_class_of_transport() -> None:
    """Its timer does not run over a reliable transport, and nobody else can lead on."""
    result = check_machine(read_model(STUCK, file="stuck.toml"))
    assert "state Waiting: no timer runs, and nobody can act (reliable)" in problems(
        result, "waits for nobody"
    )


def test_a_timer_that_repeats_for_ever_is_told() -> None:
    model = changed("non-invite-client", "NICT-03", dest=None, before=("start_F",))
    found = problems(check_machine(model), "waits for nobody")
    assert any(problem.startswith("state Trying: timer E, F fires here for ever") for problem in found)


def test_timers_that_lead_round_in_a_circle_are_told() -> None:
    model = changed(changed("invite-server", "IST-10", dest="Confirmed"), "IST-18", dest="Completed")
    found = problems(check_machine(model), "waits for nobody")
    assert any("timers alone lead away from here and back again" in problem for problem in found)
