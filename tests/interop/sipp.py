"""SIPp (Debian `sip-tester`): start it with a scenario of ours, wait for its exit, read its trace."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.interop.process import Program, ProgramError, free_port, is_bound, until
from tests.interop.server import in_brackets

SCENARIOS = Path(__file__).parent / "scenarios"
_BUFFER = 4 * 1024 * 1024
_SEPARATOR = re.compile(r"^-{20,} \d{4}-\d\d-\d\d.*$", re.MULTILINE)
_HEADING = re.compile(r"^(?:UDP|TCP) message (sent|received) ?[^\n]*:\n\n(.*)\Z", re.DOTALL | re.MULTILINE)


class Traced(NamedTuple):
    """One message of SIPp's trace."""

    sent: bool
    text: str

    @property
    def start_line(self) -> str:
        """Request line or status line."""
        return self.text.partition("\n")[0].strip()

    def header(self, name: str) -> list[str]:
        """The values of every line of that header field, in their order; `name` without regard to case."""
        lines = (line.partition(":") for line in self.text.partition("\n\n")[0].splitlines()[1:])
        return [value.strip() for key, _, value in lines if key.strip().lower() == name.lower()]


@dataclass(frozen=True)
class Result:
    """What a finished SIPp counted."""

    created: int
    successful: int
    failed: int
    retransmissions: int
    seconds: float


class Sipp(Program):
    """One SIPp process, running one scenario of `scenarios/`.

    :param scenario: the file's name without `.xml`.
    :param remote: port of the server that messages go to; None for a scenario that waits for calls.
    :param host: its own address, and the server's.
    :param calls: ends after so many calls.
    :param rate: new calls a second.
    :param limit: most calls open at once.
    :param deadline: seconds after which SIPp gives up and fails.
    :param keys: values of the `[words]` of our own that the scenario uses.
    :param trace: keep every message for `messages()`; off for load.
    """

    def __init__(
        self,
        scenario: str,
        folder: Path,
        *,
        remote: int | None = None,
        port: int | None = None,
        host: str = "127.0.0.1",
        protocol: str = "udp",
        calls: int = 1,
        rate: float = 10,
        limit: int | None = None,
        deadline: float = 20,
        keys: dict[str, str | int] | None = None,
        trace: bool = True,
        core: int | None = None,
        extra: Sequence[str] = (),
    ) -> None:
        self.port = port or free_port()
        self.scenario = scenario
        self.folder = folder
        name = f"{scenario}-{self.port}"
        self._messages, self._errors, self._statistics = (
            folder / f"{name}.{kind}" for kind in ("messages", "errors", "csv")
        )
        per_second = max(1, round(rate))
        argv = ["sipp", "-nostdin", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-m", str(calls)]
        media = free_port(neighbours=2)  # video gets the one that is two above
        argv += ["-i", host, "-bind_local", "-p", str(self.port), "-mi", host, "-mp", str(media)]
        argv += ["-t", "t1" if protocol == "tcp" else "u1", "-buff_size", str(_BUFFER)]
        argv += [
            "-r",
            str(per_second),
            "-rp",
            str(round(1000 * per_second / rate)),
            "-l",
            str(limit or calls),
        ]
        argv += [
            "-timeout",
            f"{deadline:g}",
            "-timeout_error",
            "-trace_err",
            "-error_file",
            str(self._errors),
        ]
        argv += ["-trace_stat", "-stf", str(self._statistics), "-fd", "1"]
        if trace:
            argv += ["-trace_msg", "-message_file", str(self._messages)]
        for key, value in (keys or {}).items():
            argv += ["-key", key, str(value)]
        argv += extra
        if remote is not None:
            argv.append(f"{in_brackets(host)}:{remote}")
        super().__init__(argv, folder / f"{name}.log", cwd=folder, core=core)
        self._deadline = deadline
        self._protocol = protocol

    def wait_ready(self) -> None:
        """Wait until its port is open: a callee must not miss the first message."""
        until(
            lambda: self.exit_code is not None or is_bound(self.port, self._protocol),
            10,
            f"SIPp {self.scenario} to open its port",
        )

    def finish(self) -> Result:
        """Wait for the end, and demand that every call ran through its scenario.

        :raises ProgramError: with SIPp's error file and last messages.
        """
        code = self.wait(self._deadline + 10)
        if code != 0:
            raise ProgramError(f"SIPp {self.scenario} ended with {code}\n{self.evidence()}")
        return self.result()

    def result(self) -> Result:
        """The counters in the last line of its statistics file.

        :raises ProgramError: when SIPp ended before it wrote one.
        """
        row = self.progress()
        if row is None:
            raise ProgramError(f"SIPp {self.scenario} left no statistics\n{self.evidence()}")
        started, now = (float(row[column].split()[-1]) for column in ("StartTime", "CurrentTime"))
        return Result(
            created=int(row["TotalCallCreated"]),
            successful=int(row["SuccessfulCall(C)"]),
            failed=int(row["FailedCall(C)"]),
            retransmissions=int(row["Retransmissions(C)"]),
            seconds=now - started,
        )

    def progress(self) -> dict[str, str] | None:
        """The newest line of the statistics that SIPp writes each second; None before the first."""
        if not self._statistics.exists():
            return None
        with self._statistics.open(newline="") as lines:
            rows = [row for row in csv.DictReader(lines, delimiter=";") if row.get("Retransmissions(C)")]
        return rows[-1] if rows else None

    def messages(self) -> list[Traced]:
        """Every message it sent and received so far, oldest first."""
        if not self._messages.exists():
            return []
        text = self._messages.read_text(errors="replace").replace("\r\n", "\n")
        found = (_HEADING.search(part) for part in _SEPARATOR.split(text))
        return [Traced(match[1] == "sent", match[2].strip() + "\n") for match in found if match]

    def received(self, start: str) -> list[Traced]:
        """The messages received whose start line begins so, for example "BYE" or "SIP/2.0 200"."""
        return [
            message
            for message in self.messages()
            if not message.sent and message.start_line.startswith(start)
        ]

    def evidence(self) -> str:
        """What to show when a test fails: the errors, the end of the trace, the end of the output."""
        errors = self._errors.read_text(errors="replace")[-4000:] if self._errors.exists() else "none"
        trace = "\n".join(
            f"{'->' if message.sent else '<-'} {message.text}" for message in self.messages()[-12:]
        )
        title = f"=== SIPp {self.scenario}, port {self.port}"
        return f"{title}: errors\n{errors}\n{title}: trace\n{trace}\n{self.tail(15)}"
