"""The laboratory of the interoperability tests: programs on free loopback ports that end with the test.

`SIPFSM_INTEROP_PROXY=kamailio` runs the same tests against Kamailio. That is how to tell a mistake in a test
from one in sipfsm; tests of what only sipfsm promises are skipped then.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.interop.baresip import Baresip
from tests.interop.kamailio import Kamailio
from tests.interop.process import Program, free_port
from tests.interop.server import Server
from tests.interop.sipp import Sipp

_P = TypeVar("_P", bound=Program)
_KAMAILIO = os.environ.get("SIPFSM_INTEROP_PROXY") == "kamailio"


class Laboratory:
    """Starts programs, and keeps them until `close`.

    :param folder: where they write their logs, traces and databases.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs: list[Program] = []

    def keep(self, program: _P) -> _P:
        """Stop that program at the end, and show its evidence if the test fails."""
        self.programs.append(program)
        return program

    def server(self, **settings: Any) -> Server:
        """Start sipfsm; takes what `Server` takes."""
        if _KAMAILIO:
            pytest.skip("asks for what only sipfsm promises")
        return self.keep(Server(self.folder, **settings))

    def proxy(self, *, t1: float | None = None) -> Server | Kamailio:
        """Start the proxy under test, on UDP and TCP of 127.0.0.1.

        :param t1: RFC 3261 T1 in seconds; a callee that stays silent is given up after 64 of it.
        """
        if _KAMAILIO:
            return self.keep(Kamailio(self.folder, no_answer=64 * (t1 or 0.5)))
        return self.server(options=[] if t1 is None else ["--t1", f"{t1:g}"])

    def callee(
        self, scenario: str, *, port: int | None = None, contact_port: int | None = None, **settings: Any
    ) -> Sipp:
        """Start a SIPp that waits for calls, and wait until it can.

        :param contact_port: what its Contact says, when a relay stands before it.
        """
        port = port or free_port()
        keys = {"contact_port": contact_port or port} | settings.pop("keys", {})
        phone = self.keep(Sipp(scenario, self.folder, port=port, keys=keys, **settings))
        phone.wait_ready()
        return phone

    def caller(self, scenario: str, remote: int, target: str, **settings: Any) -> Sipp:
        """Start a SIPp that calls `target` through the proxy at that port."""
        return self.keep(Sipp(scenario, self.folder, remote=remote, keys={"target": target}, **settings))

    def register(
        self,
        remote: int,
        aor: str,
        contact_port: int,
        *,
        expires: int = 600,
        protocol: str = "udp",
        **settings: Any,
    ) -> None:
        """Let SIPp register a contact on loopback for the AOR, and wait until the registrar accepted it."""
        keys: dict[str, str | int] = {
            "aor": aor,
            "registrar": "sip:" + aor.partition("@")[2],
            "contact_port": contact_port,
            "expires": expires,
        }
        phone = Sipp("uac_register", self.folder, remote=remote, keys=keys, protocol=protocol, **settings)
        self.keep(phone).finish()

    def baresip(self, user: str, proxy: int, **settings: Any) -> Baresip:
        """Start a baresip, registered as that user, and wait for its registration."""
        phone = self.keep(Baresip(self.folder, user, proxy, **settings))
        phone.wait_registered()
        return phone

    def close(self) -> None:
        """Stop everything, the newest first."""
        for program in reversed(self.programs):
            program.stop()
