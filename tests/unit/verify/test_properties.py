"""Each property is broken by a machine with one mistake that concerns it, and the run says how."""

from collections.abc import Callable

import pytest

from sipfsm.fsm import Model, load_model
from sipfsm.verify.results import Counterexample, Result
from sipfsm.verify.scenario import Callee, Caller, Network, Property, Role, Scenario
from sipfsm.verify.verify import verify_scenario
from tests.models.changes import changed

INVITE = Scenario(
    name="small-invite",
    title="INVITE on a network that is never late",
    method="INVITE",
    client=Role(model="invite-client"),
    server=Role(model="invite-server"),
    network=Network(losses=1, duplicates=1, delay=0),
    caller=Caller(may_cancel=True),
    callee=Callee(within=1),
    properties=(Property.S1, Property.S3, Property.S4, Property.S5),
)

OTHER = Scenario(
    name="small-other",
    title="Another request on a network that loses as it likes",
    method="OTHER",
    client=Role(model="non-invite-client"),
    server=Role(model="non-invite-server"),
    network=Network(losses=None, duplicates=1, delay=1),
    callee=Callee(answers=("2xx",), within=0),
    properties=(Property.S2, Property.S4, Property.S5),
)

Change = Callable[[Model], Model]


def row(name: str, **changes: object) -> Change:
    return lambda model: changed(model, name, **changes)


def entering(state: str, *actions: str) -> Change:
    def change(model: Model) -> Model:
        entered = model.states[state].model_copy(update={"on_enter": actions})
        return model.model_copy(update={"states": model.states | {state: entered}})

    return change


def broken(scenario: Scenario, model: str, *changes: Change) -> dict[str, Counterexample]:
    def find(name: str) -> Model:
        found = load_model(name)
        if name == model:
            for change in changes:
                found = change(found)
        return found

    result: Result = verify_scenario(scenario, find)
    assert result.complete
    return {each.property: each.counterexample for each in result.verdicts if each.counterexample}


@pytest.mark.parametrize("scenario", [INVITE, OTHER], ids=lambda scenario: scenario.name)
def test_nothing_is_broken_without_a_mistake(scenario: Scenario) -> None:
    assert broken(scenario, "") == {}


def test_s1_by_a_server_that_forgets_its_call() -> None:
    found = broken(INVITE, "invite-server", row("IST-04", dest="Terminated"))
    assert found["S1"].reason == "the callee is given the request a second time"


def test_s1_is_not_observed_if_it_is_not_listed() -> None:
    scenario = INVITE.model_copy(update={"properties": (Property.S4,)})
    assert "S1" not in broken(scenario, "invite-server", row("IST-04", dest="Terminated"))


def test_s2_by_a_client_that_passes_on_a_copy_of_the_final_response() -> None:
    found = broken(OTHER, "non-invite-client", row("NICT-12", before=("pass_response",)))
    assert found["S2"].reason == "the caller is given a second final response"
    assert found["S2"].steps[-1].told == ("2xx",)


def test_s3_by_a_client_that_does_not_acknowledge() -> None:
    changes = [row("ICT-06", before=("pass_response",)), row("ICT-10", before=("pass_response",))]
    found = broken(INVITE, "invite-client", *changes, row("ICT-13", before=()))
    assert found["S3"].steps[-1].detail == "H"


def test_s3_by_a_server_that_takes_no_ack() -> None:
    assert "S3" in broken(INVITE, "invite-server", row("IST-11", dest=None))


def test_a_lost_ack_excuses_the_server_that_waits_for_it() -> None:
    """The ACK is not sent again, and a network that may lose one message loses it."""
    assert "S3" not in broken(INVITE, "invite-client", row("ICT-13", before=()))


def test_s4_by_a_transaction_that_is_left() -> None:
    found = broken(INVITE, "invite-client", row("ICT-21", dest=None))
    assert found["S4"].reason == "a transaction is left, but nothing can happen"


def test_s4_by_a_run_without_an_end() -> None:
    found = broken(OTHER, "non-invite-client", row("NICT-03", dest=None, before=()))
    assert found["S4"].circle is not None
    assert found["S4"].reason.startswith("this goes on for ever")


def test_s5_by_a_response_after_the_timeout() -> None:
    found = broken(OTHER, "non-invite-client", row("NICT-16", before=("pass_response",)))
    assert found["S5"].reason == "the caller is given a 2xx after it gave up"


def test_s5_by_a_timeout_after_the_final_response() -> None:
    """Timer F is not stopped, and ends before Timer K if the response comes late."""
    late = row("NICT-14", before=("inform_timeout",))
    found = broken(OTHER, "non-invite-client", entering("Completed", "stop_E", "start_K"), late)
    assert found["S5"].reason == "the caller is told of a timeout after it had an outcome"
    assert found["S5"].steps[-1].detail == "F"


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (lambda: Network(reliable=True), "a reliable transport has losses = 0"),
        (lambda: Callee(answers=("1xx",)), "a callee without final answers needs at_last"),
        (lambda: OTHER.model_validate(OTHER.model_dump() | {"caller": {"may_cancel": True}}), "cancelled"),
        (lambda: OTHER.model_validate(OTHER.model_dump() | {"callee": {}}), "no other 1xx"),
    ],
    ids=["reliable", "silent", "cancel", "provisional"],
)
def test_a_scenario_that_makes_no_sense_is_refused(what: Callable[[], object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        what()
