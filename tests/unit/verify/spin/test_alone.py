"""A machine against its obligations: both engines see the same worlds, and the same mistakes."""

from pathlib import Path

import pytest

from sipfsm.fsm import Model, load_model
from sipfsm.verify.mutants import mutants
from sipfsm.verify.obligations import OBLIGATIONS
from sipfsm.verify.spin.alone import Alone, verify_alone
from sipfsm.verify.watch import Watch

PAGE = Path(__file__).parents[4] / "docs/explanation/spin.md"

every_machine = pytest.mark.parametrize("name", OBLIGATIONS)

MISTAKES = {
    # What is done to a model, and what each engine says is not kept.
    ("invite-client", "drop row ICT-14"): "no row waits",
    ("invite-client", "drop send_ack of ICT-13"): "send_ack",
    ("invite-client", "never back off timer A"): "nothing asks for now",
    ("invite-client", "drop stop_B of on_exit of Calling"): "fires for nothing",
    ("invite-server", "drop timer H over reliable transports"): "inform_timeout and terminate",
    ("branch", "drop send_cancel of BRA-19"): "send_cancel",
}


def explored(model: Model, name: str) -> list[tuple[int, str | None]]:
    results = [Watch(model, OBLIGATIONS[name], reliable).search() for reliable in (False, True)]
    return [(worlds, failure and failure.reason) for worlds, failure in results]


def spun(model: Model, name: str) -> Alone:
    return verify_alone(model, OBLIGATIONS[name])


@pytest.mark.slow
@every_machine
def test_every_model_keeps_its_obligations_and_the_engines_see_the_same_worlds(name: str) -> None:
    results = explored(load_model(name), name)
    assert [reason for _worlds, reason in results] == [None, None]
    worlds = sum(worlds for worlds, _reason in results)
    assert spun(load_model(name), name) == Alone(worlds, None, ())
    assert f"| `{name}` | {worlds:,} |" in PAGE.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "what"), MISTAKES)
def test_a_mistake_is_found_and_told(name: str, what: str) -> None:
    (mutant,) = (each for each in mutants(load_model(name)) if each.name == what)
    assert mutant.model is not None
    reasons = [reason for _worlds, reason in explored(mutant.model, name) if reason]
    assert reasons
    assert MISTAKES[name, what] in reasons[0]
    result = spun(mutant.model, name)
    assert result.reason is not None
    assert MISTAKES[name, what] in result.reason
    assert result.steps


@pytest.mark.parametrize("name", ["invite-client", "invite-server"])
def test_the_machines_as_first_published_do_not_keep_what_6026_obliges_to(name: str) -> None:
    ((_worlds, reason), _reliable) = explored(load_model(f"rfc3261/{name}"), name)
    assert reason is not None
    assert "RFC 6026" in reason
