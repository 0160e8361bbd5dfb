"""A network that loses datagrams: a UDP relay in the test's own process."""

from __future__ import annotations

import random
import selectors
import socket
import threading
from typing import Self

_HOST = "127.0.0.1"


class LossyRelay:
    """Passes datagrams between anyone who sends to `port` and one server, and drops some of them, both ways.

    Each client gets a socket of its own towards the server, as behind a NAT, so answers find their way back.

    :param server: port on loopback.
    :param loss: share of the datagrams to drop, 0 to 1.
    :param seed: of the random numbers that choose them.
    """

    def __init__(self, server: int, *, loss: float, seed: int) -> None:
        self._server = (_HOST, server)
        self._loss = loss
        self._random = random.Random(seed)
        self._selector = selectors.DefaultSelector()
        self._front = self._open()
        self._upstream: dict[tuple[str, int], socket.socket] = {}
        self.port: int = self._front.getsockname()[1]
        self.passed = 0
        self.dropped = 0
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name=f"lossy relay {self.port}")

    def _open(self) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((_HOST, 0))
        self._selector.register(opened, selectors.EVENT_READ)
        return opened

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._woken:
                    return
                assert isinstance(key.fileobj, socket.socket)
                self._pass(key.fileobj, key.data)

    def _pass(self, source: socket.socket, client: tuple[str, int] | None) -> None:
        try:
            data, sender = source.recvfrom(65_535)
        except ConnectionError:  # an ICMP message about a datagram sent earlier: the network lost it
            return
        if self._random.random() < self._loss:
            self.dropped += 1
            return
        self.passed += 1
        if client is not None:
            self._front.sendto(data, client)
            return
        if sender not in self._upstream:
            self._upstream[sender] = upstream = self._open()
            self._selector.modify(upstream, selectors.EVENT_READ, sender)
        self._upstream[sender].sendto(data, self._server)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._wake.send(b"x")
        self._thread.join(5)
        for opened in (self._front, self._wake, self._woken, *self._upstream.values()):
            opened.close()
        self._selector.close()
