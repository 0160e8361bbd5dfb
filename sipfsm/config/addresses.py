"""Addresses and names as the configuration writes them, from text to values."""

import errno
import ipaddress
import socket
from dataclasses import dataclass
from typing import Self

from sipfsm.message.errors import MessageError
from sipfsm.message.host import canonical_host, host_port
from sipfsm.message.uri import SipUri, parse_uri_untrusted

PROTOCOLS = ("udp", "tcp")
_NO_SUCH_ADDRESS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.EINVAL})
_EXAMPLE = "write for example udp:127.0.0.1:5060 or tcp:[::1]:5060"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """One address that the server listens on."""

    protocol: str
    """``UDP`` or ``TCP``, as a Via names it."""
    host: str
    """An IP literal, without brackets; ``0.0.0.0`` and ``::`` stand for every address of the machine."""
    port: int
    """0 to 65535; 0 has the operating system choose a free one."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``protocol:address:port``, an IPv6 address in brackets.

        Raises:
            ValueError: the text is something else; the message says what is wrong and how to write it.
        """
        protocol, _, rest = text.strip().partition(":")
        if protocol.lower() not in PROTOCOLS:
            raise ValueError(f"there is no transport {protocol!r}, only udp and tcp; {_EXAMPLE}")
        host, colon, port = rest.rpartition(":")
        if not colon or not port or port.endswith("]"):
            raise ValueError(f"the port is missing; {_EXAMPLE}")
        if not (port.isascii() and port.isdigit() and int(port) <= 65_535):
            raise ValueError(f"{port!r} is no port number (0 to 65535); {_EXAMPLE}")
        return cls(protocol.upper(), _ip_literal(host), int(port))

    @property
    def is_loopback(self) -> bool:
        """Say if only programs on this machine can reach the address."""
        return ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        return f"{self.protocol.lower()}:{self.host_port}"

    @property
    def host_port(self) -> str:
        """``host:port``, an IPv6 address in brackets, as a URI writes it."""
        return host_port(self.host, self.port)


def _ip_literal(text: str) -> str:
    """Return an IP address in its canonical form, without brackets."""
    bracketed = text.startswith("[") and text.endswith("]")
    try:
        address = ipaddress.ip_address(text[1:-1] if bracketed else text)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address; {_EXAMPLE}") from None
    if (address.version == 6) != bracketed:
        raise ValueError(f"brackets belong around an IPv6 address, and only there; {_EXAMPLE}")
    if address.is_multicast:
        raise ValueError(f"{text!r} is a multicast address; {_EXAMPLE}")
    return str(address)


def parse_name(text: str) -> str:
    """Read the name of a domain or of this proxy, ``host`` or ``host:port``, into its canonical form.

    Raises:
        ValueError: the text is something else.
    """
    uri = _sip_uri(f"sip:{text.strip()}")
    if uri is None or any(mark in text for mark in "@;?"):
        raise ValueError(
            "this is no domain; write for example example.org, example.org:5070 or [2001:db8::1]"
        )
    return host_port(canonical_host(uri.host).removesuffix("."), uri.port)


def parse_user(text: str) -> str:
    """Read a user, ``user`` or ``user@domain``, into the form that an address-of-record has it in.

    Raises:
        ValueError: the text is something else.
    """
    user, at, domain = text.strip().partition("@")
    uri = _sip_uri(f"sip:{user}@localhost")
    if uri is None or uri.user is None or uri.user != user:
        raise ValueError(
            "this is no user; write alice, or alice@example.org for one domain only, "
            "and as %XX what has no place in a URI (%23 for #)"
        )
    canonical = uri.aor().removeprefix("sip:").removesuffix("@localhost")
    return f"{canonical}@{parse_name(domain)}" if at else canonical


def host_of(name: str) -> str:
    """Return a name that `parse_name` made without its port; an IPv6 address keeps its brackets."""
    return name if name.endswith("]") or ":" not in name else name.rpartition(":")[0]


def parse_next_hop(text: str) -> SipUri:
    """Read the URI of the server that gets what has no place here.

    Raises:
        ValueError: the text is no SIP URI, or one that asks for what the server cannot do.
    """
    uri = _sip_uri(text.strip())
    if uri is None:
        raise ValueError("this is no SIP URI; write for example sip:gateway.example.org:5060;transport=tcp")
    if uri.scheme == "sips":
        raise ValueError("sips: asks for TLS, which this version does not speak; write sip:")
    if uri.transport is not None and uri.transport not in PROTOCOLS:
        raise ValueError(f"there is no transport {uri.transport!r}, only udp and tcp")
    if uri.headers:
        raise ValueError("a next hop takes no header fields (what follows the ?)")
    return uri


def _sip_uri(text: str) -> SipUri | None:
    try:
        uri = parse_uri_untrusted(text.encode(errors="backslashreplace"))
    except MessageError:
        return None
    return uri if isinstance(uri, SipUri) else None


def has_ipv6_loopback() -> bool:
    """Say if this machine has the address ``::1``: some containers have no IPv6 at all."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        # Any other trouble, such as no free descriptor, is better heard of when the address is bound.
        return error.errno not in (
            errno.EADDRNOTAVAIL,
            errno.EAFNOSUPPORT,
            errno.EPROTONOSUPPORT,
            errno.EINVAL,
        )
    return True
