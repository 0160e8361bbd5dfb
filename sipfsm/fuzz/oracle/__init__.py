"""The oracle: replays what went over the wire through the models, and says where a server left them.

A server is a black box, but each of its transactions has one side that can be seen: we know what went in,
because we sent it, and what came out. `Follower` runs the model of such a transaction beside it, in the time
of the recording. What the model does must show within a tolerance, and what shows must be what it does.
"""

from sipfsm.fuzz.oracle.judge import judge
from sipfsm.fuzz.oracle.tolerance import Tolerance

__all__ = ["Tolerance", "judge"]
