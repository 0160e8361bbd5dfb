"""URIs: what names a user, a server or a next hop (:rfc:`3261#section-19.1`, :rfc:`3966`)."""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from sipfsm.message.errors import MessageError
from sipfsm.message.host import HOST, PORT, canonical_host, host_port, host_untrusted, port_untrusted
from sipfsm.message.memo import remembered
from sipfsm.message.params import Params
from sipfsm.message.values import text

_USER = r"[A-Za-z0-9\-_.!~*'()&=+$,;?/%]++"
_PASSWORD = r"[A-Za-z0-9\-_.!~*'()&=+$,%]*+"
# Parameters and headers hold any visible ASCII character that has no meaning of its own where they stand:
# more than the grammar allows, since `=` and `,` within a value are met on the network.
_PARAM = r";[!#-:=A-~]++"
_HEADER = r"[!#-%'-;?A-~]++=[!#-%'-;=?A-~]*+"

_SIP_URI = re.compile(
    rf"([sS][iI][pP][sS]?+):"
    rf"(?>(?:({_USER})(?>(?::({_PASSWORD}))?)@)?)"
    rf"({HOST})(?>(?::({PORT}))?)"
    rf"((?>(?:{_PARAM})*))"
    rf"(?>(?:\?({_HEADER}(?>(?:&{_HEADER})*)))?)"
)
_TEL_URI = re.compile(rf"[tT][eE][lL]:([0-9A-Fa-f*#+\-.()]++)((?>(?:{_PARAM})*))")
_OTHER_URI = re.compile(r"([A-Za-z][A-Za-z0-9+\-.]*+):([!#-;=?-~]++)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+\-.]*+(?=:)")

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")
_PLAIN_IN_USER = _UNRESERVED | frozenset("&=+$,;?/")
_VISUAL_SEPARATORS = str.maketrans("", "", "-.()")

# A parameter that, present in one URI only, makes two URIs differ (RFC 3261 section 19.1.4).
_NEVER_IGNORED = ("transport", "user", "ttl", "method", "maddr")


