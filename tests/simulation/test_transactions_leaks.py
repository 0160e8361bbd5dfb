"""Nothing is left of transactions, whatever the network and the other side do to them."""

from random import Random
from typing import Any

import pytest
import trio
import trio.lowlevel
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from sipfsm.message import Request, Response, make_response
from sipfsm.simulation.network import Link
from sipfsm.transaction import ServerTransaction
from sipfsm.transport import StreamLimits
from tests.simulation.elements import ELEMENT, PEER, Scene, run, scene, text

PATIENCE = 200.0
"""Seconds after which no transaction can be left: the longest path is Timer B's 32 s and then Timer D's."""

links = st.builds(
    Link,
    loss=st.sampled_from([0.0, 0.1, 0.5, 0.9]),
    duplication=st.sampled_from([0.0, 0.3]),
    reordering=st.sampled_from([0.0, 0.3]),
    latency=st.sampled_from([0.0, 0.01, 0.4]),
    jitter=st.sampled_from([0.0, 0.2, 3.0]),
    hold=st.just(2.0),
)

STATUSES = [100, 180, 183, 199, 200, 202, 299, 302, 408, 486, 503, 603, 699]


class Misbehaviour:
    """What a peer and a user do that obey no rules, from one seed."""

    def __init__(self, it: Scene, seed: int) -> None:
        self.it = it
        self.random = Random(seed)
        self.faults = 0

    def answer_wrongly(self, message: Request | Response) -> None:
        """As the peer: answer a request several times, with anything, some of it to other transactions."""
        if not isinstance(message, Request):
            return
        for _ in range(self.random.choice([0, 1, 1, 2, 5])):
            answer = make_response(message, self.random.choice(STATUSES))
            data = answer.to_bytes()
            if self.random.random() < 0.2:
                data = data.replace(b" INVITE\r\n", b" OPTIONS\r\n").replace(b" CANCEL\r\n", b" INVITE\r\n")
            if self.random.random() < 0.1:
                data = data.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx")
            self.send(data)

    def send(self, data: bytes) -> None:
        """As the peer: send, if the connection is there."""
        flow = self.it.peer._flow
        if flow is not None and not flow.closed:
            self.it.peer.send(data)

    def serve(self, transaction: ServerTransaction) -> None:
        """As the user: take a request."""
        transaction.start_soon(self.answer, transaction, transaction.request)

    async def answer(self, transaction: ServerTransaction, request: Request) -> None:
        """As the user: answer several times, with anything, at any time, or fail."""
        for _ in range(self.random.choice([0, 1, 2, 4])):
            await trio.sleep(self.random.choice([0, 0.1, 0.3, 4, 40]))
            transaction.respond(make_response(request, self.random.choice(STATUSES)))
        if self.random.random() < 0.1:
            self.faults += 1
            raise ValueError("a fault of the user")
        await trio.sleep(1)
        # For INVITE the user is what bounds Proceeding: RFC 3261 has Timer C and CANCEL for that.
        transaction.abandon()

    def request(self, number: int) -> bytes:
        """As the peer: any request, of one of a few transactions, old and new."""
        method = self.random.choice(["INVITE", "INVITE", "ACK", "CANCEL", "OPTIONS", "REGISTER"])
        branch = self.random.choice(
            [f";branch=z9hG4bK{number}", f";branch=z9hG4bK{number}", "", ";branch=z9"]
        )
        to_tag = self.random.choice(["", "", ";tag=a", ";tag=b"])
        via = f"SIP/2.0/UDP {PEER}:{self.random.choice([5060, 5099])}{branch}"
        return text(method, via=via, to=f"<sip:bob@example.com>{to_tag}", number=self.random.randrange(3))


async def misbehave(it: Scene, seed: int, messages: int) -> int:
    """Have requests sent in both directions, and all kinds of things happen to them; return the faults."""
    wrong = Misbehaviour(it, seed)
    random = wrong.random
    it.peer.react = wrong.answer_wrongly
    it.element.answer = wrong.serve
    clients: list[Any] = []
    for number in range(messages):
        what = random.random()
        if what < 0.4:
            clients.append(it.send(random.choice(["INVITE", "OPTIONS"]))[0])
        elif what < 0.5 and clients:
            it.send("CANCEL", branch=random.choice(clients).branch)
        elif what < 0.6 and clients:
            random.choice(clients).abandon()
        elif what < 0.65 and it.protocol == "TCP":
            it.network.reset_streams(ELEMENT, PEER)
            if random.random() < 0.5:
                await it.peer.open()
        else:
            for _ in range(random.choice([1, 1, 2, 3])):
                wrong.send(wrong.request(random.randrange(1 + number // 3)))
        await trio.sleep(random.choice([0, 0, 0.01, 0.5, 3]))
    await trio.sleep(PATIENCE)
    for client in clients:
        client.abandon()  # what bounds Proceeding of an INVITE client: Timer C, or 64*T1 after CANCEL
    await wait_all_tasks_blocked()
    return wrong.faults


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), protocol=st.sampled_from(["UDP", "TCP"]), link=links, messages=st.just(40))
@example(seed=1, protocol="UDP", link=Link(), messages=40)
@example(seed=1, protocol="TCP", link=Link(), messages=40)
def test_nothing_is_left_of_transactions(seed: int, protocol: str, link: Link, messages: int) -> None:
    async def test() -> None:
        before = trio.lowlevel.current_statistics().tasks_living
        async with scene(protocol, link=link, faults=None, stream=StreamLimits(connect_timeout=10)) as it:
            layer, idle = it.element.layer, trio.lowlevel.current_statistics().tasks_living
            faults = await misbehave(it, seed, messages)
            assert (layer.clients, layer.servers, layer.acks) == ({}, {}, {})
            assert (len(layer.timers), layer.timers._heap) == (0, [])
            assert layer._nursery is not None
            assert not layer._nursery.child_tasks
            assert not it.nursery.child_tasks
            assert layer._pending_sends == 0
            assert it.element.counters.total("faults") == it.element.counters["faults.transaction"] == faults
            if protocol == "UDP":  # connections have tasks of their own, and last longer than transactions
                assert trio.lowlevel.current_statistics().tasks_living == idle
        assert trio.lowlevel.current_statistics().tasks_living == before

    run(test)


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_hundreds_of_calls_keep_no_more_timers_than_run(protocol: str) -> None:
    async def test() -> None:
        async with scene(protocol, max_transactions=100_000) as it:
            layer, queue = it.element.layer, it.element.layer.timers
            it.element.answer = lambda transaction: transaction.respond(
                make_response(transaction.request, 486)
            )
            it.peer.react = lambda message: (
                it.peer.send(make_response(message, 404).to_bytes())
                if isinstance(message, Request) and message.method == "INVITE"
                else None
            )
            for number in range(400):
                via = f"SIP/2.0/UDP {PEER}:5060;branch=z9hG4bK{number}"
                it.peer.send(text("INVITE", via=via))
                it.send("INVITE")
                await it.until(number)
                it.peer.send(text("ACK", via=via))
                assert len(queue._heap) <= 2 * len(queue) + 1002
            await it.until(400)
            assert len(queue) == (len(layer.clients) + len(layer.servers))
            assert len(layer.clients) == (400 if protocol == "UDP" else 0)
            await it.until(300_000)
            assert (layer.clients, layer.servers, queue._heap) == ({}, {}, [])

    run(test)
