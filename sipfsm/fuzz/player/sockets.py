"""The sockets of the players: datagrams, and streams that connect or listen."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeAlias

import trio

from sipfsm.fuzz.target import Target, TargetLostError
from sipfsm.message import MessageError
from sipfsm.transport.framing import PONG, StreamFramer

Address = tuple[str, int]
Flow: TypeAlias = "Address | Connection"
"""Where something came from, and what answers it goes back to."""

Take = Callable[[bytes, Address, "Flow"], None]
"""Is given each message with its source."""

Stream: TypeAlias = trio.SocketStream | trio.SSLStream[trio.SocketStream]
"""A connection over TCP or TLS."""

_LARGEST = 1 << 20

CONNECT_TIMEOUT = 5
"""Seconds that the target has to accept a connection."""


class Connection(Protocol):
    """A connection that messages are sent on."""

    async def send(self, data: bytes) -> None:
        """Send a message."""

    @property
    def remote(self) -> Address:
        """The other end."""


class Socket(Protocol):
    """Where one player sends and receives."""

    local: Address
    contact: str
    """The host and port that a Contact or a Via names."""

    async def run(self, nursery: trio.Nursery) -> None:
        """Open it, and start to receive in that nursery."""

    async def send(self, data: bytes, flow: Flow | None) -> Address:
        """Send to the target, or back to where something came from; returns where to.

        Raises:
            TargetLostError: nobody is there.
        """

    async def close(self) -> None:
        """Close it, and all its connections."""


def local_address(target: Target) -> str:
    """Return the address of this machine that the target sees."""
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        # Connecting a datagram socket sends nothing: it only asks for the route.
        probe.connect((target.address, target.port))
        return str(probe.getsockname()[0])


class Datagrams:
    """A UDP socket."""

    def __init__(self, target: Target, take: Take) -> None:
        """Prepare it; `run` opens it."""
        self._target = (target.address, target.port)
        self._take = take
        family = trio.socket.AF_INET6 if ":" in target.address else trio.socket.AF_INET
        self._socket = trio.socket.socket(family, trio.socket.SOCK_DGRAM)
        self._host = local_address(target)
        self.local: Address = (self._host, 0)
        self.contact = ""

    async def run(self, nursery: trio.Nursery) -> None:
        """Bind it to a free port and receive."""
        await self._socket.bind((self._host, 0))
        self.local = (self._host, int(self._socket.getsockname()[1]))
        self.contact = written(self.local)
        nursery.start_soon(self._receive)

    async def _receive(self) -> None:
        while True:
            try:
                data, source = await self._socket.recvfrom(_LARGEST)
            except ConnectionRefusedError:  # the ICMP error of a datagram before
                continue
            address = (str(source[0]), int(source[1]))
            self._take(data, address, address)

    async def send(self, data: bytes, flow: Flow | None) -> Address:
        """Send one datagram."""
        remote = flow if isinstance(flow, tuple) else self._target
        try:
            await self._socket.sendto(data, remote)
        except OSError as error:
            if data and len(data) > 65_000:
                return remote  # larger than a datagram can be: it is lost, as on the network
            raise TargetLostError(f"cannot send to {written(remote)}: {error.strerror}") from None
        return remote

    async def close(self) -> None:
        """Close it."""
        self._socket.close()


class StreamConnection:
    """One TCP or TLS connection of a player."""

    def __init__(self, stream: Stream, remote: Address) -> None:
        """Take over an open stream."""
        self._stream = stream
        self.remote = remote
        self._turn = trio.Lock()

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        try:
            async with self._turn:
                await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            # The target may close a connection on what it does not like; the next message opens a new one.
            raise ConnectionResetError from None

    async def receive(self, take: Take, lost: Callable[[], None]) -> None:
        """Cut what comes into messages until the other side closes."""
        framer = StreamFramer(max_header=_LARGEST, max_body=_LARGEST)
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError, ConnectionResetError):
            while data := await self._stream.receive_some(65_536):
                framer.feed(bytes(data))
                try:
                    while (message := framer.next_message_untrusted()) is not None:
                        take(message, self.remote, self)
                except MessageError:
                    # Nobody can tell where the next message begins: what is left is shown as one.
                    take(bytes(data), self.remote, self)
                    break
                if framer.take_pings():
                    await self.send(PONG)
        lost()
        await self.close()

    async def close(self) -> None:
        """Close it at once."""
        await trio.aclose_forcefully(self._stream)


async def open_stream(target: Target, tls: ssl.SSLContext | None) -> tuple[Stream, Address]:
    """Connect to the target; returns the stream and its own address.

    Raises:
        TargetLostError: nobody is there, or not the one whose certificate is trusted.
    """
    address = (target.address, target.port)
    try:
        with trio.fail_after(CONNECT_TIMEOUT):
            plain = await trio.open_tcp_stream(*address)
            name = plain.socket.getsockname()
            local = (str(name[0]), int(name[1]))
            if tls is None:
                return plain, local
            secured = trio.SSLStream(plain, tls, server_hostname=target.host)
            try:
                await secured.do_handshake()
            except BaseException:
                await trio.aclose_forcefully(plain)
                raise
            return secured, local
    except trio.BrokenResourceError as error:
        raise TargetLostError(f"the TLS handshake failed: {error.__cause__ or error}") from None
    except (OSError, trio.TooSlowError) as error:
        raise TargetLostError(f"cannot connect to {written(address)}: {_reason(error)}") from None


class Streams:
    """The TCP or TLS connections of one player; over plain TCP it also listens."""

    def __init__(self, target: Target, take: Take, *, listens: bool, tls: ssl.SSLContext | None) -> None:
        """Prepare; `run` opens."""
        self._target = target
        self._take = take
        self._listens = listens
        self._tls = tls
        self._host = local_address(target)
        self._connection: StreamConnection | None = None
        self._open: set[StreamConnection] = set()
        self._listeners: list[trio.SocketListener] = []
        self.local: Address = (self._host, 0)
        self.contact = ""

    async def run(self, nursery: trio.Nursery) -> None:
        """Listen, or connect, so that there is an address to name."""
        self._nursery = nursery
        if self._listens:
            self._listeners = await trio.open_tcp_listeners(0, host=self._host)
            self.local = (self._host, int(self._listeners[0].socket.getsockname()[1]))
            nursery.start_soon(trio.serve_listeners, self._accept, self._listeners)
        else:
            await self._connect()
        self.contact = written(self.local)

    async def _accept(self, stream: trio.SocketStream) -> None:
        name = stream.socket.getpeername()
        connection = StreamConnection(stream, (str(name[0]), int(name[1])))
        self._open.add(connection)
        await connection.receive(self._take, lambda: self._open.discard(connection))

    async def _connect(self) -> StreamConnection:
        stream, local = await open_stream(self._target, self._tls)
        if not self._listens:
            self.local = (self._host, local[1])
        connection = StreamConnection(stream, (self._target.address, self._target.port))
        self._open.add(connection)
        self._connection = connection
        self._nursery.start_soon(connection.receive, self._take, lambda: self._lose(connection))
        return connection

    def _lose(self, connection: StreamConnection) -> None:
        self._open.discard(connection)
        if self._connection is connection:
            self._connection = None

    async def send(self, data: bytes, flow: Flow | None) -> Address:
        """Send on the connection that something came by, or on the player's own."""
        connection = flow if isinstance(flow, StreamConnection) else self._connection
        connection = connection or await self._connect()
        try:
            await connection.send(data)
        except ConnectionResetError:
            self._lose(connection)
        return connection.remote

    async def close(self) -> None:
        """Close everything."""
        for connection in list(self._open):
            await connection.close()
        for listener in self._listeners:
            await listener.aclose()


def written(address: Address) -> str:
    """Write an address and port as a URI does."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reason(error: BaseException) -> str:
    if isinstance(error, trio.TooSlowError):
        return "nobody answered within 5 s"
    cause = error.__cause__
    if isinstance(cause, BaseExceptionGroup) and cause.exceptions:
        error = cause.exceptions[0]
    elif isinstance(cause, OSError):
        error = cause
    return getattr(error, "strerror", None) or str(error)
