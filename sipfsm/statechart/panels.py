"""What stands below the drawing of a machine: its timers, and what the colours and signs mean."""

from sipfsm.statechart.chart import Change, Chart, ChartTimer
from sipfsm.statechart.citation import Origin

ORIGINS = {
    Origin.RFC_3261: "RFC 3261",
    Origin.RFC_6026: "RFC 6026: correct transaction handling for 2xx",
    Origin.OTHER: "another RFC, or an erratum",
    Origin.GAP: "no RFC says: a decision of our own",
}
"""What each origin of a row means."""

CHANGES = {
    Change.SAME: "the same in both",
    Change.ADDED: "+ added",
    Change.DROPPED: "- dropped",
    Change.CHANGED: "~ changed: as it is now",
    Change.BEFORE: "- changed: as it was",
}
"""What each change of a row means."""

SIGNS = (
    "ID event / action: when the event comes, the action is done; the ID leads to the clause",
    "inside a state: the machine stays, and no timer starts anew",
    "dot: where it begins; double frame: where it ends",
)

TIMER_HEADINGS = ("timer", "unreliable transport", "reliable transport", "then")


def timer_cells(timer: ChartTimer) -> tuple[str, str, str, str]:
    """The cells of a timer, under `TIMER_HEADINGS`."""
    return (
        timer.name,
        delay_text(timer.unreliable, timer.unreliable_seconds),
        delay_text(timer.reliable, timer.reliable_seconds),
        "; ".join(filter(None, (timer.steps, *timer.differences))),
    )


def delay_text(text: str | None, seconds: float | None) -> str:
    """A delay as the model has it, and in seconds; `-` where the transport class does not run the timer."""
    if text is None or seconds is None:
        return "-"
    shown = f"{seconds:g} s"
    return shown if text.replace(".", "").isdigit() else f"{text} = {shown}"


def meanings(chart: Chart) -> dict[str, str]:
    """The colours that a picture uses, by the name of the tone, and what each means."""
    if chart.against is None:
        origins = {row.origin for row in chart.rows}
        return {str(origin): text for origin, text in ORIGINS.items() if origin in origins}
    changes = {row.change for row in chart.rows}
    changes |= {state.change for state in chart.states} | {timer.change for timer in chart.timers}
    return {str(change): text for change, text in CHANGES.items() if change in changes}
