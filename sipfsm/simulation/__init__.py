"""A network in memory, users who call each other over it in virtual time, and what must hold meanwhile.

`network` and `sockets` lose, double, delay and reorder what real transport layers send; `phone` is a
user agent that does what a script says, `actors` are such that act by a plan; `scene` puts a server and
phones together, `town` proxies and thousands of `subscriber`, whose calls are each a `dialog` with its
`offer`. `judge` and `registrations` say what must hold of everything that went over the wire; `schedule`
makes a run follow from its seed.
"""

from sipfsm.simulation.actors import (
    Binding,
    Callee,
    CalleePlan,
    Caller,
    CallerPlan,
    Registrant,
    RegistrantPlan,
    Step,
)
from sipfsm.simulation.judge import Violation, Wire, ladder_of
from sipfsm.simulation.network import Link, Network, Packet
from sipfsm.simulation.phone import DOMAIN, SERVER, Phone, Received
from sipfsm.simulation.registrations import RegistrarJudge
from sipfsm.simulation.scene import Directory, Scene, scene, simulated
from sipfsm.simulation.schedule import scheduled_by
from sipfsm.simulation.subscriber import Habits, Subscriber
from sipfsm.simulation.town import Result, TownPlan, simulate

__all__ = [
    "DOMAIN",
    "SERVER",
    "Binding",
    "Callee",
    "CalleePlan",
    "Caller",
    "CallerPlan",
    "Directory",
    "Habits",
    "Link",
    "Network",
    "Packet",
    "Phone",
    "Received",
    "Registrant",
    "RegistrantPlan",
    "RegistrarJudge",
    "Result",
    "Scene",
    "Step",
    "Subscriber",
    "TownPlan",
    "Violation",
    "Wire",
    "ladder_of",
    "scene",
    "scheduled_by",
    "simulate",
    "simulated",
]
