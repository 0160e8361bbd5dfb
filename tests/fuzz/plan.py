"""Plans for a whole server, its callers, callees and registrants, and the network between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any

import trio
from hypothesis import strategies as st
from trio.testing import MockClock

from sipfsm import location
from sipfsm.fsm import Engine, Instance, Model, Observer, Row, Timing, load_model
from sipfsm.ladder import Arrow, Note, draw_ladder
from sipfsm.proxy import proxy
from sipfsm.simulation.actors import (
    Binding,
    Callee,
    CalleePlan,
    Caller,
    CallerPlan,
    Registrant,
    RegistrantPlan,
    Step,
)
from sipfsm.simulation.judge import Wire, arrow_of, must
from sipfsm.simulation.network import Link, Packet
from sipfsm.simulation.phone import DOMAIN, SERVER
from sipfsm.simulation.registrations import RegistrarJudge
from sipfsm.simulation.scene import Scene, scene, unix_time
from sipfsm.transaction import layer as transaction

MODELS = (*transaction.MODELS, *proxy.MODELS)

BOB = f"sip:bob@{DOMAIN}"

LONGEST = 150.0
"""Seconds after which every actor has done what it was to do."""


@dataclass(frozen=True)
class Plan:
    """One run."""

    seed: int
    link: Link
    callers: tuple[CallerPlan, ...]
    callees: tuple[CalleePlan, ...]
    registrants: tuple[RegistrantPlan, ...]
    streams_break_at: float | None


SECONDS = (0.0, 0.001, 0.02, 0.2, 1.0, 5.0, 20.0)
INSTANTS = (0.0, 0.015, 0.05, 0.3, 2.0, 15.0, 40.0)
RATES = (0.0, 0.0, 0.1, 0.3)
PROTOCOLS = ("UDP", "UDP", "TCP")
STATUSES = (100, 180, 183, 199, 200, 200, 202, 302, 401, 404, 408, 486, 487, 503, 603)
METHODS = ("INVITE", "INVITE", "INVITE", "MESSAGE")
INTERVALS = (None, 0, 0, 30, 60, 61, 3600, 100_000)

seconds, perhaps = st.sampled_from(SECONDS), st.none() | st.sampled_from(INSTANTS)
rate, protocol = st.sampled_from(RATES), st.sampled_from(PROTOCOLS)
steps = st.lists(
    st.builds(Step, seconds, st.sampled_from(STATUSES), st.sampled_from(["one", "two"])), max_size=4
)
callees = st.builds(CalleePlan, protocol, steps.map(tuple), st.booleans(), st.booleans(), perhaps)
callers = st.builds(
    CallerPlan,
    st.sampled_from(METHODS),
    protocol,
    seconds,
    st.sampled_from([0, 0, 2000]),
    perhaps,
    st.booleans(),
    st.booleans(),
    perhaps,
)
contacts = st.just((("*", None),)) | st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(INTERVALS)),
    max_size=2,
    unique_by=lambda each: each[0],
).map(tuple)
bindings = st.builds(
    Binding,
    seconds,
    st.sampled_from(["dave", "erin"]),
    contacts,
    st.sampled_from(INTERVALS),
    st.sampled_from(["one", "two"]),
    st.integers(1, 3),
)
registrants = st.builds(
    RegistrantPlan, protocol, st.lists(bindings, min_size=1, max_size=4).map(tuple), perhaps
)
links = st.builds(
    Link,
    loss=rate,
    duplication=rate,
    reordering=rate,
    latency=st.just(0.01),
    jitter=st.sampled_from([0.0, 0.01]),
)
PLANS: st.SearchStrategy[Plan] = st.builds(
    Plan,
    st.integers(0, 1000),
    links,
    st.lists(callers, max_size=3).map(tuple),
    st.lists(callees, min_size=1, max_size=3).map(tuple),
    st.lists(registrants, max_size=2).map(tuple),
    perhaps,
)


def draw(random: Random) -> Plan:
    """Draw a plan without Hypothesis, for those who draw many."""
    choice = random.choice
    some = (None, None, None, None, *INSTANTS)
    flag = (True, False)

    def steps() -> tuple[Step, ...]:
        count = random.randint(0, 4)
        return tuple(Step(choice(SECONDS), choice(STATUSES), choice(("one", "two"))) for _ in range(count))

    def binding() -> Binding:
        users = [user for user in ("a", "b") if choice(flag)]
        contacts = (
            (("*", None),) if random.random() < 0.2 else tuple((user, choice(INTERVALS)) for user in users)
        )
        which = choice(("dave", "erin")), contacts, choice(INTERVALS), choice(("one", "two"))
        return Binding(choice(SECONDS), *which, random.randint(1, 3))

    return Plan(
        random.randrange(1000),
        Link(choice(RATES), choice(RATES), choice(RATES), 0.01, choice((0.0, 0.01))),
        tuple(
            CallerPlan(
                choice(METHODS),
                choice(PROTOCOLS),
                choice(SECONDS),
                choice((0, 0, 2000)),
                choice(some),
                choice(flag),
                choice(flag),
                choice(some),
            )
            for _ in range(random.randint(0, 2))
        ),
        tuple(
            CalleePlan(choice(PROTOCOLS), steps(), choice(flag), choice(flag), choice(some))
            for _ in range(random.randint(1, 3))
        ),
        tuple(
            RegistrantPlan(
                choice(PROTOCOLS), tuple(binding() for _ in range(random.randint(1, 4))), choice(some)
            )
            for _ in range(random.randint(0, 2))
        ),
        choice(some),
    )


async def act(stage: Scene, plan: Plan) -> None:
    """Have everybody do what they are to do."""
    network = stage.network
    callees = [Callee(network, f"192.0.2.{201 + i}", each) for i, each in enumerate(plan.callees)]
    others: list[Caller | Registrant] = [
        *(Caller(network, f"192.0.2.{101 + i}", each) for i, each in enumerate(plan.callers)),
        *(Registrant(network, f"192.0.2.{151 + i}", each) for i, each in enumerate(plan.registrants)),
    ]
    await stage.server.location.update(BOB, lambda _: tuple(bound(phone) for phone in callees))
    phones: Sequence[Caller | Callee | Registrant] = (*callees, *others)
    for phone in phones:
        await stage.switch_on(phone)
    with trio.move_on_after(LONGEST):
        async with trio.open_nursery() as nursery:
            for phone in phones:
                nursery.start_soon(until_gone, stage, phone)
            if plan.streams_break_at is not None:
                await trio.sleep(plan.streams_break_at)
                for phone in phones:
                    network.reset_streams(SERVER, phone.host)
            if not plan.callers:
                # Callees wait for ever; registrants are done when nobody answers any more.
                await trio.sleep(100)
                nursery.cancel_scope.cancel()


def bound(phone: Callee) -> location.Binding:
    """The binding of a callee's contact."""
    contact = phone.contact + (";transport=tcp" if phone.plan.protocol == "TCP" else "")
    return location.Binding(contact.encode(), 1.0, unix_time() + 3600, "1", 1)


