"""The machine as State Chart XML (SCXML 1.0, a W3C recommendation), which other programs run as it stands.

Only what the programs agree on is used: expressions are both ECMAScript and Python. Every row and every
action is a `log`, so whoever runs the chart sees the rows that are taken. Every timer is a delayed `send` of
the event that it fires, with the default values of T1, T2, T4 and Timer C; one without a delay is a `raise`:
it fires in the step that starts it. What leaving a state does stands in its transitions, because SCXML would
do it before what the row itself does.
"""

import re
from collections.abc import Iterator, Sequence

from sipfsm.fsm import TimerVerb
from sipfsm.fsm.vocabulary import TIMER_ACTIONS
from sipfsm.statechart.captions import identifiers
from sipfsm.statechart.chart import Chart, ChartRow, ChartState, ChartTimer
from sipfsm.statechart.marks import GENERATED

RELIABLE_EVENT = "transport.reliable"
"""Sent to a chart in its initial state, this event chooses the delays of reliable transports."""

_STEPS = 16
"""How often at most a delay without a cap grows; half a second grows to nine hours."""


def write_scxml(chart: Chart) -> str:
    """Write a machine as SCXML.

    Args:
        chart: one machine; two that are compared are no machine that could run.
    """
    return "\n".join(_Writer(chart).document()) + "\n"


class _Writer:
    """What all parts of one document need to know of each other."""

    def __init__(self, chart: Chart):
        self.chart = chart
        self.names = identifiers(chart)
        self.states = {state.name: state for state in chart.states}
        self.timers = {timer.name: timer for timer in chart.timers}

    def document(self) -> Iterator[str]:
        # Some programs make a function of this name.
        name = "machine_" * self.chart.name[0].isdigit() + self.chart.name.replace("-", "_")
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield f"<!-- {GENERATED} -->"
        yield (
            f'<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" name="{name}" '
            f'initial="{self.names[self.chart.initial]}" datamodel="ecmascript">'
        )
        if self.chart.timers:
            yield "  <datamodel>"
            yield '    <data id="reliable" expr="0"/>'
            yield from (f"    {line}" for timer in self.chart.timers for line in _data(timer))
            yield "  </datamodel>"
        for state in self.chart.states:
            yield from (f"  {line}" for line in self._state(state))
        yield "</scxml>"

    def _state(self, state: ChartState) -> Iterator[str]:
        kind = "final" if state.final else "state"
        yield f'<{kind} id="{self.names[state.name]}">'
        if state.on_enter and not state.initial:
            yield "  <onentry>"
            yield from (f"    {line}" for line in self._content(state.on_enter))
            yield "  </onentry>"
        if state.initial and self.chart.timers:
            yield f'  <transition event="{RELIABLE_EVENT}">'
            yield '    <assign location="reliable" expr="1"/>'
            yield "  </transition>"
        for row in self.chart.rows_of(state.name):
            yield from (f"  {line}" for line in self._row(row))
        yield f"</{kind}>"

    def _row(self, row: ChartRow) -> Iterator[str]:
        target = f' target="{self.names[row.dest]}"' if row.dest is not None else ""
        note = f"; {row.note}" if row.note else ""
        yield f"<!-- {_comment(f'{row.citation.text}{note}')} -->"
        yield f'<transition event="{" ".join(row.events)}"{target}>'
        yield f'  <log label="row" expr="\'{row.id}\'"/>'
        actions = row.actions
        if row.dest is not None:
            actions += self.states[row.source].on_exit
            if self.states[
                row.dest
            ].initial:  # nothing is done when the machine begins there, so it has no onentry
                actions += self.states[row.dest].on_enter
        yield from (f"  {line}" for line in self._content(actions))
        yield "</transition>"

    def _content(self, actions: Sequence[str]) -> Iterator[str]:
        for action in actions:
            verb, name = TIMER_ACTIONS.get(action, (None, ""))
            if verb is None:
                yield f'<log label="action" expr="\'{action}\'"/>'
            else:
                yield from _timer_content(verb, self.timers[name])


def _data(timer: ChartTimer) -> Iterator[str]:
    """The delays of a timer that grow, and how far they have grown."""
    if not timer.steps:
        return
    yield f'<data id="step_{timer.name}" expr="0"/>'
    for transport, delays in _delays(timer).items():
        if delays:
            shown = ", ".join(f"'{_time(delay)}'" for delay in delays)
            yield f'<data id="{transport}_{timer.name}" expr="[{shown}]"/>'


def _delays(timer: ChartTimer) -> dict[str, list[float]]:
    """For each transport, the first delay and those that follow; the last is the cap, if there is any."""
    return {
        transport: [] if first is None else _grown(first, timer)
        for transport, first in (
            ("unreliable", timer.unreliable_seconds),
            ("reliable", timer.reliable_seconds),
        )
    }


def _grown(first: float, timer: ChartTimer) -> list[float]:
    delays = [first]
    cap = timer.cap_seconds
    while timer.backoff > 1 and len(delays) <= _STEPS and (cap is None or delays[-1] < cap):
        delays.append(min(delays[-1] * timer.backoff, cap or float("inf")))
    return delays if cap is None or delays[-1] == cap else [*delays, cap]


def _timer_content(verb: TimerVerb, timer: ChartTimer) -> Iterator[str]:
    if verb is TimerVerb.STOP:
        yield f'<cancel sendid="{timer.name}"/>'
        return
    if verb is TimerVerb.START:
        yield f'<cancel sendid="{timer.name}"/>'
    starts = {
        transport: list(_start(verb, timer, transport, delays))
        for transport, delays in _delays(timer).items()
    }
    if starts["unreliable"] == starts["reliable"]:
        yield from starts["unreliable"]
        return
    yield f'<if cond="reliable == {0 if starts["unreliable"] else 1}">'
    yield from (f"  {line}" for line in starts["unreliable"] or starts["reliable"])
    if starts["unreliable"] and starts["reliable"]:
        yield "  <else/>"
        yield from (f"  {line}" for line in starts["reliable"])
    yield "</if>"


def _start(verb: TimerVerb, timer: ChartTimer, transport: str, delays: Sequence[float]) -> Iterator[str]:
    if not delays:
        return
    send = f'<send event="{timer.event}" id="{timer.name}"'
    step, last = f"step_{timer.name}", len(delays) - 1
    if delays[0] == 0 and verb is TimerVerb.START:
        yield f'<raise event="{timer.event}"/>'
    elif not timer.steps:
        yield f'{send} delay="{_time(delays[0])}"/>'
    else:
        if verb is TimerVerb.BACK_OFF:
            yield f'<if cond="{step} &lt; {last}"><assign location="{step}" expr="{step} + 1"/></if>'
        else:
            yield f'<assign location="{step}" expr="{0 if verb is TimerVerb.START else last}"/>'
        yield f'{send} delayexpr="{transport}_{timer.name}[{step}]"/>'


def _time(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _comment(text: str) -> str:
    return re.sub("-(?=-)", "- ", text)
