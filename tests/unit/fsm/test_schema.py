"""Each kind of mistake in a model file is answered with the file, the row and the reason."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from sipfsm.fsm import Model, ModelError, Timer, load_model, load_model_file, read_model
from tests.unit.fsm.samples import FILE, ROW_1, ROW_3, ROWS, SAMPLE, changed, read, with_rows


def problems(text: str) -> list[str]:
    with pytest.raises(ModelError) as caught:
        read(text)
    assert caught.value.file == FILE
    assert str(caught.value).splitlines() == [f"{FILE}: {problem}" for problem in caught.value.problems]
    return caught.value.problems


def test_the_sample_is_right() -> None:
    model = read(SAMPLE)
    assert isinstance(model, Model)
    assert [row.id for row in model.transitions] == ["SAM-01", "SAM-02", "SAM-03"]
    assert list(model.states) == ["Idle", "Busy", "Over"]


def one_problem() -> Iterable[tuple[str, str, str]]:
    """Name, text and the only sentence of each mistake that the schema itself does not know."""
    # What a row may say.
    yield (
        "unknown action in a row",
        changed(('"send_request"', '"send_requets"')),
        "row SAM-01: unknown action 'send_requets'",
    )
    yield (
        "unknown action on entering a state",
        changed(('["terminate"]', '["terminated"]')),
        "states.Over: unknown action 'terminated'",
    )
    yield (
        "unknown action on leaving a state",
        changed(("[states.Over]", 'on_exit = ["stop_Z"]\n[states.Over]')),
        "states.Busy: unknown action 'stop_Z'",
    )
    yield (
        "unknown dest",
        changed(with_rows("id = 'SAM-04', source = 'Busy', trigger = 'ack', dest = 'Bussy'")),
        "row SAM-04: dest 'Bussy' is neither the source of a row nor a final state",
    )
    yield (
        "two rows for one event in one state",
        changed(with_rows("id = 'SAM-04', source = 'Busy', trigger = ['ack', 'response_2xx']")),
        "row SAM-04: response_2xx in Busy has a row already, SAM-03",
    )
    yield (
        "an id that stands twice",
        changed(with_rows("id = 'SAM-02', source = 'Busy', trigger = 'ack'")),
        "row SAM-02: the id stands 2 times",
    )
    yield (
        "an exit from a final state",
        changed(with_rows("id = 'SAM-04', source = 'Over', trigger = 'ack'")),
        "row SAM-04: Over is a final state, nothing leaves it",
    )
    # Which states there are.
    yield (
        "a final state that is not reached",
        changed(('["Over"]', '["Over", "Elsewhere"]')),
        "state Elsewhere: cannot be reached from Idle",
    )
    yield (
        "a state that is not reached",
        changed(with_rows("id = 'SAM-04', source = 'Lost', trigger = 'ack', dest = 'Over'")),
        "state Lost: cannot be reached from Idle",
    )
    yield (
        "a state without a way out",
        changed(
            with_rows(
                "id = 'SAM-04', source = 'Busy', trigger = 'ack', dest = 'Stuck'",
                "id = 'SAM-05', source = 'Stuck', trigger = 'ack', before = ['drop']",
            )
        ),
        "state Stuck: nothing leads out of it",
    )
    yield (
        "a state with a way to itself alone",
        changed(
            with_rows(
                "id = 'SAM-04', source = 'Busy', trigger = 'ack', dest = 'Stuck'",
                "id = 'SAM-05', source = 'Stuck', trigger = 'ack', dest = 'Stuck'",
            )
        ),
        "state Stuck: nothing leads out of it",
    )
    # The timers.
    yield (
        "a timer that nothing starts",
        changed(('on_enter = ["start_A"]', "on_enter = []")),
        "timers.A: nothing starts this timer",
    )
    yield (
        "a timer that no row waits for",
        changed(('start_A"', 'start_A", "start_B"'), ("[timers]", "[timers]\nB = { reliable = '1' }")),
        "timers.B: no row waits for timer_B",
    )
    yield (
        "a timer that is not declared, in a row",
        changed(('"send_request"', '"send_request", "stop_B"')),
        "row SAM-01: stop_B needs a table entry timers.B",
    )
    yield (
        "a timer that is not declared, in a state",
        changed(('"start_A"', '"start_A", "start_B"')),
        "states.Busy: start_B needs a table entry timers.B",
    )
    yield (
        "a row for a timer that is not declared",
        changed(("response_1xx", "timer_B")),
        "timers: a row waits for timer_B, but there is no timers.B",
    )
    yield (
        "a cap that is not declared",
        changed(("back_off_A", "cap_A"), (', cap = "T2"', "")),
        "row SAM-02: cap_A needs a cap in timers.A",
    )
    yield (
        "a delay for no transport class",
        changed(('unreliable = "T1", ', "")),
        "timers.A: has a delay for no transport class",
    )
    yield (
        "a timer of zero that its own row starts again",
        changed(('unreliable = "T1"', 'unreliable = "0"')),
        "state Busy: timers of 0 seconds lead round in a circle (unreliable)",
    )
    # Starting a timer again is for the row that it fired: no other knows its last delay.
    yield (
        "a longer delay in the row of another event",
        changed(with_rows("id = 'SAM-04', source = 'Busy', trigger = 'ack', before = ['back_off_A']")),
        "row SAM-04: back_off_A belongs in a row that only timer_A triggers",
    )
    yield (
        "a longer delay in a row of two events",
        changed(('trigger = "timer_A"', 'trigger = ["timer_A", "ack"]')),
        "row SAM-02: back_off_A belongs in a row that only timer_A triggers",
    )
    yield (
        "the longest delay on entering a state",
        changed(('on_enter = ["start_A"]', 'on_enter = ["start_A"]\non_exit = ["cap_A"]')),
        "states.Busy: cap_A belongs in a row that only timer_A triggers",
    )


SINGLE = list(one_problem())


@pytest.mark.parametrize(
    ("text", "sentence"), [case[1:] for case in SINGLE], ids=[case[0] for case in SINGLE]
)
def test_a_mistake_is_answered_with_one_sentence(text: str, sentence: str) -> None:
    assert problems(text) == [sentence]


DELAYS = {
    "": "cannot read the delay ''",
    "T5": "unknown name 'T5' in a delay; there are T1, T2, T4, TC, E_at_T2",
    "2*T5": "unknown name 'T5' in a delay",
    "T1*2": "cannot read the delay 'T1*2': write for example 64*T1, T2, 0.2 or max(32, 64*T1)",
    "-1": "cannot read the delay '-1'",
    "1 +": "cannot read the delay ''",
    "fast": "cannot read the delay 'fast'",
    "max(T1)": "cannot read the delay 'max(T1)'",
    "max(T1, T2, T4)": "cannot read the delay 'max(T1,T2,T4)'",
    "max(T1, T5)": "unknown name 'T5'",
}


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("place", ['unreliable = "T1"', 'cap = "T2"'], ids=["delay", "cap"])
def test_a_delay_that_cannot_be_read(place: str, delay: str) -> None:
    name = place.split(" ", maxsplit=1)[0]
    (problem,) = problems(changed((place, f'{name} = "{delay}"')))
    assert problem.startswith(f"timers.A: {DELAYS[delay]}")


def test_a_delay_of_the_reliable_class_that_cannot_be_read() -> None:
    (problem,) = problems(changed(('unreliable = "T1"', 'unreliable = "T1", reliable = "soon"')))
    assert problem.startswith("timers.A: cannot read the delay 'soon'")


# ---- mistakes that have further ones in their train ----------------------------------------------


def test_an_initial_state_that_does_not_exist() -> None:
    assert problems(changed(('"Idle"\nfinal', '"Idel"\nfinal'))) == [
        "initial: no row leaves the state 'Idel'",
        "states.Idel: no row uses this state",
        "state Idel: nothing leads out of it",
        "state Idle: cannot be reached from Idel",
        "state Busy: cannot be reached from Idel",
        "state Over: cannot be reached from Idel",
    ]


def test_a_table_of_a_state_that_no_row_uses() -> None:
    assert problems(changed(("[states.Over]", "[states.Ovr]\n[states.Over]"))) == [
        "states.Ovr: no row uses this state",
        "state Ovr: cannot be reached from Idle",
        "state Ovr: nothing leads out of it",
    ]


def test_timers_of_zero_that_lead_from_state_to_state_and_back() -> None:
    text = changed(
        (
            'before = ["resend_request", "back_off_A"]',
            'before = ["resend_request"], dest = "Idle"',
        ),
        with_rows("id = 'SAM-04', source = 'Idle', trigger = 'timer_B', dest = 'Busy'"),
        ('"start_A"', '"start_A", "start_B"'),
        ("[timers]", "[timers]\nB = { unreliable = '1', reliable = '0*T4' }"),
        ('unreliable = "T1"', 'unreliable = "T1", reliable = "0"'),
    )
    assert problems(text) == [
        "state Busy: timers of 0 seconds lead round in a circle (reliable)",
        "state Idle: timers of 0 seconds lead round in a circle (reliable)",
    ]


def test_a_row_of_a_timer_of_zero_may_stay() -> None:
    text = changed(('"resend_request", "back_off_A"', '"resend_request", "stop_A"'), ('"T1"', '"0"'))
    assert read(text).timers[Timer.A].unreliable == "0"


def test_no_way_to_a_final_state() -> None:
    back = "  { id = 'SAM-03', source = 'Busy', trigger = 'ack', dest = 'Idle', rfc = '3' },"
    text = changed((ROW_3, back))
    assert problems(text) == [
        "state Idle: no way from here to a final state",
        "state Busy: no way from here to a final state",
        "state Over: cannot be reached from Idle",
    ]


def test_all_mistakes_are_reported_at_once() -> None:
    text = changed(
        ('"send_request"', '"send_it"'),
        ("back_off_A", "cap_A"),
        (', cap = "T2"', ""),
        ('unreliable = "T1"', 'unreliable = "T1", reliable = "later"'),
        with_rows(
            "id = 'SAM-03', source = 'Busy', trigger = 'ack', dest = 'Nowhere'",
            "id = 'SAM-05', source = 'Over', trigger = 'timer_B'",
        ),
    )
    found = problems(text)
    assert [problem.split(":")[0] for problem in found] == [
        "row SAM-01",
        "row SAM-03",
        "row SAM-03",
        "row SAM-05",
        "timers.A",
        "row SAM-02",
        "timers",
    ]
    assert "row SAM-01: unknown action 'send_it'" in found
    assert "row SAM-03: dest 'Nowhere' is neither the source of a row nor a final state" in found
    assert "row SAM-03: the id stands 2 times" in found
    assert "row SAM-05: Over is a final state, nothing leaves it" in found
    assert "row SAM-02: cap_A needs a cap in timers.A" in found
    assert "timers: a row waits for timer_B, but there is no timers.B" in found


# ---- what the schema itself refuses --------------------------------------------------------------

SHAPES: list[tuple[str, tuple[str, str], str, str]] = [
    # What it is, the change, how the sentence starts, how it ends.
    (
        "unknown event",
        ('"tu_request"', '"tu_x"'),
        "row SAM-01.trigger.0: Input should be 'invite', ",
        ", got 'tu_x'",
    ),
    (
        "unknown event of two",
        ("response_2xx", "response_200"),
        "row SAM-03.trigger.1: Input",
        ", got 'response_200'",
    ),
    (
        "no event",
        ('["response_1xx", "response_2xx"]', "[]"),
        "row SAM-03.trigger: Value should have at least 1",
        "",
    ),
    ("an event that is no text", ('"timer_A"', "5"), "row SAM-02.trigger: Input should be", "tuple, got 5"),
    ("no source", ('source = "Idle", ', ""), "row SAM-01.source: Field required", ""),
    ("no clause", (', rfc = "3"', ""), "row SAM-03.rfc: Field required", ""),
    ("no id", ('id = "SAM-02", ', ""), "row number 2.id: Field required", ""),
    ("an id of another form", ("SAM-02", "sam-2"), "row sam-2.id: String should match", ", got 'sam-2'"),
    (
        "an extra key in a row",
        ("source", "guard = 'U', source"),
        "row SAM-01.guard: Extra inputs are",
        "got 'U'",
    ),
    ("a row that is no table", (ROW_1, "3,"), "row number 1: Input should be a valid dictionary", ", got 3"),
    (
        "rows that are no list",
        (f"[\n{ROWS}\n]", "3"),
        "transitions: Input should be a valid tuple",
        ", got 3",
    ),
    ("no rows", (ROWS, ""), "transitions: Tuple should have at least 1 item", ""),
    ("no name", ('name    = "sample"', ""), "name: Field required", ""),
    ("a name of another form", ('"sample"', '"A Name"'), "name: String should match", ", got 'A Name'"),
    ("no initial state", ('initial = "Idle"', ""), "initial: Field required", ""),
    ("no final state", ('final   = ["Over"]', "final = []"), "final: Tuple should have at least 1 item", ""),
    ("an extra key", ("initial", "start = 'Idle'\ninitial"), "start: Extra inputs are not", ", got 'Idle'"),
    ("an extra key of a state", ("on_enter", "enter = 1\non_enter"), "states.Busy.enter: Extra", ", got 1"),
    ("an extra key of a timer", ("cap = ", "limit = 3, cap = "), "timers.A.limit: Extra", ", got 3"),
    ("an unknown timer", ("[timers]", "[timers]\nZ = { reliable = '0' }"), "timers.Z.", ", got 'Z'"),
    ("a delay that is no text", ('"T1"', "0.5"), "timers.A.unreliable: Input should be", "string, got 0.5"),
    ("delays that shrink", ("backoff = 2", "backoff = 0.5"), "timers.A.backoff: Input", ", got 0.5"),
]


@pytest.mark.parametrize(
    ("change", "start", "end"), [shape[1:] for shape in SHAPES], ids=[shape[0] for shape in SHAPES]
)
def test_a_file_of_another_shape(change: tuple[str, str], start: str, end: str) -> None:
    found = [problem for problem in problems(changed(change)) if problem.startswith(start)]
    assert len(found) >= 1
    assert found[0].endswith(end)


def test_all_mistakes_of_shape_are_reported_at_once() -> None:
    text = changed(('"tu_request"', '"tu_requets"'), ("on_enter", "enter"), ('name    = "sample"', ""))
    assert [problem.split(":")[0] for problem in problems(text)] == [
        "name",
        "row SAM-01.trigger.0",
        "states.Busy.enter",
        "states.Over.enter",
    ]


# ---- files ---------------------------------------------------------------------------------------


def test_bad_toml_names_the_place() -> None:
    (problem,) = problems(SAMPLE + "B = {\nC")
    assert problem.startswith("is not valid TOML: ")
    assert "(at line " in problem


def test_a_key_that_stands_twice_is_bad_toml() -> None:
    (problem,) = problems('name = "a"\nname = "b"\n')
    assert problem.startswith("is not valid TOML: ")


def test_a_model_of_a_user_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SAMPLE, encoding="utf-8")
    assert load_model_file(path) == read(SAMPLE)


@pytest.mark.parametrize("kind", ["missing", "folder", "not utf-8"])
def test_a_file_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mine.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "not utf-8":
        path.write_bytes(b'name = "\xff"\n')
    with pytest.raises(ModelError) as caught:
        load_model_file(path)
    assert str(caught.value).startswith(f"{path}: cannot be read: ")


def test_the_problems_of_a_file_name_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(changed(('"send_request"', '"send_it"')), encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_model_file(path)
    assert str(caught.value) == f"{path}: row SAM-01: unknown action 'send_it'"


@pytest.mark.parametrize("name", ["nonsense", "rfc3261/branch", "rfc3261"])
def test_a_model_that_is_not_built_in(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(name)
    assert str(caught.value) == f"{name}.toml: there is no built-in model of this name"


def test_a_built_in_model_is_read_once() -> None:
    assert load_model("invite-server") is load_model("invite-server")
    assert load_model("rfc3261/invite-server").name == "invite-server-rfc3261"


# ---- what a model says ---------------------------------------------------------------------------


def test_one_event_and_a_list_of_one_are_the_same() -> None:
    assert read(changed(('"timer_A"', '["timer_A"]'))) == read(SAMPLE)


def test_a_row_acts_if_it_does_or_moves_anything() -> None:
    rows = read(changed(with_rows("id = 'SAM-04', source = 'Busy', trigger = 'ack'"))).transitions
    assert [row.acts for row in rows] == [True, True, True, False]


def test_actions_are_told_with_their_place() -> None:
    assert list(read(SAMPLE).actions()) == [
        ("row SAM-01", "send_request"),
        ("row SAM-02", "resend_request"),
        ("row SAM-02", "back_off_A"),
        ("states.Busy", "start_A"),
        ("states.Over", "terminate"),
    ]


def test_a_model_does_not_change() -> None:
    model = read(SAMPLE)
    with pytest.raises(ValueError, match="frozen"):
        model.initial = "Busy"  # type: ignore[misc]


def test_states_without_a_table_have_no_actions() -> None:
    state = read(SAMPLE).states["Idle"]
    assert (state.on_enter, state.on_exit, state.note) == ((), (), "")


def test_timers_keep_what_they_declare() -> None:
    spec = read_model(SAMPLE, file=FILE).timers[Timer.A]
    assert (spec.unreliable, spec.reliable, spec.backoff, spec.cap) == ("T1", None, 2, "T2")
