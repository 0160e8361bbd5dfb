"""A running transport layer on loopback sockets, a receiver that remembers, and messages to send it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import trio
from trio.testing import MockClock

from sipfsm.counters import Counters
from sipfsm.message import DEFAULT_LIMITS, Limits, MessageError, Request, Response, make_response
from sipfsm.transport import Flow, StreamLimits, TransportLayer

DEADLINE = 5.0
"""Seconds that a test waits for what should come at once."""

LOCALHOST = "127.0.0.1"


class Listen(NamedTuple):
    """Where to listen, as the configuration has it."""

    protocol: str = "UDP"
    host: str = LOCALHOST
    port: int = 0


UDP = Listen("UDP")
TCP = Listen("TCP")


class Recorder:
    """A receiver that keeps what it gets; it answers what it has to refuse, as the transaction layer does."""

    def __init__(self) -> None:
        self.raises: Exception | None = None
        self._received_in, self._received = trio.open_memory_channel[tuple[Request | Response, Flow]](1000)
        self._refused_in, self._refused = trio.open_memory_channel[tuple[MessageError, Flow]](1000)

    def receive(self, message: Request | Response, flow: Flow) -> None:
        if self.raises is not None:
            raise self.raises
        self._received_in.send_nowait((message, flow))

    def refuse(self, error: MessageError, flow: Flow) -> None:
        if self.raises is not None:
            raise self.raises
        self._refused_in.send_nowait((error, flow))
        assert isinstance(error.message, Request)
        assert error.status is not None
        response = make_response(error.message, error.status, error.detail)
        flow.send_nowait(response.to_bytes())

    async def next(self) -> tuple[Request | Response, Flow]:
        with trio.fail_after(DEADLINE):
            return await self._received.receive()

    async def next_request(self) -> tuple[Request, Flow]:
        message, flow = await self.next()
        assert isinstance(message, Request)
        return message, flow

    async def next_refused(self) -> tuple[MessageError, Flow]:
        with trio.fail_after(DEADLINE):
            return await self._refused.receive()

    def nothing_came(self) -> bool:
        channels = (self._received, self._refused)
        return not any(channel.statistics().current_buffer_used for channel in channels)


class Running(NamedTuple):
    """A transport layer that serves."""

    layer: TransportLayer
    receiver: Recorder
    counters: Counters

    def port(self, protocol: str = "UDP", host: str = LOCALHOST) -> int:
        return next(
            listener.port
            for listener in self.layer.listeners
            if (listener.protocol, listener.host) == (protocol, host)
        )


@asynccontextmanager
async def running(
    *listen: Listen,
    limits: Limits = DEFAULT_LIMITS,
    stream: StreamLimits | None = None,
    aliases: Sequence[str] = (),
) -> AsyncIterator[Running]:
    """Run a transport layer for as long as the block lasts."""
    receiver, counters = Recorder(), Counters()
    layer = TransportLayer(
        listen or (UDP,),
        receiver,
        counters=counters,
        limits=limits,
        stream=stream or StreamLimits(),
        aliases=aliases,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(layer.run)
        yield Running(layer, receiver, counters)
        nursery.cancel_scope.cancel()


async def counted(served: Running, label: str, at_least: int = 1) -> None:
    """Wait until a counter is there: of what has no other visible effect."""
    with trio.fail_after(DEADLINE):
        while served.counters[label] < at_least:
            await trio.lowlevel.checkpoint()


def run(test: Callable[[], Awaitable[None]], *, virtual_time: bool = False) -> None:
    """Run a test; in virtual time, which jumps when nothing else can happen, if it is about deadlines."""
    clock = MockClock(autojump_threshold=0.01) if virtual_time else None
    trio.run(test, clock=clock)


def request(
    *,
    method: str = "OPTIONS",
    via: str = "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1",
    body: bytes = b"",
    length: str | None = "",
    call_id: str = "1@example.com",
) -> bytes:
    """Return a request. `length` "" stands for the right Content-Length, None for none."""
    lines = [
        f"{method} sip:bob@example.com SIP/2.0",
        f"Via: {via}",
        "Max-Forwards: 70",
        "From: <sip:alice@example.com>;tag=1",
        "To: <sip:bob@example.com>",
        f"Call-ID: {call_id}",
        f"CSeq: 1 {method}",
    ]
    if length is not None:
        lines.append(f"Content-Length: {length or len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def response(*, via: str, status: int = 200) -> bytes:
    """Return a response."""
    return (
        f"SIP/2.0 {status} OK\r\nVia: {via}\r\nFrom: <sip:alice@example.com>;tag=1\r\n"
        "To: <sip:bob@example.com>;tag=2\r\nCall-ID: 1@example.com\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()
