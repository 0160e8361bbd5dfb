"""What holds for every test: how long Hypothesis may search, and which run side by side.

``CI=true`` in the environment searches the same examples in each run, so that a red run is about the change
at hand; everywhere else each run tries new ones. No example has a deadline: the machine may have other work.
"""

import os
import sys
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it has no types

settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


class _RealProgramsTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each process one test at a time, but all tests with real programs to the same one.

    They mostly wait, so that the other process finds the machine nearly idle, and never disturb each other.
    Tests that look at one exploration stay together, too, so that it is made once.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/interop/"):
            return "real programs"
        return nodeid.partition("::")[0] if nodeid.startswith(_EXPLORERS) else nodeid


_EXPLORERS = ("tests/models/test_findings.py", "tests/models/test_races.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Leave a long test out of coverage if it says so: smaller ones pass the same lines.

    The mark of pytest-cov does nothing in a process of xdist, which coverage starts in as well.
    """
    tracer = sys.gettrace()
    if item.get_closest_marker("untraced") is not None:
        sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _RealProgramsTogether:
    """Choose who runs what with `-n`."""
    return _RealProgramsTogether(config, log)
