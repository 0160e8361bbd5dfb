"""Server transactions on the wire and at their user, to the millisecond (RFC 3261 17.2, 6026, 4320)."""

import pytest

from sipfsm.fsm import Timing
from sipfsm.message import make_response
from sipfsm.simulation.network import Link
from sipfsm.transport import StreamLimits
from tests.simulation.elements import ELEMENT, PEER, Scene, run, scene, text

BOTH = pytest.mark.parametrize("protocol", ["UDP", "TCP"])
MINUTE = 60_000

INVITE, OPTIONS, ACK = text("INVITE"), text("OPTIONS"), text("ACK", to="<sip:bob@example.com>;tag=314159")


def respond(it: Scene, status: int) -> None:
    """Answer the first request, as its user."""
    transaction = it.element.served[0]
    if transaction.answered:  # its request is let go of by then
        response = it.peer.responses[-1].copy()
        response.status = status
    else:
        response = make_response(transaction.request, status, to_tag="314159")
    transaction.respond(response)


Step = tuple[int, bytes | int]


async def play(it: Scene, *script: Step) -> None:
    """At each instant, have the peer send a request or the user answer with a status."""
    for instant, action in script:
        await it.until(instant)
        if isinstance(action, bytes):
            it.peer.send(action)
        else:
            respond(it, action)
    await it.until(script[-1][0] + 10 * MINUTE)


# ---- INVITE (17.2.1)


