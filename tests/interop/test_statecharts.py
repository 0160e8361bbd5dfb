"""What `sipfsm draw` writes, read and run by programs that nobody here wrote."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
from typing import Any

import pytest
import statemachine.engines.sync
import statemachine.event_data
from statemachine.io import load

from sipfsm.fsm import load_model, model_names
from sipfsm.statechart import RECIPES, Chart, Format, compare, make_chart
from sipfsm.statechart.captions import identifiers
from tests.interop import node
from tests.interop.walks import Advance, Outcome, Step, Walk, all_walks, ours
from tests.unit.statechart.samples import awkward

MODELS = [load_model(name) for name in model_names()]
CHARTS = [make_chart(model) for model in MODELS]
COMPARED = [
    compare(make_chart(load_model(name.removeprefix("rfc3261/"))), make_chart(load_model(name)))
    for name in model_names()
    if name.startswith("rfc3261/")
]
RELIABLE = "transport.reliable"

pytestmark = pytest.mark.slow


def text(chart: Chart, format_: Format) -> str:
    content = RECIPES[format_].render(chart)
    assert isinstance(content, str)
    return content


# ---- SCXML


@pytest.fixture(scope="module")
def walks() -> list[Walk]:
    return [walk for model in MODELS for walk in all_walks(model)]


@pytest.fixture(scope="module")
def outcomes(walks: list[Walk]) -> list[list[Outcome]]:
    return [ours(walk) for walk in walks]


def test_the_walks_take_every_row(walks: list[Walk], outcomes: list[list[Outcome]]) -> None:
    taken: dict[str, set[str]] = {model.name: set() for model in MODELS}
    for walk, steps in zip(walks, outcomes, strict=True):
        taken[walk.model.name].update(row for step in steps for row in step.rows)
    assert taken == {model.name: {row.id for row in model.transitions} for model in MODELS}


def outcome(state: str, logged: list[list[str]]) -> Outcome:
    return Outcome(
        state,
        tuple(value for label, value in logged if label == "row"),
        tuple(value for label, value in logged if label == "action"),
    )


def differences(walks: list[Walk], expected: list[list[Outcome]], found: list[list[Outcome]]) -> list[str]:
    """The first steps that differ, one sentence for each walk."""
    sentences = []
    for walk, we, they in zip(walks, expected, found, strict=True):
        for number, (our, their) in enumerate(zip(we, they, strict=True)):
            if our != their:
                way = [*walk.steps[: number + 1]]
                sentences.append(f"{walk.model.name} reliable={walk.reliable} {way}: {our}, not {their}")
                break
    return sentences


def test_scion_runs_the_scxml_as_our_engine_runs_the_model(
    walks: list[Walk], outcomes: list[list[Outcome]]
) -> None:
    def steps(walk: Walk) -> list[dict[str, Any]]:
        return [{"event": RELIABLE}] * walk.reliable + [
            {"advance": step.milliseconds} if isinstance(step, Advance) else {"event": str(step)}
            for step in walk.steps
        ]

    task = {
        "charts": {chart.name: text(chart, Format.SCXML) for chart in CHARTS},
        "walks": [{"chart": walk.model.name, "steps": steps(walk)} for walk in walks],
    }
    answers = node.run("scxml.cjs", task)
    found = [
        [outcome(step["state"], step["logged"]) for step in answer[walk.reliable :]]
        for walk, answer in zip(walks, answers, strict=True)
    ]
    assert not differences(walks, outcomes, found)[:5]


class _Over(BaseException):
    """The walk is over; no error, so nothing handles it."""


class PythonWalker:
    """Takes a chart of python-statemachine along a walk, in virtual time.

    Its loop does not return while a delayed event waits: it sleeps. So the next step of the walk is taken
    when it is about to sleep, or when it has returned.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.now = 0.0
        for module in (statemachine.engines.sync, statemachine.event_data):
            monkeypatch.setattr(module, "monotonic", lambda: self.now)
        monkeypatch.setattr(statemachine.engines.sync, "sleep", lambda _: self._wait())

    def take(self, chart: Any, walk: Walk) -> list[Outcome]:
        self.now = 0.0
        self.todo: list[Step | str] = [*([RELIABLE] * walk.reliable), *walk.steps]
        self.outcomes: list[Outcome] = []
        self.target: float | None = None
        self.begun = False
        with contextlib.redirect_stdout(io.StringIO()) as self.log, contextlib.suppress(_Over):
            self.machine = chart()
            while True:
                self._idle(None)
        return self.outcomes[walk.reliable :]

    def _wait(self) -> None:
        self._idle(self.machine._engine.external_queue.queue.queue[0].execution_time)

    def _idle(self, due: float | None) -> None:
        """The machine has nothing to do until `due`: give it time, or the next step."""
        if self.target is not None:
            if due is not None and due <= self.target + 1e-6:
                self.now = due
                return
            self.now, self.target = self.target, None
        if self.begun:
            self._note()
        if not self.todo:
            raise _Over
        self.begun = True
        step = self.todo.pop(0)
        if isinstance(step, Advance):
            self.target = self.now + step.milliseconds / 1000
        else:
            self.machine.send(str(step))

    def _note(self) -> None:
        logged = re.findall(r"^(row|action): '(.*)'$", self.log.getvalue(), re.MULTILINE)
        self.log.seek(0)
        self.log.truncate()
        (state,) = self.machine.configuration_values
        self.outcomes.append(outcome(str(state), [list(each) for each in logged]))


