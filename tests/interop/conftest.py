"""Gives each test a laboratory, and shows what its programs say when it fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.interop.laboratory import Laboratory


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Laboratory]:
    opened = Laboratory(tmp_path)
    yield opened
    opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show the traces and logs of all programs beside a failure."""
    report: Any = yield
    opened = getattr(item, "funcargs", {}).get("laboratory")
    if report.failed and isinstance(opened, Laboratory):
        report.sections += [(f"program {program.argv[0]}", program.evidence()) for program in opened.programs]
    return report


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("interop")
