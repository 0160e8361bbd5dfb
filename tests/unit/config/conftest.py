"""No test of the configuration sees the environment or the home folder of the person who runs it."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without settings, and a state folder of the test's own."""
    for name in os.environ:
        if name.upper().startswith("SIPFSM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
