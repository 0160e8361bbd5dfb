"""Via: the way that a request took and its responses take back (:rfc:`3261#section-20.42`, :rfc:`3581`)."""

from __future__ import annotations

import re
from typing import NamedTuple

from sipfsm.message.errors import MessageError
from sipfsm.message.host import HOST, PORT, host_port, host_untrusted, port_untrusted
from sipfsm.message.params import NO_PARAMS, USUAL_PARAMS, Params, parse_params_untrusted, usual_params
from sipfsm.message.values import (
    COMMA,
    WSP,
    first_value_end_untrusted,
    octets,
    parse_values_untrusted,
    split_lines_untrusted,
    text,
)

_TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]++"
_WS = r"[ \t]*+"
_VIA = re.compile(
    rf"({_TOKEN}){_WS}/{_WS}({_TOKEN}){_WS}/{_WS}({_TOKEN})[ \t]++"
    rf"({HOST}){_WS}(?>(?::{_WS}({PORT}){_WS})?)(?>(;.*+)?)",
    re.DOTALL,
)
_USUAL_VIA = re.compile(
    rf"SIP/2\.0/([A-Z]++) ([A-Za-z0-9_\-]++(?>(?:\.[A-Za-z0-9_\-]++)*))"
    rf"(?>(?::([1-9][0-9]{{0,3}}+))?){USUAL_PARAMS}"
)


class Via(NamedTuple):
    """One Via value.

    Attributes:
        transport: the transport protocol as sent; those that are known are in upper case, such as ``UDP``.
        host: host of the sent-by, as sent; an IPv6 address without brackets.
        port: port of the sent-by, 1 to 65535; None if none is written.
        params: its parameters, ``branch`` among them.
        protocol: name and version, ``SIP/2.0`` unless it comes from a future SIP.
    """

    transport: str
    host: str
    port: int | None = None
    params: Params = NO_PARAMS
    protocol: str = "SIP/2.0"

    @property
    def branch(self) -> str | None:
        """The transaction's identifier; None from an :rfc:`2543` element (:rfc:`3261#section-8.1.1.7`)."""
        return self.params.get("branch")

    @property
    def received(self) -> str | None:
        """The source address a server saw, an IPv6 address without brackets (:rfc:`5118#section-4.5`)."""
        value = self.params.get("received")
        return value if value is None else value.strip("[]")

    @property
    def maddr(self) -> str | None:
        """The address to send responses to instead, an IPv6 address without brackets."""
        value = self.params.get("maddr")
        return value if value is None else value.strip("[]")

    @property
    def rport(self) -> str | None:
        """The digits of the source port (:rfc:`3581#section-3`); ``""`` without a value, None if absent."""
        return (self.params.get("rport") or "") if self.params.has("rport") else None

    @property
    def ttl(self) -> str | None:
        """The digits of the multicast time to live; None if absent."""
        return self.params.get("ttl")

    @property
    def sent_by(self) -> str:
        """``host[:port]``, the host in lower case: part of a transaction key (:rfc:`3261#section-17.2.3`)."""
        return host_port(self.host.lower(), self.port)

    def with_params(self, **values: str | None) -> Via:
        """Return a copy with these parameters added or changed; None is a parameter without a value."""
        return Via(self.transport, self.host, self.port, self.params.with_all(values), self.protocol)

    def __str__(self) -> str:
        return f"{self.protocol}/{self.transport} {host_port(self.host, self.port)}{self.params}"

    def to_bytes(self) -> bytes:
        """Write the value."""
        return octets(str(self))


def parse_via_untrusted(raw: bytes) -> Via:
    """Read one Via value, unfolded and trimmed.

    It is not remembered by its bytes: each transaction has its own.

    Raises:
        MessageError: ``bad-via``, ``bad-host``, ``bad-port``, ``bad-parameter``, ``duplicate-parameter``.
    """
    value = text(raw)
    # Nearly all are written in one way, which takes half the time; it gives what `read_via_untrusted` gives.
    found = _USUAL_VIA.fullmatch(value)
    if found is not None:
        groups = found.groups()
        params = usual_params(groups[3:])
        if params is not None:
            transport, host, port = groups[:3]
            return Via(transport, host, None if port is None else int(port), params)
    return read_via_untrusted(value)


def read_via_untrusted(value: str) -> Via:
    """Read one Via value however it is written.

    Raises:
        MessageError: as `parse_via_untrusted`.
    """
    found = _VIA.fullmatch(value)
    if found is None:
        raise MessageError("bad-via", "Malformed Via", octets(value))
    name, version, transport, host, port, params = found.groups()
    return Via(
        transport,
        host_untrusted(host),
        port_untrusted(port),
        parse_params_untrusted(params),
        f"{name}/{version}",
    )


def parse_top_via_untrusted(raw: bytes) -> Via:
    """Read the first Via value of a header field that may hold several.

    Raises:
        MessageError: as `parse_via_untrusted`, and for an unbalanced list.
    """
    if COMMA in raw:
        raw = raw[: first_value_end_untrusted(raw)].rstrip(WSP)
    return parse_via_untrusted(raw)


def parse_vias_untrusted(lines: list[bytes]) -> tuple[Via, ...]:
    """Read the Via values of all lines, the top one first.

    Raises:
        MessageError: as `parse_via_untrusted`, and for an unbalanced list.
    """
    return parse_values_untrusted(split_lines_untrusted(lines), parse_via_untrusted)
