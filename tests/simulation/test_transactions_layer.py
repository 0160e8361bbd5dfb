"""The transaction layer as a whole: what gets no transaction, CANCEL, limits, faults, and the end."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import trio
import trio.lowlevel
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from sipfsm.fsm import Engine, Timing, load_model
from sipfsm.message import MessageError, Request, make_response
from sipfsm.transaction import Alarms, ServerTransaction, layer, new_branch
from sipfsm.transaction.transaction import Transaction
from sipfsm.transport import Flow, StreamLimits, Target
from tests.simulation.elements import ELEMENT, PEER, Scene, now, request, run, scene, text

BOTH = pytest.mark.parametrize("protocol", ["UDP", "TCP"])
MINUTE = 60_000


def via(number: int) -> str:
    return f"SIP/2.0/UDP {PEER}:5060;branch=z9hG4bK{number}"


def respond(transaction: ServerTransaction, status: int = 200) -> None:
    transaction.respond(make_response(transaction.request, status))


# ---- responses that match nothing (RFC 6026 7.2 and 7.3, RFC 4320 4.2)


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "CANCEL"])
@pytest.mark.parametrize("status", [100, 180, 200, 302, 486, 603])
def test_a_stray_response_is_counted_and_dropped(method: str, status: int) -> None:
    async def test() -> None:
        async with scene() as it:
            stray = f"SIP/2.0/UDP {ELEMENT}:5060;branch=z9hG4bK1"
            asked = text(method, via=f"{stray}, SIP/2.0/UDP {PEER}:5060;branch=z9hG4bK2").partition(b"\r\n")[
                2
            ]
            it.peer.send(f"SIP/2.0 {status} Whatever\r\n".encode() + asked)
            await it.until(MINUTE)
            assert it.element.counters["dropped.response.stray"] == 1
            assert it.packets("") == []

    run(test)


def test_it_is_the_model_that_has_strays_dropped() -> None:
    """RFC 3261 as first published passes a stray response on, for which nothing is implemented."""

    async def test() -> None:
        async with scene() as it:
            it.element.layer.invite_client = Engine(load_model("rfc3261/invite-client"), Timing())
            stray = f"SIP/2.0/UDP {ELEMENT}:5060;branch=z9hG4bK1"
            it.peer.send(b"SIP/2.0 200 OK\r\n" + text(via=stray).partition(b"\r\n")[2])
            await it.until(MINUTE)
            assert it.element.counters["dropped.response.stray"] == 0
            assert it.packets("") == []

    run(test)


# ---- requests that get no transaction


def test_an_ack_or_cancel_that_matches_nothing_is_handed_to_the_user() -> None:
    async def test() -> None:
        async with scene() as it:
            for method in ("ACK", "CANCEL", "ACK", "CANCEL"):
                it.peer.send(text(method))
            await it.until(MINUTE)
            assert [stray.method for stray in it.element.strays] == ["ACK", "CANCEL"] * 2
            assert it.element.served == []
            assert it.packets("") == []

    run(test)


MALFORMED = text("OPTIONS").replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE")


@BOTH
def test_a_malformed_request_is_answered_the_same_way_each_time_without_a_transaction(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            for instant in (0, 500, 1500):
                await it.until(instant)
                it.peer.send(MALFORMED)
            it.peer.send(MALFORMED.replace(b"987asjd97y7atg", b"another call"))
            await it.until(MINUTE)
            assert it.statuses() == [(0, 400), (500, 400), (1500, 400), (1500, 400)]
            first, second, third, other = it.answers()
            assert first.reason == "CSeq names another method"
            assert first.to_bytes() == second.to_bytes() == third.to_bytes()
            assert first.to.tag
            assert first.to.tag != other.to.tag, "8.2.7: the tag follows from the request"
            assert (it.element.served, it.element.servers.gone_at) == ([], [])

    run(test)


def test_another_version_of_sip_is_answered_with_505() -> None:
    async def test() -> None:
        async with scene() as it:
            it.peer.send(text("OPTIONS").replace(b" SIP/2.0\r\n", b" SIP/3.0\r\n", 1))
            await it.until(MINUTE)
            [answer] = it.answers()
            assert (answer.status, answer.reason) == (505, "Version Not Supported")

    run(test)


def test_what_was_not_even_read_as_a_request_is_not_answered() -> None:
    async def test() -> None:
        async with scene() as it:
            it.peer.send(text("OPTIONS"))
            await it.until(1)
            answerable = MessageError("bad", "Bad")
            silent = MessageError("bad", "Bad", status=None).about(it.element.served[0].request)
            for error in (answerable, silent):
                it.element.layer.refuse(error, it.element.served[0].flow)
            await it.until(2)
            assert it.packets("") == []

    run(test)


def test_a_malformed_ack_is_never_answered() -> None:
    async def test() -> None:
        async with scene() as it:
            it.peer.send(text("ACK").replace(b"CSeq: 1 ACK", b"CSeq: 1 INVITE"))
            it.peer.send(text("ACK").replace(b"Call-ID", b"X-Call-ID"))
            await it.until(MINUTE)
            assert it.packets("") == []
            assert it.element.strays == []

    run(test)


@pytest.mark.parametrize(
    ("maddr", "counter"),
    [
        pytest.param("sip.example.com", "dropped.send.stateless-response", id="takes a look-up"),
        pytest.param("2001:db8::1", "transport-error.no-listener", id="cannot be reached"),
    ],
)
def test_a_stateless_answer_that_cannot_be_sent_at_once_is_dropped(maddr: str, counter: str) -> None:
    async def test() -> None:
        async with scene() as it:
            it.peer.send(MALFORMED.replace(b";branch", f";maddr={maddr};branch".encode()))
            await it.until(MINUTE)
            assert it.packets("") == []
            assert it.element.counters[counter] == 1

    run(test)


# ---- the limit


@BOTH
def test_above_the_limit_new_requests_get_503_and_no_transaction(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol, max_transactions=2) as it:
            for number in (1, 2, 3, 3):
                it.peer.send(text("OPTIONS", via=via(number)))
            await it.until(100)
            assert len(it.element.servers) == len(it.element.served) == 2
            third, again = it.answers()
            assert (third.status, third.via.branch) == (503, "z9hG4bK3")
            assert third.to_bytes() == again.to_bytes()
            assert it.element.counters["refused.overload"] == 2
            it.peer.send(text("OPTIONS", via=via(1)))  # known ones are not refused
            respond(it.element.served[0])
            it.peer.send(text("OPTIONS", via=via(1)))
            await it.until(50_000)
            it.peer.send(text("OPTIONS", via=via(3)))
            await it.until(MINUTE)
            assert len(it.element.served) > 2, "there is room again"

    run(test)


def test_at_the_limit_an_invite_can_still_be_cancelled() -> None:
    async def test() -> None:
        async with scene(max_transactions=1) as it:
            it.peer.send(text("INVITE"))
            it.peer.send(text("CANCEL"))
            await it.until(100)
            answers = [(answer.cseq.method, answer.status) for answer in it.answers()]
            assert sorted(answers) == [("CANCEL", 200), ("INVITE", 487)], "8.2.7: never without a transaction"

    run(test)


def test_clients_do_not_count() -> None:
    async def test() -> None:
        async with scene(max_transactions=1) as it:
            for _ in range(3):
                it.send("OPTIONS")
            await it.until(1)
            it.peer.send(text("OPTIONS"))
            await it.until(2)
            assert (len(it.element.clients), len(it.element.servers)) == (3, 1)

    run(test)


# ---- CANCEL (9.1 and 9.2) from one end to the other


@BOTH
def test_a_cancelled_call_from_the_client_side(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            invite, to_invite = it.send("INVITE")
            await it.until(1000)
            it.peer.reply(180)
            await it.until(2000)
            cancel, to_cancel = it.send("CANCEL", branch=invite.branch)
            await it.until(2100)
            it.peer.reply_to(-1, 200)
            it.peer.reply_to(0, 487)
            await it.until(MINUTE)
            assert to_cancel.told == [(2100, 200)]
            assert to_invite.told == [(1000, 180), (2100, 487)]
            assert it.wire("ACK ") == [2100]
            assert cancel.branch == invite.branch
            [sent, *_], [cancelled] = it.packets("INVITE "), it.packets("CANCEL ")
            assert sent.destination == cancelled.destination
            gone = [7100, 34_100] if protocol == "UDP" else [2100, 2100]
            assert it.element.clients.gone_at == gone

    run(test)


@BOTH
def test_a_cancelled_call_from_the_server_side(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            it.peer.send(text("INVITE"))
            await it.until(1000)
            it.peer.send(text("CANCEL"))
            await it.until(1100)
            it.peer.send(text("CANCEL"))
            await it.until(1200)
            it.peer.send(text("ACK"))
            await it.until(MINUTE)
            assert it.element.answerers[0].told == [(1000, "cancelled")]
            answers = [(answer.cseq.method, answer.status) for answer in it.answers()]
            assert answers[0] == ("INVITE", 100)
            assert sorted(answers[1:4]) == [("CANCEL", 200), ("CANCEL", 200), ("INVITE", 487)]
            gone = [6200, 33_000] if protocol == "UDP" else [1000, 1100, 1200]
            assert it.element.servers.gone_at == gone

    run(test)


# ---- the user's work lives in the transaction, and its faults end there


def test_work_may_wait_and_answer_later() -> None:
    async def work(transaction: ServerTransaction) -> None:
        await trio.sleep(3)
        respond(transaction)

    async def test() -> None:
        async with scene() as it:
            it.element.answer = lambda transaction: transaction.start_soon(work, transaction)
            it.peer.send(text("REGISTER"))
            await it.until(MINUTE)
            assert it.statuses() == [(3000, 200)]

    run(test)


@pytest.mark.parametrize(
    ("protocol", "cut_at"), [pytest.param("UDP", 37.0, id="UDP"), pytest.param("TCP", 2.0, id="TCP")]
)
def test_work_ends_with_the_transaction(protocol: str, cut_at: float) -> None:
    ended: list[float] = []

    async def work(transaction: ServerTransaction) -> None:
        try:
            if protocol == "TCP":
                await trio.sleep(2)
                respond(transaction)
            await trio.sleep_forever()
        finally:
            ended.append(trio.current_time())

    async def test() -> None:
        async with scene(protocol) as it:
            it.element.answer = lambda transaction: transaction.start_soon(work, transaction)
            it.peer.send(text("REGISTER"))
            await it.until(MINUTE)
            assert ended == [cut_at]

    run(test)


def test_work_that_comes_too_late_is_not_begun() -> None:
    begun: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        await trio.lowlevel.checkpoint()

    def answer(transaction: ServerTransaction) -> None:
        transaction.start_soon(work, 1)
        respond(transaction)
        transaction.start_soon(work, 2)

    async def test() -> None:
        async with scene("TCP") as it:
            it.element.answer = answer
            it.peer.send(text("REGISTER"))
            await it.until(1)
            it.element.served[0].start_soon(work, 3)
            await it.until(MINUTE)
            assert begun == []
            it.element.answer = lambda _transaction: None
            it.peer.send(text("MESSAGE"))
            await it.until(MINUTE + 1000)
            late = it.element.served[1]
            respond(late)
            late.start_soon(work, 4)
            await it.until(3 * MINUTE)
            late.start_soon(work, 5)
            await it.until(4 * MINUTE)
            assert begun == []

    run(test)


async def fails_at_once(transaction: ServerTransaction) -> None:
    raise ValueError(transaction.key)


async def fails_later(transaction: ServerTransaction) -> None:
    await trio.sleep(1)
    raise ValueError(transaction.key)


async def fails_after_its_answer(transaction: ServerTransaction) -> None:
    respond(transaction, 202)
    await trio.sleep(1)
    raise ValueError


def fails_in_serve(transaction: ServerTransaction) -> None:
    raise ValueError(transaction.key)


def fails_in_serve_after_its_answer(transaction: ServerTransaction) -> None:
    respond(transaction, 202)
    raise ValueError(transaction.key)


def start(work: Callable[[ServerTransaction], Any]) -> Callable[[ServerTransaction], None]:
    return lambda transaction: transaction.start_soon(work, transaction)


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@pytest.mark.parametrize(
    ("answer", "statuses"),
    [
        pytest.param(start(fails_at_once), [(0, 500)], id="at once"),
        pytest.param(start(fails_later), [(200, 100), (1000, 500)], id="later"),
        pytest.param(start(fails_after_its_answer), [(0, 202)], id="after its answer"),
        pytest.param(fails_in_serve, [(0, 500)], id="in serve"),
        pytest.param(fails_in_serve_after_its_answer, [(0, 202)], id="in serve, after its answer"),
    ],
)
def test_a_fault_of_the_user_is_a_500_and_the_others_go_on(
    method: str, answer: Callable[[ServerTransaction], None], statuses: list[tuple[int, int]]
) -> None:
    async def test() -> None:
        async with scene(faults=1) as it:
            it.element.answer = answer
            it.peer.send(text(method, via=via(1)))
            await it.until(1)
            it.element.answer = respond
            it.peer.send(text("OPTIONS", via=via(2)))
            await it.until(1100)
            first = {status: at for at, status in reversed(it.statuses())}
            expected = {status: at for at, status in statuses if method == "INVITE" or status != 100}
            assert first == expected | {200: 1}
            await it.until(2 * MINUTE)
            assert (it.element.servers, len(it.element.layer.timers)) == ({}, 0)
            assert it.element.counters["faults.transaction"] == 1

    run(test)


def fail(*_args: object) -> None:
    raise ValueError


@pytest.mark.parametrize("status", [200, 486])
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_fault_of_who_gets_a_response_leaves_the_transaction_to_its_end(method: str, status: int) -> None:
    async def test() -> None:
        async with scene(faults=1) as it:
            _, caller = it.send(method)
            caller.react = fail
            await it.until(100)
            it.peer.reply(status)
            await it.until(MINUTE)
            assert caller.told == [(100, status)]
            assert it.wire("ACK ") == ([100] if (method, status) == ("INVITE", 486) else [])
            assert it.element.clients.gone_at == [32_100 if method == "INVITE" else 5100]

    run(test)


def test_a_fault_of_who_gets_a_provisional_response_ends_the_transaction() -> None:
    """Nobody is left who would wait for the final one, and no timer bounds Proceeding."""

    async def test() -> None:
        async with scene(faults=1) as it:
            _, caller = it.send("INVITE")
            caller.react = fail
            await it.until(100)
            it.peer.reply(180)
            await it.until(MINUTE)
            assert it.element.clients.gone_at == [100]

    run(test)


@pytest.mark.parametrize("protocol", ["UDP", "SCTP"])
def test_a_fault_of_who_is_told_of_a_failure_leaves_nothing(protocol: str) -> None:
    async def test() -> None:
        async with scene(faults=1) as it:
            it.protocol = protocol
            _, caller = it.send("INVITE")
            caller.timed_out = caller.transport_failed = fail  # type: ignore[method-assign,assignment]
            await it.until(MINUTE)
            assert it.element.clients.gone_at == [0 if protocol == "SCTP" else 32_000]

    run(test)


@pytest.mark.parametrize(("status", "then", "gone_at"), [(200, "ACK", 32_000), (486, "OPTIONS", 32_000)])
def test_a_fault_of_who_is_told_of_an_ack_or_its_lack_leaves_nothing(
    status: int, then: str, gone_at: int
) -> None:
    async def test() -> None:
        async with scene(faults=1) as it:
            it.element.answer = partial(respond, status=status)
            it.peer.send(text("INVITE"))
            await it.until(1)
            user: Any = it.element.served[0].user
            user.ack_arrived = user.answer_lost = fail
            it.peer.send(text(then, via=via(1)))
            await it.until(MINUTE)
            assert gone_at in it.element.servers.gone_at
            assert it.element.servers == {}

    run(test)


def test_a_fault_in_a_timer_is_counted_and_the_others_go_on() -> None:
    """Such as one of a response context, whose timers are in the same queue."""

    async def test() -> None:
        async with scene(faults=1) as it:
            Alarms(it.element.layer.timers, fail).start("C", 0.1)
            _, caller = it.send("OPTIONS")
            await it.until(MINUTE)
            assert caller.told == [(32_000, "timeout")]
            assert it.element.counters["faults.timer"] == 1

    run(test)


def test_a_user_may_answer_and_give_up_at_any_point_of_a_step() -> None:
    """What a step of a machine causes for the same machine waits until the step is done."""

    async def test() -> None:
        async with scene() as it:
            client, caller = it.send("INVITE")
            caller.react = lambda _response: client.abandon()
            await it.until(100)
            it.peer.reply(180)
            await it.until(200)
            assert it.element.clients.gone_at == [100]

            def answer(transaction: ServerTransaction) -> None:
                response = make_response(transaction.request, 180)
                transaction.respond(response)
                respond(transaction, 486)
                transaction.abandon()
                assert transaction.state == "Proceeding", "the step that brought the request is not over"
                assert it.statuses() == []

            it.element.answer = answer
            it.peer.send(text("INVITE"))
            await it.until(250)
            assert it.statuses() == [(200, 180), (200, 486)]

    run(test)


# ---- requests without a transaction (16.11)


def ack() -> Request:
    return request("ACK")


@BOTH
def test_an_ack_is_sent_without_a_transaction(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol) as it:
            it.peer.send(text("OPTIONS"))
            await it.until(1)
            flow, branch = it.element.served[0].flow, new_branch()
            it.element.layer.send_statelessly(ack(), [Target(protocol, PEER, 5060)], branch, prefer=flow)
            await it.until(2)
            it.element.layer.send_statelessly(ack(), [Target(protocol, PEER, 5060)], branch, prefer=flow)
            await it.until(MINUTE)
            assert it.wire("ACK ") == [1, 2]
            for sent in it.peer.requests:
                assert (sent.via.transport, sent.via.sent_by) == (protocol, f"{ELEMENT}:5060")
                assert (sent.via.branch, len(sent.vias)) == (branch, 1)
            assert it.element.clients == {}

    run(test)


def test_what_cannot_be_sent_without_a_transaction_is_counted() -> None:
    async def test() -> None:
        async with scene("TCP", stream=StreamLimits(connect_timeout=3)) as it:
            it.peer.send(text("OPTIONS"))
            await it.until(1)
            send = partial(it.element.layer.send_statelessly, prefer=it.element.served[0].flow)
            send(ack(), [Target("SCTP", PEER, 5060)], new_branch())
            send(ack(), [Target("TCP", PEER, 5099)], new_branch())
            await it.until(MINUTE)
            assert it.element.counters["transport-error.no-listener"] == 1
            assert it.element.counters["transport-error.refused"] == 1
            assert it.packets("ACK") == []

    run(test)


def test_not_too_many_messages_wait_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "MAX_PENDING_SENDS", 2)

    async def test() -> None:
        async with scene("TCP", stream=StreamLimits(connect_timeout=3)) as it:
            it.peer.send(text("OPTIONS"))
            await it.until(1)
            flow = it.element.served[0].flow
            it.network.part(ELEMENT, PEER)

            def send() -> None:
                target = Target("TCP", PEER, 5060)
                it.element.layer.send_statelessly(ack(), [target], new_branch(), prefer=flow)

            for _ in range(4):
                send()
            assert it.element.counters["dropped.send.overload"] == 2
            await it.until(10_000)
            assert it.element.counters["transport-error.timeout"] == 2
            send()
            await it.until(20_000)
            assert it.element.counters["transport-error.timeout"] == 3, "there is room again"
            assert it.element.counters["dropped.send.overload"] == 2

    run(test)


# ---- the end


def test_a_request_is_not_sent_when_its_transaction_ends_as_the_connection_opens() -> None:
    async def test() -> None:
        async with scene("TCP") as it:
            connect = it.element.transport.connect

            async def connect_at_last(target: Target, *, prefer: Flow | None = None) -> Flow:
                flow = await connect(target, prefer=prefer)
                client.abandon()
                return flow

            it.element.transport.connect = connect_at_last  # type: ignore[method-assign]
            client, caller = it.send("INVITE")
            await it.until(MINUTE)
            assert (it.wire("INVITE "), caller.told) == ([], [])
            assert it.element.clients.gone_at == [0]

    run(test)


async def _in_all_states(it: Scene) -> None:
    """Have transactions in all states, and some that wait for a connection."""
    for method in ["INVITE"] * 4 + ["OPTIONS"] * 3:
        it.send(method)
        await it.until(now() + 1)
    await it.until(10)
    for number, status in [(1, 180), (2, 200), (3, 486), (5, 100), (6, 200)]:
        it.peer.reply_to(number, status)
    for number, method in enumerate(["INVITE"] * 4 + ["OPTIONS"] * 3):
        it.peer.send(text(method, via=via(number)))
    await it.until(20)
    for number, status in [(1, 180), (2, 200), (3, 486), (6, 200)]:
        respond(it.element.served[number], status)
    it.network.part(ELEMENT, "192.0.2.99")
    nowhere, flow = Target("TCP", "192.0.2.99", 5060), it.element.served[0].flow
    it.element.layer.send_statelessly(ack(), [nowhere], new_branch(), prefer=flow)
    await it.until(4000)


@BOTH
@pytest.mark.parametrize("instant", [4000, 4500])
def test_cancelling_all_in_the_middle_leaves_nothing(protocol: str, instant: int) -> None:
    async def test() -> None:
        before = trio.lowlevel.current_statistics().tasks_living
        async with scene(protocol) as it:
            await _in_all_states(it)
            await it.until(instant)
            assert len(it.element.clients) >= 3
            assert len(it.element.servers) >= 4
            element = it.element
        assert len(element.layer.timers) == 0
        assert trio.lowlevel.current_statistics().tasks_living == before

    run(test)


def test_a_layer_that_does_not_run_refuses_requests() -> None:
    """As in the instant between the end of the layer and that of the transport layer."""

    async def test() -> None:
        async with scene() as it:
            it.peer.send(text("INVITE", via=via(1)))
            await it.until(1)
            flow = it.element.served[0].flow
            it.layer_scope.cancel()
            await wait_all_tasks_blocked()
            assert (it.element.servers, len(it.element.layer.timers)) == ({}, 0)
            it.peer.send(text("INVITE", via=via(2)))
            await it.until(2)
            assert [answer.status for answer in it.answers()] == [503]
            it.element.layer.send_statelessly(ack(), [Target("TCP", PEER, 5099)], new_branch(), prefer=flow)
            assert it.element.counters["dropped.send.overload"] == 1
            assert it.element.servers == {}

    run(test)


def test_each_kind_of_transaction_says_where_its_key_is() -> None:
    async def test() -> None:
        async with scene() as it:
            client, _ = it.send("OPTIONS")
            with pytest.raises(NotImplementedError):
                Transaction.forget(client)

    run(test)


# ---- the log


def test_every_step_is_logged_if_wanted() -> None:
    async def test() -> None:
        async with scene() as it:
            it.element.layer.tracing = True
            it.peer.send(text("OPTIONS"))
            await it.until(1)
            respond(it.element.served[0])
            it.element.layer.tracing = False
            await it.until(MINUTE)

    with capture_logs() as logs:
        run(test)
    steps = [
        (entry["key"], entry["model"], entry["trigger"], entry["was"], entry["state"])
        for entry in logs
        if entry["event"] == "event"
    ]
    key = f"z9hg4bk1 {PEER}:5060 OPTIONS"
    assert steps == [
        (key, "non-invite-server", "request", "Absent", "Trying"),
        (key, "non-invite-server", "tu_2xx", "Trying", "Completed"),
    ]
