"""One stream connection: a reader, a writer behind a bounded queue, and the machine that says when it ends.

It works on any `trio.abc.Stream`, so that TLS is a matter of wrapping the stream.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final

import trio

from sipfsm.fsm import Action, Driver, Event, Instance, Timer
from sipfsm.logs import log_step
from sipfsm.message import MessageError, host_port
from sipfsm.transport.address import HostPort, Target
from sipfsm.transport.errors import TransportError
from sipfsm.transport.framing import PONG, StreamFramer
from sipfsm.transport.interface import Watcher
from sipfsm.transport.shared import Shared

CHUNK = 65_536
"""Bytes that are read, and that are joined to be written, at a time."""

BATCH = 64
"""Messages that are taken from what was read before other tasks get their turn."""


class StreamConnection(Driver[TransportError]):
    """A stream connection as a flow; runs the model `connection`. Whoever makes it must then `run` it.

    What comes with the events that end it says why. A message that comes whole is no event: the timers `idle`
    and `send` are counted anew by looking at the clock, not by a step of the machine.
    """

    reliable: Final = True

    def __init__(
        self,
        stream: trio.abc.Stream,
        target: Target,
        local: HostPort,
        sent_by: str,
        shared: Shared,
        *,
        instance: Instance | None = None,
    ):
        """Take an open stream, and have the connection found from now on.

        Args:
            stream: the stream; `run` closes it.
            target: protocol and far end, the key of the connection.
            local: our end.
            sent_by: what a Via of ours says.
            shared: what all endpoints of the transport layer share.
            instance: the machine of the attempt that opened the stream; None when it was accepted.
        """
        super().__init__(instance or shared.connections.engine.create(reliable=True))
        self.protocol: Final = target.protocol
        self.local: Final = local
        self.remote: Final = HostPort(target.host, target.port)
        self.sent_by: Final = sent_by
        self._target = target
        self._stream = stream
        self._shared = shared
        self._limits = limits = shared.stream
        self._framer = StreamFramer(max_header=limits.max_header, max_body=shared.limits.max_body)
        self._outgoing, self._to_write = trio.open_memory_channel[bytes](limits.max_queued_messages)
        self._queued = 0
        """Bytes that were given to `send_nowait` and not yet to the operating system."""
        self._end: TransportError | None = None
        self._scope = trio.CancelScope()
        """All that the connection does; cancelled when there is no point in sending what waits."""
        self._lingers = False
        self._watchers: dict[Watcher, None] = {}
        self._active_at = self._message_began_at = trio.current_time()
        self._count = shared.counters.count
        self._labels = {
            what: f"{what}.{target.protocol.lower()}" for what in ("received", "sent", "keepalive")
        }
        self.handle(Event.ACCEPTED if instance is None else Event.CONNECTED)

    @property
    def closed(self) -> bool:
        """If nothing can be sent any more."""
        return self._end is not None

    def send_nowait(self, data: bytes) -> None:
        """Put a message into the queue of the writer.

        Raises:
            TransportError: the connection is closed; or more waits than the limits allow, which closes it.
        """
        if self._end is not None:
            raise TransportError(self._end.reason, f"{self} is closed: {self._end.detail}")
        if not self._enqueue(data):
            raise TransportError("overflow", f"{self} does not take what it is sent")
        self._count(self._labels["sent"])

    def watch(self, callback: Watcher) -> None:
        """Have a callback told when the connection ends."""
        if self._end is None:
            self._watchers[callback] = None

    def unwatch(self, callback: Watcher) -> None:
        """Forget a callback."""
        self._watchers.pop(callback, None)

    async def run(self) -> None:
        """Serve the connection until it ends or is cancelled, then close it and tell the watchers."""
        self._count("connections.opened")
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    await self._read()
                    self._tell_watchers()
                if not self.terminated:
                    self.handle(Event.FLUSHED)
                if self._lingers:
                    await self._linger()
            if not self.terminated:
                self.handle(Event.TIMER_LINGER)
        finally:
            if not self.terminated:
                self._happened(Event.STOP, "stopped", "the transport layer was stopped")
            self._tell_watchers()
            self._outgoing.close()
            self._to_write.close()
            await trio.aclose_forcefully(self._stream)

    def _happened(self, event: Event, reason: str, detail: str) -> None:
        """Tell the machine what may end the connection, and why."""
        self.handle(event, TransportError(reason, detail))

    def _tell_watchers(self) -> None:
        """Call each watcher once. Only `run` calls this: never inside a caller's `send_nowait`."""
        watchers, self._watchers = self._watchers, {}
        if self._end is None:
            return
        for watcher in watchers:
            try:
                watcher(self._end)
            except Exception as error:  # noqa: BLE001 - a bug of one must not keep it from the others
                self._shared.intake.faults.report(error, "telling a watcher that a connection ended")

    def _enqueue(self, data: bytes) -> bool:
        """Put bytes into the queue; if it is full, end the connection and return False."""
        try:
            if self._queued and self._queued + len(data) > self._limits.max_queued_bytes:
                raise trio.WouldBlock
            self._outgoing.send_nowait(data)
        except trio.WouldBlock:
            self._happened(Event.OVERFLOW, "overflow", "the other side does not take what it is sent")
            return False
        self._queued += len(data)
        self._active_at = trio.current_time()
        return True

    async def _write(self) -> None:
        """Write what is queued, joined into larger pieces, until the queue is closed."""
        async for data in self._to_write:
            piece = self._join_queued(data)
            try:
                with trio.move_on_after(self._limits.send_timeout) as scope:
                    await self._stream.send_all(piece)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self._happened(Event.RESET, "reset", "the other side has closed the connection")
                return
            if scope.cancelled_caught:
                late = "the other side does not take what it is sent"
                self._happened(Event.TIMER_SEND, "send-timeout", late)
                return
            self._queued -= len(piece)

    def _join_queued(self, data: bytes) -> bytes:
        """Return queued bytes with those that follow, up to a chunk."""
        pieces = [data]
        size = len(data)
        while size < CHUNK:
            try:
                pieces.append(self._to_write.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel):
                break
            size += len(pieces[-1])
        return data if len(pieces) == 1 else b"".join(pieces)

    async def _read(self) -> None:
        """Read until the stream ends, a deadline passes or no further message can be told."""
        while self._end is None:
            with trio.CancelScope(deadline=min(self._idle_at(), self._late_at())) as scope:
                try:
                    data = await self._stream.receive_some(CHUNK)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    self._happened(Event.RESET, "reset", "the other side reset the connection")
                    return
            if scope.cancelled_caught:
                self._check_deadlines()
            elif data:
                self._active_at = trio.current_time()
                await self._take_untrusted(bytes(data))
            elif self._framer.incomplete:
                cut = "the other side closed the connection in the middle of a message"
                self._happened(Event.CUT, "cut", cut)
            else:
                self._happened(Event.END_OF_STREAM, "eof", "the other side has closed the connection")

    def _idle_at(self) -> float:
        """When Timer idle fires if no further byte goes either way."""
        return self._active_at + self._limits.idle_timeout

    def _late_at(self) -> float:
        """When Timer message fires, if it runs."""
        if Timer.MESSAGE not in self.instance.running:
            return float("inf")
        return self._message_began_at + self._limits.message_timeout

    def _check_deadlines(self) -> None:
        """Let the timers fire that are due; sending may have moved the one that woke us."""
        now = trio.current_time()
        if now >= self._late_at():
            late = "a message was not completed in time"
            self._happened(Event.TIMER_MESSAGE, "message-timeout", late)
        elif now >= self._idle_at():
            self._happened(Event.TIMER_IDLE, "idle", "the connection was not used")

    async def _take_untrusted(self, data: bytes) -> None:
        """Take the messages that a piece of the stream completes, and answer its keep-alives."""
        framer = self._framer
        waited = framer.incomplete
        framer.feed(data)
        taken = 0
        try:
            while self._end is None and (message := framer.next_message_untrusted()) is not None:
                self._count(self._labels["received"])
                self._shared.intake.take(message, self)
                taken += 1
                if taken % BATCH == 0:
                    await trio.lowlevel.checkpoint()
        except MessageError as error:
            self._shared.intake.refuse_unframed_untrusted(framer.header, error, self)
            self._happened(Event.UNFRAMEABLE, "unframeable", error.detail)
            return
        if framer.incomplete and (taken or not waited):
            # What is left began, as far as we know, no earlier than the piece that completed the last one.
            self._message_began_at = self._active_at
            self.handle(Event.MESSAGE_BEGUN)
        elif waited and not framer.incomplete:
            self.handle(Event.MESSAGE_COMPLETE)
        pings = framer.take_pings()
        if pings and self._end is None:
            self._count(self._labels["keepalive"], pings)
            self._enqueue(PONG * pings)

    async def _linger(self) -> None:
        """Read on without looking, for the other side to read our last answer.

        To close a socket that holds unread bytes resets the connection, and a reset takes the answer along.
        """
        try:
            if isinstance(self._stream, trio.abc.HalfCloseableStream):
                await self._stream.send_eof()
            discarded = 0
            while discarded < self._limits.max_queued_bytes:
                data = await self._stream.receive_some(CHUNK)
                if not data:
                    self.handle(Event.END_OF_STREAM)
                    return
                discarded += len(data)
            self.handle(Event.OVERFLOW)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.handle(Event.RESET)

    # ---- what the machine asks for

    def start_timer(self, timer: Timer, delay: float) -> None:
        """Set the deadline of what is left to do; whoever reads or writes sees to the other timers."""
        if timer is Timer.LINGER:
            self._scope.deadline = trio.current_time() + delay

    def stop_timer(self, timer: Timer) -> None:
        """Do nothing: whoever reads or writes looks which timers run."""

    def stepped(self, event: Event, before: str) -> None:
        """Log the step, if every event is to be logged."""
        if self._shared.connections.tracing:
            log_step(self, str(self), event, before)

    def _list_connection(self, _end: TransportError | None) -> None:
        self._shared.connections.add(self._target, self)

    def _unlist_connection(self, end: TransportError | None) -> None:
        assert end is not None  # whatever ends a connection says why
        self._end = end
        self._count(f"connections.closed.{end.reason}")
        self._shared.connections.forget(self._target, self)

    def _flush(self, _end: TransportError | None) -> None:
        self._outgoing.close()

    def _be_lingering(self, _end: TransportError | None) -> None:
        self._lingers = True

    def _terminate(self, _end: TransportError | None) -> None:
        self._scope.cancel()

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        Action.LIST_CONNECTION: _list_connection,
        Action.UNLIST_CONNECTION: _unlist_connection,
        Action.FLUSH: _flush,
        Action.LINGER: _be_lingering,
        Action.TERMINATE: _terminate,
    }

    def __repr__(self) -> str:
        return f"<{self.protocol} connection {host_port(*self.local)} - {host_port(*self.remote)}>"
