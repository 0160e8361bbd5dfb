"""What holds for the graph of every built-in model: nothing is out of reach, and nothing lives for ever."""

from importlib.resources import files

import pytest

from sipfsm.fsm import TIMER_EVENTS, Action, Event, StartTimer, Timer, load_model
from tests.models.exploration import MODELS, Spot, engine, explore, put, ways

every_model = pytest.mark.parametrize("model", MODELS)
both_classes = pytest.mark.parametrize("reliable", [False, True], ids=["unreliable", "reliable"])

ENDS_AT_ONCE = {
    # States that wait for copies of what a network without loss never repeats: over a reliable transport
    # they are left in the step that enters them.
    "invite-client": {"Completed"},
    "non-invite-client": {"Completed"},
    "invite-server": {"Confirmed"},
    "non-invite-server": {"Completed"},
    "rfc3261/invite-client": {"Completed"},
    "rfc3261/invite-server": {"Confirmed"},
}

RFCS = ("3261 ", "3264 ", "3311 ", "4320 ", "5407 ", "6026 ", "erratum ")

WAITS_FOR_OTHERS = {
    # Where no timer runs: who has to act. All others end by themselves.
    "invite-client": {"Absent": "the TU", "Proceeding": "the server, or the TU that gives up"},
    "non-invite-client": {"Absent": "the TU"},
    "invite-server": {"Absent": "the client", "Proceeding": "the TU"},
    "non-invite-server": {"Absent": "the client"},
    "branch": {
        "Absent": "the context",
        "Calling": "the client transaction of what is no INVITE: Timer F",
        "Proceeding": "the client transaction of what is no INVITE: Timer F",
        "CancelPending": "the client transaction of what is no INVITE: Timer F",
        "Completed": "the client transaction, which has its outcome",
    },
    "response-context": {
        "Absent": "the proxy",
        "Forking": "the branches",
        "Cancelling": "the branches",
        "Answered": "the branches",
        "Completed": "the branches",
    },
    "binding": {
        "Absent": "the registrar, or the server that starts",
        "Active": "the registrar, or the calendar: no binding is without an end",
    },
    "update": {"Absent": "the registrar", "Waiting": "the writer", "Writing": "the disk"},
    "connection": {"Absent": "who has something to send, or the other side"},
    "server": {
        "Absent": "whoever runs it",
        "Starting": "the disk and the operating system",
        "Serving": "whoever runs it",
    },
    "dialog-caller": {
        "Absent": "the user",
        "Preparative": "the callee, or the transaction of the INVITE: Timer B",
        "Early": "the callee, or the user that cancels",
        "Moratorium": "the user, who has to acknowledge",
        "Established": "either user, who hangs up",
    },
    "dialog-callee": {
        "Absent": "the caller",
        "Preparative": "the user",
        "Early": "the user",
        "Established": "either user, who hangs up",
    },
    "offer": {
        "Absent": "either user",
        "Offered": "the other side, or the dialog that ends",
        "Asked": "the user, or the dialog that ends",
        "Agreed": "either user, or the dialog that ends",
    },
    "rfc3261/invite-client": {"Absent": "the TU", "Proceeding": "the server, or the TU that gives up"},
    "rfc3261/invite-server": {"Absent": "the client", "Proceeding": "the TU"},
}


def test_these_are_all_models_there_are() -> None:
    folder = files("sipfsm.models")
    names = [item.name for item in folder.iterdir()]
    names += [f"rfc3261/{item.name}" for item in folder.joinpath("rfc3261").iterdir()]
    assert sorted(MODELS) == sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


@every_model
@both_classes
def test_every_state_is_reached(model: str, reliable: bool) -> None:
    reached = {spot.state for spot in explore(model, reliable=reliable)}
    missing = ENDS_AT_ONCE.get(model, set()) if reliable else set()
    assert reached == set(load_model(model).states) - missing


@every_model
@both_classes
def test_the_end_can_be_reached_from_everywhere(model: str, reliable: bool) -> None:
    forward = ways(model, reliable=reliable)
    final = {spot for spot in forward if spot.state in load_model(model).final}
    can_end = set(final)
    while more := {spot for spot, following in forward.items() if following & can_end} - can_end:
        can_end |= more
    assert can_end == set(forward)


