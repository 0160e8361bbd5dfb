"""Writing the artifacts of a run into a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sipfsm.fuzz.artifacts.capture import write_capture
from sipfsm.fuzz.artifacts.reproduction import UnwritableError, as_test, as_test_of_life
from sipfsm.fuzz.artifacts.scenario import ScenarioError, scenarios
from sipfsm.fuzz.report.lines import deviations
from sipfsm.fuzz.runner import Result

MOST_SUSPECTS = 12
"""Of how many cases that were played when the target was lost a test is written."""


def write_artifacts(result: Result, folder: Path) -> None:
    """Write each deviation of a run once: ``RULE-CASE.pcap``, ``.py`` and ``-PLAYER.xml``.

    If the target was lost, ``lost.pcap`` has what was on the wire then, and ``test_lost_1.py`` and so on play
    each case of that and ask whether the server still answers, the likeliest culprit first.

    What cannot be told to SIPp, or to a test without sipfsm, is left out; the capture is always there. The
    names of the files are added to the verdicts.

    Raises:
        OSError: the folder or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for verdict, judgement in deviations(result):
        recording = result.recordings[verdict.case]
        stem = re.sub(r"\W+", "_", f"{judgement.rule.id}_{verdict.case}".lower())
        capture = folder / f"{stem}.pcap"
        write_capture([recording], capture, stream=result.protocol != "udp")
        written = [capture]
        test = folder / f"test_{stem}.py"
        try:
            test.write_text(as_test(recording, judgement, result, capture.name), encoding="utf-8")
            written.append(test)
        except UnwritableError:
            pass
        try:
            for who, text in scenarios(recording, judgement, result).items():
                path = folder / f"{stem}-{who}.xml"
                path.write_text(text, encoding="utf-8")
                written.append(path)
        except ScenarioError:
            pass
        verdict.artifacts.extend(str(path) for path in written)
    result.last_artifacts.extend(map(str, _write_last(result, folder)))


def _write_last(result: Result, folder: Path) -> Iterator[Path]:
    if not result.last:
        return
    capture = folder / "lost.pcap"
    write_capture(result.last, capture, stream=result.protocol != "udp")
    yield capture
    for number, recording in enumerate(result.last[:MOST_SUSPECTS], start=1):
        try:
            text = as_test_of_life(recording, result, capture.name)
        except UnwritableError:
            return
        path = folder / f"test_lost_{number}.py"
        path.write_text(text, encoding="utf-8")
        yield path
