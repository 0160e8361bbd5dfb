"""Client transactions on the wire and at their user, to the millisecond (RFC 3261 17.1, RFC 6026 7.2)."""

import pytest

from sipfsm.fsm import Timing
from sipfsm.message import make_response
from sipfsm.simulation.network import Link
from sipfsm.transport import StreamLimits
from tests.simulation.elements import ELEMENT, PEER, request, run, scene

BOTH = pytest.mark.parametrize("protocol", ["UDP", "TCP"])
MINUTE = 60_000


# ---- what every request gets (18.1.1, RFC 3581 3)


@BOTH
def test_a_request_gets_a_via_of_the_flow_that_it_goes_over(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            client, _ = it.send("OPTIONS")
            await it.until(1)
            [packet] = it.packets("OPTIONS ")
            via = f"Via: SIP/2.0/{protocol} {ELEMENT}:5060;branch={client.branch};rport"
            assert packet.data.split(b"\r\n")[1] == via.encode()
            assert client.branch.startswith("z9hG4bK")

    run(test)


# ---- INVITE (17.1.1)


def test_an_invite_over_udp_is_sent_at_intervals_that_double_until_timer_b() -> None:
    async def test() -> None:
        async with scene() as it:
            _, caller = it.send("INVITE")
            await it.until(5 * MINUTE)
            assert it.wire("INVITE ") == [0, 500, 1500, 3500, 7500, 15_500, 31_500]
            assert len({packet.data for packet in it.packets("INVITE ")}) == 1
            assert caller.told == [(32_000, "timeout")]
            assert it.element.clients.gone_at == [32_000]
            assert it.wire("ACK ") == []

    run(test)


def test_an_invite_over_tcp_is_sent_once() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            _, caller = it.send("INVITE")
            await it.until(5 * MINUTE)
            assert it.wire("INVITE ") == [0]
            assert caller.told == [(32_000, "timeout")]
            assert it.element.clients.gone_at == [32_000]

    run(test)


def test_the_intervals_follow_the_configured_t1() -> None:
    async def test() -> None:
        async with scene(timing=Timing(t1=1.0)) as it:
            _, caller = it.send("INVITE")
            await it.until(5 * MINUTE)
            assert it.wire("INVITE ") == [0, 1000, 3000, 7000, 15_000, 31_000, 63_000]
            assert caller.told == [(64_000, "timeout")]

    run(test)


def test_slack_makes_timers_late_but_the_schedule_does_not_drift() -> None:
    async def test() -> None:
        async with scene(timer_slack=0.01) as it:
            _, caller = it.send("INVITE")
            await it.until(5 * MINUTE)
            assert it.wire("INVITE ") == [0, 510, 1510, 3510, 7510, 15_510, 31_510]
            assert caller.told == [(32_010, "timeout")]

    run(test)


def test_the_stock_engine_keeps_the_same_schedule() -> None:
    async def test() -> None:
        async with scene(compiled=False) as it:
            _, to_invite = it.send("INVITE")
            _, to_options = it.send("OPTIONS")
            await it.until(5 * MINUTE)
            assert it.wire("INVITE ") == [0, 500, 1500, 3500, 7500, 15_500, 31_500]
            assert it.wire("OPTIONS ")[-3:] == [23_500, 27_500, 31_500]
            assert to_invite.told == to_options.told == [(32_000, "timeout")]

    run(test)


def test_timer_b_runs_while_the_connection_is_being_opened() -> None:
    async def test() -> None:
        async with scene("TCP", stream=StreamLimits(connect_timeout=100)) as it:
            it.network.part(ELEMENT, PEER)
            it.network.reset_streams(ELEMENT, PEER)
            await it.until(1000)
            _, caller = it.send("INVITE")
            await it.until(5 * MINUTE)
            assert it.wire("INVITE ") == []
            assert caller.told == [(33_000, "timeout")]
            assert it.element.clients.gone_at == [33_000]

    run(test)


@BOTH
def test_a_provisional_response_ends_retransmissions_and_the_transaction_waits(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            client, caller = it.send("INVITE")
            for instant, status in [(600, 100), (700, 180), (200_000, 183)]:
                await it.until(instant)
                it.peer.reply(status)
            await it.until(60 * MINUTE)
            assert it.wire("INVITE ") == ([0, 500] if protocol == "UDP" else [0])
            assert caller.told == [(600, 100), (700, 180), (200_000, 183)]
            assert (client.state, it.element.clients.gone_at) == ("Proceeding", [])
            assert len(it.element.layer.timers) == 0
            client.abandon()
            assert it.element.clients.gone_at == [60 * MINUTE]

    run(test)


def test_a_user_may_give_up_before_any_response() -> None:
    async def test() -> None:
        async with scene() as it:
            client, caller = it.send("INVITE")
            await it.until(600)
            client.abandon()
            await it.until(MINUTE)
            assert (it.wire("INVITE "), caller.told, it.element.clients.gone_at) == ([0, 500], [], [600])

    run(test)


@BOTH
def test_each_2xx_is_passed_without_ack_until_timer_m(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            _, caller = it.send("INVITE")
            await it.until(100)
            it.peer.reply(180)
            replies = [(1000, 200, "a"), (1500, 200, "a"), (2500, 200, "b"), (3000, 180, "c")]
            replies += [(4000, 486, "c"), (32_999, 200, "a"), (33_001, 200, "a")]
            for instant, status, to_tag in replies:
                await it.until(instant)
                it.peer.reply(status, to_tag=to_tag)
            await it.until(5 * MINUTE)
            passed = [(1000, 200), (1500, 200), (2500, 200), (32_999, 200)]
            assert caller.told == [(100, 180), *passed]
            assert [response.to.tag for response in caller.responses[1:]] == ["a", "a", "b", "a"]
            assert it.wire("ACK ") == []
            assert it.element.clients.gone_at == [33_000], "64*T1 after the first 2xx, on any transport"
            assert it.element.counters["dropped.transaction.invite-client"] == 2
            assert it.element.counters["dropped.response.stray"] == 1

    run(test)


@pytest.mark.parametrize("provisional", [False, True])
def test_a_failure_over_udp_is_passed_once_and_acknowledged_each_time(provisional: bool) -> None:
    async def test() -> None:
        async with scene() as it:
            _, caller = it.send("INVITE")
            await it.until(100)
            if provisional:
                it.peer.reply(180)
            replies = [(600, 486), (1100, 486), (2100, 603), (3000, 180), (4000, 200)]
            for instant, status in [*replies, (32_599, 486), (32_601, 486)]:
                await it.until(instant)
                it.peer.reply(status)
            await it.until(5 * MINUTE)
            assert it.wire("INVITE ") == ([0] if provisional else [0, 500])
            assert caller.told == [(100, 180)] * provisional + [(600, 486)]
            assert it.wire("ACK ") == [600, 1100, 2100, 32_599]
            assert it.element.clients.gone_at == [32_600], "Timer D: 32 s after the first of them"

    run(test)


def test_a_failure_over_tcp_is_acknowledged_and_ends_the_transaction() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            _, caller = it.send("INVITE")
            for instant in (600, 700):
                await it.until(instant)
                it.peer.reply(486)
            await it.until(MINUTE)
            assert caller.told == [(600, 486)]
            assert it.wire("ACK ") == [600]
            assert it.element.clients.gone_at == [600]

    run(test)


@pytest.mark.parametrize(("t1", "gone_at"), [(0.1, 32_050), (1.0, 64_050)])
def test_timer_d_is_at_least_32_seconds(t1: float, gone_at: int) -> None:
    async def test() -> None:
        async with scene(timing=Timing(t1=t1)) as it:
            it.send("INVITE")
            await it.until(50)
            it.peer.reply(404)
            await it.until(5 * MINUTE)
            assert it.element.clients.gone_at == [gone_at]

    run(test)


@BOTH
def test_the_ack_of_a_failure_is_what_17_1_1_3_says(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            extra = "Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>\nRoute: <sip:p3.example.com;lr>"
            it.send(request("INVITE", extra=f"{extra}\nContact: <sip:a@192.0.2.1>\nRequire: nothing"))
            await it.until(100)
            it.peer.reply(404, to_tag="99sa0xk")
            await it.until(200)
            [invite], [ack] = it.packets("INVITE "), it.packets("ACK ")
            assert (ack.source, ack.destination, ack.protocol) == (
                invite.source,
                invite.destination,
                invite.protocol,
            ), "the same address, port, and transport"
            sent, acked = it.peer.requests
            assert acked.raw_uri == sent.raw_uri
            assert acked.headers.lines(b"via") == sent.headers.lines(b"via")
            assert len(acked.vias) == 1
            assert acked.headers.lines(b"to") == [b"<sip:bob@example.com>;tag=99sa0xk"]
            assert acked.headers.lines(b"route") == sent.headers.lines(b"route")
            assert len(acked.routes) == 3
            for name in (b"from", b"call-id"):
                assert acked.headers.lines(name) == sent.headers.lines(name)
            assert (acked.cseq.number, acked.cseq.method) == (sent.cseq.number, "ACK")
            assert not {b"contact", b"require", b"proxy-require"} & set(acked.headers.names())
            assert acked.body == b""

    run(test)


def test_each_retransmitted_failure_gets_the_same_ack() -> None:
    async def test() -> None:
        async with scene() as it:
            it.send("INVITE")
            for instant in (100, 600, 1600):
                await it.until(instant)
                it.peer.reply(404)
            await it.until(2000)
            assert len({packet.data for packet in it.packets("ACK ")}) == 1
            assert it.wire("ACK ") == [100, 600, 1600]

    run(test)


def test_a_response_to_what_was_not_sent_yet_gets_no_ack() -> None:
    async def test() -> None:
        async with scene("TCP", link=Link(latency=0.1)) as it:
            invite = request("INVITE")
            invite.headers.prepend(b"via", f"SIP/2.0/TCP {ELEMENT}:5060;branch=z9hG4bKguessed".encode())
            _, caller = it.send("INVITE", branch="z9hG4bKguessed", port=5099)
            it.peer.send(make_response(invite, 486).to_bytes())
            await it.until(MINUTE)
            assert [what for _, what in caller.told] == [486]
            assert it.packets("") == []
            assert len(it.element.clients.gone_at) == 1

    run(test)


def test_what_goes_over_a_stream_gets_a_content_length() -> None:
    async def test() -> None:
        for protocol, lengths in [("UDP", []), ("TCP", [b"0"])]:
            async with scene(protocol) as it:
                message = request("OPTIONS")
                message.headers.remove(b"content-length")
                it.send(message)
                await it.until(1)
                [sent] = it.peer.requests
                assert sent.headers.lines(b"content-length") == lengths

    run(test)


# ---- any other request (17.1.2)


def test_a_request_over_udp_is_sent_at_intervals_that_double_up_to_t2() -> None:
    async def test() -> None:
        async with scene() as it:
            _, caller = it.send("OPTIONS")
            await it.until(5 * MINUTE)
            sent = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]
            assert it.wire("OPTIONS ") == sent
            assert len({packet.data for packet in it.packets("OPTIONS ")}) == 1
            assert caller.told == [(32_000, "timeout")]
            assert it.element.clients.gone_at == [32_000]

    run(test)


def test_a_request_over_tcp_is_sent_once() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            _, caller = it.send("OPTIONS")
            await it.until(5 * MINUTE)
            assert it.wire("OPTIONS ") == [0]
            assert caller.told == [(32_000, "timeout")]
            assert it.element.clients.gone_at == [32_000]

    run(test)


def test_the_intervals_follow_the_configured_t1_and_t2() -> None:
    async def test() -> None:
        async with scene(timing=Timing(t1=1.0, t2=2.0)) as it:
            it.send("OPTIONS")
            await it.until(10_000)
            assert it.wire("OPTIONS ") == [0, 1000, 3000, 5000, 7000, 9000]

    run(test)


def test_after_a_provisional_response_a_request_is_sent_every_t2() -> None:
    async def test() -> None:
        async with scene() as it:
            _, caller = it.send("OPTIONS")
            for instant, status in [(600, 100), (5000, 183)]:
                await it.until(instant)
                it.peer.reply(status)
            await it.until(5 * MINUTE)
            # Timer E was set to fire at 1500 already, and is T2 from then on.
            sent = [0, 500, 1500, 5500, 9500, 13_500, 17_500, 21_500, 25_500, 29_500]
            assert it.wire("OPTIONS ") == sent
            assert caller.told == [(600, 100), (5000, 183), (32_000, "timeout")]
            assert it.element.clients.gone_at == [32_000]

    run(test)


@pytest.mark.parametrize("status", [200, 302, 404, 503, 603])
@pytest.mark.parametrize("provisional", [False, True])
def test_one_final_response_to_a_request_over_udp_is_passed(status: int, provisional: bool) -> None:
    async def test() -> None:
        async with scene() as it:
            _, caller = it.send("OPTIONS")
            await it.until(100)
            if provisional:
                it.peer.reply(100)
            for instant, reply in [(600, status), (700, status), (800, 200), (900, 100), (5599, 500)]:
                await it.until(instant)
                it.peer.reply(reply)
            await it.until(5 * MINUTE)
            assert it.wire("OPTIONS ") == [0, 500]
            assert caller.told == [(100, 100)] * provisional + [(600, status)]
            assert it.element.counters["dropped.transaction.non-invite-client"] == 4
            assert it.element.clients.gone_at == [5600], "Timer K: T4 after the first of them"

    run(test)


def test_a_final_response_over_tcp_ends_the_transaction() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            _, caller = it.send("OPTIONS")
            for instant in (600, 700):
                await it.until(instant)
                it.peer.reply(404)
            await it.until(MINUTE)
            assert (caller.told, it.element.clients.gone_at) == ([(600, 404)], [600])
            assert it.element.counters["dropped.response.stray"] == 1

    run(test)


def test_timer_k_is_the_configured_t4() -> None:
    async def test() -> None:
        async with scene(timing=Timing(t4=7.0)) as it:
            it.send("OPTIONS")
            await it.until(100)
            it.peer.reply(200)
            await it.until(MINUTE)
            assert it.element.clients.gone_at == [7100]

    run(test)


# ---- transport errors (17.1.4, 18.4 and 8.1.3.1)


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_target_without_a_listener_of_its_kind_is_a_transport_error_at_once(method: str) -> None:
    async def test() -> None:
        async with scene() as it:
            it.protocol = "SCTP"
            _, caller = it.send(method)
            await it.until(1)
            assert (caller.told, it.element.clients.gone_at) == ([(0, "no-listener")], [0])
            assert it.element.counters["transport-error.no-listener"] == 1

    run(test)


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_what_does_not_fit_a_datagram_is_a_transport_error(method: str) -> None:
    async def test() -> None:
        async with scene() as it:
            message = request(method)
            message.body = b"x" * 65_508
            _, caller = it.send(message)
            await it.until(MINUTE)
            assert (caller.told, it.element.clients.gone_at) == ([(0, "too-large")], [0])

    run(test)


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_connection_that_cannot_be_opened_is_a_transport_error(method: str) -> None:
    async def test() -> None:
        async with scene("TCP", stream=StreamLimits(connect_timeout=3)) as it:
            it.network.part(ELEMENT, PEER)
            it.network.reset_streams(ELEMENT, PEER)
            await it.until(1000)
            _, caller = it.send(method)
            await it.until(MINUTE)
            assert (caller.told, it.element.clients.gone_at) == ([(4000, "timeout")], [4000])

    run(test)


@pytest.mark.parametrize(
    ("method", "provisional"), [("INVITE", False), ("OPTIONS", False), ("OPTIONS", True)]
)
def test_a_connection_that_breaks_before_the_answer_is_a_transport_error(
    method: str, provisional: bool
) -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            _, caller = it.send(method)
            await it.until(500)
            if provisional:
                it.peer.reply(100)
            await it.until(1000)
            it.network.reset_streams(ELEMENT, PEER)
            await it.until(MINUTE)
            assert caller.told == [(500, 100)] * provisional + [(1000, "reset")]
            assert it.element.clients.gone_at == [1000]

    run(test)


def test_an_invite_that_was_received_outlives_its_connection() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            _, caller = it.send("INVITE")
            await it.until(500)
            it.peer.reply(180)
            await it.until(1000)
            it.network.reset_streams(ELEMENT, PEER)
            await it.until(2000)
            assert len(it.element.clients) == 1
            await it.peer.open()  # 18.2.2: the response comes over another connection
            it.peer.reply(200)
            await it.until(MINUTE)
            assert caller.told == [(500, 180), (2000, 200)]
            assert it.element.clients.gone_at == [34_000]

    run(test)


def test_the_ack_of_a_failure_opens_a_new_connection_if_the_old_one_is_gone() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            _, caller = it.send("INVITE")
            await it.until(500)
            it.peer.reply(180)
            await it.until(1000)
            it.network.reset_streams(ELEMENT, PEER)
            await it.until(2000)
            await it.peer.open()
            it.peer.reply(486)
            await it.until(MINUTE)
            assert caller.told == [(500, 180), (2000, 486)]
            [invite], [ack] = it.packets("INVITE "), it.packets("ACK ")
            assert ack.destination == invite.destination, "17.1.1.2: the same address, port and transport"
            assert it.wire("ACK ") == [2000]

    run(test)


def test_a_connection_that_breaks_after_the_end_concerns_nobody() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            it.send("OPTIONS")
            await it.until(500)
            it.peer.reply(200)
            await it.until(1000)
            it.network.reset_streams(ELEMENT, PEER)
            await it.until(MINUTE)
            assert it.element.counters.total("transport-error") == 0

    run(test)


def test_a_connection_that_breaks_after_the_answer_disturbs_nobody() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            _, to_invite = it.send("INVITE")
            await it.until(500)
            it.peer.reply(200)
            await it.until(1000)
            it.network.reset_streams(ELEMENT, PEER)
            await it.until(MINUTE)
            assert to_invite.told == [(500, 200)]
            assert it.element.clients.gone_at == [32_500]

    run(test)


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_icmp_tells_that_nobody_is_there(method: str) -> None:
    async def test() -> None:
        async with scene(link=Link(latency=0.05), icmp=True) as it:
            _, nobody = it.send(method, port=5099)
            _, somebody = it.send(method)
            await it.until(MINUTE)
            assert nobody.told == [(100, "refused")]
            assert somebody.told == [(32_000, "timeout")]
            assert it.element.clients.gone_at == [100, 32_000]

    run(test)
