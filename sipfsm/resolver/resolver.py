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

    async def resolve(self, uri: SipUri) -> list[Target]:
        """Return the addresses to try, in their order, at least one.

        An IP literal is answered at once, without a checkpoint.

        Raises:
            TransportError: the URI asks for what is not to be had here, or its name has no address.
        """
        if uri.scheme == "sips":
            raise TransportError("no-tls", "a sips URI asks for TLS, which is not spoken here")
        protocol = PROTOCOLS.get(uri.transport or "udp")
        if protocol is None:
            raise TransportError("no-transport", f"the transport {uri.transport!r} is not spoken here")
        host = uri.maddr or uri.host
        port = uri.port or DEFAULT_PORT
        hosts = [host] if ip_version(host) is not None else await look_up(host)
        return [Target(protocol, address, port) for address in hosts]
