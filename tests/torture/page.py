"""The page that shows the outcomes: the table, and beside it what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.torture.corpus import read
from tests.torture.observe import Observed, observe
from tests.torture.table import ROWS, Row

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "torture.md"

PROTOCOLS = ("UDP", "TCP")

_HEAD = """\
# Torture messages

What sipfsm does with the 49 messages of RFC 4475 and the 12 of RFC 5118. Made by `make torture`, never
edited: a test fails when a run shows anything else. What the RFC asks for and why is typed in
`tests/torture/table.py`; phrases and reasons are as observed. How each message is sent stands in
`tests/torture/observe.py`: as it is, over UDP and, cut at random places, over TCP, to a server of its own
that is proxy and registrar of `example.com`.

"Parser" is what the message layer says by itself: `ok`, or the [reason](defects.md) of its error.
"Forwarded" means that the next hop got it, and that its answer came back.
"""

_ABOUT = {
    4475: "RFC 4475",
    5118: "RFC 5118",
}

Observations = Mapping[tuple[str, str], Observed]
"""What was observed of each message, by its name and the protocol."""


def observations() -> Observations:
    """Send every message over every protocol."""
    return {
        (row.name, protocol): observe(read(row.rfc, row.name), protocol)
        for row in ROWS
        for protocol in PROTOCOLS
    }


def render(observed: Observations) -> str:
    """Write the page."""
    lines = [_HEAD]
    for rfc, title in _ABOUT.items():
        lines += [
            f"## {title}",
            "",
            "| message | section | asked for | parser | over UDP | over TCP | why |",
            "|---|---|---|---|---|---|---|",
            *(_line(row, observed) for row in ROWS if row.rfc == rfc),
            "",
        ]
    return "\n".join(lines)


def _line(row: Row, observed: Observations) -> str:
    udp, tcp = (_cell(observed[row.name, protocol]) for protocol in PROTOCOLS)
    parser = f"`{row.reason}`" if row.reason else "ok"
    cells = [f"`{row.name}`", row.clause, row.asks, parser, udp, "same" if tcp == udp else tcp, row.why]
    return f"| {' | '.join(cells)} |"


def _cell(observed: Observed) -> str:
    if isinstance(observed.outcome, int):
        ends = " and closed" if observed.closed and observed.outcome >= 400 else ""
        return f"{observed.outcome} {observed.phrase}{ends}"
    if observed.outcome == "dropped":
        return f"dropped: `{', '.join(observed.counted)}`"
    return observed.outcome
