"""The location service: which contact addresses an address-of-record is bound to (:rfc:`3261#section-10.1`).

The registrar writes it, the proxy reads it. `open_location` makes one from a line of configuration.
`sipfsm.location.sql` is not imported here, so that a server that keeps its bindings in memory loads no SQL.
"""

from sipfsm.location.binding import Binding, address_of_record
from sipfsm.location.life import BindingLife
from sipfsm.location.memory import MemoryLocation
from sipfsm.location.opening import open_location
from sipfsm.location.service import (
    Change,
    LocationCount,
    LocationError,
    LocationLimits,
    LocationReason,
    LocationService,
    PendingUpdate,
)

__all__ = [
    "Binding",
    "BindingLife",
    "Change",
    "LocationCount",
    "LocationError",
    "LocationLimits",
    "LocationReason",
    "LocationService",
    "MemoryLocation",
    "PendingUpdate",
    "address_of_record",
    "open_location",
]
