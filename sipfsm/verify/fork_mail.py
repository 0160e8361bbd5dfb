"""The messages between a caller, a forking proxy and two servers."""

from enum import StrEnum

from sipfsm.verify.network import Mail

LANES = ("caller", "proxy", "callee 1", "callee 2")

CALLER, PROXY, FIRST_CALLEE = 0, 1, 2
"""The places of the sides."""


class Kind(StrEnum):
    """A kind of message."""

    INVITE = "INVITE"
    CANCEL = "CANCEL"
    ACK = "ACK"
    TRYING = "100"
    PROVISIONAL = "101-199"
    SUCCESS = "2xx"
    FAILURE = "3xx-5xx"
    GLOBAL_FAILURE = "6xx"


UPSTREAM = None
"""The place of the caller, where one of a callee is 0 or 1."""

_REQUESTS = (Kind.INVITE, Kind.CANCEL, Kind.ACK)


def _mails() -> tuple[tuple[Kind, int | None, Mail], ...]:
    mails: list[tuple[Kind, int | None, Mail]] = []
    for callee in (UPSTREAM, 0, 1):
        other = CALLER if callee is None else FIRST_CALLEE + callee
        for kind in Kind:
            # A request goes from the caller to the proxy, and from the proxy to a callee.
            to = PROXY if (kind in _REQUESTS) == (callee is UPSTREAM) else other
            ends = (LANES[other], LANES[PROXY])
            way = ends if to == PROXY else ends[::-1]
            mails.append((kind, callee, Mail(kind, to, 2 * other + (to == PROXY), way)))
    return tuple(mails)


_ALL = _mails()

MAILS = tuple(mail for _kind, _callee, mail in _ALL)

_NUMBERS = {(kind, callee): number for number, (kind, callee, _mail) in enumerate(_ALL)}


def mail_number(kind: Kind, callee: int | None) -> int:
    """Give the number of a message between the proxy and a callee, or the caller."""
    return _NUMBERS[kind, callee]


def kind_and_place(mail: int) -> tuple[Kind, int | None]:
    """Give the kind of a message, and the callee at its other end; None if that is the caller."""
    kind, callee, _mail = _ALL[mail]
    return kind, callee
