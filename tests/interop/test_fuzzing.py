"""`sipfsm fuzz`: generated sequences find faults that were planted, shrink them, and invent none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import trio

from sipfsm.fsm import Timing
from sipfsm.fuzz.artifacts import write_artifacts
from sipfsm.fuzz.campaign import Campaign, Plan, run_fuzz
from sipfsm.fuzz.player import Pace
from sipfsm.fuzz.player.play import Table
from sipfsm.fuzz.runner import Result
from sipfsm.fuzz.script import Send
from sipfsm.fuzz.target import find_target
from tests.interop.faulty import FaultyServer
from tests.interop.judging import broken, sentences
from tests.interop.laboratory import Laboratory

T1 = 0.1
GUIDE = Path(__file__).resolve().parents[2] / "docs/how-to/use-the-strategies.md"


def fuzz(port: int, *, seed: int = 3261, examples: int = 60, seconds: float | None = None) -> Result:
    table = Table(find_target(f"sip:127.0.0.1:{port}"), Pace(400), Timing(t1=T1))
    return trio.run(run_fuzz, table, "sipfsm", None, Plan(examples, seconds, seed))


@pytest.mark.slow
def test_no_deviation_of_sipfsm_is_invented(laboratory: Laboratory) -> None:
    server = laboratory.server(options=["--t1", f"{T1:g}"])
    result = fuzz(server.port)
    assert not broken(result), sentences(result)
    assert sum(verdict.outcome == "conformant" for verdict in result.verdicts) > 40


@pytest.mark.slow
def test_planted_faults_are_found_and_shrunk(tmp_path: Path) -> None:
    with FaultyServer(tmp_path, "another-response", "ack-branch", t1=T1) as server:
        result = fuzz(server.port, examples=40)
    found = broken(result)
    assert {"IST-08", "ICT-06"} <= found, sentences(result)
    assert found <= {"IST-08", "NIST-15", "ICT-06", "ICT-10", "ICT-13", "ack-via", "IST-09"}, sentences(
        result
    )
    script = result.recordings["IST-08"].script
    requests = [step.message.split()[0] for step in script.steps if isinstance(step, Send)]
    assert requests.count(b"INVITE") == 2, "the call and its copy"
    assert script.messages <= 5, script
    write_artifacts(result, tmp_path / "artifacts")
    assert {path.suffix for path in (tmp_path / "artifacts").iterdir()} >= {".pcap", ".py", ".xml"}


@pytest.mark.slow
def test_the_example_of_the_documentation(laboratory: Laboratory, tmp_path: Path) -> None:
    server = laboratory.server(options=["--t1", f"{T1:g}"])
    example = GUIDE.read_text().rpartition("```python\n")[2].partition("```")[0]
    example = example.replace("127.0.0.1:5060", f"127.0.0.1:{server.port}").replace(
        "Timing()", f"Timing(t1={T1})"
    )
    (tmp_path / "test_proxy.py").write_text(example)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_proxy.py"]
    ran = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100)
    assert "1 passed" in ran.stdout, ran.stdout


@pytest.mark.slow
def test_the_time_is_up(laboratory: Laboratory) -> None:
    server = laboratory.server(options=["--t1", f"{T1:g}"])
    result = fuzz(server.port, examples=100_000, seconds=3)
    assert not result.lost
    assert result.seconds < 30


@pytest.mark.slow
def test_a_target_that_dies_is_lost(tmp_path: Path) -> None:
    server = FaultyServer(tmp_path, t1=T1)

    def kill(_: Campaign) -> None:
        server.kill()

    async def main() -> Result:
        table = Table(find_target(f"sip:127.0.0.1:{server.port}"), Pace(400), Timing(t1=T1))
        return await run_fuzz(table, "sipfsm", None, Plan(60, None, 1), kill)

    result = trio.run(main)
    assert "does not answer any more" in result.lost
    assert "seed 1" in result.lost
    assert result.exit_code == 3
    assert result.verdicts, "what was seen until then is told"