def _unescape(component: str, plain: frozenset[str] = _UNRESERVED) -> str:
    """Write the characters in `plain` as themselves, all others that are escaped as upper-case ``%XX``."""
    if "%" not in component:
        return component

    def replace(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if character in plain else escape[0].upper()

    return _ESCAPE.sub(replace, component)


class UriParams(Params):
    """Parameters of a URI: an escaped name is the same name (:rfc:`4475#section-3.1.1.3`)."""

    __slots__ = ()

    @staticmethod
    def _key(name: str) -> str:
        return _unescape(name).lower() if "%" in name else name.lower()


NO_URI_PARAMS = UriParams()


class SipUri(NamedTuple):
    """A SIP or SIPS URI (:rfc:`3261#section-19.1.1`); its parts as they were sent, escapes included.

    Attributes:
        scheme: ``sip`` or ``sips``, in lower case.
        user: the user part; None if there is none, never empty.
        password: what follows the user's colon; None if there is no colon.
        host: a name, an IPv4 address, or an IPv6 address without brackets.
        port: 1 to 65535; None if none is written.
        params: the URI parameters.
        headers: the names and values behind the question mark.
    """

    scheme: str
    user: str | None
    password: str | None
    host: str
    port: int | None = None
    params: Params = NO_URI_PARAMS
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def transport(self) -> str | None:
        """The ``transport`` parameter in lower case; None if there is none."""
        value = self.params.get("transport")
        return None if value is None else value.lower()

    @property
    def lr(self) -> bool:
        """Whether this is the URI of a loose router (:rfc:`3261#section-16.4`)."""
        return self.params.has("lr")

    @property
    def maddr(self) -> str | None:
        """The ``maddr`` parameter, an IPv6 address without brackets; None if there is none."""
        value = self.params.get("maddr")
        return value if value is None else value.strip("[]")

    def aor(self) -> str:
        """Return the canonical address-of-record (:rfc:`3261#section-10.3` step 5), to look up bindings by.

        No password, parameters or headers; the host in lower case; every escape that need not be one undone.
        What must be escaped (such as ``@``, ``:``, ``%`` or a control character) stays ``%XX``, so that the
        result is visible ASCII and two different users never have the same one.
        """
        where = host_port(canonical_host(self.host), self.port)
        if self.user is None:
            return f"{self.scheme}:{where}"
        return f"{self.scheme}:{_unescape(self.user, _PLAIN_IN_USER)}@{where}"

    def equivalent(self, other: Uri) -> bool:
        """Compare by the rules of :rfc:`3261#section-19.1.4`; mind that the relation is not transitive."""
        return (
            isinstance(other, SipUri)
            and self.scheme == other.scheme
            and self.port == other.port
            and canonical_host(self.host) == canonical_host(other.host)
            and _same_text(self.user, other.user)
            and _same_text(self.password, other.password)
            and _same_sip_params(self.params, other.params)
            and _comparable_headers(self) == _comparable_headers(other)
        )

    def __str__(self) -> str:
        where = host_port(self.host, self.port)
        if self.user is not None:
            userinfo = self.user if self.password is None else f"{self.user}:{self.password}"
            where = f"{userinfo}@{where}"
        headers = "?" + "&".join(f"{name}={value}" for name, value in self.headers) if self.headers else ""
        return f"{self.scheme}:{where}{self.params}{headers}"

    def to_bytes(self) -> bytes:
        """Write the URI."""
        return str(self).encode("ascii")


class TelUri(NamedTuple):
    """A telephone number (:rfc:`3966`).

    Attributes:
        number: the number as it was sent, with its visual separators; a leading ``+`` makes it global.
        params: parameters such as ``ext`` and ``phone-context``.
    """

    number: str
    params: Params = NO_URI_PARAMS

    @property
    def scheme(self) -> str:
        """``tel``."""
        return "tel"

    def equivalent(self, other: Uri) -> bool:
        """Compare by the rules of :rfc:`3966#section-4`: without visual separators, case or order."""
        return (
            isinstance(other, TelUri)
            and _digits(self.number) == _digits(other.number)
            and _comparable_tel_params(self.params) == _comparable_tel_params(other.params)
        )

    def __str__(self) -> str:
        return f"tel:{self.number}{self.params}"

    def to_bytes(self) -> bytes:
        """Write the URI."""
        return str(self).encode("ascii")


class OtherUri(NamedTuple):
    """A URI of a scheme that this library does not understand.

    Attributes:
        scheme: in lower case.
        rest: all that follows the colon.
    """

    scheme: str
    rest: str

    def equivalent(self, other: Uri) -> bool:
        """Compare letter by letter: the rules of the scheme are not known."""
        return self == other

    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"

    def to_bytes(self) -> bytes:
        """Write the URI."""
        return str(self).encode("ascii")


Uri: TypeAlias = SipUri | TelUri | OtherUri


@remembered
def parse_uri_untrusted(raw: bytes) -> Uri:
    """Read an absolute URI, without white space or angle brackets around it.

    Raises:
        MessageError: ``bad-uri``, ``bad-escape``, ``bad-host``, ``bad-port``, ``duplicate-parameter``.
    """
    uri = text(raw)
    found = _SIP_URI.fullmatch(uri)
    if found is None:
        return _parse_other(uri, raw)
    if "%" in uri and _BAD_ESCAPE.search(uri):
        raise MessageError("bad-escape", "Malformed escape in URI", raw)
    scheme, user, password, host, port, params, headers = found.groups()
    return SipUri(
        scheme.lower(),
        user,
        password,
        host_untrusted(host),
        port_untrusted(port),
        _parse_uri_params(params),
        _parse_headers(headers),
    )


def _parse_other(uri: str, raw: bytes) -> Uri:
    found = _OTHER_URI.fullmatch(uri)
    if found is None:
        raise MessageError("bad-uri", "Malformed URI", raw)
    scheme = found[1].lower()
    if scheme in {"sip", "sips"}:
        raise MessageError("bad-uri", "Malformed SIP URI", raw)
    if scheme != "tel":
        return OtherUri(scheme, found[2])
    tel = _TEL_URI.fullmatch(uri)
    if tel is None or not any(character in "0123456789abcdefABCDEF*#" for character in tel[1]):
        raise MessageError("bad-uri", "Malformed tel URI", raw)
    if "%" in uri and _BAD_ESCAPE.search(uri):
        raise MessageError("bad-escape", "Malformed escape in URI", raw)
    return TelUri(tel[1], _parse_uri_params(tel[2]))


def _parse_uri_params(raw: str) -> UriParams:
    if not raw:
        return NO_URI_PARAMS
    items = []
    for piece in raw[1:].split(";"):
        name, equals, value = piece.partition("=")
        if not name or (equals and not value):
            raise MessageError("bad-parameter", "Malformed URI parameter", raw.encode("ascii"))
        items.append((name, value if equals else None))
    return UriParams(items)


def _parse_headers(raw: str | None) -> tuple[tuple[str, str], ...]:
    if raw is None:
        return ()
    return tuple((name, value) for name, _, value in (piece.partition("=") for piece in raw.split("&")))


def _same_text(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or _unescape(one) == _unescape(other)


def _same_sip_params(one: Params, other: Params) -> bool:
    for name in _NEVER_IGNORED:
        if one.has(name) != other.has(name):
            return False
    for name, value in one.items():
        if other.has(name) and _folded(value) != _folded(other.get(name)):
            return False
    return True


def _comparable_tel_params(params: Params) -> dict[str, str | None]:
    comparable: dict[str, str | None] = {}
    for name, value in params.items():
        key = name.lower()
        if value is not None and (key == "ext" or (key == "phone-context" and value[0] == "+")):
            comparable[key] = _digits(value)
        else:
            comparable[key] = _folded(value)
    return comparable


def _comparable_headers(uri: SipUri) -> list[tuple[str, str]]:
    return sorted((_unescape(name).lower(), _unescape(value).lower()) for name, value in uri.headers)


def _folded(value: str | None) -> str | None:
    return None if value is None else _unescape(value).lower()


def _digits(number: str) -> str:
    return number.translate(_VISUAL_SEPARATORS).lower()
