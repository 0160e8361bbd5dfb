"""The base values, and the language in which models write delays."""

import math

import pytest

from sipfsm.fsm import DelayError, Timing

NAMES = "T1, T2, T4, TC, E_at_T2, CONNECT, MESSAGE, IDLE, SEND, LINGER, DRAIN, SETTLE, FAREWELL"
"""The names that a delay may use."""


def test_the_defaults_are_those_of_the_rfc() -> None:
    timing = Timing()
    assert (timing.t1, timing.t2, timing.t4) == (0.5, 4, 5)
    assert timing.timer_c > 180


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"t1": 0}, "T1, T2 and T4 must be above 0 seconds"),
        ({"t1": -0.5}, "T1, T2 and T4 must be above 0 seconds"),
        ({"t2": 0}, "T1, T2 and T4 must be above 0 seconds"),
        ({"t4": 0}, "T1, T2 and T4 must be above 0 seconds"),
        ({"t1": 4.5}, "T2 (4 s) must not be below T1 (4.5 s)"),
        ({"timer_c": 180}, "Timer C must be above 180 seconds (RFC 3261 16.6 step 11)"),
        ({"t1": math.nan}, "T1, T2, T4 and Timer C must be finite numbers of seconds"),
        ({"t2": math.inf}, "T1, T2, T4 and Timer C must be finite numbers of seconds"),
        ({"t4": math.nan}, "T1, T2, T4 and Timer C must be finite numbers of seconds"),
        ({"timer_c": math.nan}, "T1, T2, T4 and Timer C must be finite numbers of seconds"),
        ({"connect": 0}, "the times of a stream connection must be finite and above 0 seconds"),
        ({"message": math.nan}, "the times of a stream connection must be finite and above 0 seconds"),
        ({"idle": math.inf}, "the times of a stream connection must be finite and above 0 seconds"),
        ({"send": -1}, "the times of a stream connection must be finite and above 0 seconds"),
        ({"linger": 0}, "the times of a stream connection must be finite and above 0 seconds"),
        ({"drain": 0}, "the times of a server's end must be finite and above 0 seconds"),
        ({"settle": math.nan}, "the times of a server's end must be finite and above 0 seconds"),
        ({"farewell": math.inf}, "the times of a server's end must be finite and above 0 seconds"),
    ],
)
def test_values_with_which_no_machine_works(values: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole sentence is compared
        Timing(**values)
    assert str(caught.value) == sentence


def test_t1_may_be_as_long_as_t2_and_timer_c_a_moment_above_three_minutes() -> None:
    assert Timing(t1=4, t2=4, timer_c=180.001).t1 == 4


@pytest.mark.parametrize(
    ("t1", "t2", "seconds"),
    [
        (0.5, 4, 3.5),  # fires at 0.5, 1.5 and 3.5, and is then reset to T2
        (0.25, 1, 0.75),
        (1, 5, 7),  # 1, 3 and 7: MIN(8, 5)
        (2, 4, 2),
        (3, 4, 3),  # 3: MIN(6, 4)
        (4, 4, 4),  # set to T1, reset to T2 when it fires, though both are the same
    ],
)
def test_when_timer_e_is_reset_to_t2(t1: float, t2: float, seconds: float) -> None:
    assert Timing(t1=t1, t2=t2).timer_e_at_t2 == seconds
    assert Timing(t1=t1, t2=t2).delay("E_at_T2") == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("32", 32),
        ("0.2", 0.2),
        ("T1", 0.25),
        ("T2", 3),
        ("T4", 7),
        ("TC", 200),
        ("E_at_T2", 1.75 + 2),
        ("64*T1", 16),
        ("0.5*T4", 3.5),
        ("64*T1+T4", 23),
        ("T1 + T2 + 1", 4.25),
        (" 64 * T1 ", 16),
        ("max(32, 64*T1)", 32),
        ("max(64*T1, 2)", 16),
        ("max(T2 + T4, 64*T1)", 16),
    ],
)
def test_delays(text: str, seconds: float) -> None:
    assert Timing(t1=0.25, t2=3, t4=7, timer_c=200).delay(text) == seconds


def test_the_delays_of_a_stream_connection() -> None:
    timing = Timing(connect=1, message=2, idle=3, send=4, linger=5)
    delays = {name: timing.delay(name) for name in ("CONNECT", "MESSAGE", "IDLE", "SEND", "LINGER")}
    assert delays == {"CONNECT": 1, "MESSAGE": 2, "IDLE": 3, "SEND": 4, "LINGER": 5}


def test_the_delays_of_the_end_of_a_server() -> None:
    timing = Timing(drain=1, settle=2, farewell=3)
    delays = {name: timing.delay(name) for name in ("DRAIN", "SETTLE", "FAREWELL")}
    assert delays == {"DRAIN": 1, "SETTLE": 2, "FAREWELL": 3}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("T3", f"unknown name 'T3' in a delay; there are {NAMES}"),
        ("64*TX", f"unknown name 'TX' in a delay; there are {NAMES}"),
        ("", "cannot read the delay '': write for example 64*T1, T2, 0.2 or max(32, 64*T1)"),
        ("t1", "cannot read the delay 't1': write for example 64*T1, T2, 0.2 or max(32, 64*T1)"),
        ("T1\n", "cannot read the delay 'T1\\n': write for example 64*T1, T2, 0.2 or max(32, 64*T1)"),
        ("1e3", "cannot read the delay '1e3': write for example 64*T1, T2, 0.2 or max(32, 64*T1)"),
        ("min(1,2)", "cannot read the delay 'min(1,2)': write for example 64*T1, T2, 0.2 or max(32, 64*T1)"),
        ("T2-T1", "cannot read the delay 'T2-T1': write for example 64*T1, T2, 0.2 or max(32, 64*T1)"),
    ],
)
def test_delays_that_cannot_be_read(text: str, sentence: str) -> None:
    with pytest.raises(DelayError) as caught:
        Timing().delay(text)
    assert str(caught.value) == sentence
