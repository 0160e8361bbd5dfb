"""Requests and responses (:rfc:`3261#section-7`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias, TypeVar

from sipfsm.message.address import (
    NameAddr,
    parse_contacts_untrusted,
    parse_name_addr_untrusted,
    parse_routes_untrusted,
)
from sipfsm.message.auth import Challenge, Credentials, parse_auths_untrusted
from sipfsm.message.cseq import CSeq, parse_cseq_untrusted
from sipfsm.message.dates import Timestamp, parse_date_untrusted, parse_timestamp_untrusted
from sipfsm.message.errors import MessageError, missing
from sipfsm.message.headers import Headers
from sipfsm.message.names import usual_name
from sipfsm.message.scalars import (
    parse_call_id_untrusted,
    parse_content_length_untrusted,
    parse_expires_untrusted,
    parse_max_forwards_untrusted,
    parse_min_expires_untrusted,
)
from sipfsm.message.uri import Uri, parse_uri_untrusted
from sipfsm.message.values import octets, parse_tokens_untrusted
from sipfsm.message.via import Via, parse_top_via_untrusted, parse_vias_untrusted

T = TypeVar("T")

SIP_VERSION = "SIP/2.0"


class Message:
    """What requests and responses share: header fields and a body.

    The properties read the field of their name when they are asked for and remember what they read. Each
    raises `MessageError` with this message in it if the field is malformed, and if it is missing where the
    result cannot be None or an empty list.

    Attributes:
        headers: the header fields.
        body: the body; its length is what Content-Length should say.
        version: ``SIP/2.0``, or what a message of another SIP says.
    """

    __slots__ = ("body", "headers", "version")

    headers: Headers
    body: bytes
    version: str

    @property
    def answerable(self) -> bool:
        """Whether a response to this may be sent: to every request but ACK (:rfc:`3261#section-17.1.1.3`)."""
        raise NotImplementedError

    # ---- what every message has

    @property
    def via(self) -> Via:
        """The top Via; assign to change it."""
        return self._mandatory(b"via", parse_top_via_untrusted)

    @via.setter
    def via(self, via: Via) -> None:
        self.headers.replace_first_value(b"via", via.to_bytes())
        self.headers.remember(b"via", parse_top_via_untrusted, via)

    def push_via(self, via: Via) -> None:
        """Put a Via on top of the others (:rfc:`3261#section-16.6` step 8)."""
        self.headers.prepend(b"via", via.to_bytes())
        self.headers.remember(b"via", parse_top_via_untrusted, via)

    @property
    def vias(self) -> list[Via]:
        """All Via values, the top one first."""
        return list(self._all(b"via", parse_vias_untrusted))

    @property
    def from_(self) -> NameAddr:
        """From."""
        return self._mandatory(b"from", parse_name_addr_untrusted)

    @property
    def to(self) -> NameAddr:
        """To."""
        return self._mandatory(b"to", parse_name_addr_untrusted)

    @property
    def call_id(self) -> str:
        """Call-ID."""
        return self._mandatory(b"call-id", parse_call_id_untrusted)

    @property
    def cseq(self) -> CSeq:
        """CSeq."""
        return self._mandatory(b"cseq", parse_cseq_untrusted)

    # ---- what a message may have

    @property
    def max_forwards(self) -> int | None:
        """How many hops are left; None if the field is missing, as from an :rfc:`2543` element."""
        return self._optional(b"max-forwards", parse_max_forwards_untrusted)

    @property
    def content_length(self) -> int | None:
        """What Content-Length says, in bytes; None if the field is missing."""
        return self._optional(b"content-length", parse_content_length_untrusted)

    @property
    def expires(self) -> int | None:
        """Expires in seconds; None if the field is missing."""
        return self._optional(b"expires", parse_expires_untrusted)

    @property
    def min_expires(self) -> int | None:
        """Min-Expires in seconds; None if the field is missing."""
        return self._optional(b"min-expires", parse_min_expires_untrusted)

    @property
    def date(self) -> datetime | None:
        """Date, in UTC; None if the field is missing."""
        return self._optional(b"date", parse_date_untrusted)

    @property
    def timestamp(self) -> Timestamp | None:
        """Timestamp; None if the field is missing."""
        return self._optional(b"timestamp", parse_timestamp_untrusted)

    @property
    def routes(self) -> list[NameAddr]:
        """All Route values, the next hop first."""
        return list(self._all(b"route", parse_routes_untrusted))

    @property
    def record_routes(self) -> list[NameAddr]:
        """All Record-Route values, the latest proxy first."""
        return list(self._all(b"record-route", parse_routes_untrusted))

    @property
    def paths(self) -> list[NameAddr]:
        """All Path values (:rfc:`3327`), the registrar's next hop first."""
        return list(self._all(b"path", parse_routes_untrusted))

    @property
    def contacts(self) -> list[NameAddr]:
        """All Contact values; none also if the only one is ``*``."""
        contacts = self._all(b"contact", parse_contacts_untrusted)
        return [] if contacts is None else list(contacts)

    @property
    def contact_is_star(self) -> bool:
        """Whether Contact is ``*``: all bindings are meant (:rfc:`3261#section-10.2.2`)."""
        return self._all(b"contact", parse_contacts_untrusted) is None

    @property
    def require(self) -> list[str]:
        """Option tags that the server has to understand."""
        return list(self._all(b"require", parse_tokens_untrusted))

    @property
    def proxy_require(self) -> list[str]:
        """Option tags that every proxy has to understand."""
        return list(self._all(b"proxy-require", parse_tokens_untrusted))

    @property
    def supported(self) -> list[str]:
        """Option tags that the sender understands."""
        return list(self._all(b"supported", parse_tokens_untrusted))

    @property
    def unsupported(self) -> list[str]:
        """Option tags that the sender of a 420 did not understand."""
        return list(self._all(b"unsupported", parse_tokens_untrusted))

    @property
    def authorization(self) -> list[Credentials]:
        """All Authorization lines."""
        return list(self._all(b"authorization", parse_auths_untrusted))

    @property
    def proxy_authorization(self) -> list[Credentials]:
        """All Proxy-Authorization lines."""
        return list(self._all(b"proxy-authorization", parse_auths_untrusted))

    @property
    def www_authenticate(self) -> list[Challenge]:
        """All WWW-Authenticate lines."""
        return list(self._all(b"www-authenticate", parse_auths_untrusted))

    @property
    def proxy_authenticate(self) -> list[Challenge]:
        """All Proxy-Authenticate lines."""
        return list(self._all(b"proxy-authenticate", parse_auths_untrusted))

    def to_bytes(self) -> bytes:
        """Write the message; what was not edited as it came."""
        start_line = self.start_line()
        return self.headers.write_between(start_line, self.body)

    def start_line(self) -> bytes:
        """Write the start line without its line break."""
        raise NotImplementedError

    def _optional(self, name: bytes, parser: Callable[[bytes], T]) -> T | None:
        try:
            return self.headers.cached_first(name, parser)
        except MessageError as error:
            raise self._error(error, name) from None

    def _mandatory(self, name: bytes, parser: Callable[[bytes], T]) -> T:
        headers = self.headers
        known = headers.parsed.get(name)
        if known is not None and parser in known:
            remembered: T = known[parser]
            return remembered  # most fields are asked for several times
        try:
            value = headers.parse_first(name, parser)
        except MessageError as error:
            raise self._error(error, name) from None
        if value is None:
            raise self._error(missing(name), name)
        return value

    def _all(self, name: bytes, parser: Callable[[list[bytes]], T]) -> T:
        try:
            return self.headers.cached(name, parser)
        except MessageError as error:
            raise self._error(error, name) from None

    def _error(self, error: MessageError, name: bytes) -> MessageError:
        assert isinstance(self, Request | Response)
        return error.found_in(usual_name(name).decode("ascii")).about(self)


