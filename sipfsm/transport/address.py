"""IP literals, sent-by values, and the small tuples that name where a message goes."""

import socket
from functools import lru_cache
from typing import NamedTuple

from sipfsm.message import host_port

DEFAULT_PORT = 5060
"""The port of a sent-by value, of UDP and TCP, that names none (:rfc:`3261#section-18.1.1`)."""


class HostPort(NamedTuple):
    """One end of a flow. The host is an IP literal without brackets; a link-local one keeps its zone."""

    host: str
    port: int


class Target(NamedTuple):
    """Where to send: what the procedures of :rfc:`3263` end in."""

    protocol: str
    """``UDP`` or ``TCP``."""
    host: str
    """An IP literal, without brackets."""
    port: int

    def __str__(self) -> str:
        return f"{self.protocol.lower()}:{host_port(self.host, self.port)}"


@lru_cache(maxsize=4096)
def ip_version(host: str) -> int | None:
    """Return 4 or 6 for an IP literal (without brackets, with or without a zone), None for anything else."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host.partition("%")[0] if family == socket.AF_INET6 else host)
    except (OSError, ValueError):
        return None
    return 6 if family == socket.AF_INET6 else 4


def is_loopback(host: str) -> bool:
    """Say if an IP literal is a loopback address."""
    return host.startswith("127.") or host == "::1"


def is_wildcard(host: str) -> bool:
    """Say if an IP literal stands for every address of the machine."""
    return host in {"0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to


def split_host_port(text: str) -> tuple[str, int | None]:
    """Split ``host``, ``host:port``, ``[v6]`` or ``[v6]:port``; the host comes back without brackets.

    Raises:
        ValueError: the port is not a number from 1 to 65535, or there is no host.
    """
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"not a host and port: {text!r}")
        port = rest[1:] if rest else None
    elif text.count(":") > 1:
        host, port = text, None
    else:
        host, colon, digits = text.partition(":")
        port = digits if colon else None
    if not host:
        raise ValueError(f"no host in {text!r}")
    if port is None:
        return host, None
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
        raise ValueError(f"not a port number in {text!r}")
    return host, int(port)
