"""A binding of an address-of-record to a contact address, as a value."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from sipfsm.message import SipUri


@dataclass(frozen=True, slots=True)
class Binding:
    """One contact address of an address-of-record (:rfc:`3261#section-10.3` step 7, :rfc:`3327#section-5.3`).

    Raises:
        ValueError: `q` is not within 0 and 1, or `expires_at` is not a finite number.
    """

    contact: bytes
    """The contact URI as it was sent, without angle brackets."""
    q: float
    """Preference among the contacts of the address-of-record, from 0 to 1 (:rfc:`3261#section-10.2.1.2`)."""
    expires_at: float
    """When the binding ends, in seconds of unix time."""
    call_id: str
    """Call-ID of the REGISTER that wrote it last."""
    cseq: int
    """CSeq number of the REGISTER that wrote it last."""
    path: tuple[bytes, ...] = ()
    """The path vector: Path values in the order of the request (:rfc:`3327#section-5.3`)."""
    params: bytes = b""
    """Contact parameters other than q and expires, as they were sent, each with its semicolon."""
    received: str | None = None
    """The flow that the REGISTER came over, for example `udp:192.0.2.1:5060`; None when unknown."""

    def __post_init__(self) -> None:
        """Refuse values that have no place in an order."""
        if not 0 <= self.q <= 1:
            raise ValueError(f"q must be within 0 and 1, not {self.q!r}")
        if not math.isfinite(self.expires_at):
            raise ValueError("a binding must end at some time")

    @property
    def size(self) -> int:
        """Bytes that a stranger chose freely."""
        return len(self.contact) + len(self.params) + len(self.call_id) + sum(map(len, self.path))


def live_ordered(bindings: Iterable[Binding], now: float) -> tuple[Binding, ...]:
    """Keep the bindings that end after `now` (unix time), highest q first, equal ones in the order given."""
    return tuple(sorted((binding for binding in bindings if binding.expires_at > now), key=_preference))


def _preference(binding: Binding) -> float:
    return -binding.q


def address_of_record(uri: SipUri) -> str:
    """Give the index into the bindings: the canonical form of an address-of-record.

    Parameters are removed, escaped characters unescaped (:rfc:`3261#section-10.3` step 5). SIP and SIPS
    addresses-of-record that are the same otherwise identify one resource (:rfc:`5630#section-5.2`), so the
    scheme is `sip` for both. A port is dropped too: it says where the server of the domain is reached, not
    who is meant, and those who register with it want to be found by those who call without.
    """
    return uri._replace(scheme="sip", port=None).aor()
