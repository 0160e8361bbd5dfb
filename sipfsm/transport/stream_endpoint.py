"""What every stream protocol does alike: take connections in, open one for all who want it, serve them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import structlog
import trio

from sipfsm.fsm import Action, Driver, Event, Instance, Timer
from sipfsm.logs import log_step
from sipfsm.transport.address import HostPort, Target
from sipfsm.transport.endpoint import listener_at
from sipfsm.transport.errors import TransportError
from sipfsm.transport.interface import Flow
from sipfsm.transport.shared import Shared
from sipfsm.transport.stream import StreamConnection

log = structlog.get_logger(__name__)


class _Attempt(Driver[TransportError]):
    """A connection that is being opened, and that any number of tasks may wait for.

    It runs the model `connection` up to where the stream is open; then the connection takes the machine over.
    """

    def __init__(self, target: Target, shared: Shared, begin: Callable[["_Attempt"], None]) -> None:
        super().__init__(shared.connections.engine.create(reliable=True))
        self.target = target
        self._shared = shared
        self._begin = begin
        self.scope = trio.CancelScope()
        """Of the opening of the stream."""
        self.done = trio.Event()
        self.connection: StreamConnection | None = None
        self.failure = TransportError("stopped", "the transport layer was stopped")

    def start_timer(self, _timer: Timer, delay: float) -> None:
        """Limit the time in which the stream has to open."""
        self.scope.deadline = trio.current_time() + delay

    def stop_timer(self, _timer: Timer) -> None:
        """Do nothing: the stream is open, or will not be."""

    def stepped(self, event: Event, before: str) -> None:
        """Log the step, if every event is to be logged."""
        if self._shared.connections.tracing:
            log_step(self, str(self.target), event, before)

    def _open_stream(self, _failure: TransportError | None) -> None:
        self._begin(self)

    def _fail_attempt(self, failure: TransportError | None) -> None:
        assert failure is not None  # whatever fails says why
        self.failure = failure
        self._shared.counters.count(f"connections.failed.{failure.reason}")

    def _terminate(self, _failure: TransportError | None) -> None:
        """Do nothing: whoever opens the stream ends with it."""

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        Action.OPEN_STREAM: _open_stream,
        Action.FAIL_ATTEMPT: _fail_attempt,
        Action.TERMINATE: _terminate,
    }


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
            attempt = self._attempts[target] = _Attempt(target, self._shared, self._begin)
            attempt.handle(Event.CONNECT)
        await attempt.done.wait()
        if attempt.connection is None:
            raise TransportError(attempt.failure.reason, attempt.failure.detail)
        return attempt.connection

    def _begin(self, attempt: _Attempt) -> None:
        assert self._nursery is not None  # or nobody would have made an attempt
        self._nursery.start_soon(self._serve_opened, attempt)

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

    async def _serve_opened(self, attempt: _Attempt) -> None:
        """Open the connection of an attempt, wake those who wait for it, and serve it."""
        try:
            with self._shared.connections.place(attempt.target.host):
                with attempt.scope:
                    stream, local = await self._open(attempt.target)
                    attempt.connection = self._connection(stream, attempt.target, local, attempt.instance)
                if attempt.connection is None:
                    limit = self._shared.stream.connect_timeout
                    late = f"cannot connect to {attempt.target}: no answer in {limit:g} seconds"
                    attempt.handle(Event.TIMER_CONNECT, TransportError("timeout", late))
                    return
                self._settle(attempt)
                await attempt.connection.run()
        except TransportError as error:
            attempt.handle(Event.CONNECT_FAILED, error)
        except Exception as error:  # noqa: BLE001 - as above
            self._shared.intake.faults.report(error, "serving a connection")
        finally:
            if not attempt.terminated:
                attempt.handle(Event.STOP, attempt.failure)
            self._settle(attempt)

    def _settle(self, attempt: _Attempt) -> None:
        """Wake those who wait for an attempt; the next one to the target starts anew."""
        if self._attempts.get(attempt.target) is attempt:
            del self._attempts[attempt.target]
        attempt.done.set()

    def _connection(
        self, stream: trio.abc.Stream, target: Target, local: HostPort, instance: Instance | None = None
    ) -> StreamConnection:
        """Return a connection that can be found; it must then be run."""
        return StreamConnection(stream, target, local, self.listener.sent_by, self._shared, instance=instance)
