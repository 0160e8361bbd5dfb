"""Which hosts and ports are our own: in the Via of a response, in a Route, in a Request-URI."""

import socket
from collections.abc import Iterable

from sipfsm.message import Via, canonical_host
from sipfsm.transport.address import DEFAULT_PORT, ip_version, is_wildcard, split_host_port
from sipfsm.transport.interface import Listener


class LocalNames:
    """The listeners and the names (aliases) under which they are known."""

    def __init__(self, aliases: Iterable[str] = ()):
        """Start with the aliases only.

        Args:
            aliases: ``host`` or ``host:port`` (IPv6 in brackets); without a port, 5060.

        Raises:
            ValueError: one of them is neither.
        """
        self._sent_by: set[tuple[str, int]] = set()
        self._bound: set[tuple[str, int, str]] = set()
        self._wildcards: set[tuple[int, int, str]] = set()
        self._aliases: set[tuple[str, int]] = set()
        for alias in aliases:
            host, port = split_host_port(alias)
            self._aliases.add((_key(host), DEFAULT_PORT if port is None else port))
        self._sent_by |= self._aliases

    def add(self, listener: Listener) -> None:
        """Know a listener that is now bound."""
        host, port = split_host_port(listener.sent_by)
        self._sent_by.add((_key(host), port if port is not None else DEFAULT_PORT))
        if is_wildcard(listener.host):
            self._wildcards.add((ip_version(listener.host) or 4, listener.port, listener.protocol))
        else:
            self._bound.add((_key(listener.host), listener.port, listener.protocol))

    def is_sent_by(self, via: Via) -> bool:
        """Say if a Via carries a sent-by value of ours (:rfc:`3261#section-18.1.2`)."""
        port = DEFAULT_PORT if via.port is None else via.port
        return (via.host, port) in self._sent_by or (_key(via.host), port) in self._sent_by

    def is_listening_at(self, host: str, port: int, protocol: str | None = None) -> bool:
        """Say if a host and port are ours; an alias is, whatever the protocol."""
        host = _key(host)
        if (host, port) in self._aliases:
            return True
        protocols = ("UDP", "TCP") if protocol is None else (protocol,)
        if any((host, port, each) in self._bound for each in protocols):
            return True
        if not self._wildcards:
            return False
        version = ip_version(host) or 0
        return any((version, port, each) in self._wildcards for each in protocols) and is_local_address(host)


def _key(host: str) -> str:
    """Return a host as it is compared: a name with or without its final dot is the same."""
    return canonical_host(host).removesuffix(".")


def is_local_address(host: str) -> bool:
    """Say if an IP literal is an address of this machine: a socket can be bound to it."""
    version = ip_version(host)
    if version is None or is_wildcard(host):
        return False
    with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def primary_address(version: int) -> str:
    """Return the address of this machine that others most likely reach it at: the one its default route uses.

    Connecting a UDP socket sends nothing; it only has the operating system choose the source address.
    """
    family, far = (
        (socket.AF_INET6, ("2001:db8::1", 9)) if version == 6 else (socket.AF_INET, ("192.0.2.1", 9))
    )
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(far)
            address: str = probe.getsockname()[0]
            return address
    except OSError:
        return "::1" if version == 6 else "127.0.0.1"