async def until_gone(stage: Scene, phone: Caller | Callee | Registrant) -> None:
    """Have a phone act until it vanishes."""
    with trio.CancelScope() as scope:
        if phone.plan.vanishes_at is not None:
            scope.deadline = trio.current_time() + phone.plan.vanishes_at
        await (phone.play(BOB) if isinstance(phone, Caller) else phone.play())
    if scope.cancelled_caught:
        stage.switch_off(phone)


def judge(stage: Scene, plan: Plan) -> None:
    """Check all that must hold of what went over the wire, of what is stored, and of what was counted."""
    log = stage.network.log
    wire = Wire(log)
    wire.check_finals(reliably_heard=not any(each.protocol == "TCP" for each in plan.callers))
    wire.check_order()
    wire.check_patience()
    wire.check_cancels()
    if all(each.protocol == "UDP" for each in plan.callers):
        wire.check_successes()
        wire.check_acks()
    # What was on a stream when it broke may have arrived or not.
    if plan.streams_break_at is None or all(each.protocol == "UDP" for each in plan.registrants):
        check_registrations(stage)
    check_accounts(stage)


def check_registrations(stage: Scene) -> None:
    """Each answer to a REGISTER, and what is stored at the end, are those of a dictionary."""
    registrar, log = RegistrarJudge([SERVER]), stage.network.log
    for packet in log:
        registrar.take(packet)
    now = trio.current_time()
    registrar.advance(now)
    for user in ("dave", "erin"):
        aor = f"sip:{user}@{DOMAIN}"
        stored = {
            each.contact.decode(): round(each.expires_at - unix_time() + now, 3)
            for each in stage.server.location.bindings(aor)
        }
        expected = {name: round(each.until, 3) for name, each in registrar.model.live(aor, now).items()}
        must(stored == expected, f"{aor} is bound to {stored} instead of {expected}", "3261 10.3 step 7")


