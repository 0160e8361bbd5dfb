"""SIP over WebSocket (:rfc:`7118`): one message in each WebSocket message."""

from __future__ import annotations

import ssl
from contextlib import suppress

import trio
import trio_websocket

from sipfsm.fuzz.player.sockets import (
    CONNECT_TIMEOUT,
    Address,
    Flow,
    Take,
    local_address,
    open_stream,
    written,
)
from sipfsm.fuzz.target import Target, TargetLostError


class WebSocketLink:
    """One open WebSocket."""

    def __init__(self, socket: trio_websocket.WebSocketConnection, remote: Address) -> None:
        """Take over an open WebSocket."""
        self._socket = socket
        self.remote = remote

    async def get_message(self) -> str | bytes:
        """Return the next message."""
        return await self._socket.get_message()

    async def send(self, data: bytes) -> None:
        """Send a message as text, or as binary data where it is no UTF-8 (:rfc:`7118#section-4.2`)."""
        message: str | bytes
        try:
            message = data.decode("utf-8")
        except UnicodeDecodeError:
            message = data
        with suppress(trio_websocket.ConnectionClosed):
            await self._socket.send_message(message)


class WebSockets:
    """The WebSocket of one player; requests come to it by the same way (:rfc:`7118#section-5.3`)."""

    def __init__(self, target: Target, take: Take, *, tls: ssl.SSLContext | None) -> None:
        """Prepare; `run` opens."""
        self._target = target
        self._take = take
        self._tls = tls if target.protocol == "wss" else None
        self._link: WebSocketLink | None = None
        self._socket: trio_websocket.WebSocketConnection | None = None
        self.local: Address = (local_address(target), 0)
        self.contact = ""

    async def run(self, nursery: trio.Nursery) -> None:
        """Connect."""
        self._nursery = nursery
        await self._connect()
        self.contact = written(self.local)

    async def _connect(self) -> WebSocketLink:
        target = self._target
        stream, self.local = await open_stream(target, self._tls)
        try:
            with trio.fail_after(CONNECT_TIMEOUT):
                self._socket = await trio_websocket.wrap_client_stream(
                    self._nursery, stream, target.host_port, "/", subprotocols=["sip"]
                )
        except (trio.TooSlowError, trio_websocket.HandshakeError, trio.BrokenResourceError) as error:
            await trio.aclose_forcefully(stream)
            reason = "nobody answered the handshake" if isinstance(error, trio.TooSlowError) else repr(error)
            raise TargetLostError(f"cannot open a WebSocket to {target.host_port}: {reason}") from None
        except trio.Cancelled:
            await trio.aclose_forcefully(stream)
            raise
        self._link = WebSocketLink(self._socket, (target.address, target.port))
        self._nursery.start_soon(self._receive, self._link)
        return self._link

    async def _receive(self, link: WebSocketLink) -> None:
        with suppress(trio_websocket.ConnectionClosed):
            while True:
                message = await link.get_message()
                data = message.encode() if isinstance(message, str) else message
                self._take(data, link.remote, link)
        if self._link is link:
            self._link = None

    async def send(self, data: bytes, flow: Flow | None) -> Address:
        """Send on the WebSocket; open a new one if the target closed the last."""
        link = self._link or await self._connect()
        await link.send(data)
        return link.remote

    async def close(self) -> None:
        """Close it."""
        if self._socket is not None:
            with trio.move_on_after(0.2), suppress(trio_websocket.ConnectionClosed):
                await self._socket.aclose()
