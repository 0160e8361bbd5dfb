"""The stream connections that exist: how many there may be, what runs them, which leads to a target."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from ipaddress import IPv6Network

from sipfsm.counters import Counters
from sipfsm.fsm import Engine, Timing, load_model
from sipfsm.transport.address import Target
from sipfsm.transport.errors import TransportError
from sipfsm.transport.interface import Flow
from sipfsm.transport.limits import StreamLimits


@cache
def _engine(timing: Timing) -> Engine:
    """Return the machine, which keeps nothing of a connection: all that have the same timing share it."""
    return Engine(load_model("connection"), timing)


def holder_of(host: str) -> str:
    """Return what stands for all addresses of who has this one.

    Who has an IPv6 address can have 2**64 of them (:rfc:`4291#section-2.5.4`), so that is its network.
    """
    if ":" not in host:
        return host
    return str(IPv6Network((host.partition("%")[0], 64), strict=False))


class Connections:
    """All connections of a transport layer, accepted and opened.

    They are indexed by protocol, address and port of the far end (:rfc:`3261#section-18`), so that a request
    to a registered client takes the connection that the client opened.

    Attributes:
        engine: the model `connection`, ready to run.
        tracing: whether every event is logged.
    """

    def __init__(self, limits: StreamLimits, counters: Counters, *, tracing: bool = False):
        """Start empty.

        Args:
            limits: how many there may be, and how long what they do may take.
            counters: where refusals are counted.
            tracing: log every event of a connection, at level debug.
        """
        self.engine = _engine(limits.timing)
        self.tracing = tracing
        self._limits = limits
        self._counters = counters
        self._open: dict[Target, Flow] = {}
        self._total = 0
        self._per_host: dict[str, int] = {}

    @property
    def total(self) -> int:
        """Connections that exist: open, being opened or closing."""
        return self._total

    def find(self, target: Target) -> Flow | None:
        """Return the open connection to a target, if there is one."""
        return self._open.get(target)

    def add(self, target: Target, connection: Flow) -> None:
        """Make a connection known; it replaces another one to the same target, which stays open."""
        self._open[target] = connection

    def forget(self, target: Target, connection: Flow) -> None:
        """Find a connection no longer; without effect if another one has taken its place."""
        if self._open.get(target) is connection:
            del self._open[target]

    @contextmanager
    def place(self, host: str) -> Iterator[None]:
        """Hold a place for one connection with a remote IP address.

        Raises:
            TransportError: there are too many connections already.
        """
        holder = holder_of(host)
        in_use = self._per_host.get(holder, 0)
        if self._total >= self._limits.max_connections:
            self._counters.count("connections.refused.total")
            raise TransportError("too-many-connections", f"there are {self._total} connections already")
        if in_use >= self._limits.max_connections_per_host:
            self._counters.count("connections.refused.host")
            raise TransportError("too-many-connections", f"there are {in_use} with {holder} already")
        self._total += 1
        self._per_host[holder] = in_use + 1
        try:
            yield
        finally:
            self._total -= 1
            left = self._per_host[holder] - 1
            if left:
                self._per_host[holder] = left
            else:
                del self._per_host[holder]
