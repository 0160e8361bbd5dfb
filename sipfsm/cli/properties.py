"""What is verified of a machine, as a section of the page that is drawn of it."""

from collections.abc import Iterator

from sipfsm.fsm import Model, load_model, model_names
from sipfsm.statechart import Section
from sipfsm.verify.results import MachineResult
from sipfsm.verify.scenario import Property
from sipfsm.verify.scenarios import SCENARIOS
from sipfsm.verify.single import check_machine

_MEANINGS = {
    "complete": "what can happen in a state has a row there",
    "deterministic": "there is one row for each state and event",
    "reachable": "some sequence of events leads to each state, and fires each row",
    "can end": "from everywhere some sequence of events leads to an end",
    "waits for nobody": "where no timer runs, somebody else has to act",
}

_PROPERTIES = {
    Property.S1: "a request reaches the server's transaction user once",
    Property.S2: "at most one final response of a non-INVITE reaches the client's transaction user",
    Property.S3: "every non-2xx final response to an INVITE is acknowledged, unless all ACKs are lost",
    Property.S4: "every run ends, with both transactions destroyed",
    Property.S5: "no second outcome after a timeout was reported",
}


def verified(model: Model) -> Section:
    """Say what was found out about a machine alone, and in which compositions it takes part."""
    return "Verified properties", [*_alone(check_machine(model)), *_together(model)]


def _alone(result: MachineResult) -> Iterator[str]:
    yield "What `sipfsm verify` finds in this machine alone, whatever comes, over both classes of transport:"
    yield ""
    yield "| property | holds | meaning |"
    yield "| --- | --- | --- |"
    told = {"complete": _cells(result), "waits for nobody": _waits(result)}
    for check in result.checks:
        verdict = "yes" if check.holds else "**no**"
        more = told.get(check.name, "")
        yield f"| {check.name} | {verdict} | {_MEANINGS[check.name]}{f': {more}' if more else ''} |"
    problems = [f"- {check.name}: {problem}" for check in result.checks for problem in check.problems]
    yield from ["", *problems] if problems else []


def _cells(result: MachineResult) -> str:
    parts = []
    if result.cells:
        parts.append(f"{result.cells} pairs of state and event")
    if result.further_cells:
        parts.append(f"{result.further_cells} of a state and a timer that is in no RFC")
    if result.ignored:
        parts.append(f"{result.ignored} have none, and need none")
    return ", ".join(parts)


def _waits(result: MachineResult) -> str:
    return "; ".join(f"in `{state}`, {who}" for state, who in result.waits.items())


def _together(model: Model) -> Iterator[str]:
    """The compositions that a built-in machine takes part in; one of a user's own is in none of them."""
    if model.name not in model_names() or load_model(model.name) != model:
        return
    scenarios = [each for each in SCENARIOS if model.name in {each.client.model, each.server.model}]
    if not scenarios:
        return
    yield from [
        "",
        "Explored in every order of events together with its peer and a network, so that these hold:",
        "",
    ]
    yield "| composition | properties | command |"
    yield "| --- | --- | --- |"
    for each in scenarios:
        yield f"| {each.title} | {', '.join(each.properties)} | `sipfsm verify --scenario {each.name}` |"
    yield ""
    known = {name for each in scenarios for name in each.properties}
    yield from (f"- {name}: {text}" for name, text in _PROPERTIES.items() if name in known)
