"""UDP: one socket a listener, drained without `trio.socket`, whose cost a datagram is three times as high."""

import socket
from abc import ABC, abstractmethod

import trio

from sipfsm.message import host_port
from sipfsm.transport.address import HostPort, Target
from sipfsm.transport.endpoint import bound_address, listener_at
from sipfsm.transport.errors import TransportError, from_os_error
from sipfsm.transport.icmp import ask_for_icmp, next_icmp
from sipfsm.transport.interface import Watcher
from sipfsm.transport.shared import Shared
from sipfsm.transport.sockets import SocketAddress, bind_socket, socket_address

BATCH = 64
"""Datagrams that are read before other tasks get their turn."""

RECEIVE_BUFFER = 4 * 1024 * 1024
"""Bytes asked of the operating system for what waits to be read; it may grant less (`net.core.rmem_max`)."""

_SO_RCVBUFFORCE = 33
"""Linux; the socket module does not name it."""


class UdpFlow:
    """A UDP socket with a remote address. One is made for each datagram."""

    __slots__ = ("_address", "endpoint")

    protocol = "UDP"
    reliable = False
    closed = False

    def __init__(self, endpoint: "DatagramEndpoint", address: SocketAddress):
        """Join a socket and an address as the socket module writes it."""
        self.endpoint = endpoint
        self._address = address

    @property
    def local(self) -> HostPort:
        """Our end; the wildcard if the socket listens on all addresses."""
        return self.endpoint.local

    @property
    def remote(self) -> HostPort:
        """The other end."""
        return bound_address(self._address)

    @property
    def sent_by(self) -> str:
        """What a Via of ours says."""
        return self.endpoint.listener.sent_by

    def send_nowait(self, data: bytes) -> None:
        """Send a datagram; with a full socket buffer it is dropped and counted.

        Raises:
            TransportError: it is too large, or the operating system has no way there.
        """
        self.endpoint.send(data, self._address)

    def watch(self, callback: Watcher) -> None:
        """Have a callback told, once, when ICMP says that datagrams do not arrive there."""
        self.endpoint.watch(self._address, callback)

    def unwatch(self, callback: Watcher) -> None:
        """Forget a callback."""
        self.endpoint.unwatch(self._address, callback)

    def __repr__(self) -> str:
        return f"<UdpFlow {host_port(*self.local)} - {host_port(*self.remote)}>"


