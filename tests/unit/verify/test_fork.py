"""The composition of a forking proxy: what holds, and that each fault put into a machine is found."""

import pytest

from sipfsm.fsm import load_model
from sipfsm.verify.ladder import ladder
from sipfsm.verify.results import Counterexample, Result
from sipfsm.verify.scenario import Fork, ForkCallee, ForkCaller, ForkProperty, Network
from sipfsm.verify.verify import verify_scenario
from tests.models.changes import changed, finding

SMALL = Fork(
    name="small",
    title="Two callees that decide at once, on a network that loses nothing",
    network=Network(losses=0, duplicates=0, delay=0),
    caller=ForkCaller(cancel_within=0),
    callee=ForkCallee(answers=("100", "101-199", "2xx", "3xx-5xx"), within=0, at_last=("wait", "mute")),
)


def broken(result: Result) -> dict[ForkProperty, Counterexample]:
    return {
        ForkProperty(verdict.property): verdict.counterexample
        for verdict in result.verdicts
        if verdict.counterexample is not None
    }


def test_all_holds() -> None:
    result = verify_scenario(SMALL, load_model)
    assert result.complete
    assert not broken(result)
    assert result.states > 1000


@pytest.mark.parametrize(
    ("model", "row", "changes", "expected"),
    [
        # A branch that is not wanted any more gets no CANCEL: its callee rings for ever.
        ("branch", "BRA-18", {"before": ()}, ForkProperty.F3),
        ("response-context", "RCX-03", {"before": ("forward_response",)}, ForkProperty.F3),
        # A second 2xx is dropped.
        ("response-context", "RCX-15", {"before": ("drop",)}, ForkProperty.F2),
        # The best response does not wait for the last branch.
        ("response-context", "RCX-04", {"before": ("forward_best",)}, ForkProperty.F1),
        # Nothing goes upstream.
        ("response-context", "RCX-05", {"before": ()}, ForkProperty.F1),
        # Timer C is not started, so a branch that only rings is never left.
        ("branch", "BRA-01", {"before": ("send_request",)}, ForkProperty.F4),
        # A branch forgets that its client transaction is gone.
        ("branch", "BRA-35", {"dest": None}, ForkProperty.F4),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_is_found(model: str, row: str, changes: dict[str, object], expected: ForkProperty) -> None:
    result = verify_scenario(SMALL, finding(changed(model, row, **changes)))
    assert expected in broken(result)


def test_the_run_is_told_with_all_who_take_part() -> None:
    run = broken(verify_scenario(SMALL, finding(changed("branch", "BRA-18", before=()))))[ForkProperty.F3]
    assert run.lanes == ("caller", "proxy", "callee 1", "callee 2")
    lines = ladder(run)
    assert lines[0].split("  ")[-1] == "callee 2"
    assert "BRA-18" in "\n".join(lines)
    assert lines[-1].endswith("F3: a callee rings for ever, and gets no CANCEL")


def test_a_lost_cancel_excuses_a_callee_that_rings() -> None:
    lossy = SMALL.model_copy(update={"network": Network(losses=1, duplicates=0, delay=0)})
    quick = lossy.model_copy(update={"callee": ForkCallee(answers=("101-199",), within=0, at_last=("wait",))})
    result = verify_scenario(quick, load_model)
    assert result.complete
    assert not broken(result)
