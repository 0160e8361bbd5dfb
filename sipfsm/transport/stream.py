"""One stream connection: a reader, a writer behind a bounded queue, and the deadlines that end it.

It works on any `trio.abc.Stream`, so that TLS is a matter of wrapping the stream.
"""

from typing import Final

import trio

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


class StreamConnection:
    """A stream connection as a flow. Whoever makes it must then `run` it."""

    reliable: Final = True

    def __init__(
        self, stream: trio.abc.Stream, target: Target, local: HostPort, sent_by: str, shared: Shared
    ):
        """Take an open stream.

        Args:
            stream: the stream; `run` closes it.
            target: protocol and far end, the key of the connection.
            local: our end.
            sent_by: what a Via of ours says.
            shared: what all endpoints of the transport layer share.
        """
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
                    # What waits still goes out, such as the answer to what ended the connection.
                    self._tell_watchers()
                    self._outgoing.close()
                    self._scope.deadline = trio.current_time() + self._limits.linger_timeout
                if self._lingers:
                    await self._linger()
        finally:
            self._finish("stopped", "the transport layer was stopped")
            self._tell_watchers()
            self._outgoing.close()
            self._to_write.close()
            await trio.aclose_forcefully(self._stream)

    def _finish(self, reason: str, detail: str) -> None:
        """Take no more messages to send; only the first reason counts."""
        if self._end is None:
            self._end = TransportError(reason, detail)
            self._count(f"connections.closed.{reason}")
            self._shared.connections.forget(self._target, self)

    def _abort(self, reason: str, detail: str) -> None:
        """Finish, and drop what waits to be sent."""
        self._finish(reason, detail)
        self._scope.cancel()

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
            self._abort("overflow", "the other side does not take what it is sent")
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
                self._abort("reset", "the other side has closed the connection")
                return
            if scope.cancelled_caught:
                self._abort("send-timeout", "the other side does not take what it is sent")
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
            incomplete = self._framer.incomplete
            deadline = self._active_at + self._limits.idle_timeout
            if incomplete:
                deadline = min(deadline, self._message_began_at + self._limits.message_timeout)
            with trio.CancelScope(deadline=deadline) as scope:
                try:
                    data = await self._stream.receive_some(CHUNK)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    self._abort("reset", "the other side reset the connection")
                    return
            if scope.cancelled_caught:
                self._check_deadlines()
            elif data:
                self._active_at = trio.current_time()
                if not incomplete:
                    self._message_began_at = self._active_at
                await self._take_untrusted(bytes(data))
            elif incomplete:
                self._finish("cut", "the other side closed the connection in the middle of a message")
            else:
                self._finish("eof", "the other side has closed the connection")

    def _check_deadlines(self) -> None:
        """End the connection if it is past a deadline; sending may have moved the one that woke us."""
        now = trio.current_time()
        if self._framer.incomplete and now >= self._message_began_at + self._limits.message_timeout:
            self._abort("message-timeout", "a message was not completed in time")
        elif now >= self._active_at + self._limits.idle_timeout:
            self._abort("idle", "the connection was not used")

    async def _take_untrusted(self, data: bytes) -> None:
        """Take the messages that a piece of the stream completes, and answer its keep-alives."""
        framer = self._framer
        framer.feed(data)
        taken = 0
        try:
            while self._end is None and (message := framer.next_message_untrusted()) is not None:
                self._count(self._labels["received"])
                self._shared.intake.take(message, self)
                # What is left began, as far as we know, no earlier than the piece that completed this one.
                self._message_began_at = self._active_at
                taken += 1
                if taken % BATCH == 0:
                    await trio.lowlevel.checkpoint()
        except MessageError as error:
            self._shared.intake.refuse_unframed_untrusted(framer.header, error, self)
            self._lingers = True
            self._finish("unframeable", error.detail)
            return
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
                    return
                discarded += len(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    def __repr__(self) -> str:
        return f"<{self.protocol} connection {host_port(*self.local)} - {host_port(*self.remote)}>"
