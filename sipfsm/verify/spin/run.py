"""Running SPIN: Promela in; a verdict, the number of states and the counterexample out.

`spin -a` writes a verifier in C, gcc compiles it, and the verifier searches: breadth first, so that a
counterexample is a shortest one, or depth first for runs without an end. All of it happens in a temporary
folder, within limits of time and memory.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

INSTALL = "apt install spin gcc libc6-dev"
"""What installs the programs that are needed, on Debian and its kin."""

_SHORTEST = ("-DBFS", "-DSAFETY")
"""Breadth first: the first counterexample is a shortest one."""
_QUICKEST = ("-DSAFETY",)
"""Depth first: what is within an ``atomic`` needs no room."""
_CIRCLES = ("-DCIRCLES",)
_ENDLESS = ("-DNOSTUTTER",)
"""Depth first: what stops is no run without an end, though SPIN would have it stand still for ever."""
_STORED = re.compile(r"^\s*([\d.e+]+) states, stored", re.MULTILINE)
_TRANSITIONS = re.compile(r"^\s*([\d.e+]+) transitions \(= (?:stored|visited)\+matched\)", re.MULTILINE)
_NOMINAL = re.compile(r"^\s*([\d.e+]+) nominal states", re.MULTILINE)
_WITHIN = re.compile(r"^\s*([\d.e+]+) atomic steps", re.MULTILINE)
"""Breadth first SPIN stores states within an ``atomic`` as well, and says how many there are without them."""
_DEPTH = re.compile(r"depth reached (\d+)")
_ERROR = re.compile(
    r"^pan:(\d+): (assertion violated (?P<text>.*?)|acceptance cycle) \(at depth", re.MULTILINE
)
_UNFINISHED = "Search not completed"
"""A warning; it stands there as well when a violation ended the search."""
_CUT = ("max search depth", "out of memory", "memory limit", "Interrupted")
_PRINTED = "@"
VARIANT = "SIPFSM_VARIANT"
"""The environment variable from which a text that has variants reads which one it is to be."""
_LOOK = 0.2
"""Seconds between two looks at whether to stop."""
_DEEPEST = 1_000_000
"""Steps of the longest run that is followed."""


class SpinError(RuntimeError):
    """SPIN could not give a verdict; the text is a sentence that says why and what to do."""


class StoppedError(SpinError):
    """It was stopped, or its time was over, before the search had begun."""


class MissingProgramError(SpinError):
    """A program that is needed is not installed; the text says the command that installs it."""


@dataclass(frozen=True)
class Limits:
    """How much a run may take."""

    seconds: float = 600
    """For everything together: writing the verifier, compiling it and searching."""
    megabytes: int = 2048
    """What the search may keep in memory."""
    stopped: Callable[[], bool] = lambda: False
    """Is asked several times a second whether to stop."""


class _Waiting(NamedTuple):
    """How long programs are waited for."""

    deadline: float
    stopped: Callable[[], bool]

    def wait(self, child: subprocess.Popen[str]) -> str | None:
        """Wait for a program and give what it printed; None if it has to be stopped."""
        while not self.stopped():
            left = self.deadline - time.monotonic()
            if left <= 0:
                break
            try:
                return child.communicate(timeout=min(left, _LOOK))[0]
            except subprocess.TimeoutExpired:
                continue
        return None


class Violation(NamedTuple):
    """A way in which the text does not keep what it asserts."""

    assertion: str | None
    """The assertion that does not hold, as SPIN writes it; None for a run without an end."""
    trail: tuple[str, ...]
    """What the steps of the counterexample print, a line each, without the mark that begins it."""


@dataclass(frozen=True)
class Search:
    """What SPIN found.

    Attributes:
        states: how many states it stored, the initial one included, and none within an ``atomic``.
        transitions: how many steps it took between them.
        depth: how many steps away the farthest of them is.
        complete: whether it saw every state.
        violations: the assertions that do not hold, each once.
        seconds: how long the search took, without writing and compiling the verifier.
    """

    states: int
    transitions: int
    depth: int
    complete: bool
    violations: tuple[Violation, ...]
    seconds: float


def run_spin(
    promela: str,
    limits: Limits | None = None,
    *,
    circles: bool = False,
    quick: bool = False,
    depth_first: bool = False,
) -> Search:
    """Check all assertions of a Promela text in all states that it can reach.

    What the steps print behind the mark ``@`` comes back as the trail of a counterexample. An assertion has
    to stand where it is met once, or each meeting is told.

    Args:
        promela: the text; with `circles` it is read with the name CIRCLES defined.
        limits: how much the run may take.
        circles: look for the first run without an end that passes a label ``accept`` for ever, instead.
        quick: stop at the first violation, and compile without optimizing; for a search that is short.
        depth_first: take less room; a counterexample is none of the shortest then.

    Raises:
        MissingProgramError: spin or gcc is not installed.
        StoppedError: it was stopped, or its time was over, before the search began.
        SpinError: the text is no Promela.
    """
    limits = limits or Limits()
    waiting = _Waiting(time.monotonic() + limits.seconds, limits.stopped)
    options = [
        "-O0" if quick else "-O1",
        f"-DMEMLIM={limits.megabytes}",
        *(_ENDLESS if circles else _QUICKEST if depth_first else _SHORTEST),
    ]
    with _compiled(promela, options, waiting, circles=circles) as folder:
        started = time.monotonic()
        # -n: no list of what was not reached. -E: to stop is no error. -e -c0: go on after an error.
        what = ["-a"] if circles else ["-c1"] if quick else ["-c0", "-e"]
        output, ended = _verifier(["./pan", "-n", "-E", *what, f"-m{_DEEPEST}", "-w20"], folder, waiting)
        return _read(output, folder, ended=ended, seconds=time.monotonic() - started)


def run_variants(promela: str, count: int, limits: Limits | None = None) -> list[bool]:
    """Say of each variant of a Promela text, from 1 on, whether all its assertions hold.

    The text is compiled once; it reads the number of the variant from the environment, from `VARIANT`.

    Raises:
        MissingProgramError: spin or gcc is not installed.
        SpinError: the text is no Promela, or a limit was reached.
    """
    limits = limits or Limits()
    waiting = _Waiting(time.monotonic() + limits.seconds, limits.stopped)
    with _compiled(promela, ["-O0", f"-DMEMLIM={limits.megabytes}", *_SHORTEST], waiting) as folder:
        searches = []
        for number in range(1, count + 1):
            command = ["env", f"{VARIANT}={number}", "./pan", "-n", "-E", "-c1", f"-m{_DEEPEST}", "-w16"]
            output, ended = _verifier(command, folder, waiting)
            search = _read(output, folder, ended=ended, seconds=0, trails=False)
            if not search.complete and not search.violations:
                raise SpinError(f"variant {number} was not searched to its end; allow it more seconds")
            searches.append(not search.violations)
        return searches


@contextmanager
def _compiled(
    promela: str, options: Sequence[str], waiting: _Waiting, *, circles: bool = False
) -> Iterator[Path]:
    """A temporary folder with the verifier of a text in it, named pan."""
    for program in ("spin", "gcc"):
        if shutil.which(program) is None:
            raise MissingProgramError(f"{program} is not installed; install it with: {INSTALL}")
    with tempfile.TemporaryDirectory(prefix="sipfsm-spin-") as name:
        folder = Path(name)
        (folder / "model.pml").write_text(promela, encoding="ascii")
        _tool(["spin", *(_CIRCLES if circles else ()), "-a", "-o3", "model.pml"], folder, waiting)
        _tool(["gcc", "-w", "-DNOREDUCE", "-DNOFAIR", *options, "-o", "pan", "pan.c"], folder, waiting)
        yield folder


def _read(output: str, folder: Path, *, ended: bool, seconds: float, trails: bool = True) -> Search:
    stored, transitions, depth = (each.search(output) for each in (_STORED, _TRANSITIONS, _DEPTH))
    nominal, within = _NOMINAL.search(output), _WITHIN.search(output)
    if stored is None or transitions is None or depth is None:
        raise SpinError(f"SPIN gave no verdict: {_reason(output)}")
    violations = []
    for error in _ERROR.finditer(output):
        numbered = [f"-t{error[1]}"] if (folder / f"model.pml{error[1]}.trail").exists() else ["-t"]
        if not trails:
            violations.append(Violation(error["text"], ()))
            continue
        with _child(["spin", *numbered, "-T", "model.pml"], folder) as child:
            printed = child.communicate()[0]
        trail = (line.strip() for line in printed.splitlines())
        shown = tuple(line.removeprefix(_PRINTED) for line in trail if line.startswith(_PRINTED))
        violations.append(Violation(error["text"] and error["text"].strip(), shown))
    cut = any(word in output for word in _CUT) or (_UNFINISHED in output and not violations)
    return Search(
        states=int(float((nominal or stored)[1])),
        transitions=int(float(transitions[1])) - (int(float(within[1])) if nominal and within else 0),
        depth=int(depth[1]),
        complete=ended and not cut,
        violations=tuple(violations),
        seconds=seconds,
    )


def _tool(command: Sequence[str], folder: Path, waiting: _Waiting) -> None:
    """Run a program that has to succeed."""
    with _child(command, folder) as child:
        output = waiting.wait(child)
        if output is None:
            raise StoppedError(f"{command[0]} did not end in time; allow it more seconds")
    if child.returncode:
        raise SpinError(f"{command[0]} failed: {_reason(output)}")


def _verifier(command: Sequence[str], folder: Path, waiting: _Waiting) -> tuple[str, bool]:
    """Run a verifier until it ends or has to; give what it printed, and whether it ended by itself."""
    with _child(command, folder) as child:
        output = waiting.wait(child)
        if output is not None:
            return output, True
        child.send_signal(signal.SIGINT)  # so that it says how far it came
        try:
            return child.communicate(timeout=10)[0], False
        except subprocess.TimeoutExpired:
            raise SpinError("the verifier does not end; it was killed") from None


def _listen_to_interrupts() -> None:
    """Let a child be interrupted where this program was started with SIGINT ignored, as `&` does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def _child(command: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that does not outlive what waits for it, nor do the programs that it starts."""
    child = subprocess.Popen(  # noqa: S603 - a list of words, none of them from outside
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=_listen_to_interrupts,  # noqa: PLW1509 - it takes no lock
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()


def _reason(output: str) -> str:
    """The line that says what is wrong, if one does."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in lines if "rror" in line), lines[-1] if lines else "it printed nothing")
