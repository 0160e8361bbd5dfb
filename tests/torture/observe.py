"""What a running server makes of one message: a whole server in this process, on real loopback sockets.

Each message gets a server of its own (20 ms), so that none meets the transaction of another one and every
counter is its own. It is sent as it stands, not a byte changed. A server answers to the address of the top
Via, or, where that is a name or another address than the source, to the source at the Via's port (RFC 3261
18.2.1, 18.2.2): so it is sent from a loopback address, 127.0.0.0/8 has plenty, at just that port. Over TCP
the answer takes the connection.

Names are looked up by a resolver that knows them all and has them lead to one next hop: a transport layer of
its own, on real sockets too, that answers what comes in. The user that a Request-URI names is registered
there, if the domain is one of the server's.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import trio

from sipfsm.config import ListenAddress, Settings
from sipfsm.counters import Counters
from sipfsm.location import Binding, address_of_record
from sipfsm.message import (
    DEFAULT_LIMITS,
    MessageError,
    Request,
    Response,
    SipMessage,
    SipUri,
    make_response,
    parse_message_untrusted,
)
from sipfsm.resolver import Resolver
from sipfsm.server import Server
from sipfsm.transport import Flow, StreamLimits, Target, TransportLayer

DOMAINS = ("example.com", "[2001:db8::10]")
"""What the server is responsible for."""

DEADLINE = 10.0
"""Seconds after which nothing will happen any more, on however slow a machine."""

MESSAGE_TIMEOUT = 0.4
"""Seconds that the server gives a message on a stream, for what stays incomplete."""

_ENDED = "connections.closed.unframeable"
_LOOPBACK = ("udp:127.0.0.1:0", "tcp:127.0.0.1:0")


class Observed(NamedTuple):
    """What became of a message.

    Attributes:
        outcome: as in `tests.torture.table`.
        phrase: the reason phrase of an answer of the server's own, else empty.
        counted: what was counted of drops and refusals.
        closed: whether the server closed the connection (TCP).
        forwarded: what the next hop got.
        answer: the final response that came back.
    """

    outcome: str | int
    phrase: str
    counted: tuple[str, ...]
    closed: bool
    forwarded: Request | None
    answer: Response | None


class NextHop:
    """Answers every request: 486 to an INVITE, 200 to any other."""

    def __init__(self) -> None:
        self.received: list[Request] = []
        self.transport = TransportLayer(
            [ListenAddress.parse(text) for text in _LOOPBACK],
            self,
            counters=Counters(),
            limits=DEFAULT_LIMITS,
            stream=StreamLimits(),
        )

    def receive(self, message: Request | Response, flow: Flow) -> None:
        """Take a request and answer it."""
        if isinstance(message, Request):
            self.received.append(message)
            if message.method != "ACK":
                status = 486 if message.method == "INVITE" else 200
                flow.send_nowait(make_response(message, status, to_tag="next-hop").to_bytes())

    def refuse(self, error: MessageError, flow: Flow) -> None:
        """Raise: the server must not forward what is malformed."""
        raise AssertionError(f"the next hop cannot read what it got: {error}")

    def target(self, protocol: str) -> Target:
        """Return where it listens."""
        [listener] = [each for each in self.transport.listeners if each.protocol == protocol]
        return Target(protocol, listener.host, listener.port)


class Everywhere(Resolver):
    """Finds the one next hop under every name and address."""

    def __init__(self, next_hop: NextHop) -> None:
        self._next_hop = next_hop

    def resolve_nowait(self, uri: SipUri) -> list[Target]:
        """Return the next hop; what is too large for UDP goes to its TCP port."""
        target = self._next_hop.target("TCP" if uri.transport == "tcp" else "UDP")
        return [target]

    async def resolve(self, uri: SipUri) -> list[Target]:
        """Return the next hop."""
        await trio.lowlevel.checkpoint()
        return self.resolve_nowait(uri)


class _Caller:
    """What the sender of the message gets back.

    On a stream more than one message may follow; what is answered to those is not looked at.
    """

    def __init__(self, data: bytes) -> None:
        call_id = re.search(rb"\r\n(?:call-id|i)[ \t]*:\s*(\S+)", data, re.IGNORECASE)
        self._call_id = None if call_id is None else call_id[1]
        self.final: Response | None = None
        self.closed = False
        self._stream = b""

    def take(self, data: bytes) -> None:
        """Take a datagram, or a piece of a stream."""
        self._stream += data
        while (end := self._stream.find(b"\r\n\r\n")) >= 0:  # no answer has a body
            response = parse_message_untrusted(self._stream[: end + 4])
            self._stream = self._stream[end + 4 :]
            assert isinstance(response, Response)
            is_ours = response.headers.first(b"call-id") in {self._call_id, None}
            if is_ours and response.status >= 200 and self.final is None:
                self.final = response


def observe(data: bytes, protocol: str) -> Observed:
    """Send a message to a server of its own and say what becomes of it.

    Args:
        data: the message.
        protocol: ``UDP`` or ``TCP``; over TCP in pieces of random length.
    """
    return trio.run(_observe, data, protocol)


async def _observe(data: bytes, protocol: str) -> Observed:
    settings = Settings(
        listen=_LOOPBACK,
        domains=DOMAINS,
        location="memory",
        no_auth=True,
        limits={"message_timeout": MESSAGE_TIMEOUT},
    )
    server, next_hop, caller = Server(settings), NextHop(), _Caller(data)
    async with trio.open_nursery() as nursery:
        await nursery.start(next_hop.transport.run)
        await nursery.start(server.run)
        server.proxy.resolver = Everywhere(next_hop)
        await _register_callee(data, server, next_hop)
        [listener] = [each for each in server.transport.listeners if each.protocol == protocol]
        speak = _over_udp if protocol == "UDP" else _over_tcp
        nursery.start_soon(speak, data, (listener.host, listener.port), caller)

        def is_over() -> bool:
            if _ENDED in server.counters and protocol == "TCP":
                return caller.closed  # what is answered goes out before
            return caller.final is not None or caller.closed or bool(_counted(server))

        await _until(is_over)
        await trio.sleep(0.02)  # for what must not come
        nursery.cancel_scope.cancel()
    return _judge(server, next_hop, caller)


def _judge(server: Server, next_hop: NextHop, caller: _Caller) -> Observed:
    forwarded = next((each for each in next_hop.received if each.method != "ACK"), None)
    outcome: str | int = "dropped"
    phrase = ""
    if forwarded is not None:
        outcome = "forwarded" if caller.final is not None else "forwarded, never answered"
    elif caller.final is not None:
        outcome, phrase = caller.final.status, caller.final.reason
    elif caller.closed:
        outcome = "closed"
    return Observed(outcome, phrase, _counted(server), caller.closed, forwarded, caller.final)


def _counted(server: Server) -> tuple[str, ...]:
    kinds = ("dropped.", "refused.", "faults")
    return tuple(sorted(label for label in server.counters if label.startswith(kinds)))


async def _register_callee(data: bytes, server: Server, next_hop: NextHop) -> None:
    try:
        message: SipMessage = parse_message_untrusted(data)
        assert isinstance(message, Request)
        uri = message.uri
    except (MessageError, AssertionError):
        return
    if message.method != "REGISTER" and isinstance(uri, SipUri) and uri.user is not None:
        contact = f"sip:callee@127.0.0.1:{next_hop.target('UDP').port}".encode()
        binding = Binding(contact, 1.0, time.time() + 600, "torture", 1)
        await server.location.update(address_of_record(uri), lambda _: (binding,))


async def _until(look: Callable[[], bool]) -> None:
    with trio.fail_after(DEADLINE):
        while not look():  # noqa: ASYNC110 - counters and a peer's answers cannot wake us
            await trio.sleep(0.002)


async def _over_udp(data: bytes, server: tuple[str, int], caller: _Caller) -> None:
    with trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM) as opened:
        port = _port_of_via(data)
        while True:
            host = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"
            with suppress(OSError):  # another test may have it
                await opened.bind((host, port))
                break
        await opened.sendto(data, server)
        while True:
            caller.take((await opened.recvfrom(65_535))[0])


def _port_of_via(data: bytes) -> int:
    """Return the port that the answer will be sent to; any, where no Via can be read."""
    try:
        via = parse_message_untrusted(data).via
    except MessageError as error:
        try:
            return 5060 if error.message is None else error.message.via.port or 5060
        except MessageError:
            return 5060
    return via.port or 5060


async def _over_tcp(data: bytes, server: tuple[str, int], caller: _Caller) -> None:
    stream = await trio.open_tcp_stream(*server)
    async with stream, trio.open_nursery() as nursery:
        nursery.start_soon(_send_in_pieces, data, stream, caller)
        async for received in stream:
            caller.take(bytes(received))
        caller.closed = True


async def _send_in_pieces(data: bytes, stream: trio.SocketStream, caller: _Caller) -> None:
    """Send a message cut at random places, the same in each run: Python seeds itself from the bytes.

    What follows the message in a datagram is another one in a stream; it waits for the answer to the first.
    """
    chance = random.Random(data)
    try:
        first = len(parse_message_untrusted(data).to_bytes())
    except MessageError:
        first = len(data)
    sent = 0
    with suppress(trio.BrokenResourceError):  # closed before all was said: its right, if it knows by then
        while sent < len(data):
            if sent == first:
                await _until(lambda: caller.final is not None)
            length = chance.choice([1, 2, 3, 17, 100, 500])
            end = min(sent + length, first if sent < first else len(data))
            await stream.send_all(data[sent:end])
            sent = end
