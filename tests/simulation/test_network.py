"""The simulated network does to messages what it is told to, and the same again for the same seed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from sipfsm.message import MessageError, Request, Response, parse_message_untrusted
from sipfsm.simulation.network import Link, Network
from sipfsm.simulation.sockets import MAX_DATAGRAM
from sipfsm.transport import Flow, StreamLimits, Target, TransportError, TransportLayer

ALICE, BOB, CAROL = "192.0.2.1", "192.0.2.2", "192.0.2.3"


class Inbox:
    """A receiver that remembers what came when."""

    def __init__(self) -> None:
        self.messages: list[tuple[float, Request | Response, Flow]] = []
        self.refused: list[MessageError] = []

    def receive(self, message: Request | Response, flow: Flow) -> None:
        self.messages.append((trio.current_time(), message, flow))

    def refuse(self, error: MessageError, flow: Flow) -> None:
        self.refused.append(error)

    @property
    def numbers(self) -> list[int]:
        return [message.cseq.number for _, message, _ in self.messages]


def message(number: int = 1) -> bytes:
    return (
        "OPTIONS sip:bob@example.com SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP alice.example.com;rport;branch=z9hG4bK{number}\r\n"
        "Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n"
        f"Call-ID: 1\r\nCSeq: {number} OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()


@asynccontextmanager
async def two_nodes(
    network: Network, *, stream: StreamLimits | None = None
) -> AsyncIterator[tuple[TransportLayer, TransportLayer, Inbox]]:
    """Run a network with two nodes; yield both and the inbox of the second."""
    inbox = Inbox()
    alice = network.transport([f"udp:{ALICE}:5060", f"tcp:{ALICE}:5060"], Inbox(), stream=stream)
    bob = network.transport([f"udp:{BOB}:5060", f"tcp:{BOB}:5060"], inbox, stream=stream)
    async with trio.open_nursery() as nursery:
        for run in (network.run, alice.run, bob.run):
            await nursery.start(run)
        yield alice, bob, inbox
        nursery.cancel_scope.cancel()


def run(test: Callable[[], Awaitable[None]]) -> None:
    trio.run(test, clock=MockClock(autojump_threshold=0))


def udp_to_bob(alice: TransportLayer) -> Flow:
    flow = alice.flow_to_nowait(Target("UDP", BOB, 5060))
    assert flow is not None
    return flow


async def send_hundred(network: Network) -> list[int]:
    """Return the numbers of a hundred datagrams in the order in which they arrive."""
    async with two_nodes(network) as (alice, _, inbox):
        for number in range(1, 101):
            udp_to_bob(alice).send_nowait(message(number))
        await trio.sleep(10)
        return inbox.numbers


def test_a_datagram_arrives_after_the_latency_and_is_answered() -> None:
    async def test() -> None:
        network = Network(link=Link(latency=0.25))
        async with two_nodes(network) as (alice, bob, inbox):
            began = trio.current_time()
            udp_to_bob(alice).send_nowait(message())
            assert inbox.messages == []
            await trio.sleep(1)
            [(at, received, flow)] = inbox.messages
            assert at == pytest.approx(began + 0.25)
            assert received.via.received == ALICE
            reply = bob.reply_flow_nowait(received.via, flow)
            assert reply is flow
            [packet] = network.sent("OPTIONS ", source=ALICE)
            assert (packet.sent_at, packet.destination) == (began, (BOB, 5060))
            assert packet.arrives_at == (at,)

    run(test)


def test_a_perfect_link_keeps_the_order() -> None:
    async def test() -> None:
        assert await send_hundred(Network()) == list(range(1, 101))

    run(test)


@pytest.mark.parametrize(
    "link", [Link(loss=0.3), Link(duplication=0.3), Link(reordering=0.3), Link(jitter=0.1)]
)
def test_chance_is_the_same_for_the_same_seed(link: Link) -> None:
    async def test() -> None:
        first = await send_hundred(Network(seed=7, link=link))
        assert first == await send_hundred(Network(seed=7, link=link))
        assert first != await send_hundred(Network(seed=8, link=link))

    run(test)


def test_loss_loses_and_duplication_doubles() -> None:
    async def test() -> None:
        lossy = await send_hundred(Network(link=Link(loss=0.3)))
        assert 50 < len(lossy) < 90
        assert lossy == sorted(set(lossy))
        doubling = await send_hundred(Network(link=Link(duplication=0.3)))
        assert 110 < len(doubling) < 150
        assert set(doubling) == set(range(1, 101))
        assert await send_hundred(Network(link=Link(loss=1.0))) == []

    run(test)


def test_one_certain_message_can_be_lost_and_the_log_says_so() -> None:
    async def test() -> None:
        network = Network()
        network.drop_if = lambda packet: b"CSeq: 2 " in packet.data
        async with two_nodes(network) as (alice, _, inbox):
            for number in (1, 2, 3):
                udp_to_bob(alice).send_nowait(message(number))
            await trio.sleep(1)
            assert inbox.numbers == [1, 3]
            assert [bool(packet.arrives_at) for packet in network.log] == [True, False, True]

    run(test)


def test_links_differ_and_parted_hosts_can_be_joined() -> None:
    async def test() -> None:
        network = Network(link=Link(latency=0.01))
        async with two_nodes(network) as (alice, _, inbox):
            network.part(ALICE, BOB)
            udp_to_bob(alice).send_nowait(message(1))
            await trio.sleep(1)
            network.join(ALICE, BOB)
            network.set_link(ALICE, BOB, Link(latency=3))
            udp_to_bob(alice).send_nowait(message(2))
            await trio.sleep(2.9)
            assert inbox.numbers == []
            await trio.sleep(0.2)
            assert inbox.numbers == [2]

    run(test)


def test_a_stream_keeps_the_order_whatever_the_jitter() -> None:
    async def test() -> None:
        network = Network(link=Link(latency=0.01, jitter=1.0, loss=0.5, duplication=0.5))
        async with two_nodes(network) as (alice, bob, inbox):
            flow = await alice.connect(Target("TCP", BOB, 5060))
            for number in range(1, 51):
                flow.send_nowait(message(number))
                await trio.sleep(0.01)
            await trio.sleep(10)
            assert inbox.numbers == list(range(1, 51))
            assert len(network.sent("OPTIONS")) == 50
            accepted = inbox.messages[0][2]
            assert bob.flow_to_nowait(Target("TCP", *accepted.remote)) is accepted

    run(test)


def test_all_know_what_came_first_whichever_way_it_came() -> None:
    """Each piece of a stream is read by a task of its own, and Trio has no order among those."""

    async def test() -> None:
        network = Network()
        hosts = [f"192.0.2.{number}" for number in range(10, 30)]
        nodes = [network.transport([f"udp:{host}:5060", f"tcp:{host}:5060"], Inbox()) for host in hosts]
        async with two_nodes(network) as (_, _, inbox), trio.open_nursery() as nursery:
            for node in nodes:
                await nursery.start(node.run)
            await trio.sleep(1)
            targets = [Target("TCP" if number % 3 else "UDP", BOB, 5060) for number in range(len(nodes))]
            flows = [await node.connect(target) for node, target in zip(nodes, targets, strict=True)]
            for number, flow in enumerate(flows):
                flow.send_nowait(message(number + 1))
            await trio.sleep(1)
            by_arrival = sorted(network.log, key=lambda packet: packet.arrives_at)
            arrived = [parse_message_untrusted(packet.data).cseq.number for packet in by_arrival]
            assert inbox.numbers == arrived
            assert sorted(arrived) == [*range(1, 21)]
            nursery.cancel_scope.cancel()

    run(test)


def test_connecting_takes_a_round_trip_and_fails_where_nobody_listens() -> None:
    async def test() -> None:
        network = Network(link=Link(latency=0.5))
        async with two_nodes(network, stream=StreamLimits(connect_timeout=7)) as (alice, _, _):
            began = trio.current_time()
            await alice.connect(Target("TCP", BOB, 5060))
            assert trio.current_time() - began == pytest.approx(1.0)
            with pytest.raises(TransportError) as caught:
                await alice.connect(Target("TCP", BOB, 5070))
            assert caught.value.reason == "refused"
            network.part(ALICE, CAROL)
            began = trio.current_time()
            with pytest.raises(TransportError) as caught:
                await alice.connect(Target("TCP", CAROL, 5060))
            assert caught.value.reason == "timeout"
            assert trio.current_time() - began == pytest.approx(7.0)

    run(test)


def test_both_ends_of_a_broken_stream_notice() -> None:
    async def test() -> None:
        network = Network()
        ends: list[TransportError] = []
        async with two_nodes(network) as (alice, _, inbox):
            flow = await alice.connect(Target("TCP", BOB, 5060))
            flow.send_nowait(message())
            await trio.sleep(1)
            flow.watch(ends.append)
            inbox.messages[0][2].watch(ends.append)
            network.reset_streams(ALICE, BOB)
            await trio.sleep(1)
            assert [end.reason for end in ends] == ["reset", "reset"]
            assert flow.closed

    run(test)


def test_a_node_that_stops_closes_its_streams_and_its_address_is_free() -> None:
    async def test() -> None:
        network = Network()
        ends: list[TransportError] = []
        async with two_nodes(network) as (alice, _, _):
            async with trio.open_nursery() as nursery:
                await nursery.start(network.transport([f"tcp:{CAROL}:5060"], Inbox()).run)
                flow = await alice.connect(Target("TCP", CAROL, 5060))
                flow.watch(ends.append)
                nursery.cancel_scope.cancel()
            await trio.sleep(1)
            assert [end.reason for end in ends] == ["eof"]
            async with trio.open_nursery() as nursery:
                await nursery.start(network.transport([f"tcp:{CAROL}:5060"], Inbox()).run)
                assert await alice.connect(Target("TCP", CAROL, 5060)) is not flow
                nursery.cancel_scope.cancel()

    run(test)


def test_nobody_listening_is_told_if_the_network_has_icmp() -> None:
    async def test(network: Network, expected: list[tuple[float, str]]) -> None:
        told: list[tuple[float, str]] = []
        async with two_nodes(network) as (alice, _, _):
            flow = alice.flow_to_nowait(Target("UDP", BOB, 5070))
            assert flow is not None
            flow.watch(lambda end: told.append((trio.current_time(), end.reason)))
            flow.send_nowait(message())
            assert told == []
            await trio.sleep(1)
            assert told == expected

    run(partial(test, Network(link=Link(latency=0.25), icmp=True), [(0.5, "refused")]))
    run(partial(test, Network(link=Link(latency=0.25)), []))


def test_a_datagram_has_a_largest_size() -> None:
    async def test() -> None:
        async with two_nodes(Network()) as (alice, _, _):
            udp_to_bob(alice).send_nowait(b"x" * MAX_DATAGRAM)
            with pytest.raises(TransportError) as caught:
                udp_to_bob(alice).send_nowait(b"x" * (MAX_DATAGRAM + 1))
            assert caught.value.reason == "too-large"

    run(test)


def test_an_address_is_bound_once() -> None:
    async def test() -> None:
        network = Network()
        async with two_nodes(network):
            with pytest.raises(OSError, match=r"cannot listen on udp:192.0.2.1:5060: Address already in use"):
                await network.transport([f"udp:{ALICE}:5060"], Inbox()).run()

    run(test)


def test_what_cannot_be_framed_ends_a_stream_and_is_logged() -> None:
    async def test() -> None:
        network = Network()
        async with two_nodes(network) as (alice, _, inbox):
            flow = await alice.connect(Target("TCP", BOB, 5060))
            flow.send_nowait(message().replace(b"Content-Length: 0\r\n", b""))
            await trio.sleep(10)
            assert [error.status for error in inbox.refused] == [400]
            assert flow.closed
            assert len(network.sent("OPTIONS")) == 1

    run(test)
