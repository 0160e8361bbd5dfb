"""When each timer fires, to the millisecond, on both transport classes and with several T1, T2 and T4.

The instants are typed from the RFCs: :rfc:`3261#section-17` with its table of timers (appendix A),
:rfc:`6026#section-7` for Timers L and M, :rfc:`4320#section-4.1` for the 100 (Trying) to what is no INVITE.
"""

from itertools import pairwise
from typing import NamedTuple

import pytest

from sipfsm.fsm import Action, Timing
from tests.conformance.schedule import Schedule


class Values(NamedTuple):
    """Timer values, and what follows from them by hand; all instants in milliseconds."""

    timing: Timing
    a: list[int]
    """Timer A after the INVITE: intervals double without a limit, until 64*T1."""
    e: list[int]
    """Timer E after the request, and Timer G after the response: intervals double up to T2, until 64*T1."""
    t1_64: int
    """64*T1: Timers B, F, H, J, L, M."""
    d: int
    """Timer D: at least 32 s; we take 64*T1 where that is longer."""
    t2: int
    t4: int
    """T4: Timers I and K."""
    e_at_t2: int
    """When Timer E is reset to T2."""
    watchdog: int
    """64*T1 + T4: when we give up waiting for a TU."""


DEFAULTS = Values(
    Timing(),
    a=[500, 1500, 3500, 7500, 15500, 31500],
    e=[500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500],
    t1_64=32000,
    d=32000,
    t2=4000,
    t4=5000,
    e_at_t2=3500,
    watchdog=37000,
)
FAST = Values(  # T1 for a closed network, and a T2 that is soon reached
    Timing(t1=0.25, t2=1, t4=2),
    a=[250, 750, 1750, 3750, 7750, 15750],
    e=[
        250,
        750,
        1750,
        2750,
        3750,
        4750,
        5750,
        6750,
        7750,
        8750,
        9750,
        10750,
        11750,
        12750,
        13750,
        14750,
        15750,
    ],
    t1_64=16000,
    d=32000,
    t2=1000,
    t4=2000,
    e_at_t2=750,
    watchdog=18000,
)
SLOW = Values(  # a long round trip; T2 is no T1 times a power of two
    Timing(t1=1, t2=5, t4=6),
    a=[1000, 3000, 7000, 15000, 31000, 63000],
    e=[1000, 3000, 7000, 12000, 17000, 22000, 27000, 32000, 37000, 42000, 47000, 52000, 57000, 62000],
    t1_64=64000,
    d=64000,
    t2=5000,
    t4=6000,
    e_at_t2=7000,
    watchdog=70000,
)
UNEVEN = Values(  # nothing here is a round number
    Timing(t1=0.123, t2=0.4, t4=0.789),
    a=[123, 369, 861, 1845, 3813, 7749],
    e=[123, 369, *range(769, 7872, 400)],
    t1_64=7872,
    d=32000,
    t2=400,
    t4=789,
    e_at_t2=369,
    watchdog=8661,
)

every_value = pytest.mark.parametrize(
    "values", [DEFAULTS, FAST, SLOW, UNEVEN], ids=["defaults", "fast", "slow", "uneven"]
)
both_classes = pytest.mark.parametrize("reliable", [False, True], ids=["unreliable", "reliable"])


def only(wanted: list[int], reliable: bool) -> list[int]:
    """What is due over an unreliable transport only."""
    return [] if reliable else wanted


# ---- INVITE client transaction: A, B, D, M -------------------------------------------------------


@every_value
@both_classes
def test_an_invite_is_sent_again_by_timer_a_until_timer_b(values: Values, reliable: bool) -> None:
    run = Schedule("invite-client", reliable=reliable, timing=values.timing).at(0, "tu_request").to_the_end()
    assert run.instants(Action.SEND_REQUEST) == [0]
    assert run.instants(Action.RESEND_REQUEST) == only(values.a, reliable)
    assert run.log[-2:] == [(values.t1_64, Action.INFORM_TIMEOUT), (values.t1_64, Action.TERMINATE)]


def test_64_times_t1_is_the_time_of_seven_invites() -> None:
    run = Schedule("invite-client", reliable=False, timing=Timing()).at(0, "tu_request").to_the_end()
    assert len(run.instants(Action.SEND_REQUEST) + run.instants(Action.RESEND_REQUEST)) == 7


