"""What ICMP says of datagrams that were sent: Linux keeps it for a socket that asks (ip(7), IP_RECVERR).

:rfc:`3261#section-18.4` wants the transport user told when a host, network, port or protocol cannot be
reached or a parameter is wrong, and nothing told of source quench and expired time to live.
"""

import socket
import struct
from contextlib import suppress

from sipfsm.transport.errors import TransportError
from sipfsm.transport.sockets import SocketAddress

_IP_RECVERR = 11
_IPV6_RECVERR = 25

_EXTENDED_ERROR = struct.Struct("=IBBB")
"""The start of the kernel's `sock_extended_err`: errno, origin, ICMP type, ICMP code."""

_ORIGIN_ICMP = 2
_ORIGIN_ICMP6 = 3

# ICMP (RFC 792) and ICMPv6 (RFC 4443): the types that mean "it did not arrive and will not".
_UNREACHABLE, _PARAMETER_PROBLEM = 3, 12
_UNREACHABLE_6, _PARAMETER_PROBLEM_6 = 1, 4
_PORT_UNREACHABLE = {(_ORIGIN_ICMP, _UNREACHABLE, 3), (_ORIGIN_ICMP6, _UNREACHABLE_6, 4)}
_FRAGMENTATION_NEEDED = (_ORIGIN_ICMP, _UNREACHABLE, 4)
"""Not a failure: the next datagram is cut to what the path takes."""

_FAILURES = {
    (_ORIGIN_ICMP, _UNREACHABLE),
    (_ORIGIN_ICMP, _PARAMETER_PROBLEM),
    (_ORIGIN_ICMP6, _UNREACHABLE_6),
    (_ORIGIN_ICMP6, _PARAMETER_PROBLEM_6),
}


def ask_for_icmp(sock: socket.socket) -> None:
    """Have the operating system keep the ICMP errors of a datagram socket; does nothing if it cannot.

    From then on, sending may fail with the error of an earlier datagram; to try again is all that it takes.
    """
    with suppress(OSError):
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)


def next_icmp(sock: socket.socket) -> tuple[SocketAddress, TransportError | None] | None:
    """Return the next ICMP error that is kept, or None when there is none (any more).

    Returns:
        Where the datagram was to go, and the failure that it means; None in its place if it means none.
    """
    try:
        _, ancillary, _, address = sock.recvmsg(0, 512, socket.MSG_ERRQUEUE)
    except OSError:
        return None
    for _, kind, data in ancillary:
        if kind in {_IP_RECVERR, _IPV6_RECVERR} and len(data) >= _EXTENDED_ERROR.size:
            _, origin, icmp_type, code = _EXTENDED_ERROR.unpack_from(data)
            return address, _failure(origin, icmp_type, code)
    return address, None


def _failure(origin: int, icmp_type: int, code: int) -> TransportError | None:
    """Return what an ICMP message means for who sent the datagram."""
    if (origin, icmp_type) not in _FAILURES or (origin, icmp_type, code) == _FRAGMENTATION_NEEDED:
        return None
    if (origin, icmp_type, code) in _PORT_UNREACHABLE:
        return TransportError("refused", "nothing listens there, says ICMP")
    return TransportError("unreachable", f"there is no way there, says ICMP (type {icmp_type}, code {code})")
