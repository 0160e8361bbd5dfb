"""The examples of the guide run as they are shown."""

import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "test-with-a-simulated-network.md"


@pytest.mark.slow
def test_the_example_can_be_saved_and_run(tmp_path: Path) -> None:
    _, _, rest = GUIDE.read_text().partition("```python\n")
    file = tmp_path / "test_calls.py"
    file.write_text(rest.partition("```")[0])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
