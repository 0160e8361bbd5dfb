"""Ladders: who sent what to whom, in the order of time, as text that fits a terminal or a log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_WIDEST = 34
"""Characters between two columns; a longer label is cut."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A message from one column to another one."""

    at: float
    """Seconds."""
    source: str
    destination: str
    label: str
    lost: bool = False
    """Whether it never arrived: drawn with an X in place of the head."""


@dataclass(frozen=True, slots=True)
class Note:
    """A line of text between the arrows: what a machine did, or what is wrong."""

    at: float
    """Seconds."""
    text: str


def draw_ladder(events: Iterable[Arrow | Note], *, columns: Sequence[str] = ()) -> str:
    """Draw arrows and notes, in the order given.

        time    alice                  proxy
       0.000      |---- INVITE --------->|
       0.000      |  IST-01 Absent to Proceeding: 3261 17.2.1 MUST
       0.200      |X--- 100 Trying ------|

    Args:
        events: what happened.
        columns: who stands where, from left to right; who is not named stands behind, as they appear.

    Returns:
        Lines of text, the last one with a newline too.
    """
    events = list(events)
    arrows = [each for each in events if isinstance(each, Arrow)]
    names = list(
        dict.fromkeys([*columns, *(name for each in arrows for name in (each.source, each.destination))])
    )
    widest = max((len(text) for text in (*names, *(each.label for each in arrows))), default=0)
    gap = min(widest + 8, _WIDEST)
    middle = {name: index * (gap + 1) for index, name in enumerate(names)}
    left = max((len(name) // 2 for name in names[:1]), default=0)
    heading = ""
    for name in names:
        heading = heading.ljust(left + middle[name] - len(name) // 2) + name
    lines = [f"{'time':>9}  {heading}"]
    for each in events:
        body = _draw(each, middle, gap) if isinstance(each, Arrow) else f"{_rails(middle)[:1]}  {each.text}"
        lines.append(f"{each.at:9.3f}  {' ' * left}{body}".rstrip())
    return "\n".join(lines) + "\n"


def _rails(middle: dict[str, int]) -> str:
    line = [" "] * (max(middle.values(), default=-1) + 1)
    for place in middle.values():
        line[place] = "|"
    return "".join(line)


def _draw(arrow: Arrow, middle: dict[str, int], gap: int) -> str:
    line = list(_rails(middle))
    start, end = middle[arrow.source], middle[arrow.destination]
    if start == end:
        return f"{''.join(line)}  {arrow.label} (to itself)"
    low, high = min(start, end), max(start, end)
    label = arrow.label if len(arrow.label) <= gap - 7 else arrow.label[: gap - 8] + "~"
    line[low + 1 : high] = f"---- {label} ".ljust(high - low - 1, "-")
    head = high - 1 if end > start else low + 1
    line[head] = "X" if arrow.lost else ">" if end > start else "<"
    return "".join(line)
