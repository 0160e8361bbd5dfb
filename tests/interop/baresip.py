"""baresip (Debian `baresip`): a phone without a sound device, driven over its own control interface."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

from tests.interop.process import Program, ProgramError, free_port, until

_MODULES = Path("/usr/lib/baresip/modules")
_HOST = "127.0.0.1"

_CONFIGURATION = """\
poll_method epoll
sip_listen {host}:{sip}
net_interface {host}
ctrl_tcp_listen {host}:{control}
module_path {modules}
module g711.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
module_app debug_cmd.so
module ausine.so
module aubridge.so
audio_source ausine,440
ausrc_srate 48000
ausrc_channels 2
audio_player aubridge,speaker
audio_alert aubridge,alert
rtp_ports 20000-29999
"""


class Baresip(Program):
    """One phone, registered at the proxy as `sip:USER@127.0.0.1:PROXY` there.

    It plays a sine tone into the call and throws away what it hears. (The tone exists in 48 kHz stereo only;
    baresip makes of it what the codec needs.)

    :param proxy: port on loopback of its registrar and outbound proxy.
    :param protocol: "udp" or "tcp", for its SIP.
    :param answers: False lets it ring.
    """

    def __init__(
        self, folder: Path, user: str, proxy: int, *, protocol: str = "udp", answers: bool = True
    ) -> None:
        home = folder / user
        home.mkdir()
        self.aor = f"sip:{user}@{_HOST}:{proxy}"
        self.sip, control = free_port(neighbours=1), free_port()  # SIP over TLS gets the next one
        (home / "config").write_text(
            _CONFIGURATION.format(host=_HOST, sip=self.sip, control=control, modules=_MODULES)
        )
        (home / "accounts").write_text(
            f"<{self.aor};transport={protocol}>;regint=60;audio_codecs=PCMU/8000/1;"
            f"answermode={'auto' if answers else 'manual'};"
            f'outbound="sip:{_HOST}:{proxy};transport={protocol}"\n'
        )
        (home / "contacts").write_text("")
        super().__init__(["baresip", "-f", str(home), "-v"], folder / f"{user}.log", cwd=home)
        self._buffer = b""
        self.events: list[dict[str, Any]] = []
        try:
            self._control = until(lambda: self._connect(control), 10, f"the control port of baresip {user}")
        except BaseException:
            self.kill()
            raise

    def _connect(self, port: int) -> socket.socket | None:
        if self.exit_code is not None:
            raise ProgramError(f"baresip ended with {self.exit_code}\n{self.tail()}")
        try:
            return socket.create_connection((_HOST, port), timeout=5)
        except ConnectionRefusedError:
            return None

    def command(self, command: str, parameters: str = "") -> str:
        """Give one command of baresip's menu, and return what it printed."""
        text = json.dumps({"command": command, "params": parameters, "token": "test"}).encode()
        self._control.sendall(b"%d:%s," % (len(text), text))
        while True:
            answer = self._receive()
            if answer.get("response"):
                return str(answer["data"])
            self.events.append(answer)

    def wait_registered(self, deadline: float = 10.0) -> None:
        """Wait until its registrar answered 200 to the REGISTER that it sends by itself when it starts."""
        until(lambda: "OK" in self.command("reginfo"), deadline, f"the registration of {self.aor}")

    def audio_packets(self) -> tuple[int, int]:
        """RTP packets sent and received in the current call, by its own count; (0, 0) before the first."""
        text = self.command("audio_debug")
        sent, received = (re.search(pattern, text) for pattern in (r"TX: packets=(\d+)", r"rcvd=(\d+)"))
        return (int(sent[1]), int(received[1])) if sent and received else (0, 0)

    def wait_event(self, kind: str, deadline: float = 10.0) -> dict[str, Any]:
        """Wait for an event of that type ("REGISTER_OK", "CALL_ESTABLISHED", ...) and take it.

        :raises TimeoutError: when none comes for `deadline` seconds.
        """
        self._control.settimeout(deadline)
        while True:
            for number, event in enumerate(self.events):
                if event.get("type") == kind:
                    return self.events.pop(number)
            self.events.append(self._receive())

    def _receive(self) -> dict[str, Any]:
        """The next netstring from the control interface: the length, a colon, JSON, a comma."""
        while True:
            length, colon, rest = self._buffer.partition(b":")
            if colon and len(rest) > int(length):
                text, self._buffer = rest[: int(length)], rest[int(length) + 1 :]
                received: dict[str, Any] = json.loads(text)
                return received
            data = self._control.recv(65_536)
            if not data:
                raise ConnectionError(f"baresip closed its control connection\n{self.tail()}")
            self._buffer += data

    def kill(self) -> int:
        """Close the control connection and end it."""
        if hasattr(self, "_control"):
            self._control.close()
        return super().kill()
