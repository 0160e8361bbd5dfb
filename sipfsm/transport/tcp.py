"""TCP: one listening socket, and the connections that are opened from its address."""

import errno
import socket
from contextlib import suppress

import structlog
import trio

from sipfsm.transport.address import HostPort, Target, is_loopback, is_wildcard
from sipfsm.transport.endpoint import bound_address
from sipfsm.transport.errors import TransportError, from_os_error
from sipfsm.transport.shared import Shared
from sipfsm.transport.sockets import bind_socket, socket_address
from sipfsm.transport.stream_endpoint import StreamEndpoint

log = structlog.get_logger(__name__)

BACKLOG = 1024
"""Connections that may wait to be accepted; the operating system may grant fewer."""

ACCEPT_PAUSE = 0.1
"""Seconds to wait when this process or machine is out of file descriptors or memory."""

_OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_IP_BIND_ADDRESS_NO_PORT = 24
"""Linux; the socket module does not name it before Python 3.12."""


class TcpEndpoint(StreamEndpoint):
    """One listening TCP socket."""

    def __init__(self, host: str, port: int, shared: Shared):
        """Bind a socket and listen; it is closed when `serve` ends.

        Args:
            host: an IP literal, without brackets.
            port: 0 for any free one.
            shared: what all endpoints of the transport layer share.

        Raises:
            OSError: the address is in use or not ours.
            ValueError: it is no IP literal.
        """
        self._socket = bind_socket(host, port, socket.SOCK_STREAM)
        self._socket.listen(BACKLOG)
        super().__init__("TCP", bound_address(self._socket.getsockname()), shared)

    def close(self) -> None:
        """Close the listening socket."""
        self._socket.close()

    async def _accept(self) -> tuple[trio.abc.Stream, HostPort, HostPort] | None:
        await trio.lowlevel.wait_readable(self._socket)
        try:
            accepted, name = self._socket.accept()
        except OSError as error:
            if error.errno in _OUT_OF_RESOURCES:
                self._shared.counters.count("connections.refused.out-of-resources")
                log.warning("cannot accept a connection", listener=str(self.listener), error=str(error))
                await trio.sleep(ACCEPT_PAUSE)
            # Anything else concerns the connection that was to be accepted, not the listener.
            return None
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(accepted))
        return stream, bound_address(accepted.getsockname()), bound_address(name)

    async def _open(self, target: Target) -> tuple[trio.abc.Stream, HostPort]:
        try:
            address = socket_address(target.host, target.port)
        except ValueError as error:
            raise TransportError("bad-address", f"cannot connect to {target}: {error}") from error
        family = socket.AF_INET6 if len(address) == 4 else socket.AF_INET
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise from_os_error(error, f"cannot connect to {target}") from error
        try:
            sock.setblocking(False)
            self._bind_source(sock, target)
            connecting = trio.socket.from_stdlib_socket(sock)
            await connecting.connect(address)
            return trio.SocketStream(connecting), bound_address(sock.getsockname())
        except BaseException as error:
            sock.close()
            if isinstance(error, OSError):
                raise from_os_error(error, f"cannot connect to {target}") from error
            raise

    def _bind_source(self, sock: socket.socket, target: Target) -> None:
        """Have a connection come from the address that we listen at, if that leads to the target."""
        host = self.listener.host
        if is_wildcard(host) or is_loopback(host) != is_loopback(target.host):
            return
        with suppress(OSError):
            # Or the port would be taken from those that no other connection uses, whatever its target.
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind(socket_address(host, 0))
