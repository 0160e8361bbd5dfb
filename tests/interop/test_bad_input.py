"""Nonsense on every listener: the server stays up and small, counts its refusals, and takes the next call."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple

import pytest

from tests.interop.laboratory import Laboratory
from tests.interop.process import memory, until
from tests.interop.server import Server, in_brackets, message, request

MEGABYTE = 1024 * 1024
GROWTH = 32 * MEGABYTE
"""Bytes that the server may grow by under all of a test's nonsense."""

REFUSALS = ("dropped.", "refused.", "connections.refused.", "connections.closed.")
"""How the counters begin that say what was not taken, and why ..."""

TIDY = ("connections.closed.eof", "connections.closed.idle", "connections.closed.stopped")
"""... and those among them that blame nobody."""

HOSTS = ("127.0.0.1", "::1")


class Listener(NamedTuple):
    """Where the nonsense goes."""

    server: Server
    host: str

    def datagram_socket(self) -> socket.socket:
        opened = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_DGRAM)
        opened.connect((self.host, self.server.port))
        return opened

    def connection(self) -> socket.socket:
        return socket.create_connection((self.host, self.server.port), timeout=10)

    def invite(self, protocol: str) -> bytes:
        """A well-formed INVITE for a user that nobody knows."""
        uri = f"sip:nobody@{in_brackets(self.host)}:{self.server.port}"
        contact = f"Contact: <sip:probe@{in_brackets(self.host)}:9>"
        return request("INVITE", uri, contact, sent_by=f"{in_brackets(self.host)}:9", protocol=protocol)


@pytest.fixture(params=HOSTS)
def listener(request: pytest.FixtureRequest, laboratory: Laboratory) -> Iterator[Listener]:
    """A server; and after the test the proof that it is as good as new: its size, calls by UDP and TCP."""
    host: str = request.param
    server = laboratory.server(hosts=HOSTS, options=["--t1", "0.05"])
    _call(laboratory, server, host)  # what is loaded and cached at the first call is no growth
    before, refused = memory(server.pid), _refused(server)
    yield Listener(server, host)
    assert server.exit_code is None
    assert memory(server.pid) < before + GROWTH
    assert _refused(server) > refused, "bad input is counted, with its reason"
    _call(laboratory, server, host)
    assert not server.events("crash")
    assert "Traceback" not in server.log.read_text()


def _refused(server: Server) -> int:
    """How often the server counted that it refused or dropped something."""
    counters: dict[str, int] = server.statistics()["counters"]
    return sum(count for label, count in counters.items() if label.startswith(REFUSALS) and label not in TIDY)


def _call(laboratory: Laboratory, server: Server, host: str) -> None:
    for protocol in ("udp", "tcp"):
        callee = laboratory.callee("uas_call", host=host, protocol=protocol)
        target = f"sip:callee@{in_brackets(host)}:{callee.port};transport={protocol}"
        laboratory.caller("uac_call", server.port, target, host=host, protocol=protocol).finish()
        callee.finish()


def _pour(datagrams: Iterator[bytes], into: socket.socket) -> None:
    """Send them all; what the kernel has no room for is lost, as on any network."""
    for datagram in datagrams:
        try:
            into.send(datagram)
        except ConnectionRefusedError:  # the answer to one of the earlier ones came back unreachable
            continue


def _is_closed_on(opened: socket.socket, chunks: Iterator[bytes]) -> bool:
    """Whether the server closes the connection at these bytes, within the socket's timeout."""
    try:
        for chunk in chunks:
            opened.sendall(chunk)
        while opened.recv(65_536):  # an answer before the end, perhaps
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def test_random_datagrams(listener: Listener) -> None:
    chance = random.Random(3261)
    with listener.datagram_socket() as opened:
        _pour((chance.randbytes(chance.randrange(1500)) for _ in range(3000)), opened)


def test_datagrams_with_a_few_bytes_changed(listener: Listener) -> None:
    chance = random.Random(6026)
    good = listener.invite("UDP")

    def changed() -> bytes:
        data = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(data)

    with listener.datagram_socket() as opened:
        _pour((changed() for _ in range(3000)), opened)


def test_datagrams_cut_at_every_byte(listener: Listener) -> None:
    good = listener.invite("UDP")
    with listener.datagram_socket() as opened:
        _pour((good[:length] for length in range(len(good))), opened)


