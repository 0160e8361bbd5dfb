"""How large a message from the network may be, so that its cost stays bounded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds for a received message.

    Attributes:
        max_message: bytes of the whole message. :rfc:`3261#section-18.1.1` asks implementations to handle
            datagrams of up to 65,535 bytes.
        max_start_line: bytes of the start line.
        max_line: bytes of one header field with its continuation lines.
        max_fields: header fields.
        max_body: bytes of the body that Content-Length may announce.
        max_via: values of Via: the sender's and 70 more, for 70 hops is what Max-Forwards allows by default
            (:rfc:`3261#section-8.1.1.6`).
        max_route: values of Route, and likewise of Record-Route and Path: a proxy may record two
            (:rfc:`5658#section-3`).
        max_values: values of each other comma list that is read, such as Contact and Require.
        max_params: parameters of one value, those of its URI included.

    Nothing that is read holds a thing of its own kind: comments, the one construct of the grammar that nests,
    stand only in fields that are passed on unread. So there is no depth to bound.
    """

    max_message: int = 65_535
    max_start_line: int = 8_192
    max_line: int = 16_384
    max_fields: int = 256
    max_body: int = 65_535
    max_via: int = 71
    max_route: int = 140
    max_values: int = 256
    max_params: int = 100


DEFAULT_LIMITS = Limits()
