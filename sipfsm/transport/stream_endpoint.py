"""What every stream protocol does alike: take connections in, open one for all who want it, serve them."""

from abc import ABC, abstractmethod

import structlog
import trio

from sipfsm.transport.address import HostPort, Target
from sipfsm.transport.endpoint import listener_at
from sipfsm.transport.errors import TransportError
from sipfsm.transport.interface import Flow
from sipfsm.transport.shared import Shared
from sipfsm.transport.stream import StreamConnection

log = structlog.get_logger(__name__)


class _Attempt:
    """A connection that is being opened, and that any number of tasks may wait for."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self.connection: StreamConnection | None = None
        self.failure = TransportError("stopped", "the transport layer was stopped")


class StreamEndpoint(ABC):
    """One address that a stream protocol listens at. A protocol adds how to accept and to open a stream."""

    def __init__(self, protocol: str, local: HostPort, shared: Shared):
        """Take an address that is bound.

        Args:
            protocol: as a Via writes it.
            local: where it listens.
            shared: what all endpoints of the transport layer share.
        """
        self.listener = listener_at(protocol, local)
        self._shared = shared
        self._attempts: dict[Target, _Attempt] = {}
        self._nursery: trio.Nursery | None = None

    @abstractmethod
    async def _accept(self) -> tuple[trio.abc.Stream, HostPort, HostPort] | None:
        """Wait for a connection; return its stream, our end and the other end, or None if it is gone."""

    @abstractmethod
    async def _open(self, target: Target) -> tuple[trio.abc.Stream, HostPort]:
        """Return an open stream to a target, and our end.

        Raises:
            TransportError: it cannot be opened. (The time for it is limited by the caller.)
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the address; connections are not touched."""

    async def serve(self) -> None:
        """Take connections in until cancelled; all connections end with it."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                while True:
                    accepted = await self._accept()
                    if accepted is not None:
                        nursery.start_soon(self._serve_accepted, *accepted)
        finally:
            self._nursery = None
            self.close()

    def flow_to_nowait(self, target: Target) -> Flow | None:
        """Return the open connection to a target, if there is one."""
        return self._shared.connections.find(target)

    async def connect(self, target: Target) -> Flow:
        """Return the open connection to a target, join the attempt to open it, or make one.

        The attempt is a task of its own: it goes on for the others when one that waits for it is cancelled.

        Raises:
            TransportError: it cannot be opened, not in time, or there are too many connections.
        """
        connection = self._shared.connections.find(target)
        if connection is not None:
            await trio.lowlevel.checkpoint()
            return connection
        if self._nursery is None:
            raise TransportError("not-running", f"cannot connect to {target}: the listener does not run")
        attempt = self._attempts.get(target)
        if attempt is None:
            attempt = self._attempts[target] = _Attempt()
            self._nursery.start_soon(self._serve_opened, target, attempt)
        await attempt.done.wait()
        if attempt.connection is None:
            raise TransportError(attempt.failure.reason, attempt.failure.detail)
        return attempt.connection

    async def _serve_accepted(self, stream: trio.abc.Stream, local: HostPort, remote: HostPort) -> None:
        """Serve a connection that came in, or close it at once when there are too many."""
        target = Target(self.listener.protocol, *remote)
        try:
            with self._shared.connections.place(remote.host):
                await self._connection(stream, target, local).run()
        except TransportError as error:
            log.debug("connection refused", remote=str(target), why=error.detail)
            await trio.aclose_forcefully(stream)
        except Exception as error:  # noqa: BLE001 - a bug must not end the listener and all its connections
            self._shared.intake.faults.report(error, "serving a connection")

    async def _serve_opened(self, target: Target, attempt: _Attempt) -> None:
        """Open a connection, wake those who wait for it, and serve it."""
        limit = self._shared.stream.connect_timeout
        try:
            with self._shared.connections.place(target.host):
                with trio.move_on_after(limit):
                    stream, local = await self._open(target)
                    attempt.connection = self._connection(stream, target, local)
                if attempt.connection is None:
                    late = f"cannot connect to {target}: no answer in {limit:g} seconds"
                    raise TransportError("timeout", late)
                self._settle(target, attempt)
                await attempt.connection.run()
        except TransportError as error:
            self._shared.counters.count(f"connections.failed.{error.reason}")
            attempt.failure = error
        except Exception as error:  # noqa: BLE001 - as above
            self._shared.intake.faults.report(error, "serving a connection")
        finally:
            self._settle(target, attempt)

    def _settle(self, target: Target, attempt: _Attempt) -> None:
        """Wake those who wait for an attempt; the next one to the target starts anew."""
        if self._attempts.get(target) is attempt:
            del self._attempts[target]
        attempt.done.set()

    def _connection(self, stream: trio.abc.Stream, target: Target, local: HostPort) -> StreamConnection:
        """Return a connection and make it known; it must then be run."""
        connection = StreamConnection(stream, target, local, self.listener.sent_by, self._shared)
        self._shared.connections.add(target, connection)
        return connection