@pytest.mark.untraced
def test_python_statemachine_runs_the_scxml_as_our_engine_runs_the_model(
    walks: list[Walk], outcomes: list[list[Outcome]], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {chart.name: text(chart, Format.SCXML) for chart in CHARTS}
    walker = PythonWalker(monkeypatch)
    # Read anew for each walk: only the first instance of a class begins with the data of its chart.
    found = [walker.take(load(texts[walk.model.name], format="scxml"), walk) for walk in walks]
    assert not differences(walks, outcomes, found)[:5]


# ---- Mermaid and PlantUML


def test_mermaid_reads_what_is_drawn() -> None:
    charts = {chart.name: chart for chart in [*CHARTS, *COMPARED, awkward()]}
    texts = {name: text(chart, Format.MERMAID) for name, chart in charts.items()}
    answers = node.run("mermaid.mjs", texts | {"broken": "stateDiagram-v2\n  A --> \n"})
    assert "error" in answers.pop("broken")
    for name, answer in answers.items():
        chart = charts[name]
        assert answer.get("error") is None, name
        ids = identifiers(chart)
        states = {ids[state.name]: [row.id for row in chart.stays(state.name)] for state in chart.states}
        assert answer["states"].keys() == states.keys() | {"root_start", "root_end"}
        for state, rows in states.items():
            inside = [line.split()[0] for line in answer["states"][state] if line.split()[0] in rows]
            assert inside == rows
        labelled = {
            (source, dest): re.findall(r"[A-Z]+-\d\d", label) for source, dest, label in answer["arrows"]
        }
        ends: dict[tuple[str, str], list[str]] = {(ids[state], "root_end"): [] for state in chart.final}
        arrows = {
            (ids[source], ids[dest]): [row.id for row in rows]
            for (source, dest), rows in chart.arrows().items()
        }
        assert labelled == {("root_start", ids[chart.initial]): [], **arrows, **ends}


def test_plantuml_reads_what_is_drawn() -> None:
    charts = [*CHARTS, *COMPARED, awkward()]
    broken = "@startuml\nstate A\nA -[#12] foo >>> bar\n@enduml\n"
    texts = "".join(text(chart, Format.PLANTUML) for chart in charts) + broken
    done = subprocess.run(
        ["plantuml", "-headless", "-syntax"],
        input=texts,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    read = done.stdout.splitlines()
    # The entities are the states, where it begins, and where it ends.
    expected = [line for chart in charts for line in ("STATE", f"({len(chart.states) + 2} entities)")]
    assert read[: len(expected)] == expected
    assert read[len(expected)] == "ERROR"
