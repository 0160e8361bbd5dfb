"""Messages out of a byte stream (:rfc:`3261#section-18.3`), and the keep-alives between them; sans-IO.

A message ends where Content-Length says, so a message without it, or with one that cannot be believed, leaves
no way to tell where the next one begins: that is the end of the stream.
"""

import re

from sipfsm.message import MessageError
from sipfsm.message.errors import duplicate, missing
from sipfsm.message.values import unfold

PING = b"\r\n\r\n"
"""The keep-alive of a client between messages; the answer is `PONG` (:rfc:`5626#section-4.4.1`)."""

PONG = b"\r\n"

_END_OF_HEADER = b"\r\n\r\n"

_CONTENT_LENGTH = re.compile(
    # The name in its long or compact form, and the value with its continuation lines (RFC 3261 7.3.1): up to
    # the first line break that no white space follows, so that a bare CR or LF belongs to the value.
    rb"\r\n(?:content-length|l)[ \t]*:(.*?)(?=\r\n(?![ \t]))",
    re.IGNORECASE | re.DOTALL,
)

_FRAME_START = re.compile(rb"[^\r\n]")


class StreamFramer:
    """Cuts one stream into messages. What it holds is bounded by its limits and the largest piece fed.

    Feed a piece, then take messages until there is none. How the stream was cut into pieces makes no
    difference.
    """

    def __init__(self, *, max_header: int, max_body: int):
        """Start at the beginning of a stream.

        Args:
            max_header: bytes of start line and header fields with the empty line.
            max_body: bytes of a body.
        """
        self._max_header = max_header
        self._max_body = max_body
        self._buffer = bytearray()
        self._searched = 0
        """How far the buffer has been searched for the end of the header, so as not to search it again."""
        self._needed = 0
        """The length of the message at the start of the buffer, once its header is complete; else 0."""
        self._blank = b""
        """The last of the CRLFs before a message that may be half a ping."""
        self._pings = 0
        self.header = b""
        """The header of the message that could not be framed, when there is one to be answered."""

    @property
    def incomplete(self) -> bool:
        """If a message has begun and not ended."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> None:
        """Append a piece of the stream."""
        self._buffer += data

    def take_pings(self) -> int:
        """Return how many pings have come since the last time; each is to be answered with a `PONG`."""
        pings, self._pings = self._pings, 0
        return pings

    def next_message_untrusted(self) -> bytes | None:
        """Return the next message, or None when it is not complete.

        Raises:
            MessageError: the stream has no further message that can be told from the next; it must be closed.
                `header` is then the header, or those of its lines that came before it grew too large.
        """
        if not self._needed:
            self._skip_blank()
            self._needed = self._measure_untrusted()
        if not self._needed or len(self._buffer) < self._needed:
            return None
        message = bytes(self._buffer[: self._needed])
        del self._buffer[: self._needed]
        self._needed = self._searched = 0
        self.header = b""
        return message

    def _skip_blank(self) -> None:
        """Drop the CRLFs before a message, and count the pings among them."""
        if self._searched:
            return
        start = _FRAME_START.search(self._buffer)
        end = start.start() if start else len(self._buffer)
        if end:
            between = (self._blank + bytes(self._buffer[:end])).split(PING)
            self._pings += len(between) - 1
            # What follows the last whole ping may be the start of the next one; three bytes of it tell.
            self._blank = between[-1][1 - len(PING) :]
            del self._buffer[:end]
        if start:
            self._blank = b""

    def _measure_untrusted(self) -> int:
        """Return the length of the message at the start of the buffer, 0 while its header is not complete."""
        end = self._buffer.find(_END_OF_HEADER, max(0, self._searched - len(_END_OF_HEADER) + 1))
        self._searched = len(self._buffer)
        length = end + len(_END_OF_HEADER) if end >= 0 else self._searched + 1
        if length > self._max_header:
            whole_lines = bytes(self._buffer[: self._max_header]).rpartition(b"\r\n")[0]
            self.header = whole_lines + _END_OF_HEADER
            raise MessageError(
                "header-too-large", "Header section too large", bytes(self._buffer[:64]), status=513
            )
        if end < 0:
            return 0
        self.header = bytes(self._buffer[:length])
        body = content_length_untrusted(self.header)
        if body > self._max_body:
            raise MessageError("body-too-large", "Body too large", str(body).encode(), status=413)
        return length + body


def content_length_untrusted(header: bytes) -> int:
    """Return the Content-Length of a header section.

    Raises:
        MessageError: it is missing, no number, or there are several: nobody can tell which one another
            element would believe, and where two believe different ones, messages are smuggled.
    """
    values = _CONTENT_LENGTH.findall(header)
    if not values:
        raise missing(b"content-length")
    if len(values) > 1:
        raise duplicate(b"content-length", values[1].strip(b" \t"))
    digits = unfold(values[0])
    if not digits.isdigit():
        raise MessageError("bad-content-length", "Malformed Content-Length", digits)
    # Ten digits are more than any limit; a million of them would be work to convert.
    return int(digits.lstrip(b"0")[:10] or b"0")