@BOTH
def test_100_is_sent_after_200_ms(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            await play(it, (0, INVITE))
            assert it.statuses() == [(200, 100)]
            [trying] = it.peer.responses
            assert trying.to.tag is None
            assert it.element.methods == ["INVITE"]
            assert it.element.servers.gone_at == [], "no timer bounds Proceeding: Timer C and CANCEL do"

    run(test)


@pytest.mark.parametrize("status", [100, 180, 200, 486])
def test_100_is_not_sent_if_the_user_was_faster(status: int) -> None:
    async def test() -> None:
        async with scene() as it:
            await play(it, (0, INVITE), (199, status))
            assert it.statuses()[0] == (199, status)
            assert (200, 100) not in it.statuses()

    run(test)


def test_a_100_says_when_the_request_was_sent() -> None:
    async def test() -> None:
        async with scene() as it:
            await play(it, (0, text("INVITE", extra="Timestamp: 54")))
            assert it.peer.responses[0].headers.first(b"timestamp") == b"54"

    run(test)


@BOTH
def test_in_proceeding_each_copy_gets_the_latest_provisional_response(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            await play(
                it,
                (0, INVITE),
                (100, INVITE),  # nothing was sent yet
                (300, INVITE),
                (400, 180),
                (500, INVITE),
                (600, 183),
                (700, 182),
                (200_000, INVITE),
            )
            sent = [(200, 100), (300, 100), (400, 180), (500, 180), (600, 183), (700, 182), (200_000, 182)]
            assert it.statuses() == sent
            assert it.element.methods == ["INVITE"]
            assert len(it.element.layer.timers) == 0

    run(test)


def test_an_ack_in_proceeding_is_dropped() -> None:
    async def test() -> None:
        async with scene() as it:
            await play(it, (0, INVITE), (100, ACK), (300, 200))
            assert it.statuses() == [(200, 100), (300, 200)]
            assert it.element.counters["dropped.transaction.invite-server"] == 1
            assert it.element.answerers[0].told == []

    run(test)


G = [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]


@pytest.mark.parametrize("status", [302, 408, 486, 503, 603])
def test_a_failure_over_udp_is_sent_again_until_timer_h(status: int) -> None:
    async def test() -> None:
        async with scene() as it:
            await play(it, (0, INVITE), (50, status))
            assert it.statuses() == [(50 + after, status) for after in [0, *G]]
            assert len({packet.data for packet in it.packets("SIP/2.0 ")}) == 1
            assert it.element.answerers[0].told == [(32_050, "lost")]
            assert it.element.servers.gone_at == [32_050]

    run(test)


def test_a_failure_over_tcp_is_sent_once_and_its_ack_awaited_until_timer_h() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            await play(it, (0, INVITE), (50, 486))
            assert it.statuses() == [(50, 486)]
            assert it.element.answerers[0].told == [(32_050, "lost")]
            assert it.element.servers.gone_at == [32_050]

    run(test)


def test_the_intervals_follow_the_configured_t1_and_t2() -> None:
    async def test() -> None:
        async with scene(timing=Timing(t1=1.0, t2=3.0)) as it:
            await play(it, (0, INVITE), (50, 486))
            assert it.wire("SIP/2.0 ")[:6] == [50, 1050, 3050, 6050, 9050, 12_050]
            assert it.element.servers.gone_at == [64_050]

    run(test)


def test_in_completed_each_copy_gets_the_failure_and_timer_g_goes_on() -> None:
    async def test() -> None:
        async with scene() as it:
            await play(it, (0, INVITE), (50, 486), (100, INVITE), (5000, INVITE))
            resent = [50 + after for after in G]
            assert it.wire("SIP/2.0 486") == sorted([50, 100, 5000, *resent])
            assert it.element.servers.gone_at == [32_050]

    run(test)


def test_an_ack_over_udp_ends_retransmissions_and_the_rest_is_absorbed_for_t4() -> None:
    async def test() -> None:
        async with scene() as it:
            script: list[Step] = [(2000, ACK), (2100, ACK), (3000, INVITE), (6999, ACK), (7001, ACK)]
            await play(it, (0, INVITE), (50, 486), *script)
            assert it.statuses() == [(50, 486), (550, 486), (1550, 486)]
            assert it.element.answerers[0].told == []
            assert it.element.servers.gone_at == [7000]
            assert len(it.element.strays) == 1, "the ACK that came after the end"

    run(test)


def test_an_ack_over_tcp_ends_the_transaction() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            await play(it, (0, INVITE), (50, 486), (2000, ACK))
            assert it.statuses() == [(50, 486)]
            assert it.element.servers.gone_at == [2000]

    run(test)


def test_after_a_failure_the_user_can_say_nothing_more() -> None:
    async def test() -> None:
        async with scene() as it:
            before: list[Step] = [(100, 180), (110, 200), (120, 603)]
            after: list[Step] = [(300, 180), (310, 200), (320, 603)]
            await play(it, (0, INVITE), (50, 486), *before, (200, ACK), *after)
            assert it.statuses() == [(50, 486)]
            assert it.element.counters["rejected.tu.invite-server"] == 1, "a user does not go back"
            assert it.element.counters["dropped.transaction.invite-server"] == 5

    run(test)


@BOTH
def test_a_2xx_is_sent_once_and_copies_of_the_invite_are_absorbed_for_timer_l(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            script = [(500, INVITE), (9000, INVITE), (32_049, INVITE), (32_051, INVITE)]
            await play(it, (0, INVITE), (50, 200), *script)
            assert it.statuses() == [(50, 200), (32_251, 100)]
            assert it.element.servers.gone_at == [32_050], "64*T1, on any transport"
            assert it.element.answerers[0].told == []
            assert len(it.element.served) == 2, "what comes after the end is new"

    run(test)


@BOTH
def test_the_user_repeats_a_2xx_and_may_send_nothing_else(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            script = [(550, 200), (1550, 202), (1600, 180), (1700, 100), (1800, 486), (3550, 200)]
            await play(it, (0, INVITE), (50, 200), *script)
            assert it.statuses() == [(50, 200), (550, 200), (1550, 202), (3550, 200)]
            assert it.element.servers.gone_at == [32_050]
            assert it.element.counters["dropped.transaction.invite-server"] == 3

    run(test)


@BOTH
def test_an_ack_with_the_branch_of_an_accepted_invite_is_passed_each_time(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            await play(it, (0, INVITE), (50, 200), (500, ACK), (600, ACK), (700, 200), (32_051, ACK))
            assert it.element.answerers[0].told == [(500, "ack"), (600, "ack")]
            assert it.statuses() == [(50, 200), (700, 200)]
            assert it.element.servers.gone_at == [32_050]
            assert len(it.element.strays) == 1

    run(test)


@pytest.mark.parametrize(
    ("status", "script", "gone_at"),
    [
        pytest.param(200, [], 16_050, id="Timer L"),
        pytest.param(486, [], 16_050, id="Timer H"),
        pytest.param(486, [(1000, ACK)], 8000, id="Timer I"),
    ],
)
def test_timers_h_and_l_follow_t1_and_timer_i_is_t4(status: int, script: list[Step], gone_at: int) -> None:
    async def test() -> None:
        async with scene(timing=Timing(t1=0.25, t4=7)) as it:
            await play(it, (0, INVITE), (50, status), *script)
            assert it.element.servers.gone_at == [gone_at]

    run(test)


# ---- any other request (17.2.2 with erratum 1470, RFC 4320)


@BOTH
def test_100_to_a_request_that_is_no_invite_is_sent_when_timer_e_has_reached_t2(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            copies = [(500, OPTIONS), (1500, OPTIONS), (3499, OPTIONS), (3600, OPTIONS), (7500, OPTIONS)]
            await play(it, (0, OPTIONS), *copies, (8000, 200))
            sent = [(3500, 100), (3600, 100), (7500, 100), (8000, 200)]
            assert it.statuses() == sent
            assert it.element.counters["dropped.transaction.non-invite-server"] == 3, "copies in Trying"
            assert it.element.methods == ["OPTIONS"]

    run(test)


def test_100_follows_the_configured_t1_and_t2() -> None:
    async def test() -> None:
        async with scene(timing=Timing(t1=1.0, t2=2.0)) as it:
            await play(it, (0, OPTIONS))
            assert it.statuses() == [(1000, 100)]

    run(test)


@pytest.mark.parametrize("status", [200, 302, 404, 500, 603])
def test_a_final_response_over_udp_is_sent_for_each_copy_until_timer_j(status: int) -> None:
    async def test() -> None:
        async with scene() as it:
            script: list[Step] = [(500, OPTIONS), (600, 200), (700, 100), (9000, OPTIONS)]
            await play(it, (0, OPTIONS), (50, status), *script, (32_049, OPTIONS), (32_051, OPTIONS))
            assert it.statuses()[:4] == [(50, status), (500, status), (9000, status), (32_049, status)]
            assert it.element.servers.gone_at[0] == 32_050
            assert it.element.counters["dropped.transaction.non-invite-server"] == 2, "what the user added"
            assert len(it.element.served) == 2, "what comes after the end is new"

    run(test)


def test_a_final_response_over_tcp_ends_the_transaction() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            await play(it, (0, OPTIONS), (50, 200))
            assert (it.statuses(), it.element.servers.gone_at) == ([(50, 200)], [50])

    run(test)


@BOTH
@pytest.mark.parametrize("status", [180, 183, 199])
def test_no_provisional_response_but_100_is_sent(protocol: str, status: int) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            await play(it, (0, OPTIONS), (50, status), (3600, status), (4000, 200))
            assert it.statuses() == [(3500, 100), (4000, 200)]
            assert it.element.counters["rejected.tu.non-invite-server"] == 2

    run(test)


def test_100_over_udp_is_not_sent_before_its_time() -> None:
    async def test() -> None:
        async with scene() as it:
            await play(it, (0, OPTIONS), (50, 100), (3499, 100), (3501, 100), (4000, 200))
            assert it.statuses() == [(3500, 100), (3501, 100), (4000, 200)]
            assert it.element.counters["rejected.tu.non-invite-server"] == 2

    run(test)


def test_100_over_tcp_may_be_sent_at_any_time() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            await play(it, (0, OPTIONS), (50, 100), (60, OPTIONS), (4000, 200))
            assert it.statuses() == [(50, 100), (60, 100), (4000, 200)]

    run(test)


@BOTH
@pytest.mark.parametrize("instant", [50, 3600])
def test_408_is_never_sent(protocol: str, instant: int) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            await play(it, (0, OPTIONS), (instant, 408))
            assert it.statuses() == [(3500, 100)]
            assert it.element.counters["rejected.tu.non-invite-server"] == 1
            assert it.element.servers.gone_at == [37_000]

    run(test)


@BOTH
def test_a_user_that_never_answers_is_told_when_no_client_waits_any_more(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            await play(it, (0, OPTIONS), (36_999, OPTIONS))
            assert it.element.answerers[0].told == [(37_000, "lost")], "64*T1 + T4"
            assert it.element.servers.gone_at == [37_000]
            assert it.statuses() == [(3500, 100), (36_999, 100)]

    run(test)


@pytest.mark.parametrize(("data", "instant"), [(INVITE, 100), (INVITE, 300), (OPTIONS, 100), (OPTIONS, 3600)])
def test_a_user_may_give_a_request_up(data: bytes, instant: int) -> None:
    async def test() -> None:
        async with scene() as it:
            it.peer.send(data)
            await it.until(instant)
            sent = it.statuses()
            it.element.served[0].abandon()
            await it.until(10 * MINUTE)
            assert it.element.servers.gone_at == [instant]
            assert it.statuses() == sent

    run(test)


@pytest.mark.parametrize("script", [[(50, 200), (100, ACK)], [(50, 486)], [(36_000, OPTIONS)]])
def test_a_user_need_not_care_what_becomes_of_its_answer(script: list[Step]) -> None:
    async def test() -> None:
        async with scene() as it:
            it.peer.send(INVITE if len(script) == 2 or script[0][1] == 486 else OPTIONS)
            await it.until(1)
            it.element.served[0].user = None
            await play(it, *script)
            assert it.element.servers == {}

    run(test)


# ---- where responses go, and what becomes of those that cannot be sent (17.2.4, 18.2.2; RFC 6026 8.8)

NOWHERE = f"SIP/2.0/UDP {PEER}:5060;maddr=2001:db8::1;branch=z9hG4bK1"
"""The Via of somebody who wants answers sent by an IP version that the element does not speak."""


@pytest.mark.parametrize(
    ("status", "told", "gone_at"),
    [
        (180, [50], []),
        (200, [50], [32_050]),
        (486, [50, *[50 + after for after in G], 32_050], [32_050]),
    ],
)
def test_an_invite_whose_response_cannot_be_sent_stays_where_it_is(
    status: int, told: list[int], gone_at: list[int]
) -> None:
    async def test() -> None:
        async with scene() as it:
            await play(it, (0, text("INVITE", via=NOWHERE)), (50, status))
            assert it.element.answerers[0].told == [(instant, "lost") for instant in told]
            assert it.element.servers.gone_at == gone_at
            assert it.element.counters["transport-error.no-listener"] == len(told) - (status == 486)
            assert it.packets("SIP/2.0 ") == []

    run(test)


def test_a_request_that_is_no_invite_stays_too() -> None:
    async def test() -> None:
        async with scene() as it:
            options = text("OPTIONS", via=NOWHERE)
            await play(it, (0, options), (4000, 200), (5000, options))
            assert it.element.answerers[0].told == [(3500, "lost"), (4000, "lost"), (5000, "lost")]
            assert it.element.servers.gone_at == [36_000]
            assert it.element.methods == ["OPTIONS"]

    run(test)


@pytest.mark.parametrize("data", [INVITE, OPTIONS])
@pytest.mark.parametrize("status", [200, 486])
def test_a_response_opens_a_connection_if_that_of_the_request_is_gone(data: bytes, status: int) -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            it.peer.send(data)
            await it.until(100)
            it.network.reset_streams(ELEMENT, PEER)
            await it.until(150)
            respond(it, status)
            await it.until(10 * MINUTE)
            [packet] = it.packets("SIP/2.0 ")
            assert (packet.protocol, packet.destination) == ("TCP", (PEER, 5060)), "the port of the sent-by"
            assert it.peer.came("SIP/2.0 ") == [150]
            assert [response.status for response in it.peer.responses] == [status]

    run(test)


def test_a_connection_that_was_good_for_one_response_may_be_gone_for_the_next() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            it.peer.send(INVITE)
            await it.until(100)
            respond(it, 180)
            await it.until(200)
            it.network.reset_streams(ELEMENT, PEER)
            await it.until(300)
            respond(it, 200)
            await it.until(MINUTE)
            assert it.peer.came("SIP/2.0 ") == [100, 300]
            assert it.element.answerers[0].told == []

    run(test)


def test_responses_that_wait_for_a_connection_keep_their_order_and_copies_wait_once() -> None:
    async def test() -> None:
        async with scene("TCP", stream=StreamLimits(connect_timeout=100)) as it:
            it.peer.send(INVITE)
            await it.until(10)
            it.network.reset_streams(ELEMENT, PEER)
            await it.until(20)
            await it.peer.open()
            it.network.set_link(ELEMENT, PEER, Link(latency=5))  # so long it takes to connect
            transaction = it.element.served[0]
            for status in (180, 183):
                transaction.respond(make_response(transaction.request, status))
            for _ in range(100):
                it.peer.send(INVITE)
            await it.until(100)
            respond(it, 200)
            assert transaction.nursery is not None
            assert len(transaction.nursery.child_tasks) == 1
            await it.until(MINUTE)
            assert [status for _, status in it.statuses()] == [180, 183, 200]

    run(test)


@pytest.mark.parametrize("data", [INVITE, OPTIONS])
def test_a_response_for_which_no_connection_can_be_opened_is_lost(data: bytes) -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            it.peer.send(data.replace(b":5060", b":5099"))
            await it.until(100)
            it.network.reset_streams(ELEMENT, PEER)
            await it.until(150)
            respond(it, 200)
            await it.until(10 * MINUTE)
            assert it.peer.responses == []
            assert it.element.counters["transport-error.refused"] == 1
            if data is INVITE:
                assert it.element.answerers[0].told == [(150, "lost")]
                assert it.element.servers.gone_at == [32_150]

    run(test)


def test_a_copy_that_comes_over_another_connection_is_answered_where_the_first_one_was() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            await play(it, (0, INVITE), (50, 180))
            await it.peer.open()
            it.peer.send(INVITE)
            await it.until(20 * MINUTE)
            assert [response.status for response in it.peer.responses] == [180, 180]
            assert len({flow for _, _, flow in it.peer.inbox}) == 1

    run(test)
