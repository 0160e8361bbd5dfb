"""Request validation (:rfc:`3261#section-16.3`).

Step 1, reasonable syntax, is done where messages enter. Step 4, loop detection, is for requests that fork,
and done in `sipfsm.proxy.loops` once that is known. Step 6, Proxy-Authorization, is to stand here when it
comes.
"""

from sipfsm.message import MessageError, Request, SipUri
from sipfsm.message.refusal import RefusedError

SCHEMES: frozenset[str] = frozenset({"sip", "tel"})
"""URI schemes that are understood. To these belongs `sips` once there is TLS: without it a request would be
sent on over UDP or TCP, which is what its sender does not want (:rfc:`5630#section-5.3`)."""

SUPPORTED: frozenset[str] = frozenset()
"""Option tags that this proxy understands in Proxy-Require, in lower case."""


def validate(request: Request) -> None:
    """Check what a proxy has to check before it forwards a request; what it answers itself needs no hops.

    Raises:
        MessageError: ``request-uri-headers``: the Request-URI has header fields, which a next hop might take
            for fields of the request (:rfc:`3261#section-19.1.5`, :rfc:`4475#section-3.1.2.11`).
        RefusedError: 416, 483 or 420, in the order of the RFC.
    """
    uri = request.uri
    if isinstance(uri, SipUri) and uri.headers:  # step 1: what only who forwards it has to know
        raise MessageError("request-uri-headers", "Header fields in Request-URI", request.raw_uri).about(
            request
        )
    if uri.scheme not in SCHEMES:  # step 2
        raise RefusedError(416)
    if request.max_forwards == 0:  # step 3
        raise RefusedError(483)
    if b"proxy-require" in request.headers and request.method != "CANCEL":  # step 5, but section 8.2.2.3
        unknown = [tag for tag in request.proxy_require if tag.lower() not in SUPPORTED]
        if unknown:
            raise RefusedError(420, None, {b"unsupported": ", ".join(unknown).encode()})
