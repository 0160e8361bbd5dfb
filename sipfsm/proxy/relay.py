"""Who may have a request relayed to a foreign domain: nobody by accident.

A request within a dialog that was set up through this proxy comes back over the Route that the proxy wrote
into Record-Route. It carries a token that only this proxy can make, so that a Route alone opens no door. The
secret of the tokens is kept where the bindings are, so that a restart closes none.
"""

import secrets
from collections.abc import Sequence
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network, ip_address

from sipfsm.location import LocationService, address_of_record
from sipfsm.message import Request, SipUri
from sipfsm.message.refusal import RefusedError
from sipfsm.proxy.domains import ServedDomains
from sipfsm.proxy.routing import Prepared
from sipfsm.transport import Flow, Target

TOKEN = "dialog"
"""The URI parameter of our Record-Route values that carries the token."""


def flow_label(flow: Flow) -> str:
    """Name the remote end of a flow, as bindings remember it."""
    return str(Target(flow.protocol, *flow.remote))


class RelayPolicy:
    """Decides about requests for domains that are not served here."""

    def __init__(
        self,
        trusted: Sequence[IPv4Network | IPv6Network],
        location: LocationService,
        domains: ServedDomains,
        *,
        secret: bytes,
    ) -> None:
        """Take what the policy rests on.

        Args:
            trusted: networks from which everything is relayed.
            location: who is registered, and from where.
            domains: what is served here.
            secret: what the tokens of dialogs are made with; as long as it is the same, they are good.
        """
        self._trusted = tuple(trusted)
        self._location = location
        self._domains = domains
        self._secret = secret
        self._sources: dict[str, bool] = {}

    def token(self, request: Request) -> str:
        """Return the token of the dialog that a request belongs to, or sets up."""
        call_id = request.headers.first(b"call-id") or b""
        return blake2b(call_id, digest_size=8, key=self._secret).hexdigest()

    def check(self, prepared: Prepared, flow: Flow) -> None:
        """Let a request for a foreign domain pass, or not.

        Raises:
            RefusedError: 403.
        """
        if self._is_trusted(flow.remote.host) or self._is_in_dialog(prepared):
            return
        if self._is_of_user(prepared.request, flow):
            return
        raise RefusedError(403, "Relaying Denied")

    def _is_trusted(self, host: str) -> bool:
        known = self._sources.get(host)
        if known is None:
            address = ip_address(host)
            known = any(address in network for network in self._trusted)
            if len(self._sources) < 1024:  # strangers choose the addresses
                self._sources[host] = known
        return known

    def _is_in_dialog(self, prepared: Prepared) -> bool:
        route = prepared.own_route
        if route is None or prepared.request.to.tag is None:
            return False
        token = route.params.get(TOKEN)
        return token is not None and secrets.compare_digest(token, self.token(prepared.request))

    def _is_of_user(self, request: Request, flow: Flow) -> bool:
        """Say if the sender is who registered from the same place: as much as can be said without digest."""
        sender = request.from_.uri
        if not isinstance(sender, SipUri) or not self._domains.serves(sender):
            return False
        label = flow_label(flow)
        bindings = self._location.bindings(address_of_record(sender))
        return any(binding.received == label for binding in bindings)
