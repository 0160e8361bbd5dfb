"""Reports of a run: for people, for trackers of test results, for programs."""

from sipfsm.fuzz.report.files import FORMATS, write_report
from sipfsm.fuzz.report.lines import summary, verdict_line

__all__ = ["FORMATS", "summary", "verdict_line", "write_report"]
