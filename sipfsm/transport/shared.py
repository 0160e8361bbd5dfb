"""What all endpoints and connections of a transport layer have in common."""

from dataclasses import dataclass

from sipfsm.counters import Counters
from sipfsm.message import Limits
from sipfsm.transport.connections import Connections
from sipfsm.transport.intake import Intake
from sipfsm.transport.limits import StreamLimits


@dataclass(frozen=True, slots=True)
class Shared:
    """Passed to whatever listens or connects."""

    intake: Intake
    """Where messages go that come in."""
    counters: Counters
    limits: Limits
    """Of one message."""
    stream: StreamLimits
    """Of stream connections."""
    connections: Connections
