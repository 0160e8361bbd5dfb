"""Mutants: each is a model with one mistake, and what cannot be told apart is said to be equivalent."""

from collections import Counter

import pytest

from sipfsm.fsm import Model, load_model
from sipfsm.verify.mutants import Mutant, equivalent, mutants

MODELS = ["invite-client", "non-invite-client", "invite-server", "non-invite-server"]


def mutant(name: str, what: str) -> Mutant:
    (found,) = (each for each in mutants(load_model(name)) if each.name == what)
    return found


def accepted(name: str, what: str) -> Model:
    found = mutant(name, what).model
    assert found is not None
    return found


@pytest.mark.parametrize("name", MODELS)
def test_each_mutant_has_a_name_and_a_mistake_of_its_own(name: str) -> None:
    made = mutants(load_model(name))
    assert max(Counter(each.name for each in made).values()) == 1
    models = [each.model.model_dump_json() for each in made if each.model is not None]
    assert max(Counter(models).values()) == 1
    assert load_model(name).model_dump_json() not in models


def test_a_row_is_dropped() -> None:
    ids = {row.id for row in load_model("invite-client").transitions}
    assert {row.id for row in accepted("invite-client", "drop row ICT-08").transitions} == ids - {"ICT-08"}


def test_a_row_leads_elsewhere_or_stays() -> None:
    for what, dest in (("redirect ICT-05 to Completed", "Completed"), ("let ICT-05 stay", None)):
        (row,) = (row for row in accepted("invite-client", what).transitions if row.id == "ICT-05")
        assert row.dest == dest


def test_an_action_is_dropped() -> None:
    changed = accepted("invite-client", "drop stop_A of on_exit of Calling")
    assert changed.states["Calling"].on_exit == ("stop_B",)


def test_a_timer_is_dropped_with_all_that_speaks_of_it() -> None:
    changed = accepted("invite-server", "drop timer G")
    assert "G" not in changed.timers
    assert changed.states["Completed"].on_enter == ("start_H",)
    assert all("timer_G" not in row.trigger for row in changed.transitions)


def test_delays_change() -> None:
    assert accepted("invite-client", "halve timer D").timers["D"].unreliable == "max(16, 32*T1)"  # type: ignore[index]
    assert accepted("invite-client", "double timer A").timers["A"].unreliable == "2*T1"  # type: ignore[index]
    changed = accepted("non-invite-server", "double timer tu").timers["tu"]  # type: ignore[index]
    assert changed.unreliable == "128*T1+2*T4"


def test_the_schema_refuses_what_cannot_be_a_machine() -> None:
    refused = mutant("invite-client", "drop start_B of on_enter of Calling")
    assert refused.model is None
    assert refused.refusal == ("timers.B: nothing starts this timer",)


@pytest.mark.parametrize(
    ("name", "what", "same"),
    [
        # The row says that a timer that was stopped may come late; without it nothing happens either.
        ("invite-client", "drop row ICT-11", True),
        ("invite-client", "redirect ICT-11 to Terminated", True),
        # Timer trying is always earlier.
        ("non-invite-server", "drop inform_timeout of NIST-20", True),
        ("invite-client", "drop row ICT-08", False),
        ("invite-client", "drop stop_A of on_exit of Calling", False),
        ("invite-server", "halve timer trying", False),
        ("invite-server", "never cap timer G", False),
    ],
)
def test_equivalents_are_told_from_others(name: str, what: str, same: bool) -> None:
    assert equivalent(load_model(name), accepted(name, what)) is same
