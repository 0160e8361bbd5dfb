"""Addresses: From, To, Contact, Route, Record-Route and Path (:rfc:`3261#section-20.10`, :rfc:`3327`)."""

from __future__ import annotations

import re

from sipfsm.message.errors import MessageError
from sipfsm.message.memo import remembered
from sipfsm.message.params import NO_PARAMS, USUAL_PARAMS, Params, parse_params_untrusted, usual_params
from sipfsm.message.uri import Uri, parse_uri_untrusted
from sipfsm.message.values import octets, parse_values_untrusted, quote, split_lines_untrusted, text, unquote

_WS = r"[ \t]*+"
# A display name is a quoted string or tokens; letters beyond ASCII are no tokens but are met on the network.
_NAME_ADDR = re.compile(
    rf'(?:("[^"\\]*+(?>(?:\\.[^"\\]*+)*)"){_WS}|([A-Za-z0-9\-.!%*_+`\'~ \t\x80-\U0010ffff]*+))'
    rf"<([!#-;=?-~]++)>{_WS}(?>(;.*+)?)",
    re.DOTALL,
)
_USUAL_NAME_ADDR = re.compile(
    rf'(?:"([^"\\]*+)" ?+|([A-Za-z0-9\-. ]*+))<([!#-;=?-~]++)>{USUAL_PARAMS}', re.DOTALL
)
# Without angle brackets a URI has no comma, question mark or semicolon (RFC 3261 section 20), and what its
# first semicolon begins are parameters of the header field.
_ADDR_SPEC = re.compile(rf"([!#-+\--:=@-~]++){_WS}(?>(;.*+)?)", re.DOTALL)
_QVALUE = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_DELTA = re.compile(r"[0-9]++")

DEFAULT_CONTACT_EXPIRES = 3600
"""What a malformed ``expires`` of a Contact counts as, in seconds (:rfc:`3261#section-10.2`)."""

MAX_DELTA = 2**32 - 1
"""The largest number of seconds that header fields carry (:rfc:`3261#section-20.19`)."""


