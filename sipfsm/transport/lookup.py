"""Addresses of a host name, asked of the operating system in a thread."""

import socket

import trio

from sipfsm.transport.errors import TransportError

LOOKUP_TIMEOUT = 5.0
"""Seconds after which a lookup is given up, though its thread ends when the operating system gives up too."""

MAX_LOOKUPS = 32
"""Threads that look names up at the same time."""

_limiter: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("limiter of lookups")


async def look_up(name: str) -> list[str]:
    """Return the IP literals of a host name (A and AAAA), in the operating system's order (:rfc:`6724`).

    Args:
        name: a host name.

    Raises:
        TransportError: there is no such name, or nobody answers.
    """
    addresses: list[str] = []
    with trio.move_on_after(LOOKUP_TIMEOUT) as scope:
        try:
            addresses = await trio.to_thread.run_sync(
                _addresses, name, abandon_on_cancel=True, limiter=_limiter_of_lookups()
            )
        except (OSError, UnicodeError, ValueError) as error:
            raise TransportError("no-such-host", f"cannot look up {name!r}: {error}") from error
    if scope.cancelled_caught:
        raise TransportError("lookup-timeout", f"looking up {name!r} took over {LOOKUP_TIMEOUT:g} seconds")
    return addresses


def _addresses(name: str) -> list[str]:
    """Ask the operating system, which may take its time."""
    answers = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _limiter_of_lookups() -> trio.CapacityLimiter:
    """Return a limiter for lookups alone: dead name servers must not hold up the threads of a database."""
    try:
        return _limiter.get()
    except LookupError:
        limiter = trio.CapacityLimiter(MAX_LOOKUPS)
        _limiter.set(limiter)
        return limiter