@every_value
@both_classes
def test_a_provisional_response_ends_timers_a_and_b(values: Values, reliable: bool) -> None:
    run = Schedule("invite-client", reliable=reliable, timing=values.timing)
    run.at(0, "tu_request").at(values.a[1] + 1, "response_1xx").until(100 * values.t1_64)
    assert run.instants(Action.RESEND_REQUEST) == only(values.a[:2], reliable)
    assert (run.state, run.log[-1]) == ("Proceeding", (values.a[1] + 1, Action.PASS_RESPONSE))


@every_value
@both_classes
@pytest.mark.parametrize("ringing", [False, True], ids=["from Calling", "from Proceeding"])
def test_timer_d(values: Values, reliable: bool, ringing: bool) -> None:
    run = Schedule("invite-client", reliable=reliable, timing=values.timing).at(0, "tu_request")
    if ringing:
        run.at(17, "response_1xx")
    run.at(100, "response_300_699")
    if not reliable:
        run.at(1000, "response_300_699").at(30_000, "response_300_699")  # does not start it again
    run.to_the_end()
    assert run.instants(Action.SEND_ACK) == [100, *only([1000, 30_000], reliable)]
    assert run.instants(Action.TERMINATE) == [100 if reliable else 100 + values.d]


@every_value
@both_classes
@pytest.mark.parametrize("ringing", [False, True], ids=["from Calling", "from Proceeding"])
def test_timer_m(values: Values, reliable: bool, ringing: bool) -> None:
    run = Schedule("invite-client", reliable=reliable, timing=values.timing).at(0, "tu_request")
    if ringing:
        run.at(17, "response_1xx")
    run.at(100, "response_2xx").at(600, "response_2xx").at(7600, "response_2xx").to_the_end()
    assert run.instants(Action.PASS_RESPONSE) == [*([17] if ringing else []), 100, 600, 7600]
    assert run.instants(Action.SEND_ACK) == []
    assert run.instants(Action.TERMINATE) == [100 + values.t1_64]


# ---- Non-INVITE client transaction: E, F, K ------------------------------------------------------


@every_value
@both_classes
def test_a_request_is_sent_again_by_timer_e_until_timer_f(values: Values, reliable: bool) -> None:
    run = Schedule("non-invite-client", reliable=reliable, timing=values.timing)
    run.at(0, "tu_request").to_the_end()
    assert run.instants(Action.SEND_REQUEST) == [0]
    assert run.instants(Action.RESEND_REQUEST) == only(values.e, reliable)
    assert run.log[-2:] == [(values.t1_64, Action.INFORM_TIMEOUT), (values.t1_64, Action.TERMINATE)]


def test_64_times_t1_is_the_time_of_eleven_requests() -> None:
    run = Schedule("non-invite-client", reliable=False, timing=Timing()).at(0, "tu_request").to_the_end()
    assert len(run.instants(Action.SEND_REQUEST) + run.instants(Action.RESEND_REQUEST)) == 11


@pytest.mark.parametrize(
    ("provisional", "sent_again"),
    [
        # Timer E runs on with the interval it has, and from its next firing on with T2.
        (200, [500, 4500, 8500, 12500, 16500, 20500, 24500, 28500]),
        (700, [500, 1500, 5500, 9500, 13500, 17500, 21500, 25500, 29500]),
        (2000, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]),
        (9000, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]),
    ],
)
def test_after_a_provisional_response_timer_e_goes_with_t2(provisional: int, sent_again: list[int]) -> None:
    run = Schedule("non-invite-client", reliable=False, timing=Timing())
    run.at(0, "tu_request").at(provisional, "response_1xx").at(provisional + 10, "response_1xx").to_the_end()
    assert run.instants(Action.RESEND_REQUEST) == sent_again
    assert run.instants(Action.PASS_RESPONSE) == [provisional, provisional + 10]
    assert run.log[-2:] == [(32000, Action.INFORM_TIMEOUT), (32000, Action.TERMINATE)]


@every_value
@both_classes
def test_a_provisional_response_at_once(values: Values, reliable: bool) -> None:
    run = Schedule("non-invite-client", reliable=reliable, timing=values.timing)
    run.at(0, "tu_request").at(1, "response_1xx").to_the_end()
    flat = list(range(values.e[0], values.t1_64, values.t2))
    assert run.instants(Action.RESEND_REQUEST) == only(flat, reliable)
    assert run.instants(Action.INFORM_TIMEOUT) == [values.t1_64]


