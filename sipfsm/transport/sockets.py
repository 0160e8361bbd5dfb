"""Sockets of the operating system: addresses as it wants them, and binding."""

import socket

from sipfsm.transport.address import ip_version

SocketAddress = tuple[str, int] | tuple[str, int, int, int]
"""An IPv4 or IPv6 address as the socket module writes it."""


def family_of(version: int) -> socket.AddressFamily:
    """Return the address family of an IP version, 4 or 6."""
    return socket.AF_INET6 if version == 6 else socket.AF_INET


def socket_address(host: str, port: int) -> SocketAddress:
    """Return the address of an IP literal so that the socket module looks no name up.

    Raises:
        ValueError: the host is no IP literal, the port is out of 0 to 65535, or the zone is unknown.
    """
    version = ip_version(host)
    if version is None:
        raise ValueError(f"not an IP address: {host!r}")
    if not 0 <= port <= 65_535:
        raise ValueError(f"not a port: {port}")
    if version == 4:
        return host, port
    address, _, zone = host.partition("%")
    return address, port, 0, _zone_index(zone) if zone else 0


def bind_socket(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """Return a non-blocking socket bound to an IP literal; an IPv6 one takes IPv6 only.

    Raises:
        OSError: the address is in use or not ours.
        ValueError: it is no IP literal.
    """
    address = socket_address(host, port)
    sock = socket.socket(socket.AF_INET6 if len(address) == 4 else socket.AF_INET, kind)
    try:
        sock.setblocking(False)
        if sock.family == socket.AF_INET6:
            # One family a socket, or addresses of IPv4 peers would come as ::ffff:192.0.2.1.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            # Not on UDP, where a second server could then bind the same port and take our datagrams.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _zone_index(zone: str) -> int:
    """Return the number of a network interface given by number or name."""
    if zone.isascii() and zone.isdigit() and len(zone) < 10:
        return int(zone)
    try:
        return socket.if_nametoindex(zone)
    except (OSError, ValueError) as error:
        raise ValueError(f"no such network interface: {zone!r}") from error
