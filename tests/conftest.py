"""What holds for every test: how long Hypothesis may search, and which run side by side.

``CI=true`` in the environment searches the same examples in each run, so that a red run is about the change
at hand; everywhere else each run tries new ones. No example has a deadline: the machine may have other work.
"""

import os
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
    """

    def _split_scope(self, nodeid: str) -> str:
        return "real programs" if nodeid.startswith("tests/interop/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _RealProgramsTogether:
    """Choose who runs what with `-n`."""
    return _RealProgramsTogether(config, log)
