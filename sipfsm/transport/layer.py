"""The transport layer: binds the listeners, serves them, and finds the flow for what is to be sent."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog
import trio

from sipfsm.counters import Counters
from sipfsm.message import Limits, Via
from sipfsm.transport.address import Target, ip_version, is_loopback
from sipfsm.transport.connections import Connections
from sipfsm.transport.endpoint import Endpoint
from sipfsm.transport.errors import TransportError
from sipfsm.transport.intake import Intake
from sipfsm.transport.interface import Flow, Listener, Receiver
from sipfsm.transport.limits import StreamLimits
from sipfsm.transport.lookup import look_up
from sipfsm.transport.names import LocalNames
from sipfsm.transport.shared import Shared
from sipfsm.transport.tcp import TcpEndpoint
from sipfsm.transport.udp import UdpEndpoint
from sipfsm.transport.via import reply_target

log = structlog.get_logger(__name__)

EndpointFactory = Callable[[str, int, Shared], Endpoint]
"""Binds an endpoint of a protocol to a host and port."""

PROTOCOLS: Mapping[str, EndpointFactory] = {"UDP": UdpEndpoint, "TCP": TcpEndpoint}
"""The protocols that are spoken, as a Via names them."""


class ListenAddress(Protocol):
    """Where to listen, as the configuration has it."""

    @property
    def protocol(self) -> str:
        """``UDP`` or ``TCP``."""
        ...

    @property
    def host(self) -> str:
        """An IP literal, without brackets; a wildcard listens on all addresses of its family."""
        ...

    @property
    def port(self) -> int:
        """0 to 65535; 0 has the operating system choose a free one."""
        ...


class TransportLayer:
    """All listeners of a server, and the connections of its stream protocols."""

    def __init__(
        self,
        listen: Sequence[ListenAddress],
        receiver: Receiver,
        *,
        counters: Counters,
        limits: Limits,
        stream: StreamLimits,
        aliases: Sequence[str] = (),
        protocols: Mapping[str, EndpointFactory] = PROTOCOLS,
        tracing: bool = False,
    ):
        """Prepare; nothing is bound before `run`.

        Args:
            listen: where to listen.
            receiver: gets the messages that come in.
            counters: where what happens is counted.
            limits: of one message.
            stream: of stream connections.
            aliases: names of this element besides the listeners' addresses: ``host`` or ``host:port``.
            protocols: what binds an endpoint, for each protocol.
            tracing: log every event of a connection with its ends, model and state, at level debug.

        Raises:
            ValueError: an alias is malformed, or a protocol is unknown.
        """
        self.listeners: list[Listener] = []
        self._listen = list(listen)
        self._protocols = protocols
        self._names = LocalNames(aliases)
        self._shared = Shared(
            intake=Intake(receiver, names=self._names, counters=counters, limits=limits),
            counters=counters,
            limits=limits,
            stream=stream,
            connections=Connections(stream, counters, tracing=tracing),
        )
        self._endpoints: list[Endpoint] = []
        self._by_address: dict[tuple[str, str, int], Endpoint] = {}
        self._routes: dict[tuple[str, int, bool], Endpoint | None] = {}
        for address in self._listen:
            if address.protocol not in protocols:
                raise ValueError(f"unknown transport protocol {address.protocol!r}")

    def bind(self) -> None:
        """Bind everything, so that the ports are known before anything is received; `run` must follow.

        Raises:
            OSError: an address cannot be bound; the sentence names it. Nothing stays bound.
        """
        try:
            self._bind()
        except OSError:
            self._close()
            raise

    async def run(self, *, task_status: trio.TaskStatus[list[Listener]] = trio.TASK_STATUS_IGNORED) -> None:
        """Bind everything (if `bind` did not), report the listeners as started, and serve until cancelled.

        Raises:
            OSError: an address cannot be bound; the sentence names it. Nothing stays bound.
        """
        try:
            if not self._endpoints:
                self.bind()
            async with trio.open_nursery() as nursery:
                for endpoint in self._endpoints:
                    nursery.start_soon(endpoint.serve)
                task_status.started(self.listeners)
        finally:
            self._close()

    def flow_to_nowait(self, target: Target, *, prefer: Flow | None = None) -> Flow | None:
        """Return a flow to a target, None when a connection has to be opened first. See `Transport`."""
        return self._endpoint_for(target, prefer).flow_to_nowait(target)

    def sent_by_to(self, target: Target, *, prefer: Flow | None = None) -> str:
        """Return what a Via of ours will say on the way to a target. See `Transport`."""
        listener = self._endpoint_for(target, prefer).listener
        # A connection that is there is taken, whichever listener it belongs to.
        return (self._shared.connections.find(target) or listener).sent_by

    async def connect(self, target: Target, *, prefer: Flow | None = None) -> Flow:
        """Return an open connection to a target (UDP: just the flow). See `Transport`."""
        return await self._endpoint_for(target, prefer).connect(target)

    def reply_flow_nowait(self, via: Via, flow: Flow) -> Flow | None:
        """Return the flow for a response, None when that takes waiting. See `Transport`."""
        if flow.reliable and not flow.closed:
            return flow
        target = reply_target(via, flow.protocol, reliable=flow.reliable)
        if not flow.reliable:
            remote = flow.remote
            if target.port == remote.port and target.host == remote.host.partition("%")[0]:
                return flow
        if ip_version(target.host) is None:
            return None
        # RFC 3581 4: from the address and port that the request was received on.
        return self.flow_to_nowait(target, prefer=flow)

    async def connect_reply(self, via: Via, flow: Flow) -> Flow:
        """Return the flow for a response, over a new connection or to a looked-up address if need be."""
        reply = self.reply_flow_nowait(via, flow)
        if reply is not None:
            await trio.lowlevel.checkpoint()
            return reply
        target = reply_target(via, flow.protocol, reliable=flow.reliable)
        try:
            return await self._connect_any(target, flow)
        except TransportError:
            if target.host == via.host:
                raise
        # RFC 3261 18.2.2: when the address that the request came from fails, the name or address in the Via.
        return await self._connect_any(target._replace(host=via.host), flow)

    @property
    def connections(self) -> int:
        """How many stream connections there are: accepted, opened and being opened."""
        return self._shared.connections.total

    def is_listening_at(self, host: str, port: int, protocol: str | None = None) -> bool:
        """Say if a host and port are this element's own. See `Transport`."""
        return self._names.is_listening_at(host, port, protocol)

    def _bind(self) -> None:
        for address in self._listen:
            try:
                endpoint = self._protocols[address.protocol](address.host, address.port, self._shared)
            except (OSError, ValueError) as error:
                target = Target(address.protocol, address.host, address.port)
                why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                raise OSError(f"cannot listen on {target}: {why}") from error
            self._endpoints.append(endpoint)
            listener = endpoint.listener
            self.listeners.append(listener)
            self._names.add(listener)
            self._by_address[listener.protocol, listener.host, listener.port] = endpoint
            log.info("listening", address=str(listener), sent_by=listener.sent_by)

    def _close(self) -> None:
        for endpoint in self._endpoints:
            endpoint.close()

    def _endpoint_for(self, target: Target, prefer: Flow | None) -> Endpoint:
        """Return the endpoint to send from: the preferred flow's if it fits, or the first that does.

        Raises:
            TransportError: there is none, or the target's host is no IP literal.
        """
        version = ip_version(target.host)
        if version is None:
            raise TransportError("bad-address", f"cannot send to {target}: {target.host!r} is no IP address")
        loopback = is_loopback(target.host)
        if prefer is not None and prefer.protocol == target.protocol:
            host, port = prefer.local
            endpoint = self._by_address.get((target.protocol, host, port))
            # What is bound to a loopback address reaches nothing else.
            same_version = (":" in host) == (version == 6)
            if endpoint is not None and same_version and (loopback or not is_loopback(host)):
                return endpoint
        route = (target.protocol, version, loopback)
        if route not in self._routes:
            self._routes[route] = self._choose(*route)
        endpoint = self._routes[route]
        if endpoint is None:
            missing = f"there is no {target.protocol} listener on IPv{version}"
            raise TransportError("no-listener", f"cannot send to {target}: {missing}")
        return endpoint

    def _choose(self, protocol: str, version: int, loopback: bool) -> Endpoint | None:
        """Return an endpoint of a protocol and IP version, rather a loopback one for a loopback target."""
        fitting = [
            endpoint
            for endpoint in self._endpoints
            if endpoint.listener.protocol == protocol and (":" in endpoint.listener.host) == (version == 6)
        ]
        fitting.sort(key=lambda endpoint: is_loopback(endpoint.listener.host) != loopback)
        return fitting[0] if fitting else None

    async def _connect_any(self, target: Target, prefer: Flow) -> Flow:
        """Return a flow to the first address of a target's host (an IP literal or name) that takes one."""
        name = target.host
        hosts = [name] if ip_version(name) else await look_up(name, of_via=True)
        failure = TransportError("no-such-host", f"cannot send to {target}: the name has no address")
        for host in hosts:
            literal = target._replace(host=host)
            try:
                flow = self.flow_to_nowait(literal, prefer=prefer)
                return flow or await self.connect(literal, prefer=prefer)
            except TransportError as error:
                failure = error
        raise failure
