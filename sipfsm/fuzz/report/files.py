"""Reports in files; the suffix says which form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from sipfsm import __version__
from sipfsm.fuzz.report.lines import details, deviations, summary, unique, verdict_line
from sipfsm.fuzz.runner import Result
from sipfsm.fuzz.verdict import Judgement, Outcome, Verdict

SCHEMA = 1
"""The version of the JSON report; it grows when a key changes its meaning or goes away."""


def write_report(result: Result, path: Path) -> None:
    """Write a report in the form that the suffix names.

    Raises:
        KeyError: the suffix is none of `FORMATS`.
        OSError: the file cannot be written.
    """
    path.write_text(FORMATS[path.suffix.lower()](result), encoding="utf-8")


# ---- Markdown


def as_markdown(result: Result) -> str:
    """Return a report for people."""
    lines = [
        f"# {result.target}",
        "",
        f"Judged by sipfsm {__version__} as {result.setting}. {summary(result)}",
        "",
    ]
    if result.last_artifacts:
        lines += ["## What was sent last", ""]
        lines += [f"- [{Path(name).name}]({name})" for name in result.last_artifacts]
        lines.append("")
    found = deviations(result)
    if found:
        lines += ["## Deviations", ""]
        for verdict, judgement in found:
            lines.append(f"- **{judgement.rule.level}** {_escaped(str(judgement))}, seen in `{verdict.case}`")
            lines += [f"    - [{Path(name).name}]({name})" for name in verdict.artifacts]
        lines.append("")
    lines += ["## Cases", "", "| case | verdict | what was seen |", "|---|---|---|"]
    for verdict in result.verdicts:
        texts = details(verdict) or [_kept(verdict)]
        lines.append(f"| `{verdict.case}` | {verdict_line(verdict)} | {_escaped('; '.join(texts))} |")
    return "\n".join(lines) + "\n"


def _kept(verdict: Verdict) -> str:
    """Name the rows and rules of a case that were seen kept."""
    own = [each.rule for each in verdict.judgements if each.rule.id in verdict.rules]
    return ", ".join(unique([f"{rule.id} ({rule.clause})" for rule in own]))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ").replace("*", "\\*")


# ---- JUnit


def as_junit(result: Result) -> str:
    """Return a report for what collects test results."""
    failures = sum(each.outcome is Outcome.DEVIATES for each in result.verdicts)
    skipped = sum(each.outcome is Outcome.NOT_OBSERVABLE for each in result.verdicts)
    suite = ET.Element(
        "testsuite",
        name="sipfsm conformance",
        tests=str(len(result.verdicts)),
        failures=str(failures),
        skipped=str(skipped),
        errors=str(int(bool(result.lost))),
        time=f"{result.seconds:.3f}",
    )
    for verdict in result.verdicts:
        case = ET.SubElement(
            suite, "testcase", classname=result.target, name=verdict.case, time=f"{verdict.seconds:.3f}"
        )
        if verdict.outcome is Outcome.DEVIATES:
            texts = details(verdict)
            failure = ET.SubElement(case, "failure", type=str(verdict.level), message=_clean(texts[0]))
            failure.text = _clean("\n".join(texts))
        elif verdict.outcome is Outcome.NOT_OBSERVABLE:
            ET.SubElement(case, "skipped", message=_clean(verdict.reason))
    if result.lost:
        case = ET.SubElement(suite, "testcase", classname=result.target, name="target")
        ET.SubElement(case, "error", message=_clean(result.lost))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return "".join(character if character >= " " or character in "\t\n" else "?" for character in text)


# ---- JSON


def as_json(result: Result) -> str:
    """Return a report for programs."""
    setting = result.setting
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "sipfsm": __version__,
        "target": result.target,
        "plays": {
            "registrar": bool(setting and setting.registrar),
            "proxy": bool(setting and setting.proxy),
            "uas": bool(setting and setting.uas),
        },
        "lost": result.lost or None,
        "interrupted": result.interrupted,
        "lost_artifacts": result.last_artifacts,
        "seconds": round(result.seconds, 3),
        "exit_code": result.exit_code,
        "verdicts": [_verdict(each) for each in result.verdicts],
    }
    return json.dumps(report, indent=2) + "\n"


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "case": verdict.case,
        "title": verdict.title,
        "outcome": str(verdict.outcome),
        "level": str(verdict.level),
        "reason": verdict.reason or None,
        "seconds": round(verdict.seconds, 3),
        "response_time": None if verdict.response_time is None else round(verdict.response_time, 6),
        "artifacts": verdict.artifacts,
        "judgements": [_judgement(each) for each in verdict.judgements],
    }


def _judgement(judgement: Judgement) -> dict[str, Any]:
    rule = judgement.rule
    return {
        "rule": rule.id,
        "clause": rule.clause,
        "level": str(rule.level),
        "outcome": str(judgement.outcome),
        "text": judgement.text,
        "time": round(judgement.time, 3),
    }


FORMATS: Mapping[str, Callable[[Result], str]] = {".md": as_markdown, ".xml": as_junit, ".json": as_json}
"""The forms of a report, by the suffix of its file."""
