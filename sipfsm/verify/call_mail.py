"""The messages between two user agents, each with the state in which its sender was: so a race shows."""

from itertools import product
from typing import Literal, NamedTuple

from sipfsm.verify.network import Mail

End = Literal["caller", "callee"]

LANES: tuple[End, End] = ("caller", "callee")
"""The two sides, in the order of their places."""

STATES = {
    "Preparative": "Pre",
    "Early": "Ear",
    "Moratorium": "Mora",
    "Established": "Est",
    "Mortal": "Mort",
    "Morgue": "Morg",
}
"""The states of a dialog, with the abbreviations of :rfc:`5407#section-2`."""

Pending = Literal["nobody", "caller", "callee"]
PENDING: tuple[Pending, ...] = ("nobody", "caller", "callee")
"""Whose offer is pending."""

OFFERING = ("re-INVITE", "UPDATE")
"""Requests within a dialog that carry an offer here."""

REQUESTS = (*OFFERING, "REFER", "BYE")
"""Requests within a dialog."""

_OF_CALLER = ("INVITE", "CANCEL", "ACK")
_OF_CALLEE = ("1xx", "2xx", "3xx-6xx")
_OF_BOTH = (
    *REQUESTS,
    *(f"{status} ({request})" for request in REQUESTS for status in ("2xx", "481", "491", "500")),
    "ACK (re-INVITE)",
)

_UNCARRIED = ("1xx", "2xx", "ACK")
"""What no transaction repeats until it has come."""


class Sent(NamedTuple):
    """A kind of message in flight."""

    name: str
    """The method; or the status, and of which request."""
    by: End
    state: str
    """The state in which the dialog of its sender was."""
    pending: Pending
    """Whose offer was pending, as its sender knew; `nobody` of a message that carries no offer."""


def _kinds() -> list[Sent]:
    kinds = []
    for by, own in zip(LANES, (_OF_CALLER, _OF_CALLEE), strict=True):
        for name, state in product((*own, *_OF_BOTH), STATES):
            pendings = PENDING if name in OFFERING else PENDING[:1]
            kinds += [Sent(name, by, state, pending) for pending in pendings]
    return kinds


KINDS = _kinds()
_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}


def mail_of(kind: Sent) -> Mail:
    """Give the network's view of a kind of message."""
    sender = LANES.index(kind.by)
    return Mail(
        f"{kind.name} [{STATES[kind.state]}]",
        1 - sender,
        sender,
        (LANES[sender], LANES[1 - sender]),
        carried=kind.name not in _UNCARRIED,
    )


MAILS = tuple(map(mail_of, KINDS))


def mail_number(kind: Sent) -> int:
    """Give the number of a kind of message."""
    return _NUMBERS[kind]
