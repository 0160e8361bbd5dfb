"""Random calls through the proxy over a bad network: what holds whatever callers and callees do.

A plan says what everybody does and when. Hypothesis draws it, and shrinks it when something does not hold.
"""

from dataclasses import dataclass

import pytest
import trio
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from sipfsm.location import Binding
from sipfsm.simulation.actors import Callee, CalleePlan, Caller, CallerPlan, Step
from sipfsm.simulation.judge import Wire
from sipfsm.simulation.network import Link
from sipfsm.simulation.phone import SERVER
from sipfsm.simulation.scene import Scene, scene, unix_time

BOB = "sip:bob@example.com"

LONGEST = 150.0
"""Seconds after which every actor has done what it was to do."""


@dataclass(frozen=True)
class Plan:
    """One run."""

    seed: int
    link: Link
    callers: tuple[CallerPlan, ...]
    callees: tuple[CalleePlan, ...]
    streams_break_at: float | None


SECONDS = st.sampled_from([0.0, 0.001, 0.02, 0.2, 1.0, 5.0, 20.0])
PERHAPS = st.none() | st.sampled_from([0.0, 0.015, 0.05, 0.3, 2.0, 15.0, 40.0])
RATE = st.sampled_from([0.0, 0.0, 0.1, 0.3])
PROTOCOL = st.sampled_from(["UDP", "UDP", "TCP"])
STATUS = st.sampled_from([100, 180, 183, 199, 200, 200, 202, 302, 401, 404, 408, 486, 487, 503, 603])
STEPS = st.lists(st.builds(Step, SECONDS, STATUS, st.sampled_from(["one", "two"])), max_size=4)
CALLEE = st.builds(CalleePlan, PROTOCOL, STEPS.map(tuple), st.booleans(), st.booleans(), PERHAPS)
CALLER = st.builds(
    CallerPlan,
    st.sampled_from(["INVITE", "INVITE", "INVITE", "MESSAGE"]),
    PROTOCOL,
    SECONDS,
    st.sampled_from([0, 0, 2000]),
    PERHAPS,
    st.booleans(),
    st.booleans(),
    PERHAPS,
)
LINK = st.builds(
    Link,
    loss=RATE,
    duplication=RATE,
    reordering=RATE,
    latency=st.just(0.01),
    jitter=st.sampled_from([0.0, 0.01]),
)
PLAN = st.builds(
    Plan,
    st.integers(0, 1000),
    LINK,
    st.lists(CALLER, min_size=1, max_size=3).map(tuple),
    st.lists(CALLEE, min_size=1, max_size=3).map(tuple),
    PERHAPS,
)


async def act(stage: Scene, plan: Plan) -> None:
    """Have everybody do what they are to do."""
    callers = [Caller(stage.network, f"192.0.2.{101 + i}", each) for i, each in enumerate(plan.callers)]
    callees = [Callee(stage.network, f"192.0.2.{201 + i}", each) for i, each in enumerate(plan.callees)]
    await stage.server.location.update(BOB, lambda _: tuple(binding(phone) for phone in callees))
    for phone in (*callers, *callees):
        await stage.switch_on(phone)
    with trio.move_on_after(LONGEST):
        async with trio.open_nursery() as nursery:
            for caller in callers:
                nursery.start_soon(until_gone, stage, caller)
            for callee in callees:
                nursery.start_soon(until_gone, stage, callee)
            if plan.streams_break_at is not None:
                await trio.sleep(plan.streams_break_at)
                for phone in (*callers, *callees):
                    stage.network.reset_streams(SERVER, phone.host)


def binding(phone: Callee) -> Binding:
    """Return the binding of a callee's contact."""
    contact = phone.contact + (";transport=tcp" if phone.plan.protocol == "TCP" else "")
    return Binding(contact.encode(), 1.0, unix_time() + 3600, "1", 1)


async def until_gone(stage: Scene, phone: Caller | Callee) -> None:
    """Have a phone act until it vanishes."""
    with trio.CancelScope() as scope:
        if phone.plan.vanishes_at is not None:
            scope.deadline = trio.current_time() + phone.plan.vanishes_at
        await (phone.play(BOB) if isinstance(phone, Caller) else phone.play())
    if scope.cancelled_caught:
        stage.switch_off(phone)


async def judge(plan: Plan) -> None:
    """Run a plan, and check all that must hold."""
    async with scene(seed=plan.seed, link=plan.link) as stage:
        try:
            await act(stage, plan)
            await stage.settle()
            wire = Wire(stage.network.log)
            wire.check_finals(reliably_heard=not any(each.protocol == "TCP" for each in plan.callers))
            wire.check_order()
            wire.check_patience()
            wire.check_cancels()
            if all(each.protocol == "UDP" for each in plan.callers):
                wire.check_successes()
                wire.check_acks()
            failure = None
        except Exception as error:  # noqa: BLE001 - raised again where no nursery wraps it in a group
            failure = error
            tell(stage)
    if failure is not None:
        raise failure


def tell(stage: Scene) -> None:
    """Write down what was sent, for whoever has to find out why."""
    for packet in stage.network.log:
        arrivals = ", ".join(f"{at:.3f}" for at in packet.arrives_at) or "lost"
        way = f"{packet.protocol} {packet.source.host} > {packet.destination.host}"
        note(f"{packet.sent_at:8.3f} {way:32} {packet.start_line}  ({arrivals})")


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(PLAN)
def test_whatever_they_do_the_rules_hold_and_nothing_is_left(plan: Plan) -> None:
    trio.run(judge, plan, clock=MockClock(autojump_threshold=0))
