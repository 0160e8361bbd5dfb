"""How much one stream connection, and all of them together, may cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bounds of stream transports. Times are in seconds, sizes in bytes."""

    max_header: int = 65_536
    """Start line and header fields of one message; more without an end closes the connection."""

    message_timeout: float = 30.0
    """From the first byte of a message to its last one: a slow sender holds a connection no longer."""

    idle_timeout: float = 900.0
    """Without a byte in either direction. :rfc:`3261#section-18` wants at least 64*T1 (32 s)."""

    send_timeout: float = 30.0
    """For the other side to take what was given to the operating system."""

    connect_timeout: float = 5.0
    """For opening a connection."""

    linger_timeout: float = 2.0
    """For the other side to read the last answer before a connection is closed on it."""

    max_queued_messages: int = 256
    """Messages that wait to be sent on one connection; one more closes it."""

    max_queued_bytes: int = 1_048_576
    """Bytes that wait to be sent on one connection; more closes it. One message of any size may wait."""

    max_connections: int = 4096
    """Connections in all: accepted, opened and being opened."""

    max_connections_per_host: int = 256
    """Connections with one remote IP address."""
