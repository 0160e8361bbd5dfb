"""The sockets of the simulated network: what takes the place of the operating system's."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import trio
from trio.testing import MemoryReceiveStream

from sipfsm.message import MessageError
from sipfsm.transport import HostPort, Target, TransportError
from sipfsm.transport.framing import StreamFramer
from sipfsm.transport.shared import Shared
from sipfsm.transport.sockets import SocketAddress
from sipfsm.transport.stream_endpoint import StreamEndpoint
from sipfsm.transport.udp import DatagramEndpoint

if TYPE_CHECKING:
    from sipfsm.simulation.network import Network

MAX_DATAGRAM = 65_507
"""Bytes of payload: 65,535 less the headers of IPv4 and UDP."""


class SimulatedUdp(DatagramEndpoint):
    """A UDP socket of the network."""

    def __init__(self, network: Network, host: str, port: int, shared: Shared):
        self._network = network
        super().__init__("UDP", network.bind(self, "UDP", host, port), shared)

    async def serve(self) -> None:
        """Hold the address until cancelled; what arrives comes by `take`."""
        try:
            await trio.sleep_forever()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the address."""
        self._network.unbind(self)

    def _send(self, data: bytes, address: SocketAddress) -> None:
        if len(data) > MAX_DATAGRAM:
            raise OSError(errno.EMSGSIZE, "Message too long")
        self._network.send_datagram(self.local, HostPort(address[0], address[1]), data)


class SimulatedTcp(StreamEndpoint):
    """A listening TCP socket of the network."""

    def __init__(self, network: Network, host: str, port: int, shared: Shared):
        self._network = network
        self._arrivals_in, self._arrivals = trio.open_memory_channel[SimulatedStream](1024)
        super().__init__("TCP", network.bind(self, "TCP", host, port), shared)

    def close(self) -> None:
        """Let go of the address."""
        self._network.unbind(self)

    def arrive(self, stream: SimulatedStream) -> None:
        """Take the far end of a new connection."""
        self._arrivals_in.send_nowait(stream)

    async def _accept(self) -> tuple[trio.abc.Stream, HostPort, HostPort] | None:
        stream = await self._arrivals.receive()
        return stream, stream.local, stream.remote

    async def _open(self, target: Target) -> tuple[trio.abc.Stream, HostPort]:
        network, local = self._network, HostPort(self.listener.host, self._network.free_port())
        there, back = network.link(local.host, target.host), network.link(target.host, local.host)
        if 1.0 in (there.loss, back.loss):
            await trio.sleep_forever()
        await trio.sleep(network.jitter(there) + network.jitter(back))
        endpoint = network.bound(target)
        if not isinstance(endpoint, SimulatedTcp):
            raise TransportError("refused", f"cannot connect to {target}: nothing listens there")
        near, far = network.stream_pair(local, HostPort(target.host, target.port))
        endpoint.arrive(far)
        return near, local


class SimulatedStream(trio.abc.HalfCloseableStream):
    """One end of a stream: bytes arrive in order, after the latency of the link."""

    def __init__(self, network: Network, local: HostPort, remote: HostPort):
        self.local = local
        self.remote = remote
        self.peer: SimulatedStream
        self._network = network
        self._incoming = MemoryReceiveStream()
        self._broken = self._closed = False
        self._arrives_at = 0.0
        self._logged: StreamFramer | None = StreamFramer(max_header=1 << 20, max_body=1 << 20)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes; they never meet a full buffer."""
        await trio.lowlevel.checkpoint()
        self._check()
        at = self._deliver(partial(self.peer.arrive, bytes(data)))
        self._log(bytes(data), at)

    async def wait_send_all_might_not_block(self) -> None:
        """Return: bytes can be sent at any time."""
        await trio.lowlevel.checkpoint()

    async def send_eof(self) -> None:
        """End our direction."""
        await trio.lowlevel.checkpoint()
        self._check()
        self._deliver(self.peer.arrive_eof)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Wait for bytes; none are the end."""
        self._check()
        data = await self._incoming.receive_some(max_bytes)
        self._check()
        return data

    async def aclose(self) -> None:
        """Close this end; the other one is told."""
        if not self._closed:
            self._closed = True
            self._network.forget_stream(self)
            if not self._broken:
                self._deliver(self.peer.arrive_eof)
        await self._incoming.aclose()

    def arrive(self, data: bytes) -> None:
        """Take bytes from the network."""
        with suppress(trio.ClosedResourceError):
            self._incoming.put_data(data)

    def arrive_eof(self) -> None:
        """Take the end of the stream from the network."""
        with suppress(trio.ClosedResourceError):
            self._incoming.put_eof()

    def break_off(self) -> None:
        """Reset this end."""
        self._broken = True
        self._network.forget_stream(self)
        self.arrive_eof()

    def _check(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError
        if self._broken:
            raise trio.BrokenResourceError

    def _deliver(self, deliver: Callable[[], None]) -> float | None:
        """Have something happen at the other end, after all that was sent before; return when."""
        link = self._network.link(self.local.host, self.remote.host)
        if link.loss == 1.0:
            return None
        at = trio.current_time() + self._network.jitter(link)
        self._arrives_at = self._network.deliver_streamed(max(self._arrives_at, at), deliver)
        return self._arrives_at

    def _log(self, data: bytes, at: float | None) -> None:
        for message in self._messages(data):
            self._network.record_streamed(self.local, self.remote, message, at)

    def _messages(self, data: bytes) -> Iterator[bytes]:
        """Cut what is sent into the messages of the log; what cannot be cut is logged in pieces."""
        if self._logged is None:
            yield data
            return
        self._logged.feed(data)
        try:
            while (message := self._logged.next_message_untrusted()) is not None:
                yield message
        except MessageError:
            self._logged = None
            yield data
