"""What went over the wire in a case, and which steps found what they waited for."""

from __future__ import annotations

from dataclasses import dataclass, field

from sipfsm.fuzz.script import Script, Step
from sipfsm.message import MessageError, SipMessage, parse_message_untrusted

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """One message.

    Attributes:
        time: seconds since the case began.
        who: the player that sent or got it.
        sent: whether it was sent by the player, not by the target.
        data: the bytes.
        step: the number of the step that sent it, or that was played when it came.
        local: address and port of the player.
        remote: address and port of the other side.
        valid: whether the target has to understand it.
        message: what the bytes say, as far as they can be read.
        fault: why they cannot be read; empty if they can.
    """

    time: float
    who: str
    sent: bool
    data: bytes
    step: int
    local: Address
    remote: Address
    valid: bool
    message: SipMessage | None
    fault: str


def read(data: bytes) -> tuple[SipMessage | None, str]:
    """Return what bytes say, and why they could not be read in full; empty if they could."""
    try:
        return parse_message_untrusted(data), ""
    except MessageError as error:
        return error.message, str(error)


@dataclass(frozen=True, slots=True)
class StepReport:
    """What became of a step that waits for something.

    Attributes:
        number: of the step, counted from 0.
        step: the step.
        time: when it ended, in seconds since the case began.
        began: when it began.
        packet: what was found; None if nothing was.
    """

    number: int
    step: Step
    began: float
    time: float
    packet: Packet | None


@dataclass(slots=True)
class Recording:
    """A case that was played.

    Attributes:
        script: what was to be played.
        packets: all messages, in order.
        reports: the steps that wait for something, in order.
        words: what stood for the words in braces.
        seconds: how long it took.
        stopped: why it could not go on; empty if it was played to its end.
        epoch: when it began, in seconds since 1970.
        lag: by how many seconds our own clock was late at worst: what was seen meanwhile is not certain.
    """

    script: Script
    packets: list[Packet] = field(default_factory=list)
    reports: list[StepReport] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    stopped: str = ""
    lag: float = 0.0
    epoch: float = 0.0

    @property
    def response_time(self) -> float | None:
        """Seconds from the first request to the first response that the same player got; None without one."""
        sent = next((each for each in self.packets if each.sent), None)
        if sent is None:
            return None
        got = next((each for each in self.packets if not each.sent and each.who == sent.who), None)
        return None if got is None else got.time - sent.time
