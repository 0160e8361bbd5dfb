"""Whole servers over a network that loses, doubles, delays and reorders: what holds whatever anybody does.

Callers, callees and registrants behave, misbehave and vanish, as a plan says (`tests/fuzz/plan.py`).
Hypothesis draws plans and shrinks one of which something does not hold; it is then told as a ladder, with the
rows that the machines of the server took and the clauses of these.
"""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sipfsm.simulation.actors import CallerPlan
from tests.fuzz.plan import PLANS, Plan, callees, draw, links, play_all, registrants, tell
from tests.models.changes import changed

PLANS_OF_ONE_SEED = 300
BATCH = 20


@pytest.mark.slow
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(PLANS)
def test_whatever_they_do_the_rules_hold_and_nothing_is_left(plan: Plan) -> None:
    if play_all([plan]):
        pytest.fail(tell(plan))


@pytest.mark.slow
@pytest.mark.untraced
def test_they_hold_through_hundreds_of_plans() -> None:
    chance = Random(26)
    for _ in range(PLANS_OF_ONE_SEED // BATCH):
        for plan in play_all([draw(chance) for _ in range(BATCH)]):
            pytest.fail(tell(plan))


# ---- that a fault would be found, and how it would be told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "row", "change", "what"),
    [
        ("response-context", "RCX-04", {"before": ("forward_best",)}, "a failure before the last branch"),
        ("branch", "BRA-10", {"before": ("send_cancel",)}, "CANCEL before any response (RFC 3261 9.1)"),
        ("response-context", "RCX-05", {"before": ()}, "left of requests that are over: {'servers': "),
        ("invite-server", "IST-10", {"dest": None}, "left of requests that are over: {'servers': "),
    ],
)
def test_each_judge_is_awake(name: str, row: str, change: dict[str, object], what: str) -> None:
    """A fault is planted, and found by the judge whose it is, in plans of one seed."""
    faulty = changed(name, row, **change)
    chance = Random(7)
    for _ in range(20):
        told = play_all([draw(chance) for _ in range(5)], [faulty]).values()
        if any(what in each for each in told):
            return
    pytest.fail("it was not found")


FORKS = CallerPlan("INVITE", "UDP", 0.0, 0, None, False, True, None)


@pytest.mark.slow
def test_a_proxy_that_forwards_one_2xx_only_is_found_and_told_in_a_few_messages() -> None:
    models = [changed("response-context", "RCX-15", before=())]
    plans = st.builds(
        Plan,
        st.integers(0, 3),
        links,
        st.just((FORKS,)),
        st.lists(callees, min_size=1, max_size=3).map(tuple),
        st.lists(registrants, max_size=1).map(tuple),
        st.none(),
    )

    @settings(
        max_examples=300,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
    )
    @given(plans)
    def search(plan: Plan) -> None:
        if play_all([plan], models):
            raise AssertionError(tell(plan, models))

    with pytest.raises(AssertionError) as found:
        search()
    told = str(found.value)
    what, _, ladder = told.partition("\n")
    assert what.startswith("Violation: a 2")
    assert what.endswith("was not sent on (RFC 3261 16.7 step 5)")
    assert "RCX-15 response-context, Answered: success_invite, nothing  [3261 16.7 step 5 MUST]" in ladder
    assert ladder.count("(INVITE)") <= 6, ladder
    assert "REGISTER" not in ladder
