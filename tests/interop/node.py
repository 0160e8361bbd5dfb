"""Node, with the packages of `tests/node`: programs nobody here wrote that read what we generate."""

from __future__ import annotations

import fcntl
import json
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "node"
_MODULES = FOLDER / "node_modules"
_LOCK = FOLDER / "package-lock.json"


def install() -> None:
    """Install the packages that `tests/node/package-lock.json` names, if they are not there.

    :raises AssertionError: they cannot be installed; the text is what npm said.
    """
    with (FOLDER / "package.json").open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # tests may run side by side
        done = _MODULES / ".package-lock.json"
        if done.exists() and done.stat().st_mtime >= _LOCK.stat().st_mtime:
            return
        command = ["npm", "ci", "--loglevel=error"]
        installed = subprocess.run(
            command, cwd=FOLDER, check=False, capture_output=True, text=True, timeout=300
        )
        assert installed.returncode == 0, f"npm ci in {FOLDER}: {installed.stderr}"
        done.touch()


def run(script: str, task: Any) -> Any:
    """Give a script of `tests/node` a task, and return what it answers; both are JSON.

    :raises AssertionError: the script failed; the text is what it said.
    """
    install()
    done = subprocess.run(
        ["node", str(FOLDER / script)],
        check=False,
        input=json.dumps(task),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