@every_value
@both_classes
@pytest.mark.parametrize("waiting", [False, True], ids=["from Trying", "from Proceeding"])
@pytest.mark.parametrize("response", ["response_2xx", "response_300_699"])
def test_timer_k(values: Values, reliable: bool, waiting: bool, response: str) -> None:
    run = Schedule("non-invite-client", reliable=reliable, timing=values.timing).at(0, "tu_request")
    if waiting:
        run.at(17, "response_1xx")
    run.at(100, response)
    if not reliable:
        run.at(500, response)  # dropped, and does not start it again
    run.to_the_end()
    assert run.instants(Action.RESEND_REQUEST) == []
    assert run.instants(Action.PASS_RESPONSE) == [*([17] if waiting else []), 100]
    assert run.instants(Action.TERMINATE) == [100 if reliable else 100 + values.t4]


# ---- INVITE server transaction: G, H, I, L, and the 100 after 200 ms -----------------------------


@every_value
@both_classes
def test_a_100_is_due_after_200_ms_whatever_t1_is(values: Values, reliable: bool) -> None:
    run = Schedule("invite-server", reliable=reliable, timing=values.timing).at(0, "invite").to_the_end()
    assert run.log == [(0, Action.PASS_REQUEST), (200, Action.SEND_TRYING)]
    assert run.state == "Proceeding"


@both_classes
@pytest.mark.parametrize("response", ["tu_100", "tu_101_199", "tu_2xx", "tu_300_699"])
def test_a_tu_that_answers_within_200_ms_needs_no_100(reliable: bool, response: str) -> None:
    run = Schedule("invite-server", reliable=reliable, timing=Timing())
    run.at(0, "invite").at(199, response).to_the_end()
    assert run.instants(Action.SEND_TRYING) == []
    assert run.instants(Action.SEND_RESPONSE) == [199]


@every_value
@both_classes
def test_a_response_is_sent_again_by_timer_g_until_timer_h(values: Values, reliable: bool) -> None:
    run = Schedule("invite-server", reliable=reliable, timing=values.timing)
    run.at(0, "invite").at(1000, "tu_300_699").to_the_end()
    assert run.instants(Action.SEND_RESPONSE) == [1000]
    assert run.instants(Action.RESEND_RESPONSE) == only([1000 + instant for instant in values.e], reliable)
    end = 1000 + values.t1_64
    assert run.log[-2:] == [(end, Action.INFORM_TIMEOUT), (end, Action.TERMINATE)]


@both_classes
def test_a_copy_of_the_invite_is_answered_and_moves_no_timer(reliable: bool) -> None:
    run = Schedule("invite-server", reliable=reliable, timing=Timing())
    run.at(0, "invite").at(100, "tu_300_699").at(700, "invite").to_the_end()
    copies = sorted([700, *only([100 + instant for instant in DEFAULTS.e], reliable)])
    assert run.instants(Action.RESEND_RESPONSE) == copies
    assert run.instants(Action.INFORM_TIMEOUT) == [32100]


@every_value
@both_classes
def test_timer_i(values: Values, reliable: bool) -> None:
    ack = values.e[1] + 1
    run = Schedule("invite-server", reliable=reliable, timing=values.timing)
    run.at(0, "invite").at(0, "tu_300_699").at(ack, "ack")
    if not reliable:
        run.at(ack + 50, "ack").at(ack + 60, "invite")  # absorbed
    run.to_the_end()
    assert run.instants(Action.RESEND_RESPONSE) == only(values.e[:2], reliable)
    assert run.instants(Action.TERMINATE) == [ack if reliable else ack + values.t4]
    assert run.instants(Action.INFORM_TIMEOUT) == []


@every_value
@both_classes
def test_timer_l(values: Values, reliable: bool) -> None:
    run = Schedule("invite-server", reliable=reliable, timing=values.timing)
    run.at(0, "invite").at(1000, "tu_2xx").at(1500, "tu_2xx").at(2500, "invite").at(4000, "ack").to_the_end()
    assert run.instants(Action.SEND_RESPONSE) == [1000, 1500]
    assert run.instants(Action.RESEND_RESPONSE) == []
    assert run.instants(Action.PASS_ACK) == [4000]
    assert run.instants(Action.TERMINATE) == [1000 + values.t1_64]
    assert run.instants(Action.INFORM_TIMEOUT) == []


