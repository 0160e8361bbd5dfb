"""Playing a script against a target over real sockets, and keeping what went over the wire."""

from sipfsm.fuzz.player.pace import Pace
from sipfsm.fuzz.player.play import Table, play
from sipfsm.fuzz.player.recording import Packet, Recording, StepReport

__all__ = ["Pace", "Packet", "Recording", "StepReport", "Table", "play"]
