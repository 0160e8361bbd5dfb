"""A report on a verification: JSON for programs, Markdown for people."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from sipfsm.verify.ladder import mermaid
from sipfsm.verify.results import MachineResult, Result, Verdict
from sipfsm.verify.scenario import AnyScenario, Call, Fork, Network


class Report(BaseModel):
    """All that was found out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machines: tuple[MachineResult, ...] = ()
    scenarios: tuple[AnyScenario, ...] = ()
    results: tuple[Result, ...] = ()
    """What each engine says of each scenario."""
    stopped: bool = False
    """Whether somebody stopped it before its end."""

    @property
    def broken(self) -> bool:
        """Whether something is known not to hold."""
        return not all(result.holds for result in self.machines) or any(
            result.broken for result in self.results
        )

    @property
    def decided(self) -> bool:
        """Whether nothing was left open."""
        return not self.stopped and all(result.complete for result in self.results)

    def disagreements(self) -> list[str]:
        """Give a sentence for each scenario of which two engines do not say the same."""
        said: dict[str, Result] = {}
        found = []
        for result in self.results:
            first = said.setdefault(result.scenario, result)
            both = f"{result.scenario}: {first.engine} and {result.engine} do not agree"
            if _holds(first) != _holds(result):
                found.append(both)
            elif first.complete and result.complete and first.states != result.states:
                found.append(f"{both}: {first.states:,} and {result.states:,} states")
        return found

    def agreements(self) -> list[str]:
        """Give a sentence for each scenario that two engines saw whole, and of which they say the same."""
        said: dict[str, Result] = {}
        found = []
        for result in self.results:
            first = said.setdefault(result.scenario, result)
            same = _holds(first) == _holds(result) and first.states == result.states
            if first is not result and same and first.complete and result.complete:
                engines = f"{first.engine} and {result.engine}"
                found.append(f"{result.scenario}: {engines} agree, on {result.states:,} states as well.")
        return found


def _holds(result: Result) -> dict[str, bool | None]:
    return {verdict.property: verdict.holds for verdict in result.verdicts}


def describe(network: Network) -> str:
    """Say what a network may do, in a few words."""
    if network.reliable:
        return f"reliable, up to {network.delay} T1 late"
    losses = "any number of losses" if network.losses is None else f"{network.losses} lost"
    order = "reordered" if network.reordering else "in order"
    return f"{losses}, {network.duplicates} duplicated, up to {network.delay} T1 late, {order}"


def describe_users(scenario: AnyScenario) -> str:
    """Say what the transaction users may do, in a few words."""
    if isinstance(scenario, Call):
        wishes = [f"{each} of the caller" for each in scenario.caller_wishes]
        wishes += [f"{each} of the callee" for each in scenario.callee_wishes]
        return f"within {scenario.within} T1 of each change of state: {', '.join(wishes) or 'nothing'}"
    callee = f"answered within {scenario.callee.within} T1 of the request"
    if isinstance(scenario, Fork):
        cancelled = scenario.caller.cancel_within
        until = "not cancelled" if cancelled is None else f"cancelled within {cancelled} T1"
        return f"{callee}, or when cancelled, or never; {until}"
    if scenario.method != "INVITE":
        return callee if not scenario.callee.at_last else f"{callee}, or never"
    patience = scenario.caller.patience
    caller = "the caller waits for ever" if patience is None else f"the caller cancels after {patience} T1"
    return f"{callee}; {caller}{' or any time before' if scenario.caller.may_cancel else ''}"


def to_markdown(report: Report) -> str:
    """Write a report for people."""
    return "\n".join(_markdown(report)) + "\n"


def _markdown(report: Report) -> Iterator[str]:
    yield "# Verification"
    yield ""
    yield _verdict(report)
    if report.machines:
        yield from [
            "",
            "## Machines",
            "",
            "| machine | " + " | ".join(_CHECKS) + " | waits for |",
            "|---" * 7 + "|",
        ]
        yield from (_machine_row(result) for result in report.machines)
        yield from _problems(report.machines)
    if report.results:
        yield from ["", "## Compositions", ""]
        yield "| scenario | engine | states | steps | holds | is broken | not decided | seconds |"
        yield "|---" * 8 + "|"
        yield from (_result_row(result) for result in report.results)
        yield from (f"\n{sentence}" for sentence in report.agreements())
        yield from ["", "Bounds:", ""]
        yield from (
            f"- {scenario.name}: {scenario.title}; {describe(scenario.network)}; {describe_users(scenario)}"
            for scenario in report.scenarios
        )
    for result in report.results:
        for verdict in result.verdicts:
            yield from _counterexample(result, verdict)


_CHECKS = ("complete", "deterministic", "reachable", "can end", "waits for nobody")


def _verdict(report: Report) -> str:
    if report.broken:
        return "Something does not hold."
    if report.disagreements():
        return "The engines do not agree."
    return (
        "Everything holds." if report.decided else "Nothing broken was found, but not all states were seen."
    )


def _machine_row(result: MachineResult) -> str:
    waits = "; ".join(f"{state}: {who}" for state, who in result.waits.items())
    marks = ["yes" if check.holds else "**no**" for check in result.checks]
    return f"| {result.model} | {' | '.join(marks)} | {waits or '-'} |"


def _problems(machines: Sequence[MachineResult]) -> Iterator[str]:
    problems = [
        f"- {result.model}: {check.name}: {problem}"
        for result in machines
        for check in result.checks
        for problem in check.problems
    ]
    if problems:
        yield from ["", *problems]


def _result_row(result: Result) -> str:
    marks = [
        " ".join(verdict.property for verdict in result.verdicts if verdict.holds is said) or "-"
        for said in (True, False, None)
    ]
    states = f"{result.states:,}" + ("" if result.complete else " (stopped)")
    cells = [result.scenario, result.engine, states, f"{result.steps:,}", *marks, f"{result.seconds:.1f}"]
    return f"| {' | '.join(cells)} |"


def _counterexample(result: Result, verdict: Verdict) -> Iterator[str]:
    if verdict.counterexample is not None:
        yield from ["", f"## {result.scenario}: {verdict.property} ({result.engine})", ""]
        reason = verdict.counterexample.reason
        yield from [f"{reason[0].upper()}{reason[1:]}.", "", "```mermaid"]
        yield mermaid(verdict.counterexample).rstrip()
        yield "```"
