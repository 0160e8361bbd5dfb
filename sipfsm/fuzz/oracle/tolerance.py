"""How exact a server has to be: networks, schedulers and coarse timers are no deviations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tolerance:
    """All in seconds, but `share`.

    Attributes:
        answer: within which the answer to a message has to come, if it is to come at once.
        share: how much longer or shorter than an interval another one may be, as a share of it.
        fixed: how much longer or shorter besides.
        crossing: for how long after a message things may still come that it puts an end to.
    """

    answer: float = 0.5
    share: float = 0.3
    fixed: float = 0.15
    crossing: float = 0.1

    def late(self, interval: float) -> float:
        """Return how late a timer of that interval may be."""
        return max(self.share * interval, self.fixed) + self.fixed

    def early(self, interval: float) -> float:
        """Return how early a timer of that interval may be."""
        return self.share * interval + self.fixed / 3

    def widened(self, lag: float) -> Tolerance:
        """Return what is fair if our own clock was late by `lag`."""
        return Tolerance(self.answer + lag, self.share, self.fixed + lag, self.crossing + lag)
