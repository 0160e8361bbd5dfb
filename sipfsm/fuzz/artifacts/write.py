"""Writing the artifacts of a run into a folder."""

from __future__ import annotations

import re
from pathlib import Path

from sipfsm.fuzz.artifacts.capture import write_capture
from sipfsm.fuzz.artifacts.reproduction import UnwritableError, as_test
from sipfsm.fuzz.artifacts.scenario import ScenarioError, scenarios
from sipfsm.fuzz.report.lines import deviations
from sipfsm.fuzz.runner import Result


def write_artifacts(result: Result, folder: Path) -> None:
    """Write each deviation of a run once: ``RULE-CASE.pcap``, ``.py`` and ``-PLAYER.xml``.

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
        write_capture(recording, capture, stream=result.protocol != "udp")
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
