"""A network that holds every datagram until the run says what becomes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import trio

from sipfsm.simulation.network import Network, Packet
from sipfsm.transport import HostPort
from sipfsm.verify.results import Step
from sipfsm.verify.scenario import TICK


@dataclass
class Letter:
    """A datagram that is on its way."""

    kind: str
    """As the composition names it."""
    way: tuple[str, str]
    """The lanes of who sent it and who gets it."""
    sent_in: int
    """The tick."""
    packet: Packet


Read = Callable[[Packet], tuple[str, tuple[str, str]] | None]
"""Gives the kind of a datagram, and its way; None for what the composition leaves out."""


class PostOffice(Network):
    """Holds what is sent."""

    def __init__(self, read: Read) -> None:
        super().__init__()
        self._read = read
        self._seen: set[bytes] = set()
        self.letters: list[Letter] = []
        self.sent_so_far: list[Letter] = []
        """All that was sent, in its order."""

    def send_datagram(self, source: HostPort, destination: HostPort, data: bytes) -> None:
        packet = Packet(trio.current_time(), "UDP", source, destination, data)
        self.record(packet)
        label = None if self._is_of_cancel(packet) else self._read(packet)
        if label is not None:
            letter = Letter(*label, round(packet.sent_at / TICK), packet)
            self.letters.append(letter)
            self.sent_so_far.append(letter)

    def _is_of_cancel(self, packet: Packet) -> bool:
        """Whether it belongs to the transaction of a CANCEL, which is left out but for the CANCEL itself."""
        if b"CSeq: 1 CANCEL" not in packet.data:
            return False
        again = packet.data in self._seen
        self._seen.add(packet.data)
        return again or packet.start_line.startswith("SIP/2.0 ")

    def take(self, step: Step) -> Letter:
        """Take out the message that a step is about."""
        assert step.age is not None
        wanted = (step.message, step.way, step.at - step.age)
        for letter in self.letters:
            if (letter.kind, letter.way, letter.sent_in) == wanted:
                self.letters.remove(letter)
                return letter
        held = [(letter.kind, letter.way, letter.sent_in) for letter in self.letters]
        raise AssertionError(f"there is no {wanted} among {held}")

    def deliver(self, letter: Letter) -> None:
        """Have a message that was taken out arrive."""
        self.deliver_at(trio.current_time(), partial(self._arrive, letter.packet))


def status_of(packet: Packet) -> int | None:
    """Give the status of a response; None of a request."""
    line = packet.start_line
    return int(line[8:11]) if line.startswith("SIP/2.0 ") else None
