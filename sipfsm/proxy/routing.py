"""Route information: preprocessing (:rfc:`3261#section-16.4`), next hop (16.6 steps 6 and 7)."""

from typing import NamedTuple

from sipfsm.message import Request, SipUri
from sipfsm.message.refusal import RefusedError
from sipfsm.message.uri import Uri
from sipfsm.proxy.domains import ServedDomains


class Prepared(NamedTuple):
    """A request whose route information is in order.

    Attributes:
        request: a copy that may be changed.
        own_route: the first Route value that was taken off because it named us; None if there was none.
    """

    request: Request
    own_route: SipUri | None


def preprocess(received: Request, domains: ServedDomains) -> Prepared:
    """Undo what a strict router did, and take off the Route values that name this element.

    All of them are taken off, because a proxy that changes the transport protocol leaves two
    (:rfc:`5658#section-3`).

    Raises:
        MessageError: a Route value or the Request-URI is malformed.
        RefusedError: 400, the next Route value is no SIP URI.
    """
    request = received.copy()
    headers = request.headers
    if b"route" not in headers:
        _strip_own_maddr(request, domains)
        return Prepared(request, None)
    own_route: SipUri | None = None
    uri = request.uri
    if isinstance(uri, SipUri) and uri.user is None and uri.lr and domains.is_own(uri):
        # A strict router before us has put our Record-Route value into the Request-URI.
        own_route = uri
        request.uri = request.routes[-1].uri
        *others, _ = headers.values(b"route")
        if others:
            headers.set(b"route", b", ".join(others))
        else:
            headers.remove(b"route")
    _strip_own_maddr(request, domains)
    for route in request.routes:
        if not isinstance(route.uri, SipUri):
            raise RefusedError(400, "Route Is Not a SIP URI")
        if not domains.is_own(route.uri):
            break
        headers.pop_first_value(b"route")
        own_route = own_route or route.uri
    return Prepared(request, own_route)


def _strip_own_maddr(request: Request, domains: ServedDomains) -> None:
    uri = request.uri
    if isinstance(uri, SipUri) and uri.maddr and domains.is_own(uri):
        request.uri = uri._replace(port=None, params=uri.params.without("maddr", "transport"))


def take_next_hop(request: Request) -> Uri:
    """Return the URI to send a request to, after making the request fit for a strict router if that is next.

    Raises:
        MessageError: the Route or the Request-URI is malformed.
        RefusedError: there is no way to send to the next hop.
    """
    if b"route" not in request.headers:
        return request.uri
    first = request.routes[0].uri
    if not isinstance(first, SipUri):
        raise RefusedError(400, "Route Is Not a SIP URI")
    if not first.lr:
        request.headers.add(b"route", b"<%b>" % request.raw_uri)
        request.headers.pop_first_value(b"route")
        request.uri = first
    return first
