"""The server under test: what a person names, and where that is."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from sipfsm.message import MessageError, SipUri, host_port, parse_uri_untrusted

PROTOCOLS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}
"""The transports that can be spoken, with their usual ports."""


class TargetError(ValueError):
    """What a person asked for cannot be done; the text says why and what to write instead."""


class TargetLostError(Exception):
    """The target cannot be reached, or has gone away; the text says which."""


@dataclass(frozen=True, slots=True)
class Target:
    """A SIP server.

    Attributes:
        host: as it was named.
        port: 1 to 65535.
        protocol: udp, tcp, tls, ws or wss.
        address: its address; the first one, where a name has several.
    """

    host: str
    port: int
    protocol: str
    address: str

    @property
    def host_port(self) -> str:
        """Host and port as a URI writes them: the domain that the target is asked to serve."""
        return host_port(self.host, self.port)

    @property
    def reliable(self) -> bool:
        """Whether its transport is reliable in the sense of :rfc:`3261#section-17`."""
        return self.protocol != "udp"

    @property
    def via_transport(self) -> str:
        """The transport as a Via writes it."""
        return self.protocol.upper()

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        return ipaddress.ip_address(self.address).is_loopback

    def __str__(self) -> str:
        suffix = "" if self.protocol == "udp" else f";transport={self.protocol}"
        return f"sip:{self.host_port}{suffix}"


def find_target(text: str, *, anywhere: bool = False) -> Target:
    """Return the server that a person named as ``sip:HOST:PORT[;transport=tcp|tls|ws]``.

    Args:
        text: what was typed.
        anywhere: also other machines than this one.

    Raises:
        TargetError: the text is no such URI, or names a machine that may not be tested.
        TargetLostError: the name does not resolve.
    """
    uri = _parse(text)
    protocol = "tls" if uri.scheme == "sips" else (uri.params.get("transport") or "udp").lower()
    if protocol not in PROTOCOLS:
        raise TargetError(f"{text}: transport is one of {', '.join(PROTOCOLS)}, not {protocol!r}")
    port = uri.port or PROTOCOLS[protocol]
    target = Target(uri.host, port, protocol, _resolve(uri.host, port))
    if not (anywhere or target.is_loopback):
        raise TargetError(
            f"{target.host} is another machine ({target.address}): malformed messages will be sent to it. "
            "If its owner agrees, say --i-may-test-this-host"
        )
    return target


def _parse(text: str) -> SipUri:
    try:
        uri = parse_uri_untrusted(text.encode("ascii"))
    except (MessageError, UnicodeEncodeError):
        uri = None
    if not isinstance(uri, SipUri):
        raise TargetError(
            f"{text!r} is no target: write for example sip:127.0.0.1:5060 or 'sip:host;transport=tcp'"
        )
    return uri


def _resolve(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TargetLostError(f"the name {host} does not resolve: {reason}") from None
    return str(found[0][4][0])
