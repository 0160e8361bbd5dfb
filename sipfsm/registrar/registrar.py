"""The registrar of a set of domains."""

import math
import time
from collections.abc import Callable, Iterable

from sipfsm.location import Binding, LocationError, LocationService, PendingUpdate, address_of_record
from sipfsm.message import MessageError, Request, Response, SipUri, canonical_host, format_date, make_response
from sipfsm.message.refusal import RefusedError
from sipfsm.registrar.policy import ExpiryPolicy
from sipfsm.registrar.refusal import of_location
from sipfsm.registrar.registration import read_registration
from sipfsm.registrar.rules import updated

Guard = Callable[[Request], Response | None]
"""Authenticates and authorizes: gives None to let a request pass, else the response that ends it.

It must not wait, for a request that is received later must not overtake (:rfc:`3261#section-10.3`)."""

_PATH = "path"
"""The option tag of :rfc:`3327`, the only extension that changes what a registrar does here."""


class Registrar:
    """A user agent server that accepts only REGISTER (:rfc:`3261#section-10.3`).

    It knows nothing of transactions and transports: a request goes in, the final response comes out.

    Args:
        location: where the bindings are kept.
        domains: the domains it is responsible for, as host names or IP addresses (IPv6 with or without
            brackets). A request to one of them may be about a user of another one.
        users: the users of these domains that exist, as user parts (`bob`) for all domains or with one
            (`bob@example.com`), each written as in an address-of-record; None: every user exists.
        min_expires: seconds; briefer registrations are refused with 423.
        default_expires: seconds for contacts that do not ask for an interval.
        max_expires: seconds; longer registrations are shortened.
        path_needs_support: refuse a request with Path whose client does not say `Supported: path`, as
            :rfc:`3327#section-5.3` recommends; False accepts it.
        guard: steps 3 and 4; None lets every request pass.
        on_malformed: is told of each request that is refused because a field is malformed.
        clock: gives the unix time in seconds.
        tracing: log what happens to each binding, at level debug.

    Raises:
        ValueError: no domain, or intervals that contradict each other.
    """

    def __init__(
        self,
        location: LocationService,
        *,
        domains: Iterable[str],
        users: frozenset[str] | None = None,
        min_expires: int = 60,
        default_expires: int = 3600,
        max_expires: int = 86_400,
        path_needs_support: bool = True,
        guard: Guard | None = None,
        on_malformed: Callable[[MessageError], None] | None = None,
        clock: Callable[[], float] = time.time,
        tracing: bool = False,
    ) -> None:
        self._location = location
        self._domains = frozenset(canonical_host(domain.strip("[]")) for domain in domains)
        if not self._domains:
            raise ValueError("a registrar needs at least one domain")
        self._users = users
        self._expiry = ExpiryPolicy(min_expires, default_expires, max_expires)
        self._path_needs_support = path_needs_support
        self._guard = guard
        self._on_malformed = on_malformed
        self._clock = clock
        self._tracing = tracing

    def take(self, request: Request, flow_label: str | None = None) -> Response | PendingUpdate:
        """Take a request; give its final response, or what it has to wait for and `finish` is to be given.

        Never waits. Requests take effect in the order of the calls.

        Args:
            request: a checked request.
            flow_label: the flow it came over, kept with the bindings, for example `udp:192.0.2.1:5060`.
        """
        try:
            return self._process(request, flow_label)
        except (RefusedError, MessageError, LocationError) as error:
            return self._refusal(error).response(request)

    async def finish(self, request: Request, update: PendingUpdate) -> Response:
        """Wait for what `take` gave, and give the final response; a 200 (OK) only when bindings are stored.

        A call that is cancelled may have taken effect or not.
        """
        try:
            return self._ok(request, await update.outcome())
        except (RefusedError, MessageError, LocationError) as error:
            return self._refusal(error).response(request)

    async def answer(self, request: Request, flow_label: str | None = None) -> Response:
        """Carry out a request and give its final response: `take` and `finish` in one."""
        taken = self.take(request, flow_label)
        return taken if isinstance(taken, Response) else await self.finish(request, taken)

    def _process(self, request: Request, flow_label: str | None) -> Response | PendingUpdate:
        """Follow :rfc:`3261#section-10.3` step by step."""
        received_at = self._clock()
        _check_method(request)
        self._check_domain(request)  # 1
        self._check_extensions(request)  # 2
        if self._guard is not None and (denied := self._guard(request)) is not None:  # 3, 4
            return denied
        _check_content(request)
        aor = self._address_of_record(request)  # 5
        registration = read_registration(request, self._expiry, flow_label)
        if registration is None:
            return self._ok(request, self._location.bindings(aor))
        return self._location.submit(  # 6, 7; 8 is for `finish`
            aor, lambda live: updated(live, registration, received_at, tracing=self._tracing)
        )

    def _check_domain(self, request: Request) -> None:
        uri = request.uri
        if not isinstance(uri, SipUri):
            raise RefusedError(416)
        if canonical_host(uri.host) not in self._domains:
            # A proxy forwards such a request; what reaches the registrar is for us or for nobody.
            raise RefusedError(404, "Not a Domain of This Registrar")

    def _check_extensions(self, request: Request) -> None:
        unknown = [tag for tag in request.require if tag.lower() != _PATH]
        if (
            b"path" in request.headers
            and self._path_needs_support
            and _PATH not in [tag.lower() for tag in request.supported]
        ):
            unknown.append(_PATH)
        if unknown:
            raise RefusedError(420, None, {b"unsupported": ", ".join(unknown).encode()})
        for hop in request.paths:
            _ = hop.uri  # read for the errors: the proxy will have to route by it

    def _address_of_record(self, request: Request) -> str:
        uri = request.to.uri
        if not isinstance(uri, SipUri):
            raise RefusedError(400, "To Is Not a SIP URI")
        if canonical_host(uri.host) not in self._domains:
            raise RefusedError(404, "Not a User of This Domain")
        aor = address_of_record(uri)
        user, at, domain = aor.removeprefix("sip:").rpartition("@")
        if not at or not (self._users is None or user in self._users or f"{user}@{domain}" in self._users):
            raise RefusedError(404)
        return aor

    def _refusal(self, error: RefusedError | MessageError | LocationError) -> RefusedError:
        if isinstance(error, RefusedError):
            return error
        if isinstance(error, LocationError):
            return of_location(error)
        if self._on_malformed is not None:
            self._on_malformed(error)
        return RefusedError(error.status or 400, error.phrase)

    def _ok(self, request: Request, bindings: tuple[Binding, ...]) -> Response:
        now = self._clock()
        response = make_response(request, 200)
        headers = response.headers
        for binding in bindings:
            headers.add(b"contact", _contact(binding, now))
        for value in request.headers.lines(b"path"):
            headers.add(b"path", value)
        headers.add(b"date", format_date(now))
        return response


def _check_method(request: Request) -> None:
    if request.method != "REGISTER":
        raise RefusedError(405, None, {b"allow": b"REGISTER"})


def _check_content(request: Request) -> None:
    """Refuse a body, for none is understood, unless it is marked as optional (:rfc:`3261#section-8.2.3`)."""
    disposition = (request.headers.first(b"content-disposition") or b"").lower().replace(b" ", b"")
    if request.body and b"handling=optional" not in disposition.split(b";"):
        fields = {b"accept": b""}
        if b"content-encoding" in request.headers:
            fields[b"accept-encoding"] = b"identity"
        raise RefusedError(415, None, fields)


def _contact(binding: Binding, now: float) -> bytes:
    q = b"" if binding.q == 1 else b";q=%b" % f"{binding.q:.3f}".rstrip("0").rstrip(".").encode()
    # Rounded up, for 0 would say that the binding is gone; but not for the tiny fraction that is left over
    # when large numbers are added and subtracted.
    seconds = max(1, math.ceil(binding.expires_at - now - 1e-3))
    return b"<%b>%b%b;expires=%d" % (binding.contact, q, binding.params, seconds)
