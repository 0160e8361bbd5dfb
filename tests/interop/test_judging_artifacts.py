"""A deviation can be shown without sipfsm: by a capture, by SIPp, and by a test of the standard library."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sipfsm.fuzz.artifacts import write_artifacts
from sipfsm.fuzz.runner import Result
from tests.interop.faulty import FaultyServer
from tests.interop.judging import chosen, judge
from tests.interop.process import Program, free_port, is_bound, until

FAULTS = ("success-again", "another-response", "no-to-tag")
CASES = ("invite-again-accepted", "invite-again-completed", "max-forwards-0")
WARNING = 0x600000  # as Wireshark numbers its severities

STEMS = {
    "IST-22": "ist_22_invite_again_accepted",
    "IST-08": "ist_08_invite_again_completed",
    "response-to": "response_to_max_forwards_0",
}


class Bad:
    """A server with faults, one without, and what was written about the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "artifacts"
        self.faulty = FaultyServer(folder, *FAULTS)
        self.sound = FaultyServer(folder)
        self.result: Result = judge(f"sip:127.0.0.1:{self.faulty.port}", chosen(*CASES))
        write_artifacts(self.result, self.folder)


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bad]:
    made = Bad(tmp_path_factory.mktemp("bad"))
    yield made
    made.faulty.stop()
    made.sound.stop()


def test_each_deviation_is_written_once(bad: Bad) -> None:
    names = {path.name for path in bad.folder.iterdir()}
    for stem in STEMS.values():
        assert {f"{stem}.pcap", f"test_{stem}.py", f"{stem}-caller.xml"} <= names
    assert len([name for name in names if name.endswith(".pcap")]) == len(STEMS)


def test_the_verdicts_name_the_files(bad: Bad) -> None:
    named = {path for verdict in bad.result.verdicts for path in verdict.artifacts}
    assert named == {str(path) for path in bad.folder.iterdir() if path.suffix != ".log"}


def test_wireshark_reads_the_captures_without_complaint(bad: Bad) -> None:
    for path in sorted(bad.folder.glob("*.pcap")):
        assert methods_that_wireshark_reads(path)


def methods_that_wireshark_reads(path: Path) -> list[str]:
    fields = ("_ws.col.Protocol", "_ws.expert.severity", "_ws.malformed", "sip.Method", "sip.Status-Code")
    argv = ["tshark", "-r", str(path), "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
    argv += ["-T", "fields", *(word for field in fields for word in ("-e", field))]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    methods = []
    for line in shown:
        protocol, complaint, malformed, method, status = line.split("\t")
        assert protocol in {"SIP", "SIP/SDP"}
        # Chat and notes are no complaints: some ports look like a traceroute.
        assert all(int(severity) < WARNING for severity in complaint.split(",") if severity)
        assert not malformed
        assert method or status
        methods.append(method)
    return methods


def pytest_in(folder: Path, server: FaultyServer, *files: str) -> tuple[int, str]:
    argv = [sys.executable, "-I", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", *files]
    environment = os.environ | {"SIP_TARGET": f"127.0.0.1:{server.port}"}
    ended = subprocess.run(
        argv, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=100
    )
    return ended.returncode, ended.stdout


@pytest.mark.slow
def test_the_tests_fail_against_the_server_that_deviates_and_no_other(bad: Bad) -> None:
    files = [f"test_{stem}.py" for stem in STEMS.values()]
    code, said = pytest_in(bad.folder, bad.faulty, *files)
    assert code == 1
    assert f"{len(STEMS)} failed" in said
    assert "AssertionError" in said
    assert "Unplayed" not in said
    code, said = pytest_in(bad.folder, bad.sound, *files)
    assert code == 0, said


def test_the_test_needs_nothing_but_the_standard_library(bad: Bad) -> None:
    for path in bad.folder.glob("test_*.py"):
        imported = {
            line.split()[1].split(".")[0]
            for line in path.read_text().splitlines()
            if line.startswith(("import ", "from "))
        }
        assert imported <= {"__future__", *sys.stdlib_module_names}


def sipp(bad: Bad, name: str, server: FaultyServer) -> int:
    stem, folder = STEMS[name], bad.folder
    own, callee = free_port(), free_port()
    common = ["sipp", "-nostdin", "-i", "127.0.0.1", "-m", "1", "-nr", "-timeout", "20", "-timeout_error"]
    waiting = None
    if (folder / f"{stem}-callee.xml").exists():
        argv = [*common, "-sf", str(folder / f"{stem}-callee.xml"), "-p", str(callee)]
        waiting = Program(argv, folder / "callee.log", cwd=folder)
        until(lambda: is_bound(callee), 10, "the callee's port")
    argv = [*common, "-sf", str(folder / f"{stem}-caller.xml"), "-p", str(own), "-key", "callee"]
    argv += [f"127.0.0.1:{callee}", f"127.0.0.1:{server.port}"]
    code = Program(argv, folder / "caller.log", cwd=folder).wait(30)
    if waiting is not None:
        waiting.stop()
    return code


@pytest.mark.slow
@pytest.mark.parametrize("name", STEMS)
def test_sipp_fails_against_the_server_that_deviates_and_no_other(bad: Bad, name: str) -> None:
    for path in bad.folder.glob(f"{STEMS[name]}-*.xml"):
        ET.parse(path)
    assert sipp(bad, name, bad.faulty) == 1
    assert sipp(bad, name, bad.sound) == 0


@pytest.mark.slow
def test_what_was_sent_last_is_kept_when_the_server_dies(tmp_path: Path) -> None:
    mortal, sound = FaultyServer(tmp_path, "dies", t1=0.1), FaultyServer(tmp_path, t1=0.1)
    result = judge(f"sip:127.0.0.1:{mortal.port}", chosen("max-forwards-0", "proxy-require"), t1=0.1)
    folder = tmp_path / "artifacts"
    write_artifacts(result, folder)
    assert "does not answer any more" in result.lost
    tests = sorted(folder.glob("test_lost_*.py"))
    assert result.last_artifacts == [str(path) for path in (folder / "lost.pcap", *tests)]
    assert "MESSAGE" in methods_that_wireshark_reads(folder / "lost.pcap")
    (culprit,) = (path.name for path in tests if "Proxy-Require" in path.read_text().rpartition("def ")[2])
    code, said = pytest_in(folder, sound, *(path.name for path in tests))
    assert code == 0, said
    again = FaultyServer(tmp_path, "dies", t1=0.1)
    code, said = pytest_in(folder, again, culprit)
    assert code == 1
    assert "the server does not answer any more" in said
    assert mortal.wait(5) == again.wait(5) == 1
    sound.stop()
