"""How much one stream connection, and all of them together, may cost."""

from dataclasses import dataclass
from typing import Final

from sipfsm.fsm import Timing

_TIMES: Final = Timing()

MAX_HEADER = 65_536
"""Bytes of start line and header fields on a stream: as many as any datagram can hold."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bounds of stream transports. Times are in seconds, sizes in bytes."""

    max_header: int = MAX_HEADER
    """Start line and header fields of one message; more without an end closes the connection."""

    message_timeout: float = _TIMES.message
    """From the first byte of a message to its last one: a slow sender holds a connection no longer."""

    idle_timeout: float = _TIMES.idle
    """Without a byte in either direction. :rfc:`3261#section-18` wants at least 64*T1 (32 s)."""

    send_timeout: float = _TIMES.send
    """For the other side to take what was given to the operating system."""

    connect_timeout: float = _TIMES.connect
    """For opening a connection."""

    linger_timeout: float = _TIMES.linger
    """For the other side to read the last answer before a connection is closed on it."""

    # Both have room for thousands of calls, whose messages may all come before the writer has its turn: when
    # a connection opens that they waited for, or fails. Who does not read is found out by `send_timeout`.
    max_queued_messages: int = 8192
    """Messages that wait to be sent on one connection; one more closes it."""

    max_queued_bytes: int = 4_194_304
    """Bytes that wait to be sent on one connection; more closes it. One message of any size may wait."""

    max_connections: int = 4096
    """Connections in all: accepted, opened and being opened."""

    max_connections_per_host: int = 256
    """Connections with one remote IP address."""

    @property
    def timing(self) -> Timing:
        """The times, as the model of a connection names them."""
        return Timing(
            connect=self.connect_timeout,
            message=self.message_timeout,
            idle=self.idle_timeout,
            send=self.send_timeout,
            linger=self.linger_timeout,
        )
