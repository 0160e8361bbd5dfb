"""Addresses of a host name, asked of the operating system in a thread of Trio's."""

import socket

import trio

from sipfsm.transport.errors import TransportError

LOOKUP_TIMEOUT = 5.0
"""Seconds after which a lookup is given up, though its thread ends when it ends."""


async def look_up(name: str) -> list[str]:
    """Return the IP literals of a host name (A and AAAA), in the operating system's order (:rfc:`6724`).

    Args:
        name: a host name.

    Raises:
        TransportError: there is no such name, or nobody answers.
    """
    hosts: list[str] = []
    with trio.move_on_after(LOOKUP_TIMEOUT) as scope:
        try:
            answers = await trio.socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
            hosts = [str(answer[4][0]) for answer in answers]
        except (OSError, UnicodeError, ValueError) as error:
            raise TransportError("no-such-host", f"cannot look up {name!r}: {error}") from error
    if scope.cancelled_caught:
        raise TransportError("lookup-timeout", f"looking up {name!r} took over {LOOKUP_TIMEOUT:g} seconds")
    return list(dict.fromkeys(hosts))
