"""The composition of two user agents: what holds, and that each fault put into a machine is found."""

import pytest

from sipfsm.fsm import Model, load_model
from sipfsm.verify.call import Calling
from sipfsm.verify.call_mail import KINDS, MAILS, Sent, mail_number
from sipfsm.verify.crossings import Crossing, crossing_of, find_crossings
from sipfsm.verify.ladder import ladder
from sipfsm.verify.report import describe_users
from sipfsm.verify.results import Counterexample, Result
from sipfsm.verify.scenario import Call, CallProperty, Network, Role
from sipfsm.verify.spin.engine import verify_scenario as verify_with_spin
from sipfsm.verify.spin.run import SpinError
from sipfsm.verify.verify import scenarios_for, verify_scenario
from tests.models.changes import changed, finding

D1, D2, D3, D4, D5, D6 = CallProperty

ENDING = Call(
    name="ending",
    title="Either side hangs up, and the caller early, too",
    network=Network(losses=1, duplicates=0, delay=0),
    caller_wishes=("CANCEL", "early BYE", "BYE"),
    callee_wishes=("BYE",),
)
ONLY_ENDS = ENDING.model_copy(update={"properties": (D1,)})
CHANGING = Call(
    name="changing",
    title="Both change the session",
    network=Network(losses=1, duplicates=0, delay=0),
    caller_wishes=("BYE", "re-INVITE"),
    callee_wishes=("re-INVITE",),
)
LATE_OFFER = CHANGING.model_copy(update={"name": "late-offer", "offer_in": "2xx", "callee_wishes": ()})
TWICE = CHANGING.model_copy(update={"name": "twice", "caller_wishes": ("re-INVITE", "UPDATE")})
HASTY = Call(name="hasty", title="", callee_wishes=("BYE",), waits_for_ack=False)


def broken(result: Result) -> dict[CallProperty, Counterexample]:
    return {
        CallProperty(verdict.property): verdict.counterexample
        for verdict in result.verdicts
        if verdict.counterexample is not None
    }


@pytest.mark.parametrize("call", [ENDING, LATE_OFFER], ids=lambda call: call.name)
def test_all_holds(call: Call) -> None:
    result = verify_scenario(call, load_model)
    assert result.complete
    assert not result.overflowed
    assert not broken(result)
    assert result.states > 1000