class DatagramEndpoint(ABC):
    """One address that a datagram protocol listens at. A protocol adds how to read and to send a datagram."""

    def __init__(self, protocol: str, local: HostPort, shared: Shared):
        """Take an address that is bound.

        Args:
            protocol: as a Via writes it.
            local: where it listens.
            shared: what all endpoints of the transport layer share.
        """
        self.local = local
        self.listener = listener_at(protocol, local)
        self._intake = shared.intake
        self._counters = shared.counters
        self._watchers: dict[tuple[str, int], dict[Watcher, None]] = {}

    @abstractmethod
    async def serve(self) -> None:
        """Read until cancelled, then close."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the address."""

    @abstractmethod
    def _send(self, data: bytes, address: SocketAddress) -> None:
        """Send a datagram.

        Raises:
            BlockingIOError: the buffer for what is sent is full.
            OSError: it is too large, or there is no way there.
        """

    def flow_to_nowait(self, target: Target) -> UdpFlow:
        """Return a flow to a target.

        Raises:
            TransportError: the target is no address.
        """
        if target.port == 0:
            raise TransportError("bad-address", f"cannot send to {target}: port 0 stands for no port")
        try:
            return UdpFlow(self, socket_address(target.host, target.port))
        except ValueError as error:
            raise TransportError("bad-address", f"cannot send to {target}: {error}") from error

    async def connect(self, target: Target) -> UdpFlow:
        """Return a flow to a target; there is nothing to connect.

        Raises:
            TransportError: the target is no address.
        """
        await trio.lowlevel.checkpoint()
        return self.flow_to_nowait(target)

    def send(self, data: bytes, address: SocketAddress) -> None:
        """Send a datagram to an address as the socket module writes it.

        Raises:
            TransportError: it is too large, or the operating system has no way there.
        """
        try:
            self._send(data, address)
        except BlockingIOError:
            # As if the network had lost it: the transaction layer's timers are made for that.
            self._counters.count("dropped.send.buffer-full")
            return
        except OSError as error:
            self._counters.count("failed.send.udp")
            raise from_os_error(error, f"cannot send to udp:{host_port(address[0], address[1])}") from error
        self._counters.count("sent.udp")

    def take(self, data: bytes, address: SocketAddress) -> None:
        """Take a datagram that came in."""
        self._counters.count("received.udp")
        # RFC 3261 7.5 has only streams begin a message with CRLF, but datagrams do it too.
        data = data.lstrip(b"\r\n")
        if data.strip(b"\0"):
            self._intake.take(data, UdpFlow(self, address))
        else:
            # Nothing but CRLF or zeros, or nothing at all: it keeps the binding of a NAT open.
            self._counters.count("keepalive.udp")

    def watch(self, address: SocketAddress, callback: Watcher) -> None:
        """Have a callback told, once, when datagrams to an address are known not to arrive."""
        self._watchers.setdefault(address[:2], {})[callback] = None

    def unwatch(self, address: SocketAddress, callback: Watcher) -> None:
        """Forget a callback."""
        watchers = self._watchers.get(address[:2])
        if watchers is not None:
            watchers.pop(callback, None)
            if not watchers:
                del self._watchers[address[:2]]

    def take_failure(self, address: SocketAddress, failure: TransportError) -> None:
        """Tell those who watch an address that datagrams do not arrive there."""
        self._counters.count(f"icmp.{failure.reason}")
        for watcher in self._watchers.pop(address[:2], {}):
            try:
                watcher(failure)
            except Exception as error:  # noqa: BLE001 - a bug of one must not keep it from the others
                self._intake.faults.report(error, "telling a watcher that a datagram did not arrive")


class UdpEndpoint(DatagramEndpoint):
    """One bound UDP socket."""

    def __init__(self, host: str, port: int, shared: Shared):
        """Bind a socket; it is closed when `serve` ends.

        Args:
            host: an IP literal, without brackets.
            port: 0 for any free one.
            shared: what all endpoints of the transport layer share.

        Raises:
            OSError: the address is in use or not ours.
            ValueError: it is no IP literal.
        """
        self._socket = bind_socket(host, port, socket.SOCK_DGRAM)
        try:
            # Only a privileged process may ask for more than net.core.rmem_max.
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except OSError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        ask_for_icmp(self._socket)
        super().__init__("UDP", bound_address(self._socket.getsockname()), shared)

    async def serve(self) -> None:
        """Read until cancelled, then close."""
        try:
            while True:
                await trio.lowlevel.wait_readable(self._socket)
                while self._drain():
                    await trio.lowlevel.checkpoint()
        finally:
            self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _send(self, data: bytes, address: SocketAddress) -> None:
        for _ in range(2):
            try:
                self._socket.sendto(data, address)
            except BlockingIOError:
                raise
            except OSError:
                # It may be the error of an earlier datagram, to anywhere; then nothing was sent now.
                continue
            return
        self._socket.sendto(data, address)

    def _drain(self) -> bool:
        """Read until the socket is empty (False) or a batch is full (True)."""
        receive = self._socket.recvfrom
        for number in range(BATCH):
            try:
                data, address = receive(65_535)
            except BlockingIOError:
                if number == 0:
                    # Woken, but not by a datagram.
                    self._take_icmp()
                return False
            except OSError:
                self._take_icmp()
                return False
            self.take(data, address)
        return True

    def _take_icmp(self) -> None:
        """Take note of the ICMP errors that wait to be read; unread ones would wake us again at once."""
        for _ in range(BATCH):
            error = next_icmp(self._socket)
            if error is None:
                return
            address, failure = error
            if failure is not None:
                self.take_failure(address, failure)
