"""Which URIs name this element or a user of it."""

from collections.abc import Iterable
from functools import lru_cache

from sipfsm.message import SipUri, canonical_host
from sipfsm.transport import Transport
from sipfsm.transport.address import DEFAULT_PORT, split_host_port

_REMEMBERED = 1024
"""Answers that are remembered."""


class ServedDomains:
    """The domains that this element is responsible for (:rfc:`3261#section-16.5`)."""

    def __init__(self, domains: Iterable[str], transport: Transport) -> None:
        """Read the names.

        Args:
            domains: ``host``, which is served at every port that is listened on, or ``host:port``.
            transport: tells which addresses are our own.

        Raises:
            ValueError: a name is malformed.
        """
        self._transport = transport
        # Each request asks several times, and the answer never changes; strangers choose the names.
        self._is_served = lru_cache(maxsize=_REMEMBERED)(self._find_served)
        self._is_ours = lru_cache(maxsize=_REMEMBERED)(transport.is_listening_at)
        self._names: set[str] = set()
        self._addresses: set[tuple[str, int]] = set()
        for domain in domains:
            host, port = split_host_port(domain)
            if port is None:
                self._names.add(canonical_host(host))
            else:
                self._addresses.add((canonical_host(host), port))

    @property
    def hosts(self) -> frozenset[str]:
        """The host parts of all domains."""
        return frozenset(self._names | {host for host, _ in self._addresses})

    def serves(self, uri: SipUri) -> bool:
        """Say if a URI names a resource of a domain that is served here."""
        return self._is_served(uri.host, uri.port)

    def is_own(self, uri: SipUri) -> bool:
        """Say if a URI, of a Route for example, names this element itself; a maddr overrides its host."""
        host = uri.maddr or uri.host
        return self._is_ours(host, uri.port or DEFAULT_PORT) or self._is_served(host, uri.port)

    def _find_served(self, host: str, port: int | None) -> bool:
        host = canonical_host(host)
        if (host, port or DEFAULT_PORT) in self._addresses:
            return True
        return host in self._names and (port is None or self._is_our_port(port))

    def _is_our_port(self, port: int) -> bool:
        return any(listener.port == port for listener in self._transport.listeners)