class Request(Message):
    """A request (:rfc:`3261#section-7.1`).

    Attributes:
        method: the method, whose case matters.
    """

    __slots__ = ("_raw_uri", "_uri", "method")

    def __init__(
        self,
        method: str,
        uri: Uri | bytes,
        headers: Headers | None = None,
        body: bytes = b"",
        version: str = SIP_VERSION,
    ) -> None:
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.version = version
        self.method = method
        self._uri: Uri | None = None
        if isinstance(uri, bytes):
            self._raw_uri = uri
        else:
            self.uri = uri

    @property
    def answerable(self) -> bool:
        """Whether a response to this may be sent: to every request but ACK."""
        return self.method != "ACK"

    @property
    def uri(self) -> Uri:
        """The Request-URI, read when it is first asked for; assign to change it.

        Raises:
            MessageError: as `parse_uri_untrusted`.
        """
        if self._uri is None:
            try:
                self._uri = parse_uri_untrusted(self._raw_uri)
            except MessageError as error:
                raise error.found_in("Request-URI").about(self) from None
        return self._uri

    @uri.setter
    def uri(self, uri: Uri) -> None:
        self._uri = uri
        self._raw_uri = uri.to_bytes()

    @property
    def raw_uri(self) -> bytes:
        """The Request-URI as it was sent; assign to change it."""
        return self._raw_uri

    @raw_uri.setter
    def raw_uri(self, raw_uri: bytes) -> None:
        self._uri = None
        self._raw_uri = raw_uri

    def start_line(self) -> bytes:
        """Write the request line without its line break."""
        return b"%b %b %b" % (self.method.encode("ascii"), self._raw_uri, self.version.encode("ascii"))

    def copy(self) -> Request:
        """Return an independent copy, which shares the bytes and what has been parsed."""
        copy = Request(self.method, self._raw_uri, self.headers.copy(), self.body, self.version)
        copy._uri = self._uri
        return copy

    def __repr__(self) -> str:
        return f"<Request {self.method} {self._raw_uri[:64]!r}>"


class Response(Message):
    """A response (:rfc:`3261#section-7.2`).

    Attributes:
        status: the status code, 100 to 699.
        reason: the reason phrase, possibly empty.
    """

    __slots__ = ("reason", "status")

    def __init__(
        self,
        status: int,
        reason: str,
        headers: Headers | None = None,
        body: bytes = b"",
        version: str = SIP_VERSION,
    ) -> None:
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.version = version
        self.status = status
        self.reason = reason

    @property
    def answerable(self) -> bool:
        """Whether a response to this may be sent: never."""
        return False

    def start_line(self) -> bytes:
        """Write the status line without its line break."""
        return octets(f"{self.version} {self.status} {self.reason}")

    def copy(self) -> Response:
        """Return an independent copy, which shares the bytes and what has been parsed."""
        return Response(self.status, self.reason, self.headers.copy(), self.body, self.version)

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason!r}>"


SipMessage: TypeAlias = Request | Response
