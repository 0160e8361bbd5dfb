"""Hosts and ports, as Via and URIs write them."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address

from sipfsm.message.errors import MessageError
from sipfsm.message.values import octets

# A name, an IPv4 address, or an IPv6 reference whose inner syntax `host_untrusted` checks. Underscores are
# not in the grammar of RFC 3261 but in the names that networks of containers make up.
HOST = r"(?:[A-Za-z0-9_\-]++(?>(?:\.[A-Za-z0-9_\-]++)*)\.?+|\[[0-9A-Fa-f:.]{2,45}\])"
PORT = r"[0-9]++"


@lru_cache(maxsize=1024)
def _canonical_ipv6(address: str) -> str | None:
    """Return the one canonical text of an IPv6 address (:rfc:`5952`); None if `address` is none."""
    try:
        return str(IPv6Address(address))
    except ValueError:
        return None


def host_untrusted(raw: str) -> str:
    """Return a host that matched `HOST`, an IPv6 reference without its brackets.

    The grammar of :rfc:`3261#section-25.1` has one colon too many before an IPv4 address in an IPv6 one; both
    ways are taken, and the right one is returned (:rfc:`5118#section-4.10`).

    Raises:
        MessageError: ``bad-host``: what the brackets hold is no IPv6 address.
    """
    if raw[0] != "[":
        return raw
    address = raw[1:-1]
    if "." in address:
        address = address.replace(":::", "::")
    if _canonical_ipv6(address) is None:
        raise MessageError("bad-host", "Malformed IPv6 address", octets(raw))
    return address


def port_untrusted(raw: str | None) -> int | None:
    """Return the port that digits name; None for None.

    Raises:
        MessageError: ``bad-port``: it is not in 1 to 65535. Port 0 can be written, but not be sent to.
    """
    if raw is None:
        return None
    digits = raw.lstrip("0") if len(raw) > 5 else raw
    if len(digits) <= 5 and 0 < (port := int(digits or 0)) <= 65_535:
        return port
    raise MessageError("bad-port", "Port out of range", octets(raw))


def canonical_host(host: str) -> str:
    """Return a host for comparison: lower case (:rfc:`3261#section-19.1.4`), an IPv6 address by its value."""
    return _canonical_ipv6(host) or host.lower() if ":" in host else host.lower()


def host_port(host: str, port: int | None) -> str:
    """Write ``host[:port]``, an IPv6 address in brackets."""
    if ":" in host:
        host = f"[{host}]"
    return host if port is None else f"{host}:{port}"
