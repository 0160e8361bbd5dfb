"""Reports in files and on the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sipfsm.fuzz.report import FORMATS, summary, verdict_line, write_report
from sipfsm.fuzz.report.lines import deviations
from tests.unit.fuzz.samples import BROKEN, LOST, RESULT


def test_the_summary_counts_the_outcomes() -> None:
    assert summary(RESULT) == "3 cases in 2 s: 1 conformant, 1 deviates, 1 not observable."
    assert summary(LOST).endswith("The target was lost: nobody is there.")


def test_the_outcome_names_the_level() -> None:
    assert [verdict_line(each) for each in RESULT.verdicts] == [
        "deviates (SHOULD)",
        "conformant",
        "not observable",
    ]


def test_exit_codes() -> None:
    assert RESULT.exit_code == 1
    assert LOST.exit_code == 3


def test_a_deviation_is_told_once() -> None:
    assert deviations(RESULT) == [(RESULT.verdicts[0], BROKEN)]


def test_markdown_has_one_row_for_each_case(tmp_path: Path) -> None:
    write_report(RESULT, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text()
    assert "| `first` | deviates (SHOULD) | in Completed, &lt;nothing> \\| came" in text
    assert "| `second` | conformant | IST-08 (RFC 3261 17.2.1) |" in text
    assert "| `third` | not observable | silence |" in text


def test_junit_is_what_collectors_read(tmp_path: Path) -> None:
    write_report(RESULT, tmp_path / "report.XML")
    suite = ET.parse(tmp_path / "report.XML").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    cases = {case.get("name"): case for case in suite}
    failure = cases["first"].find("failure")
    assert failure is not None
    assert failure.get("type") == "SHOULD"
    assert cases["third"].find("skipped") is not None
    assert len(cases["second"]) == 0


def test_junit_of_a_lost_target_has_an_error() -> None:
    root = ET.fromstring(FORMATS[".xml"](LOST))
    error = root.find(".//error")
    assert error is not None
    assert error.get("message") == "nobody is there"


def test_json_has_everything() -> None:
    report = json.loads(FORMATS[".json"](RESULT))
    assert report["exit_code"] == 1
    assert report["plays"] == {"registrar": True, "proxy": True, "uas": False}
    (judgement,) = report["verdicts"][0]["judgements"]
    assert judgement["clause"] == "RFC 3261 17.2.1"
    assert json.loads(FORMATS[".json"](LOST))["lost"] == "nobody is there"


@pytest.mark.parametrize("suffix", FORMATS)
def test_each_form_tells_of_the_deviation(suffix: str) -> None:
    assert "IST-08" in FORMATS[suffix](RESULT)
