"""What the documentation says of judging is compared with the code."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from sipfsm.cli.judging import Options, conformance, fuzz
from sipfsm.fuzz.catalogue import CASES
from sipfsm.fuzz.catalogue.listing import as_markdown
from sipfsm.fuzz.report.files import as_json
from sipfsm.fuzz.runner import Result
from sipfsm.fuzz.verdict import Judgement, Outcome, Verdict
from tests.unit.fuzz.samples import RESULT

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/judging.md"


def rows(page: str) -> list[list[str]]:
    lines = [line for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_catalogue_is_that_of_the_code() -> None:
    text = PAGE.read_text()
    shown = text.partition("<!-- catalogue: begin -->\n")[2].partition("<!-- catalogue: end -->")[0]
    assert shown == as_markdown(CASES), "write it anew with sipfsm.fuzz.catalogue.listing"


@pytest.mark.parametrize(("command", "name"), [(conformance, "conformance"), (fuzz, "fuzz")])
def test_every_option_is_documented_and_no_other(command: Any, name: str) -> None:
    names = {
        each.name for each in inspect.signature(command).parameters.values() if each.kind is each.KEYWORD_ONLY
    }
    names = names - {"options"} | {field.name for field in dataclasses.fields(Options)}
    options = {"--" + each.removeprefix("as_").replace("_", "-") for each in names}
    documented = {
        cells[0].strip("`").split()[0]
        for cells in rows(PAGE.read_text())
        if cells[0].startswith("`--") and cells[2] in {name, "both"}
    }
    assert documented == options


def test_every_key_of_the_json_report_is_documented() -> None:
    report = json.loads(as_json(RESULT))
    verdict = report["verdicts"][0]
    keys = {*report, *verdict, *verdict["judgements"][0], *report["plays"]}
    assert not {key for key in keys if f"`{key}`" not in PAGE.read_text()}


def test_every_outcome_is_documented() -> None:
    assert not {outcome for outcome in Outcome if outcome not in PAGE.read_text()}


def test_the_samples_are_what_a_run_gives() -> None:
    assert isinstance(RESULT, Result)
    assert all(isinstance(each, Verdict) for each in RESULT.verdicts)
    assert all(isinstance(each, Judgement) for verdict in RESULT.verdicts for each in verdict.judgements)