class NameAddr:
    """A URI with a display name and parameters. Immutable.

    Attributes:
        display_name: what the name says, without quotes and escapes; None if there is none.
        raw_uri: the URI as it was sent.
        params: the parameters of the header field, not those of the URI.
    """

    __slots__ = ("_uri", "display_name", "params", "raw_uri")

    def __init__(self, display_name: str | None, uri: Uri | bytes, params: Params = NO_PARAMS) -> None:
        self.display_name = display_name
        self.params = params
        self._uri: Uri | None
        if isinstance(uri, bytes):
            self._uri = None
            self.raw_uri = uri
        else:
            self._uri = uri
            self.raw_uri = uri.to_bytes()

    @property
    def uri(self) -> Uri:
        """The URI, read when it is first asked for.

        Raises:
            MessageError: as `parse_uri_untrusted`.
        """
        uri = self._uri
        if uri is None:
            uri = self._uri = parse_uri_untrusted(self.raw_uri)
        return uri

    @property
    def tag(self) -> str | None:
        """The ``tag`` of From or To; None if there is none (:rfc:`3261#section-19.3`)."""
        return self.params.get("tag")

    @property
    def q(self) -> float | None:
        """The preference of a Contact, 0.0 to 1.0; None if there is none.

        Raises:
            MessageError: ``bad-q``.
        """
        value = self.params.get("q")
        if value is None:
            return None
        if _QVALUE.fullmatch(value) is None:
            raise MessageError("bad-q", "Malformed q parameter", octets(value))
        return float(value)

    @property
    def expires(self) -> int | None:
        """The ``expires`` of a Contact in seconds, 0 to `MAX_DELTA`; None if there is none.

        Too large a number counts as the largest, a malformed one as 3600 (:rfc:`3261#section-10.2`).
        """
        if not self.params.has("expires"):
            return None
        value = self.params.get("expires")
        if value is None or _DELTA.fullmatch(value) is None:
            return DEFAULT_CONTACT_EXPIRES
        digits = value.lstrip("0")
        return min(int(digits or 0), MAX_DELTA) if len(digits) <= 10 else MAX_DELTA

    def with_params(self, params: Params) -> NameAddr:
        """Return a copy with other parameters."""
        copy = NameAddr(self.display_name, self.raw_uri, params)
        copy._uri = self._uri
        return copy

    def __str__(self) -> str:
        name = "" if self.display_name is None else quote(self.display_name) + " "
        return f"{name}<{self.raw_uri.decode('ascii')}>{self.params}"

    def to_bytes(self) -> bytes:
        """Write the address in the form with angle brackets, the display name as a quoted string."""
        return octets(str(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NameAddr):
            return NotImplemented
        return self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[str | None, bytes, Params]:
        return self.display_name, self.raw_uri, self.params

    def __repr__(self) -> str:
        return f"NameAddr({self.display_name!r}, {self.raw_uri!r}, {self.params!r})"


def parse_name_addr_untrusted(raw: bytes) -> NameAddr:
    """Read one address, with or without angle brackets, unfolded and trimmed; its URI is not looked into.

    Raises:
        MessageError: ``bad-address``, ``bad-parameter``, ``duplicate-parameter``.
    """
    value = text(raw)
    # Nearly all are written in one way, which is read faster; it gives what `read_name_addr_untrusted` gives.
    found = _USUAL_NAME_ADDR.fullmatch(value)
    if found is not None:
        groups = found.groups()
        params = usual_params(groups[3:])
        if params is not None:
            quoted, tokens, uri = groups[:3]
            display_name = tokens.strip(" ") or None if quoted is None else quoted
            return NameAddr(display_name, uri.encode("ascii"), params)
    return read_name_addr_untrusted(value)


def read_name_addr_untrusted(value: str) -> NameAddr:
    """Read one address however it is written.

    Raises:
        MessageError: as `parse_name_addr_untrusted`.
    """
    display_name: str | None
    found = _NAME_ADDR.fullmatch(value)
    if found is not None:
        quoted, tokens, uri, params = found.groups()
        display_name = tokens.strip(" \t") or None if quoted is None else unquote(quoted)
    else:
        found = _ADDR_SPEC.fullmatch(value)
        if found is None:
            raise MessageError("bad-address", "Malformed address", octets(value))
        uri, params = found.groups()
        display_name = None
    return NameAddr(display_name, uri.encode("ascii"), parse_params_untrusted(params))


def parse_routes_untrusted(lines: list[bytes]) -> tuple[NameAddr, ...]:
    """Read the addresses of Route, Record-Route or Path, which have to stand in angle brackets.

    Raises:
        MessageError: as `parse_name_addr_untrusted`, for an unbalanced list, and ``bad-route``.
    """
    return parse_values_untrusted(split_lines_untrusted(lines), _parse_route_untrusted)


@remembered  # for the proxies on a path are few, and each has one URI
def _parse_route_untrusted(raw: bytes) -> NameAddr:
    if b"<" not in raw:
        raise MessageError("bad-route", "Address without angle brackets", raw)
    return parse_name_addr_untrusted(raw)


def parse_contacts_untrusted(lines: list[bytes]) -> tuple[NameAddr, ...] | None:
    """Read the addresses of Contact; None for the ``*`` of a REGISTER (:rfc:`3261#section-10.2.2`).

    Raises:
        MessageError: as `parse_name_addr_untrusted`, for an unbalanced list, and ``bad-contact-star``: the
            star has parameters or stands beside other values.
    """
    if lines == [b"*"]:
        return None
    values = split_lines_untrusted(lines)
    for value in values:
        if value.partition(b";")[0].rstrip(b" \t") == b"*":
            raise MessageError("bad-contact-star", "Contact * is not alone", value)
    return parse_values_untrusted(values, parse_name_addr_untrusted)
