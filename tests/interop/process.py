"""Programs that a test starts, watches and always stops; and what `/proc` says about them.

The interoperability tests and the benchmark share this module. Nothing here knows SIP.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

_T = TypeVar("_T")

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK_EVERY = 0.02
"""Seconds between two looks at something that cannot wake us, such as another program's log file."""


class ProgramError(AssertionError):
    """A program did not do what the test needs; the text carries the tail of its log."""


def until(look: Callable[[], _T | None], deadline: float, what: str, *, every: float = _LOOK_EVERY) -> _T:
    """Look again and again until the answer is neither None nor False, and return it.

    This is the only place where a test waits on the clock: for another program's log, file or counter, which
    cannot wake us.

    :param deadline: seconds from now.
    :param every: seconds between two looks.
    :raises ProgramError: naming `what` was waited for, when the deadline passes.
    """
    end = time.monotonic() + deadline
    while True:
        answer = look()
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > end:
            raise ProgramError(f"waited {deadline:g} s in vain for {what}")
        time.sleep(every)


_handed_out: set[int] = set()
_PORTS = range(10_000, 20_000)
"""Ports to hand out: below those that Linux gives to whoever connects or binds without naming one (32768 and
up, `net.ipv4.ip_local_port_range`), so that none is taken between being found free and being bound, and apart
from those of media (20000 and up in `baresip.py`)."""


def free_port(host: str = "127.0.0.1", *, neighbours: int = 0) -> int:
    """A port that is free for UDP and for TCP at this moment, and that this run has not handed out before.

    :param neighbours: so many of the ports that follow are free, too, and taken with it.
    """
    while True:
        # By chance, so that two runs side by side do not look at the same port at the same time.
        first = random.choice(_PORTS)
        ports = range(first, first + neighbours + 1)
        if _handed_out.isdisjoint(ports) and all(_is_free(host, port) for port in ports):
            _handed_out.update(ports)
            return first


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _is_free(host: str, port: int) -> bool:
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(_family(host), kind) as tried:
                tried.bind((host, port))
    except (OSError, OverflowError):
        return False
    return True


class Program:
    """One running program with its output in a log file.

    :param core: the processor to pin it to; None leaves the choice to the kernel.
    """

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        *,
        cwd: Path | None = None,
        environment: dict[str, str] | None = None,
        core: int | None = None,
    ) -> None:
        self.argv = list(argv) if core is None else ["taskset", "-c", str(core), *argv]
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=os.environ | (environment or {}),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process number; also the number of its process group and session."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._process.poll()

    def wait(self, deadline: float) -> int:
        """Wait for its end and return its exit code.

        :raises ProgramError: when it still runs after `deadline` seconds.
        """
        try:
            return self._process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise ProgramError(f"{self.argv[0]} still runs after {deadline:g} s\n{self.tail()}") from None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        self._process.send_signal(number)

    def stop(self, deadline: float = 5.0) -> int:
        """SIGTERM, then SIGKILL for it and everything it started; returns its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(deadline)
        return self.kill()

    def kill(self) -> int:
        """SIGKILL for it and for everything it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def evidence(self) -> str:
        """What to show of it when the test fails."""
        return self.tail()

    def tail(self, lines: int = 40) -> str:
        """The last lines of its log, under a heading."""
        text = self.log.read_text(errors="replace").split("\n")[-lines:] if self.log.exists() else []
        return "\n".join([f"--- {self.log} (last {len(text)} lines)", *text])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()


def tree(pid: int) -> list[int]:
    """The process and all its living descendants."""
    found = [pid]
    for parent in found:  # grows while we walk it: breadth first
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time, user and system, of the process and its descendants so far, the ended ones included."""
    ticks = 0
    for member in tree(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks += sum(int(field) for field in fields[11:15])  # utime, stime, cutime, cstime: proc(5)
    return ticks / _CLOCK_TICKS


def memory(pid: int) -> int:
    """Resident bytes of the process and its descendants; a page of n processes counts 1/n each (PSS)."""
    total = 0
    for member in tree(pid):
        try:
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024


def peak_memory(pid: int) -> int:
    """The most bytes that the process itself (no descendants) ever had resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ProgramError(f"process {pid} has no VmHWM line")


def is_bound(port: int, protocol: str = "udp") -> bool:
    """Whether some program on this machine waits for messages at that port; "udp" or "tcp"."""
    listening = {"udp": "07", "tcp": "0A"}[protocol]  # the state that the kernel's table gives such a socket
    for table in (Path(f"/proc/net/{protocol}"), Path(f"/proc/net/{protocol}6")):
        for line in table.read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == listening and int(local.rpartition(":")[2], 16) == port:
                return True
    return False
