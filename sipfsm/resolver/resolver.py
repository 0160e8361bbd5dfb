"""From a URI to the addresses to try, by its host and port alone.

IP literals and names with A and AAAA records are what is resolved here (:rfc:`3263#section-4.2`, the cases
with a port). NAPTR and SRV records are to be added in `Resolver.resolve`, before names are looked up.
"""

from sipfsm.message import SipUri
from sipfsm.transport import Target, TransportError
from sipfsm.transport.address import DEFAULT_PORT, ip_version
from sipfsm.transport.lookup import look_up

PROTOCOLS = {"udp": "UDP", "tcp": "TCP"}
"""The values of the `transport` parameter that can be sent over, and their names in a Via."""


class Resolver:
    """Finds the addresses of next hops."""

    def resolve_nowait(self, uri: SipUri) -> list[Target] | None:
        """Return the addresses to try, in their order; None if a name has to be looked up first (`resolve`).

        Raises:
            TransportError: the URI asks for what is not to be had here.
        """
        if uri.scheme == "sips":
            raise TransportError("no-tls", "a sips URI asks for TLS, which is not spoken here")
        protocol = PROTOCOLS.get(uri.transport or "udp")
        if protocol is None:
            raise TransportError("no-transport", f"the transport {uri.transport!r} is not spoken here")
        host = uri.maddr or uri.host
        return [Target(protocol, host, uri.port or DEFAULT_PORT)] if ip_version(host) is not None else None

    async def resolve(self, uri: SipUri) -> list[Target]:
        """Return the addresses to try, in their order, at least one.

        An IP literal is answered at once, without a checkpoint.

        Raises:
            TransportError: the URI asks for what is not to be had here, or its name has no address.
        """
        targets = self.resolve_nowait(uri)
        if targets is not None:
            return targets
        protocol = PROTOCOLS[uri.transport or "udp"]
        hosts = await look_up(uri.maddr or uri.host)
        return [Target(protocol, host, uri.port or DEFAULT_PORT) for host in hosts]
