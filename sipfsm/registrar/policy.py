"""How long bindings last."""

from dataclasses import dataclass

from sipfsm.message.refusal import RefusedError

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class ExpiryPolicy:
    """The expiration intervals that a registrar grants, in seconds.

    Raises:
        ValueError: not 1 <= minimum <= default <= maximum <= 2**32 - 1.
    """

    minimum: int = 60
    """Shorter ones are refused, except for 0, which removes, and for an hour and more."""
    default: int = 3600
    """For a contact with neither an expires parameter nor an Expires header field."""
    maximum: int = 86_400
    """Longer ones are cut to this."""

    def __post_init__(self) -> None:
        """Refuse intervals with which no client can register."""
        if not 1 <= self.minimum <= self.default <= self.maximum < 2**32:
            raise ValueError(
                "the expiration intervals of the registrar must satisfy 1 <= minimum <= default <= maximum "
                f"< 2**32, not {self.minimum}, {self.default}, {self.maximum}"
            )

    def grant(self, requested: int | None) -> int:
        """Choose the expiration interval (:rfc:`3261#section-10.3` step 7).

        A registrar may shorten an interval, and never lengthens one: too short a one is refused instead.

        Args:
            requested: seconds that the client asks for; None when it leaves the choice to us.

        Raises:
            RefusedError: 423 (Interval Too Brief), if it is above zero, below one hour and below the minimum.
        """
        if requested is None:
            return self.default
        if 0 < requested < min(self.minimum, _HOUR):
            raise RefusedError(423, None, {b"min-expires": str(self.minimum).encode()})
        return min(requested, self.maximum)