def test_the_largest_datagrams(listener: Listener) -> None:
    largest = 65_535 - 8 - (40 if ":" in listener.host else 20)  # without UDP's and IP's own headers
    chance = random.Random(64)
    start = listener.invite("UDP").removesuffix(b"\r\n")
    kinds = [
        chance.randbytes(largest),
        b"A" * largest,
        b"\r\n" * (largest // 2),
        b"INVITE sip:" + b"a" * (largest - 11),
        start + b"X: y\r\n" * ((largest - len(start) - 2) // 6) + b"\r\n",
        start + b"Via: SIP/2.0/UDP a\r\n" * ((largest - len(start) - 2) // 20) + b"\r\n",
        start + b"X: " + b"," * (largest - len(start) - 7) + b"\r\n\r\n",
        start + b"X:\r\n " + b"\r\n " * ((largest - len(start) - 10) // 3) + b"\r\n\r\n",
    ]
    with listener.datagram_socket() as opened:
        _pour((kind[:largest] for _ in range(100) for kind in kinds), opened)


def test_random_bytes_on_a_stream(listener: Listener) -> None:
    chance = random.Random(5923)
    for _ in range(100):
        with listener.connection() as opened:
            try:
                opened.sendall(chance.randbytes(chance.randrange(5000)))
            except ConnectionError:  # closed while we were still talking: that is its right
                continue


def test_a_header_without_an_end_closes_the_connection(listener: Listener) -> None:
    """10 MB of header lines, one connection after the other, and no empty line."""
    for line in (b"X-Endless: and so on and on and on\r\n", b"X-Folded: a\r\n and on", b"a"):
        chunk = line * (65_536 // len(line))
        with listener.connection() as opened:
            opened.sendall(listener.invite("TCP").removesuffix(b"\r\n"))
            assert _is_closed_on(opened, repeat(chunk, 10 * MEGABYTE // len(chunk)))


def test_a_body_longer_than_any(listener: Listener) -> None:
    head = listener.invite("TCP").replace(b"Content-Length: 0", b"Content-Length: 4000000000")
    with listener.connection() as opened:
        opened.sendall(head)
        assert _is_closed_on(opened, repeat(b"b" * 65_536, 160))


def test_many_connections_that_say_half_a_message_and_stay(listener: Listener) -> None:
    half = listener.invite("TCP")[:100]
    held: list[socket.socket] = []
    try:
        for _ in range(300):
            opened = listener.connection()
            held.append(opened)
            try:
                opened.sendall(half)
            except ConnectionError:  # over the cap of connections from one address
                continue
        _nonsense_that_counts(listener)
        # Whatever the cap, someone else is served meanwhile.
        with listener.datagram_socket() as other:
            _answers(other, listener)
    finally:
        for opened in held:
            opened.close()


def test_connections_cut_at_every_byte(listener: Listener) -> None:
    good = listener.invite("TCP")
    for length in range(0, len(good), 3):
        with listener.connection() as opened:
            opened.sendall(good[:length])
    _nonsense_that_counts(listener)


def test_connections_that_never_read(listener: Listener) -> None:
    """Requests without end whose answers nobody fetches: the queue of answers is bounded."""
    ping = request(
        "OPTIONS",
        f"sip:{in_brackets(listener.host)}:{listener.server.port}",
        sent_by="127.0.0.1:9",
        protocol="TCP",
    )
    with listener.connection() as opened:
        opened.setblocking(False)
        sent = 0
        try:
            while sent < 4 * MEGABYTE:
                sent += opened.send(ping * 10)
        except (BlockingIOError, ConnectionError):
            pass
    _nonsense_that_counts(listener)


def _nonsense_that_counts(listener: Listener) -> None:
    with listener.datagram_socket() as opened:
        _pour(iter([message("INVITE nonsense")]), opened)
    until(lambda: _refused(listener.server) > 0, 5, "a count for a refused datagram")


def _answers(opened: socket.socket, listener: Listener) -> None:
    host, port = opened.getsockname()[:2]
    opened.settimeout(5)
    opened.send(
        request(
            "OPTIONS",
            f"sip:{in_brackets(listener.host)}:{listener.server.port}",
            sent_by=f"{in_brackets(host)}:{port}",
        )
    )
    assert opened.recv(65_535).startswith(b"SIP/2.0 ")
