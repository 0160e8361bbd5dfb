"""The compiled engine does what stock `transitions` does, with every model, everywhere and in any order."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipfsm.fsm import Engine, Event, Instance, Row, Timing, load_model, read_model
from tests.models.exploration import MODELS, engine, explore, put
from tests.unit.fsm.samples import CHAIN

every_model = pytest.mark.parametrize("model", MODELS)
both_classes = pytest.mark.parametrize("reliable", [False, True], ids=["unreliable", "reliable"])


def outcome(instance: Instance, event: Event) -> tuple[object, ...]:
    """All that can be seen of a step."""
    effects = instance.handle(event)
    return effects, instance.state, instance.running, list(instance.running), instance.terminated


@every_model
@both_classes
def test_equal_for_every_event_wherever_a_model_can_get_to(model: str, reliable: bool) -> None:
    for spot, running in explore(model, reliable=reliable).items():
        for event in Event:
            compiled = put(engine(model), spot.state, running, reliable=reliable)
            stock = put(engine(model, compiled=False), spot.state, running, reliable=reliable)
            assert outcome(compiled, event) == outcome(stock, event), (spot, event)


timings = st.builds(
    lambda t1, ratio, t4, c: Timing(t1=t1, t2=t1 * ratio, t4=t4, timer_c=c),
    st.floats(0.001, 10),
    st.floats(1, 20),
    st.floats(0.001, 30),
    st.floats(180.001, 1000),
)


@cache
def triggers(model: str) -> list[Event]:
    """The events of a model first, so that the search finds the long ways through it."""
    known = {trigger for row in load_model(model).transitions for trigger in row.trigger}
    return [event for event in Event if event in known]


@given(data=st.data(), model=st.sampled_from(MODELS), reliable=st.booleans(), timing=timings)
def test_equal_for_any_sequence_of_events(
    data: st.DataObject, model: str, reliable: bool, timing: Timing
) -> None:
    some_event = st.sampled_from(triggers(model)) | st.sampled_from(list(Event))
    compiled = Engine(load_model(model), timing).create(reliable=reliable)
    stock = Engine(load_model(model), timing, compiled=False).create(reliable=reliable)
    for event in data.draw(st.lists(some_event, min_size=1, max_size=40)):
        assert outcome(compiled, event) == outcome(stock, event)


@given(sequence=st.lists(st.sampled_from(list(Event)), max_size=15), reliable=st.booleans())
def test_equal_where_the_built_in_models_are_not_enough(sequence: list[Event], reliable: bool) -> None:
    model = read_model(CHAIN, file="chain.toml")  # has a row from a state to itself
    compiled = Engine(model, Timing()).create(reliable=reliable)
    stock = Engine(model, Timing(), compiled=False).create(reliable=reliable)
    for event in [Event.INVITE, *sequence]:
        assert outcome(compiled, event) == outcome(stock, event)


@given(data=st.data(), model=st.sampled_from(MODELS), reliable=st.booleans())
def test_an_observer_sees_the_same_rows_and_changes_nothing(
    data: st.DataObject, model: str, reliable: bool
) -> None:
    seen: dict[bool, list[tuple[str, str]]] = {False: [], True: []}

    def watched(compiled: bool) -> Instance:
        def observe(instance: Instance, row: Row) -> None:
            seen[compiled].append((instance.state, row.id))

        watching = Engine(load_model(model), Timing(), compiled=compiled, observer=observe)
        return watching.create(reliable=reliable)

    alone, compiled, stock = engine(model).create(reliable=reliable), watched(True), watched(False)
    for event in data.draw(st.lists(st.sampled_from(triggers(model)), max_size=40)):
        assert outcome(compiled, event) == outcome(stock, event) == outcome(alone, event)
    assert seen[True] == seen[False]