def check_accounts(stage: Scene) -> None:
    """What went in and out is what was counted, and no more was dropped than came."""
    counters, network = stage.server.counters, stage.network
    arrived = sum(n for address, n in network.delivered.items() if address.host == SERVER)
    sent = sum(packet.protocol == "UDP" and packet.source.host == SERVER for packet in network.log)
    must(counters["received.udp"] == arrived, f"{counters['received.udp']} of {arrived} came in")
    must(counters["sent.udp"] == sent, f"{counters['sent.udp']} of {sent} went out")
    must(
        counters.total("dropped") <= arrived + counters["received.tcp"], "more dropped than came", "accounts"
    )
    must(counters.total("faults") == 0, "a fault of our own")


async def _perform(
    plan: Plan,
    failures: dict[Plan, str],
    engines: dict[str, Engine] | None = None,
    events: list[Arrow | Note] | None = None,
) -> None:
    async with scene(seed=plan.seed, link=plan.link, engines=engines) as stage:
        if events is not None:
            stage.network.record = partial(_record, events, stage.network.log)
        try:
            await act(stage, plan)
            await stage.settle()
            judge(stage, plan)
        except Exception as error:  # noqa: BLE001 - the plan is performed again, to be told
            failures[plan] = f"{type(error).__name__}: {error}"


def _record(events: list[Arrow | Note], log: list[Packet], packet: Packet) -> None:
    log.append(packet)
    events.append(arrow_of(packet, NAMES))


NAMES = {SERVER: "server"} | {
    f"192.0.2.{first + i}": f"{name} {i + 1}"
    for first, name in ((101, "caller"), (151, "registrant"), (201, "callee"))
    for i in range(3)
}


def play_all(
    plans: Sequence[Plan], models: Sequence[Model] = (), rows: set[str] | None = None
) -> dict[Plan, str]:
    """Perform plans side by side in virtual time, each on a network of its own.

    Args:
        plans: what is to happen.
        models: what the server is to run in place of its own of the same name, to see that it is found.
        rows: gets the ids of the rows that fire.

    Returns:
        The plans of which something did not hold, with what it was.
    """
    failures: dict[Plan, str] = {}
    observer: Observer | None = None if rows is None else lambda _instance, row: rows.add(row.id)
    engines = _engines(models, observer) if models or observer else None

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for plan in plans:
                nursery.start_soon(_perform, plan, failures, engines)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return failures


def smaller(plan: Plan) -> Plan:
    """Leave out of a plan that fails whatever is not needed for it to fail: actors, and steps of theirs."""
    shorter = True
    while shorter:
        shorter = False
        for part in _parts(plan):
            if play_all([part]):
                plan, shorter = part, True
                break
    return plan


def _parts(plan: Plan) -> Iterator[Plan]:
    """All plans that lack one thing."""
    change: dict[str, Any]
    for name in ("callers", "registrants", "callees"):
        actors = getattr(plan, name)
        least = 1 if name == "callees" else 0
        for i, actor in enumerate(actors):
            if len(actors) > least:
                change = {name: actors[:i] + actors[i + 1 :]}
                yield replace(plan, **change)
            done = {"callers": "", "registrants": "bindings", "callees": "steps"}[name]
            for j in range(len(getattr(actor, done, ()))):
                steps = getattr(actor, done)
                less = replace(actor, **{done: steps[:j] + steps[j + 1 :]})
                change = {name: (*actors[:i], less, *actors[i + 1 :])}
                yield replace(plan, **change)
    for name in ("loss", "duplication", "reordering", "jitter"):
        if getattr(plan.link, name):
            yield replace(plan, link=replace(plan.link, **{name: 0.0}))
    if plan.streams_break_at is not None:
        yield replace(plan, streams_break_at=None)


def tell(plan: Plan, models: Sequence[Model] = ()) -> str:
    """Perform a plan once more; return what did not hold, and a ladder with all rows that the server took."""
    failures: dict[Plan, str] = {}
    events: list[Arrow | Note] = []
    engines = _engines(models, lambda instance, row: events.append(_note(instance, row)))
    trio.run(_perform, plan, failures, engines, events, clock=MockClock(autojump_threshold=0))
    return f"{failures.get(plan, 'all holds')}\n{draw_ladder(events, columns=())}"


def _engines(models: Sequence[Model], observer: Observer | None) -> dict[str, Engine]:
    read = {name: load_model(name) for name in MODELS} | {model.name: model for model in models}
    return {name: Engine(model, Timing(), observer=observer) for name, model in read.items()}


def _note(instance: Instance, row: Row) -> Note:
    model = instance.engine.model.name
    text = f"{row.id} {model}, {row.source}: {' or '.join(row.trigger)}, {' '.join(row.before) or 'nothing'}"
    text += f", to {row.dest}" if row.dest else ""
    return Note(trio.current_time(), f"{text}  [{row.rfc}]")
