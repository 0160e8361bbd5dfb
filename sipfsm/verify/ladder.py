"""Pictures of a run: a ladder for the terminal, and a Mermaid sequence diagram."""

from collections.abc import Iterator

from sipfsm.verify.results import Counterexample, Step

_TITLES = {"ack": "ACK", "ack-2xx": "ACK of 2xx", "cancel": "CANCEL"}
_NEAR, _FAR, _FORK, _CALL = 14, 34, 26, 36


def ladder(run: Counterexample) -> list[str]:
    """Draw a run as text: a line for each step, the time in T1 on the left, rows and remarks on the right."""
    places = _places(run.lanes)
    width = places[run.lanes[-1]] + places[run.lanes[0]] + 2
    heads = [" "] * (width + 6)
    for lane, place in places.items():
        start = max(0, place - len(lane) // 2)
        heads[start : start + len(lane)] = lane
    lines = ["  T1 " + "".join(heads).rstrip()]
    states: dict[str, str] = {}
    for number, step in enumerate(run.steps):
        if number == run.circle:
            lines.append("     from here on again and again:")
        if step.what != "pass":
            drawn = "".join(_line(run.lanes, places, width, step))
            remark = _remark(step, is_new_state=states.get(step.who, "") != step.state)
            lines.append(f"{step.at:4} {drawn} {remark}".rstrip())
        states[step.who] = step.state
    lines.append(f"{_end(run):4} {run.property}: {run.reason}")
    return lines


def _end(run: Counterexample) -> int:
    last = run.steps[-1]
    return last.at + (int(last.detail) if last.what == "pass" else 0)


def _places(lanes: tuple[str, ...]) -> dict[str, int]:
    """Give the column of each lane; a transaction and its user are close to each other."""
    places, place = {}, 4 if len(lanes) > 2 else 8
    for lane, following in zip(lanes, (*lanes[1:], lanes[-1]), strict=True):
        places[lane] = place
        if "client" not in lanes:
            place += _FORK if len(lanes) > 2 else _CALL
        else:
            place += _NEAR if {lane, following} & {"caller", "callee"} else _FAR
    return places


def _line(lanes: tuple[str, ...], places: dict[str, int], width: int, step: Step) -> list[str]:
    line = [" "] * width
    for place in places.values():
        line[place] = "|"
    for start, end, text, lost in arrows(lanes, step):
        _arrow(line, places[start], places[end], text, lost=lost)
    text = _inside(lanes, step)
    if text:
        middle = places[step.who] - len(text) // 2
        line[middle : middle + len(text)] = text
    return line


def _inside(lanes: tuple[str, ...], step: Step) -> str:
    """What happens in a lane, without an arrow."""
    if step.what == "fire":
        return f"(timer {step.detail})"
    if step.what in {"start", "choose"} and "client" not in lanes:
        return f"({step.detail})"
    return ""


def _arrow(line: list[str], start: int, end: int, text: str, *, lost: bool) -> None:
    left, right = min(start, end), max(start, end)
    line[left + 1 : right] = f" {text} ".center(right - left - 1, "-")
    if start < end:
        line[right - 1] = ">"
    else:
        line[left + 1] = "<"
    if lost:
        line[right - 1 if start < end else left + 1] = "X"


def arrows(lanes: tuple[str, ...], step: Step) -> Iterator[tuple[str, str, str, bool]]:
    """Yield the arrows of a step: from, to, what, and whether it is lost on the way."""
    first, *_, last = lanes
    users = {"client": first, "server": last} if "client" in lanes else {}
    if step.what in {"deliver", "lose"}:
        assert step.way is not None
        yield *step.way, title(step), step.what == "lose"
    if step.what in {"start", "choose"} and step.who in users.values() and step.detail != "settle":
        machine = next(lane for lane, user in users.items() if user == step.who)
        yield step.who, machine, step.detail, False
    if step.who in users:
        for told in step.told:
            yield step.who, users[step.who], told, False


def title(step: Step) -> str:
    """Name the message of a step, and say if it is late."""
    name = _TITLES.get(step.message or "", step.message or "")
    return f"{name}, sent at {step.at - step.age}" if step.age else name


def _remark(step: Step, *, is_new_state: bool) -> str:
    parts = [", ".join(step.rows)] if step.rows else []
    if step.state and is_new_state:
        parts.append(step.state)
    if step.what == "duplicate":
        parts.append(f"the network duplicates {title(step)}")
    if step.sent:
        parts.append("sends " + ", ".join(_TITLES.get(name, name) for name in step.sent))
    return "; ".join(parts)


def mermaid(run: Counterexample) -> str:
    """Draw a run as a Mermaid sequence diagram."""
    lines = ["sequenceDiagram", *(f"    participant {lane}" for lane in run.lanes)]
    for number, step in enumerate(run.steps):
        if number == run.circle:
            lines.append(f"    Note over {run.lanes[0]},{run.lanes[-1]}: from here on again and again")
        if text := _inside(run.lanes, step):
            lines.append(f"    Note over {step.who}: T1 * {step.at}: {text.strip('()')}")
        if step.what == "duplicate":
            lines.append(f"    Note over {','.join(step.way or ())}: the network duplicates {title(step)}")
        for start, end, text, lost in arrows(run.lanes, step):
            lines.append(f"    {start}{'-x' if lost else '->>'}{end}: {text}{'' if lost else _at(step)}")
    lines.append(f"    Note over {run.lanes[0]},{run.lanes[-1]}: T1 * {_end(run)}: {run.reason}")
    return "\n".join(lines) + "\n"


def _at(step: Step) -> str:
    return f" (T1 * {step.at})" if step.at else ""
