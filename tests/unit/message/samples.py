"""Messages that several tests begin with."""

from __future__ import annotations

from collections.abc import Sequence

from sipfsm.message import Request, Response, parse_message_untrusted

# The INVITE of RFC 3261 section 24.2, F1.
INVITE_LINES: Sequence[bytes] = (
    b"Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8",
    b"Max-Forwards: 70",
    b"To: Bob <sip:bob@biloxi.com>",
    b"From: Alice <sip:alice@atlanta.com>;tag=1928301774",
    b"Call-ID: a84b4c76e66710",
    b"CSeq: 314159 INVITE",
    b"Contact: <sip:alice@pc33.atlanta.com>",
    b"Content-Type: application/sdp",
    b"Content-Length: 4",
)
BODY = b"v=0\n"


def raw_request(
    *lines: bytes, start: bytes = b"INVITE sip:bob@biloxi.com SIP/2.0", body: bytes = b""
) -> bytes:
    """Write a request of exactly these header field lines."""
    return b"\r\n".join([start, *lines, b"", body])


def raw_invite(**changes: bytes | None) -> bytes:
    """Write the INVITE with some of its lines, named such as `call_id`, changed; None leaves one out."""
    lines = []
    for line in INVITE_LINES:
        name = line.partition(b":")[0].decode().lower().replace("-", "_")
        changed = changes.pop(name, line)
        if changed is not None:
            lines.append(changed)
    lines += [line for line in changes.values() if line is not None]
    return raw_request(*lines, body=BODY)


def request(raw: bytes) -> Request:
    """Parse bytes that are a request."""
    message = parse_message_untrusted(raw)
    assert isinstance(message, Request)
    return message


def response(raw: bytes) -> Response:
    """Parse bytes that are a response."""
    message = parse_message_untrusted(raw)
    assert isinstance(message, Response)
    return message


def invite() -> Request:
    """Return the INVITE."""
    return request(raw_invite())