# ---- Non-INVITE server transaction: J, the 100 of RFC 4320, and our watchdog ---------------------


@every_value
@both_classes
def test_a_100_is_due_when_timer_e_of_a_client_is_at_t2(values: Values, reliable: bool) -> None:
    run = Schedule("non-invite-server", reliable=reliable, timing=values.timing).at(0, "request").to_the_end()
    assert run.instants(Action.SEND_TRYING) == [values.e_at_t2]
    assert run.log[-2:] == [(values.watchdog, Action.INFORM_TIMEOUT), (values.watchdog, Action.TERMINATE)]


@both_classes
def test_with_t1_at_t2_the_100_is_not_due_before_timer_e_fired_once(reliable: bool) -> None:
    run = Schedule("non-invite-server", reliable=reliable, timing=Timing(t1=4, t2=4)).at(0, "request")
    assert run.to_the_end().instants(Action.SEND_TRYING) == [4000]


@every_value
@both_classes
def test_the_100_comes_when_timer_e_has_been_reset_to_t2_and_no_sooner(
    values: Values, reliable: bool
) -> None:
    client = (
        Schedule("non-invite-client", reliable=False, timing=values.timing).at(0, "tu_request").to_the_end()
    )
    sent = [0, *client.instants(Action.RESEND_REQUEST)]
    intervals = [later - earlier for earlier, later in pairwise(sent)]
    reset = sent[intervals.index(values.t2)]
    server = (
        Schedule("non-invite-server", reliable=reliable, timing=values.timing).at(0, "request").to_the_end()
    )
    assert server.instants(Action.SEND_TRYING) == [reset]


@both_classes
@pytest.mark.parametrize("response", ["tu_2xx", "tu_300_699"])
def test_a_final_response_in_time_needs_no_100(reliable: bool, response: str) -> None:
    run = Schedule("non-invite-server", reliable=reliable, timing=Timing())
    run.at(0, "request").at(3499, response).to_the_end()
    assert run.instants(Action.SEND_TRYING) == []


@every_value
@both_classes
@pytest.mark.parametrize("slow", [False, True], ids=["from Trying", "from Proceeding"])
def test_timer_j(values: Values, reliable: bool, slow: bool) -> None:
    answer = values.e_at_t2 + 100 if slow else values.e_at_t2 - 100
    run = Schedule("non-invite-server", reliable=reliable, timing=values.timing)
    run.at(0, "request").at(answer, "tu_2xx")
    if not reliable:
        run.at(answer + 10, "request").at(answer + 2000, "request")  # does not start it again
    run.to_the_end()
    assert run.instants(Action.RESEND_RESPONSE) == only([answer + 10, answer + 2000], reliable)
    assert run.instants(Action.TERMINATE) == [answer if reliable else answer + values.t1_64]
    assert run.instants(Action.INFORM_TIMEOUT) == []


# ---- A proxy's branch: C, and the time after a CANCEL --------------------------------------------


@both_classes
def test_timer_c_is_above_three_minutes_and_reset_by_101_to_199_only(reliable: bool) -> None:
    run = Schedule("branch", reliable=reliable, timing=Timing())
    run.at(0, "tu_invite").at(100_000, "response_100").to_the_end()
    assert run.instants(Action.SEND_CANCEL) == [185_000]
    run = Schedule("branch", reliable=reliable, timing=Timing(timer_c=200))
    run.at(0, "tu_invite").at(100_000, "response_101_199").at(250_000, "response_101_199").to_the_end()
    assert run.instants(Action.SEND_CANCEL) == [450_000]


@both_classes
def test_timer_c_without_any_response(reliable: bool) -> None:
    run = Schedule("branch", reliable=reliable, timing=Timing()).at(0, "tu_invite").to_the_end()
    assert run.log[1:] == [(185_000, Action.ABANDON_CLIENT), (185_000, Action.OFFER_TIMEOUT)]


@every_value
@both_classes
def test_a_final_response_is_awaited_for_64_times_t1_after_the_cancel(values: Values, reliable: bool) -> None:
    run = Schedule("branch", reliable=reliable, timing=values.timing)
    run.at(0, "tu_invite").at(500, "cancel").at(700, "response_100").at(800, "cancel").to_the_end()
    assert run.instants(Action.SEND_CANCEL) == [700]
    end = 700 + values.t1_64
    assert run.log[-2:] == [(end, Action.ABANDON_CLIENT), (end, Action.OFFER_CANCELLED)]