@pytest.mark.parametrize(
    ("call", "model", "row", "changes", "expected"),
    [
        # The first 2xx, a copy of it, and one in Mortal get no ACK.
        (ENDING, "dialog-caller", "DLR-19", {"before": ()}, D2),
        (ENDING, "dialog-caller", "DLR-25", {"before": ()}, D2),
        (ENDING, "dialog-caller", "DLR-31", {"before": ("start_bye",)}, D2),
        (ENDING, "dialog-caller", "DLR-21", {"before": ("send_bye",)}, D2),
        (HASTY, "dialog-caller", "DLR-22", {"before": ("accept_bye",)}, D2),
        (CHANGING, "dialog-callee", "DLE-31", {"before": ("start_bye",)}, D2),
        # Mortal, and all the same a BYE or a re-INVITE is sent, a BYE refused, a re-INVITE accepted.
        (ENDING, "dialog-caller", "DLR-35", {"before": ("send_bye",)}, D3),
        (CHANGING, "dialog-callee", "DLE-35", {"before": ("send_request",)}, D3),
        (ENDING, "dialog-callee", "DLE-33", {"before": ("refuse_unknown",)}, D3),
        (CHANGING, "dialog-caller", "DLR-34", {"before": ("pass_request",)}, D3),
        # A copy of the 2xx, a CANCEL that comes too late, a second ACK end what is established.
        (ENDING, "dialog-caller", "DLR-25", {"before": ("acknowledge",), "dest": "Mortal"}, D4),
        (ENDING, "dialog-callee", "DLE-30", {"dest": "Mortal"}, D4),
        # A BYE is sent, or accepted, and the dialog goes on, or is gone at once.
        (ENDING, "dialog-caller", "DLR-27", {"dest": None}, D4),
        (ENDING, "dialog-callee", "DLE-26", {"dest": "Morgue"}, D4),
        # Offers that meet: one is made, or accepted, although another one is pending.
        (CHANGING, "offer", "OFA-04", {"before": ()}, D5),
        (TWICE, "offer", "OFA-05", {"before": ()}, D5),
        (LATE_OFFER, "offer", "OFA-04", {"before": (), "dest": "Asked"}, D5),
        # It is not noted that an offer was made or answered; a wrong status refuses one.
        (LATE_OFFER, "offer", "OFA-01", {"dest": "Agreed"}, D5),
        (CHANGING, "offer", "OFA-11", {"dest": None}, D5),
        (TWICE, "offer", "OFA-03", {"dest": None}, D5),
        (CHANGING, "offer", "OFA-07", {"dest": None}, D5),
        (CHANGING, "offer", "OFA-04", {"before": ("refuse_busy",)}, D5),
        # A BYE, and a re-INVITE, are not answered, or a BYE is refused.
        (ENDING, "dialog-caller", "DLR-27", {"before": ()}, D6),
        (ENDING, "dialog-callee", "DLE-13", {"before": ("refuse_unknown", "refuse_invite")}, D6),
        (CHANGING, "dialog-callee", "DLE-29", {"before": ()}, D6),
        # Somebody is left: after a BYE that changes nothing, without a timer, without an answer.
        (ONLY_ENDS, "dialog-callee", "DLE-27", {"dest": None}, D1),
        (ONLY_ENDS, "dialog-callee", "DLE-20", {"dest": None}, D1),
        (HASTY, "dialog-callee", "DLE-19", {"before": (), "dest": None}, D1),
        (ENDING, "dialog-callee", "DLE-36", {"dest": None}, D1),
        (ONLY_ENDS, "dialog-callee", "DLE-13", {"before": (), "dest": None}, D1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_is_found(
    call: Call, model: str, row: str, changes: dict[str, object], expected: CallProperty
) -> None:
    assert expected in broken(verify_scenario(call, finding(changed(model, row, **changes))))


def test_a_bye_before_the_ack_can_leave_the_caller_waiting_for_ever() -> None:
    """As RFC 5407 3.2.4 has it; RFC 3261 15 forbids it."""
    run = broken(verify_scenario(HASTY, load_model))[D1]
    assert run.reason == "nothing can happen any more, and the caller still has its dialog"
    assert {"DLE-21", "DLR-09", "DLR-04"} <= {row for step in run.steps for row in step.rows}


def test_a_property_that_is_not_listed_is_not_observed() -> None:
    only = ENDING.model_copy(update={"properties": (D4,)})
    assert not broken(verify_scenario(only, finding(changed("dialog-caller", "DLR-19", before=()))))


def test_a_run_is_told_with_the_states_of_the_dialogs() -> None:
    hasty = finding(changed("dialog-caller", "DLR-31", before=("start_bye",)))
    run = broken(verify_scenario(ENDING, hasty))[D2]
    lines = ladder(run)
    assert run.lanes == ("caller", "callee")
    assert lines[0].split() == ["T1", "caller", "callee"]
    assert "(early BYE)" in "\n".join(lines)
    assert lines[-2].endswith("DLR-31")
    assert lines[-1].endswith("D2: the caller does not acknowledge a 2xx")
    assert any(line.endswith("DLR-15, OFA-06; Mortal; sends BYE [Ear]") for line in lines)


def test_a_message_is_compared_with_who_gets_it() -> None:
    composition = Calling(ENDING, load_model)
    caller, callee = composition.parts(composition.start)
    assert (caller.name, callee.name) == ("Preparative", "Preparative")
    assert crossing_of(Sent("INVITE", "caller", "Preparative", "nobody"), callee) is None
    early = Sent("CANCEL", "caller", "Early", "nobody")
    expected = Crossing("CANCEL", "caller", "Early", "Preparative")
    assert crossing_of(early, callee) == expected


def test_every_kind_of_message_has_its_number_and_names_the_state() -> None:
    assert [mail_number(kind) for kind in KINDS] == list(range(len(MAILS)))
    ack = MAILS[mail_number(Sent("ACK", "caller", "Moratorium", "nobody"))]
    assert (ack.name, ack.to, ack.way, ack.carried) == ("ACK [Mora]", 1, ("caller", "callee"), False)
    bye = MAILS[mail_number(Sent("BYE", "callee", "Established", "nobody"))]
    assert (bye.name, bye.to, bye.carried) == ("BYE [Est]", 0, True)


def test_the_first_run_to_a_race_is_a_shortest_one() -> None:
    found = find_crossings(Calling(ENDING, load_model))
    assert len(found[Crossing("CANCEL", "caller", "Early", "Moratorium")]) == 6


def test_a_dialog_of_ones_own_takes_the_place_of_the_built_in_one() -> None:
    own = load_model("dialog-caller").model_copy(update={"name": "own"})

    def find(name: str) -> Model:
        return own if name == "own.toml" else load_model(name)

    scenarios = scenarios_for(["own.toml", "offer"], find)
    assert [each.name for each in scenarios][:2] == ["call-with-own", "call-re-invite-with-own"]
    assert all(isinstance(each, Call) and each.caller == Role(model="own.toml") for each in scenarios)


def test_the_bounds_are_told_in_words() -> None:
    assert describe_users(CHANGING) == (
        "within 1 T1 of each change of state: "
        "BYE of the caller, re-INVITE of the caller, re-INVITE of the callee"
    )


def test_spin_refuses_a_call() -> None:
    with pytest.raises(SpinError, match="ending: dialogs are not written as Promela"):
        verify_with_spin(ENDING, load_model)
