"""A network in memory, users who call each other over it in virtual time, and what must hold meanwhile.

`network` and `sockets` lose, double, delay and reorder what real transport layers send; `phone` is a user
agent that does what a script says, `actors` are such that act by a plan; `scene` puts a server and phones
together, and `judge` says what must hold of everything that went over the wire.
"""

from sipfsm.simulation.actors import Callee, CalleePlan, Caller, CallerPlan, Step
from sipfsm.simulation.network import Link, Network, Packet
from sipfsm.simulation.phone import DOMAIN, SERVER, Phone, Received
from sipfsm.simulation.scene import Directory, Scene, scene, simulated

__all__ = [
    "DOMAIN",
    "SERVER",
    "Callee",
    "CalleePlan",
    "Caller",
    "CallerPlan",
    "Directory",
    "Link",
    "Network",
    "Packet",
    "Phone",
    "Received",
    "Scene",
    "Step",
    "scene",
    "simulated",
]
