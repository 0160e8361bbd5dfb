"""The target set (:rfc:`3261#section-16.5`): where a request is to go.

All targets are tried at once. Groups by q-value for serial forking, and the contacts of a 3xx, are to be
added here: `Destination` is one entry of the set, `TargetFinder.find` its order.
"""

from typing import NamedTuple

from sipfsm.location import Binding, LocationService, address_of_record
from sipfsm.message import MessageError, SipUri
from sipfsm.message.refusal import RefusedError
from sipfsm.message.uri import Uri, parse_uri_untrusted
from sipfsm.proxy.domains import ServedDomains
from sipfsm.proxy.relay import RelayPolicy
from sipfsm.proxy.routing import Prepared
from sipfsm.transport import Flow


class Destination(NamedTuple):
    """One entry of a target set.

    Attributes:
        uri: the new Request-URI.
        path: Route values that lead to it (:rfc:`3327#section-5.4`), each of its own.
        next_hop: where to send the request whatever its Request-URI says; None to go by the URI.
        mark: the second part of the branch, by which a loop is known (:rfc:`5393#section-4.2.1`); empty
            unless the request forks.
    """

    uri: Uri
    path: tuple[bytes, ...] = ()
    next_hop: SipUri | None = None
    mark: str = ""


class TargetFinder:
    """Knows the domains, the users and the static next hop."""

    def __init__(
        self,
        domains: ServedDomains,
        location: LocationService,
        relay: RelayPolicy,
        *,
        next_hop: SipUri | None,
        users: frozenset[str] | None,
    ) -> None:
        """Keep what is needed to decide.

        Args:
            domains: the domains served here.
            location: the bindings of their users.
            relay: who may reach other domains.
            next_hop: where requests for other domains go; None to go by their URIs.
            users: the users that exist; None if anybody may.
        """
        self._domains = domains
        self._location = location
        self._relay = relay
        self._next_hop = next_hop
        self._users = users

    def find(self, prepared: Prepared, flow: Flow) -> list[Destination]:
        """Determine where a request is to go; at least one destination.

        Raises:
            RefusedError: 403, 404, 416 or 480.
        """
        uri = prepared.request.uri
        has_route = b"route" in prepared.request.headers
        # A maddr that is not ours leads elsewhere, whatever the domain; so does a Route.
        if isinstance(uri, SipUri) and uri.maddr is None and self._domains.serves(uri):
            if has_route:
                self._relay.check(prepared, flow)
            return self._of_user(uri)
        self._relay.check(prepared, flow)
        # In a dialog the route set says it all; who set it up chose the next hop then.
        next_hop = None if has_route or prepared.own_route is not None else self._next_hop
        if not isinstance(uri, SipUri) and next_hop is None and not has_route:
            raise RefusedError(416, "No Gateway for tel URIs")
        return [Destination(_request_uri(uri), next_hop=next_hop)]

    def _of_user(self, uri: SipUri) -> list[Destination]:
        if uri.user is None:
            raise RefusedError(404)
        aor = address_of_record(uri)
        destinations: list[Destination] = []
        for binding in self._location.bindings(aor):
            found = _destination(binding)
            # Bindings that differ in what no Request-URI has lead to the same place: once is enough.
            if found and not any(found.uri.equivalent(other.uri) for other in destinations):
                destinations.append(found)
        if destinations:
            return destinations
        user, _, domain = aor.removeprefix("sip:").rpartition("@")
        if self._users is not None and self._users.isdisjoint({user, f"{user}@{domain}"}):
            raise RefusedError(404)
        raise RefusedError(480)


def _destination(binding: Binding) -> Destination | None:
    try:
        uri = parse_uri_untrusted(binding.contact)
    except MessageError:
        return None  # the registrar lets none of these in, but the file is not only ours to write
    return Destination(_request_uri(uri), binding.path)


def _request_uri(uri: Uri) -> Uri:
    """Take off what no Request-URI may have (:rfc:`3261#section-16.6` step 2, `19.1.1`)."""
    if isinstance(uri, SipUri) and (uri.headers or uri.params.has("method")):
        return uri._replace(params=uri.params.without("method"), headers=())
    return uri
