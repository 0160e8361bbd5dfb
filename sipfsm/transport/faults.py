"""Faults of our own: an exception that nobody foresaw must not stop a reader, and must not fill the log."""

import traceback

import structlog

from sipfsm.counters import Counters

log = structlog.get_logger(__name__)

MAX_FAULTS = 1000
"""Places whose faults are remembered; the code has far fewer."""


class FaultLog:
    """Counts every unforeseen exception, and logs the first one of each place in the code with its traceback.

    Only the first, because whoever finds a message that triggers a bug can send it a thousand times a second.
    """

    def __init__(self, counters: Counters):
        self._counters = counters
        self._seen: set[tuple[str, str, int]] = set()

    def report(self, error: Exception, doing: str) -> None:
        """Take note of an exception.

        Args:
            error: what was raised and caught.
            doing: what was being done; the same words each time.
        """
        self._counters.count("faults")
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        place = ("", 0) if last is None else (last.tb_frame.f_code.co_filename, last.tb_lineno)
        key = (type(error).__name__, *place)
        if key in self._seen or len(self._seen) >= MAX_FAULTS:
            return
        self._seen.add(key)
        log.error(
            "fault of our own, please report it",
            doing=doing,
            error=repr(error),
            traceback="".join(traceback.format_exception(error)),
        )
