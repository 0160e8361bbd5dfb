"""Which rows and which cells (a live state and a class of events) a search has reached."""

from collections.abc import Iterator
from functools import cache

from sipfsm.fsm import load_model

MACHINES = ("invite-client", "non-invite-client", "invite-server", "non-invite-server")

# The classes of events that section 17 tells apart, and the timers that are armed in each state there.
_RESPONSES = {"1xx": {"response_1xx"}, "2xx": {"response_2xx"}, "300-699": {"response_300_699"}}
CLASSES: dict[str, dict[str, set[str]]] = {
    "invite-client": _RESPONSES,
    "non-invite-client": {"1xx": {"response_1xx"}, "200-699": {"response_2xx", "response_300_699"}},
    "invite-server": {
        "INVITE": {"invite"},
        "ACK": {"ack"},
        "TU 1xx": {"tu_100", "tu_101_199"},
        "TU 2xx": {"tu_2xx"},
        "TU 300-699": {"tu_300_699", "tu_408"},
    },
    "non-invite-server": {
        "request": {"request"},
        "TU 100": {"tu_100"},
        "TU 101-199": {"tu_101_199"},
        "TU 200-699": {"tu_2xx", "tu_300_699"},
        "TU 408": {"tu_408"},
    },
}
ARMED: dict[str, dict[str, str]] = {
    "invite-client": {"Calling": "AB", "Proceeding": "", "Completed": "D", "Accepted": "M"},
    "non-invite-client": {"Trying": "EF", "Proceeding": "EF", "Completed": "K"},
    "invite-server": {"Proceeding": "", "Completed": "GH", "Confirmed": "I", "Accepted": "L"},
    "non-invite-server": {"Trying": "", "Proceeding": "", "Completed": "J"},
}

Cell = tuple[str, str, str]
"""A machine, a state of it, and a class of events."""


def all_cells() -> Iterator[Cell]:
    """The 81 cells: 20 + 14 + 28 + 19."""
    for machine in MACHINES:
        for state, timers in ARMED[machine].items():
            yield from ((machine, state, name) for name in (*CLASSES[machine], "transport error"))
            yield from ((machine, state, f"timer {timer}") for timer in timers)


@cache
def cell(machine: str, state: str, event: str) -> Cell | None:
    """The cell of an event, if it is one of the 81."""
    if machine not in CLASSES or state not in ARMED[machine]:
        return None
    if event == "transport_error":
        return machine, state, "transport error"
    timer = event.removeprefix("timer_")
    if timer != event:
        return (machine, state, f"timer {timer}") if timer in tuple(ARMED[machine][state]) else None
    for name, events in CLASSES[machine].items():
        if event in events:
            return machine, state, name
    return None


def all_rows() -> set[str]:
    """The ids of all rows of the four machines."""
    return {row.id for name in MACHINES for row in load_model(name).transitions}


class Reached:
    """What was reached so far."""

    def __init__(self) -> None:
        self.rows: set[str] = set()
        self.cells: set[Cell] = set()

    def note(self, machine: str, state: str, event: str, rows: list[str]) -> None:
        """Take note of an event that a machine took in a state, and of the rows that it fired."""
        self.rows.update(rows)
        found = cell(machine, state, event)
        if found is not None:
            self.cells.add(found)
