"""What a protocol is to the transport layer: a class whose instances listen at one address.

UDP and TCP are two; TLS and WebSocket are to be further modules with the same methods, and one line each in
`sipfsm.transport.layer`.
"""

from functools import lru_cache
from typing import Protocol

from sipfsm.message import host_port
from sipfsm.transport.address import HostPort, Target, is_wildcard
from sipfsm.transport.interface import Flow, Listener
from sipfsm.transport.names import primary_address


class Endpoint(Protocol):
    """One bound address of one protocol."""

    @property
    def listener(self) -> Listener:
        """Where it is bound."""
        ...

    async def serve(self) -> None:
        """Take what comes in until cancelled."""
        ...

    def close(self) -> None:
        """Let go of the address at once; for an endpoint that never served."""
        ...

    def flow_to_nowait(self, target: Target) -> Flow | None:
        """Return a flow to a target, None if that takes a connection that is not open.

        Raises:
            TransportError: the target is no address.
        """
        ...

    async def connect(self, target: Target) -> Flow:
        """Return a flow to a target, over a new connection if need be.

        Raises:
            TransportError: there is no way.
        """
        ...


def listener_at(protocol: str, bound: tuple[str, int]) -> Listener:
    """Return the listener for an address that was bound, with what a Via says for it."""
    host, port = bound
    if is_wildcard(host):
        return Listener(protocol, host, port, host_port(primary_address(6 if ":" in host else 4), port))
    return Listener(protocol, host, port, host_port(host.partition("%")[0], port))


@lru_cache(maxsize=1024)
def bound_address(name: tuple[str, int] | tuple[str, int, int, int]) -> HostPort:
    """Return what `getsockname` or `getpeername` returned, a link-local address with its zone."""
    host = name[0]
    if len(name) == 4 and name[3] and "%" not in host:
        host = f"{host}%{name[3]}"
    return HostPort(host, name[1])
