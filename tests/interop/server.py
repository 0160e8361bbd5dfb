"""`sipfsm run` as a program of its own: started on free loopback ports, asked for its statistics, stopped."""

from __future__ import annotations

import json
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.interop.process import Program, ProgramError, free_port, until

ROOT = Path(__file__).resolve().parents[2]
START_DEADLINE = 20.0
"""Seconds that a server may take until it answers; generous, for a machine that is busy with other tests."""


def message(*lines: str, body: bytes = b"") -> bytes:
    """A SIP message from its lines, with Content-Length and the empty line added."""
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def request(
    method: str,
    uri: str,
    *fields: str,
    sent_by: str,
    to: str | None = None,
    number: int = 1,
    protocol: str = "UDP",
) -> bytes:
    """A small well-formed request outside dialogs, its branch and Call-ID made of `sent_by` and `number`.

    :param to: what To says; None for the Request-URI.
    """
    return message(
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/{protocol} {sent_by};rport;branch=z9hG4bK{method}{abs(hash(sent_by))}-{number}",
        "Max-Forwards: 70",
        f"From: <sip:probe@{sent_by}>;tag=probe",
        f"To: <{to or uri}>",
        f"Call-ID: probe-{number}@{sent_by}",
        f"CSeq: {number} {method}",
        *fields,
    )


def in_brackets(host: str) -> str:
    """The host as a URI or a Via writes it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


class DatagramPhone:
    """The smallest SIP client over UDP: one request, one answer."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((host, port))
        self._server = f"{in_brackets(host)}:{port}"
        self.sent_by = f"{in_brackets(host)}:{self._socket.getsockname()[1]}"
        self._number = 0

    def ask(self, method: str, to: str | None = None, *, wait: float = 0.5, copies: int = 1) -> str | None:
        """Ask the server something: its final response, or None if `copies` every `wait` seconds got none.

        :param to: what To says; None for the server's own URI.
        """
        self._number += 1
        data = request(method, f"sip:{self._server}", sent_by=self.sent_by, to=to, number=self._number)
        self._socket.settimeout(wait)
        for _ in range(copies):
            try:
                self._socket.send(data)
                while True:
                    answer = self._socket.recv(65_535).decode(errors="replace")
                    if f"CSeq: {self._number} " in answer and not answer.startswith("SIP/2.0 1"):
                        return answer
            except OSError:  # no answer in time, or nobody has the port yet
                continue
        return None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def wait_until_it_answers(program: Program, port: int, host: str = "127.0.0.1") -> None:
    """Wait until OPTIONS over UDP gets an answer, whatever it says.

    :raises ProgramError: when the program ends instead, or stays silent.
    """
    phone = DatagramPhone(port, host)

    def look() -> str | None:
        if program.exit_code is not None:
            raise ProgramError(f"{program.argv} ended with {program.exit_code}\n{program.tail()}")
        return phone.ask("OPTIONS", wait=0.1)

    try:
        until(look, START_DEADLINE, f"an answer to OPTIONS from port {port}\n{program.tail()}")
    finally:
        phone.close()


class Server(Program):
    """A running `sipfsm run` on UDP and TCP of one port.

    :param hosts: loopback addresses to listen on; the first one is asked whether the server is up.
    :param options: further options of the command line.
    :param ready: wait until it answers; False for one that is expected to refuse.
    :param wrapper: what to put in front of `-m sipfsm` in place of nothing, for example a profiler.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        hosts: Sequence[str] = ("127.0.0.1",),
        location: str = "memory",
        log_level: str = "info",
        options: Sequence[str] = (),
        wrapper: Sequence[str] = (),
        core: int | None = None,
        ready: bool = True,
    ) -> None:
        self.port = port or free_port()
        argv = [sys.executable, *wrapper, "-m", "sipfsm", "run"]
        for host in hosts:
            for protocol in ("udp", "tcp"):
                argv += ["--listen", f"{protocol}:{in_brackets(host)}:{self.port}"]
        argv += [
            "--no-auth",
            "--location",
            location,
            "--log-format",
            "json",
            "--log-level",
            log_level,
            *options,
        ]
        # A state folder of its own: a test never touches the locations of the person who runs it.
        environment = {"XDG_STATE_HOME": str(folder), "PYTHONPATH": str(ROOT)}
        log = folder / f"sipfsm-{self.port}{'' if ready else '-refused'}.log"
        super().__init__(argv, log, cwd=folder, environment=environment, core=core)
        try:
            if ready:
                wait_until_it_answers(self, self.port, hosts[0])
        except BaseException:
            self.kill()
            raise

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's lines for that event, oldest first."""
        lines = self.log.read_text(errors="replace").splitlines()
        found = [json.loads(line) for line in lines if f'"{name}"' in line and line.startswith("{")]
        return [line for line in found if line.get("event") == name]

    def statistics(self) -> dict[str, Any]:
        """What the server holds now: the line that it logs on SIGUSR1."""
        known = len(self.events("statistics"))
        self.signal(signal.SIGUSR1)
        newest: list[dict[str, Any]] = until(
            lambda: self.events("statistics")[known:] or None, 5.0, f"a statistics line\n{self.tail()}"
        )
        return newest[-1]

    def terminate(self, number: signal.Signals = signal.SIGTERM, deadline: float = 5.0) -> int:
        """Ask it to drain and end; its exit code.

        :raises ProgramError: when it still runs after `deadline` seconds.
        """
        self.signal(number)
        return self.wait(deadline)
