"""Addresses of a host name, asked of the operating system in a thread."""

import socket

import trio

from sipfsm.transport.errors import TransportError

LOOKUP_TIMEOUT = 5.0
"""Seconds after which a lookup is given up, though its thread ends when the operating system gives up too."""

MAX_LOOKUPS = 32
"""Threads that look names up at the same time, and as many for names of a Via."""

_limiter: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("limiter of lookups")
_limiter_of_vias: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("the same for Via")


async def look_up(name: str, *, of_via: bool = False) -> list[str]:
    """Return the IP literals of a host name (A and AAAA), in the operating system's order (:rfc:`6724`).

    Args:
        name: a host name.
        of_via: it stands in a Via. Any stranger can write one there whose name servers are dead, and must not
            hold up the requests of others.

    Raises:
        TransportError: there is no such name, or nobody answers.
    """
    addresses: list[str] = []
    with trio.move_on_after(LOOKUP_TIMEOUT) as scope:
        try:
            addresses = await trio.to_thread.run_sync(
                _addresses, name, abandon_on_cancel=True, limiter=limiter_of_lookups(of_via=of_via)
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


def limiter_of_lookups(*, of_via: bool) -> trio.CapacityLimiter:
    """Return a limiter for lookups alone: dead name servers must not hold up the threads of a database."""
    variable = _limiter_of_vias if of_via else _limiter
    try:
        return variable.get()
    except LookupError:
        limiter = trio.CapacityLimiter(MAX_LOOKUPS)
        variable.set(limiter)
        return limiter
