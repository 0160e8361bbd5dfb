"""What holds for every test: how long Hypothesis may search, and how far; and which may run beside others.

``CI=true`` in the environment searches the same examples in each run, so that a red run is about the change
at hand; everywhere else each run tries new ones. No example has a deadline: the machine may have other work.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one process run all tests with real programs (`-n 2 --dist loadgroup`), one after another.

    They mostly wait, so that the other process finds the machine nearly idle, and never disturb each other.
    """
    for item in items:
        if item.get_closest_marker("interop"):
            item.add_marker(pytest.mark.xdist_group("real-programs"))