@every_model
@both_classes
def test_where_no_timer_runs_somebody_else_has_to_act(model: str, reliable: bool) -> None:
    live = {spot for spot in explore(model, reliable=reliable) if spot.state not in load_model(model).final}
    assert {spot.state for spot in live if not spot.running} == set(WAITS_FOR_OTHERS[model])


@every_model
@both_classes
def test_time_alone_leads_to_an_end_or_to_where_others_act(model: str, reliable: bool) -> None:
    """Whichever timer fires first. Only a retransmission may leave all as it is, and never for ever."""
    at_rest = {*load_model(model).final, *WAITS_FOR_OTHERS[model]}

    def follow(path: list[Spot]) -> None:
        here = path[-1]
        following = {_fired(model, here, timer, reliable=reliable) for timer in here.running} - {here}
        assert following or (not here.running and here.state in at_rest), path
        for spot in following:
            assert spot not in path
            follow([*path, spot])

    for spot in explore(model, reliable=reliable):
        follow([spot])


def _fired(model: str, spot: Spot, timer: Timer, *, reliable: bool) -> Spot:
    delays = explore(model, reliable=reliable)[spot]
    instance = put(engine(model), spot.state, delays, reliable=reliable)
    instance.handle(TIMER_EVENTS[timer])
    return Spot(instance.state, frozenset(instance.running))


@every_model
@both_classes
def test_every_timer_of_a_class_runs_somewhere_and_a_row_waits_for_it_there(
    model: str, reliable: bool
) -> None:
    declared = engine(model).delays[reliable]
    running = {timer for spot in explore(model, reliable=reliable) for timer in spot.running}
    # A timer of zero never runs between two steps: it fires in the one that starts it.
    assert running == {timer for timer, delay in declared.items() if delay > 0}
    for spot in explore(model, reliable=reliable):
        for timer in spot.running:
            assert (spot.state, TIMER_EVENTS[timer]) in engine(model).rows, spot


@every_model
@both_classes
def test_the_end_is_told_once_and_leaves_no_timer(model: str, reliable: bool) -> None:
    final = load_model(model).final
    for spot, delays in explore(model, reliable=reliable).items():
        for event in Event:
            instance = put(engine(model), spot.state, delays, reliable=reliable)
            effects = instance.handle(event)
            ended = instance.state in final and spot.state not in final
            assert effects.count(Action.TERMINATE) == ended
            if ended:
                assert effects[-1] is Action.TERMINATE
                assert instance.running == {}


@every_model
@both_classes
def test_no_timer_is_started_that_is_over_in_the_same_step(model: str, reliable: bool) -> None:
    """Who carries out the effects would start it for nothing; and a running one is not replaced unawares."""
    for spot, delays in explore(model, reliable=reliable).items():
        for event in Event:
            instance = put(engine(model), spot.state, delays, reliable=reliable)
            for effect in instance.handle(event):
                if isinstance(effect, StartTimer):
                    assert effect.delay > 0
                    assert instance.running[effect.timer] == effect.delay


@every_model
def test_every_row_can_fire(model: str) -> None:
    fired = set()
    for reliable in (False, True):
        for spot in explore(model, reliable=reliable):
            fired |= {
                row.id
                for (state, event), row in engine(model).rows.items()
                if state == spot.state and _can_come(event, spot, acts=row.acts)
            }
    assert fired == {row.id for row in load_model(model).transitions}


def _can_come(event: str, spot: Spot, *, acts: bool) -> bool:
    """Whether an event is handled: a timer that does not run is, by a row that does nothing."""
    return not acts or not event.startswith("timer_") or Timer(event.removeprefix("timer_")) in spot.running


@every_model
def test_a_row_that_stays_has_no_dest(model: str) -> None:
    assert [row.id for row in load_model(model).transitions if row.dest == row.source] == []


@every_model
def test_a_cap_or_a_backoff_is_declared_where_a_row_uses_it(model: str) -> None:
    done = {action for _where, action in load_model(model).actions()}
    for timer, spec in load_model(model).timers.items():
        assert (spec.backoff > 1) == (f"back_off_{timer}" in done), timer
        assert spec.cap is None or {f"back_off_{timer}", f"cap_{timer}"} & done, timer


@every_model
def test_row_ids_begin_with_one_name(model: str) -> None:
    assert len({row.id.split("-")[0] for row in load_model(model).transitions}) == 1


@every_model
def test_every_row_says_where_it_comes_from(model: str) -> None:
    for row in load_model(model).transitions:
        assert row.rfc == "gap" or row.rfc.startswith(RFCS), row.id
