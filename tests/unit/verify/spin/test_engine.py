"""The two engines: nothing shared but the declaration, and the same found out."""

from pathlib import Path

import pytest

from sipfsm.fsm import Model, load_model, read_model
from sipfsm.verify.results import Result
from sipfsm.verify.scenario import Callee, Caller, Network, Property, Role, Scenario
from sipfsm.verify.scenarios import FINDINGS, FORKS, SCENARIOS
from sipfsm.verify.spin.engine import verify_scenario as with_spin
from sipfsm.verify.spin.machine import TooLongError
from sipfsm.verify.spin.run import Limits
from sipfsm.verify.verify import verify_scenario as with_exploration

PAGE = Path(__file__).parents[4] / "docs/explanation/spin.md"

BUILT_IN = {scenario.name: scenario for scenario in (*SCENARIOS, *FINDINGS)}
LARGE = {"invite", "short-timer-l", "longer-timer-l", "short-timer-j", "longer-timer-j"}
"""Too large for both engines in a test that is run often; `sipfsm verify` with both compares them as well."""

UNUSUAL = {
    "in-order": Scenario(
        name="in-order",
        title="Messages keep their order, and are still lost and duplicated",
        method="INVITE",
        client=Role(model="invite-client"),
        server=Role(model="invite-server"),
        network=Network(losses=2, duplicates=1, delay=1, reordering=False, capacity=3),
        caller=Caller(may_cancel=True, cancel_wait=3),
        properties=tuple(Property),
    ),
    "no-room": Scenario(
        name="no-room",
        title="One message in flight at most, and the ACK is lost for want of room",
        method="INVITE",
        client=Role(model="invite-client"),
        server=Role(model="invite-server", delays={"G": "3*T1"}),
        network=Network(losses=None, duplicates=2, delay=2, capacity=1),
        callee=Callee(answers=("3xx-6xx", "1xx"), provisionals=2, within=3, at_last=("abandon", "mute")),
        properties=(Property.S1, Property.S3, Property.S4, Property.S5),
    ),
    "all-watched": Scenario(
        name="all-watched",
        title="A request that is no INVITE, with machines of another method's timers",
        method="OTHER",
        client=Role(model="non-invite-client", delays={"F": "8*T1"}),
        server=Role(model="non-invite-server", delays={"J": "2*T1"}),
        network=Network(losses=1, duplicates=1, delay=3),
        callee=Callee(answers=("2xx", "3xx-6xx"), within=1, at_last=("mute",)),
        properties=(Property.S1, Property.S2, Property.S4, Property.S5),
    ),
    "little-watched": Scenario(
        name="little-watched",
        title="The same, and what is not watched goes on",
        method="OTHER",
        client=Role(model="non-invite-client", delays={"F": "8*T1"}),
        server=Role(model="non-invite-server", delays={"J": "2*T1"}),
        network=Network(losses=1, duplicates=1, delay=3),
        callee=Callee(answers=("2xx", "3xx-6xx"), within=1, at_last=("mute",)),
        properties=(Property.S5,),
    ),
}


def assert_agreement(scenario: Scenario) -> tuple[Result, Result]:
    explored, spun = with_exploration(scenario, load_model), with_spin(scenario, load_model)
    assert explored.complete
    assert spun.complete
    assert [(each.property, each.holds) for each in explored.verdicts] == [
        (each.property, each.holds) for each in spun.verdicts
    ]
    assert explored.states == spun.states
    if not explored.broken:
        assert (explored.steps, explored.depth) == (spun.steps, spun.depth)
    for one, other in zip(explored.verdicts, spun.verdicts, strict=True):
        if one.counterexample and other.counterexample:
            assert len(one.counterexample.steps) == len(other.counterexample.steps)
            assert one.counterexample.steps[0] == other.counterexample.steps[0]
    return explored, spun


def table() -> dict[str, list[str]]:
    """The rows of the table in the documentation, by scenario."""
    lines = PAGE.read_text().splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells if len(row) == 4}


def described(result: Result) -> list[str]:
    broken = ", ".join(verdict.property for verdict in result.verdicts if verdict.holds is False) or "-"
    return [f"{result.states:,}", broken]


def test_the_table_has_all_scenarios() -> None:
    assert list(table()) == [*BUILT_IN, *(fork.name for fork in FORKS)]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in BUILT_IN if name not in LARGE])
def test_the_engines_agree_on_every_scenario(name: str) -> None:
    explored, spun = assert_agreement(BUILT_IN[name])
    explored_states, spun_states, broken = table()[name]
    assert [explored_states, broken] == described(explored)
    assert [spun_states, broken] == described(spun)


@pytest.mark.slow
def test_spin_counts_what_the_table_says_in_a_large_scenario() -> None:
    explored_states, spun_states, broken = table()["invite"]
    assert [spun_states, broken] == described(with_spin(BUILT_IN["invite"], load_model))
    assert explored_states == spun_states


@pytest.mark.slow
@pytest.mark.parametrize("name", UNUSUAL)
def test_the_engines_agree_on_unusual_bounds(name: str) -> None:
    assert_agreement(UNUSUAL[name])


ENDLESS = """
name = "endless"
initial = "Absent"
final = ["Terminated"]
[[transitions]]
id = "X-01"
source = "Absent"
trigger = "tu_request"
dest = "Sent it"
before = ["send_request"]
rfc = "gap"
[[transitions]]
id = "X-02"
source = "Sent it"
trigger = "timer_E"
before = ["resend_request", "back_off_E"]
rfc = "gap"
[[transitions]]
id = "X-03"
source = "Sent it"
trigger = ["response_2xx", "response_300_699"]
dest = "Terminated"
rfc = "gap"
[states."Sent it"]
on_enter = ["start_E"]
[timers]
E = { unreliable = "T1", reliable = "T1", backoff = 1.5, cap = "T2" }
"""


def find(name: str) -> Model:
    return read_model(ENDLESS, file=name) if name == "endless" else load_model(name)


@pytest.mark.slow
def test_a_client_that_repeats_for_ever_never_ends() -> None:
    """Both engines see it by a circle; and a state may be called as its author likes."""
    changes = {"client": Role(model="endless"), "properties": (Property.S4,)}
    scenario = BUILT_IN["non-invite-reliable"].model_copy(update=changes)
    explored, spun = with_exploration(scenario, find), with_spin(scenario, find)
    assert explored.states == spun.states
    for result in (explored, spun):
        (run,) = (each.counterexample for each in result.verdicts if each.property is Property.S4)
        assert run is not None
        assert "E" in {step.detail for step in run.steps if step.what == "fire"}


def test_what_is_stopped_is_not_decided() -> None:
    result = with_spin(BUILT_IN["non-invite-reliable"], load_model, Limits(stopped=lambda: True))
    assert {verdict.holds for verdict in result.verdicts} == {None}
    assert not result.complete


def test_a_timer_with_too_many_ticks_is_told_by_its_name() -> None:
    client = Role(model="non-invite-client", delays={"F": "20000"})
    scenario = BUILT_IN["non-invite"].model_copy(update={"client": client})
    with pytest.raises(TooLongError, match="timer F of non-invite-client is 40000 ticks long"):
        with_spin(scenario, load_model)
