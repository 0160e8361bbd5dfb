"""The floor: a relay under Trio that passes datagrams on and looks into none of them.

What it costs is what no SIP proxy in Python can go below: the system calls and Trio's wake-ups. It is
drained as sipfsm's own UDP sockets are: one wait until a socket is readable, then plain non-blocking calls
until it is empty.

Run as `python -m tests.bench.relay PORT CALLEE`: what the caller sends goes to the callee, and back.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable

import trio

_HOST = "127.0.0.1"
_BUFFER = 4 * 1024 * 1024
_BATCH = 64
"""Datagrams between two checkpoints, so that one busy socket does not starve the other."""


def _open(port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        opened.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
    opened.bind((_HOST, port))
    opened.setblocking(False)
    return opened


class Relay:
    """Two sockets: one that the caller knows, one that the callee sees."""

    def __init__(self, port: int, callee: int) -> None:
        self._near, self._far = _open(port), _open(0)
        self._callee = (_HOST, callee)
        self._caller: tuple[str, int] | None = None

    async def run(self) -> None:
        """Relay until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._drain, self._near, self._from_caller)
            nursery.start_soon(self._drain, self._far, self._from_callee)

    async def _drain(self, source: socket.socket, deliver: Callable[[bytes, tuple[str, int]], None]) -> None:
        while True:
            await trio.lowlevel.wait_readable(source)
            for _ in range(_BATCH):
                try:
                    data, sender = source.recvfrom(65_535)
                    deliver(data, sender)
                except BlockingIOError:  # all read; or the send buffer is full, and the datagram lost
                    break
                except ConnectionRefusedError:  # one that we sent earlier found nobody
                    continue

    def _from_caller(self, data: bytes, sender: tuple[str, int]) -> None:
        self._caller = sender
        self._far.sendto(data, self._callee)

    def _from_callee(self, data: bytes, _: tuple[str, int]) -> None:
        if self._caller is not None:
            self._near.sendto(data, self._caller)


if __name__ == "__main__":
    trio.run(Relay(int(sys.argv[1]), int(sys.argv[2])).run)
