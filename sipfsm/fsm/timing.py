"""The base values of all timers, and the little language in which models write delays."""

import re
from dataclasses import dataclass
from math import isfinite

_TERM = re.compile(r"(?:(?P<factor>\d+(?:\.\d+)?)(?:\*(?P<scaled>[A-Z]\w*))?|(?P<name>[A-Z]\w*))\Z")
_MAX = re.compile(r"max\((?P<left>[^,()]+),(?P<right>[^,()]+)\)\Z")


class DelayError(ValueError):
    """A delay that cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The values that all delays are made of, in seconds (:rfc:`3261#section-17.1.1.1`, appendix A).

    Raises:
        ValueError: a value is not a number above zero, T2 is below T1, or Timer C is not above three minutes.
    """

    t1: float = 0.5
    """T1: estimate of the round-trip time."""
    t2: float = 4.0
    """T2: longest interval between retransmissions of non-INVITE requests and INVITE responses."""
    t4: float = 5.0
    """T4: how long a message can remain in the network."""
    timer_c: float = 185.0
    """Timer C; it MUST be larger than 3 minutes (:rfc:`3261#section-16.6` step 11)."""
    connect: float = 5.0
    """Of a stream connection, as the four that follow: for opening it."""
    message: float = 30.0
    """From the first byte of a message to its last one: a slow sender holds a connection no longer."""
    idle: float = 900.0
    """Without a byte in either direction. :rfc:`3261#section-18` wants at least 64*T1 (32 s)."""
    send: float = 30.0
    """For the other side to take what was given to the operating system."""
    linger: float = 2.0
    """For the other side to read the last answer before a connection is closed on it."""
    drain: float = 3.0
    """Of a server that was told to end, as the two that follow: for requests in progress to be answered."""
    settle: float = 1.0
    """For the disk to be done with the registrations that it has in hand then."""
    farewell: float = 0.1
    """For the last messages to go out."""

    def __post_init__(self) -> None:
        """Refuse values with which no machine can work."""
        # A TOML file can say nan, which is neither below nor above anything, and inf, which never comes.
        if not all(isfinite(value) for value in (self.t1, self.t2, self.t4, self.timer_c)):
            raise ValueError("T1, T2, T4 and Timer C must be finite numbers of seconds")
        if min(self.t1, self.t2, self.t4) <= 0:
            raise ValueError("T1, T2 and T4 must be above 0 seconds")
        if self.t2 < self.t1:
            raise ValueError(f"T2 ({self.t2:g} s) must not be below T1 ({self.t1:g} s)")
        if self.timer_c <= 180:
            raise ValueError("Timer C must be above 180 seconds (RFC 3261 16.6 step 11)")
        stream = (self.connect, self.message, self.idle, self.send, self.linger)
        if not all(isfinite(value) and value > 0 for value in stream):
            raise ValueError("the times of a stream connection must be finite and above 0 seconds")
        if not all(isfinite(value) and value > 0 for value in (self.drain, self.settle, self.farewell)):
            raise ValueError("the times of a server's end must be finite and above 0 seconds")

    @property
    def timer_e_at_t2(self) -> float:
        """Seconds until a client transaction's Timer E is reset to T2 (:rfc:`4320#section-4.1`).

        It is set to T1 first, and reset when it fires (:rfc:`3261#section-17.1.2.2`): so never before T1.
        """
        elapsed, interval = self.t1, 2 * self.t1
        while interval < self.t2:
            elapsed += interval
            interval *= 2
        return elapsed

    def delay(self, text: str) -> float:
        """Evaluate a delay as models write it, in seconds.

        A delay is a sum of terms, each a number of seconds, one of the names T1, T2, T4, TC (Timer C),
        E_at_T2 (`timer_e_at_t2`), CONNECT, MESSAGE, IDLE, SEND, LINGER, DRAIN, SETTLE and FAREWELL, or a
        number times a name; or `max(a, b)` of two such sums.

        Raises:
            DelayError: the text is none of this.
        """
        text = text.replace(" ", "")
        if greater := _MAX.match(text):
            return max(self.delay(greater["left"]), self.delay(greater["right"]))
        return sum(self._term(term) for term in text.split("+"))

    def _term(self, text: str) -> float:
        match = _TERM.match(text)
        if match is None:
            raise DelayError(
                f"cannot read the delay {text!r}: write for example 64*T1, T2, 0.2 or max(32, 64*T1)"
            )
        names = {
            "T1": self.t1,
            "T2": self.t2,
            "T4": self.t4,
            "TC": self.timer_c,
            "E_at_T2": self.timer_e_at_t2,
            "CONNECT": self.connect,
            "MESSAGE": self.message,
            "IDLE": self.idle,
            "SEND": self.send,
            "LINGER": self.linger,
            "DRAIN": self.drain,
            "SETTLE": self.settle,
            "FAREWELL": self.farewell,
        }
        name = match["scaled"] or match["name"]
        if name is None:
            return float(match["factor"])
        if name not in names:
            raise DelayError(f"unknown name {name!r} in a delay; there are {', '.join(names)}")
        return float(match["factor"] or 1) * names[name]
