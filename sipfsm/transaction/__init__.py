"""The transaction layer (:rfc:`3261#section-17`): matching, the four machines at work, and their nurseries.

`keys` says which message belongs to which transaction; `layer` finds or makes it; `transaction`, `client` and
`server` carry out what the machines of `sipfsm.fsm` ask for; `alarms` are their timers; `user` is what a
transaction user has to offer.
"""

from sipfsm.transaction.alarms import Alarms, TimerQueue
from sipfsm.transaction.client import ClientTransaction
from sipfsm.transaction.keys import new_branch
from sipfsm.transaction.layer import TransactionLayer
from sipfsm.transaction.server import ServerTransaction
from sipfsm.transaction.user import ClientUser, ServerUser, TransactionUser

__all__ = [
    "Alarms",
    "ClientTransaction",
    "ClientUser",
    "ServerTransaction",
    "ServerUser",
    "TimerQueue",
    "TransactionLayer",
    "TransactionUser",
    "new_branch",
]
