"""PROTOS c07-sip of the University of Oulu, a classic collection of malformed INVITEs, and a running server.

The cases are data that nobody in this project wrote; where their folder is missing, the test is skipped. A
case is an INVITE with one field mutated and the CANCEL or ACK that ends it, with tags such as ``<To>`` to be
filled in.
"""

from __future__ import annotations

import re
import socket
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from sipfsm.message import (
    MessageError,
    Request,
    check_overlong_untrusted,
    check_untrusted,
    parse_message_untrusted,
)
from sipfsm.transport import MAX_HEADER
from tests.interop.laboratory import Laboratory
from tests.interop.process import free_port, memory, until
from tests.interop.server import DatagramPhone, Server, request

ARCHIVE = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "protos" / "testcases-every-10th.tar.xz"

CASES = 453
GROWTH = 16 * 1024 * 1024
"""Bytes that the server may have grown by when all is over."""

LARGEST = 65_507
"""Bytes of the largest datagram over IPv4; what is larger goes over TCP."""

TOO_LARGE = "header-too-large"
FOUND_LATER = {"refused.request-uri-headers"}
"""What not the parser but the proxy finds, in a message that is well-formed."""


class Case(NamedTuple):
    """One test case, its tags filled in."""

    name: str
    invite: bytes
    teardown: bytes


def _cases(to: str, source: str, port: int) -> Iterator[Case]:
    with tarfile.open(ARCHIVE) as archive:
        for number, member in enumerate(sorted(archive.getnames(), key=lambda name: name.rpartition("/")[2])):
            file = archive.extractfile(member)
            if file is None:
                continue
            values = {
                b"To": to.encode(),
                b"From": f"caller@{source}:{port}".encode(),
                b"From-Address": source.encode(),
                b"From-IP": source.encode(),
                b"Local-Port": b"%d" % port,
                b"Branch-ID": b"%d" % number,
                b"Call-ID": b"%d" % number,
                b"CSeq": b"%d" % (number + 1),
                b"Teardown-Method": b"CANCEL" if number % 2 else b"ACK",
            }
            messages = [_filled(raw, values) for raw in _parts(file.read())]
            yield Case(member, *messages)


def _parts(data: bytes) -> Iterator[bytes]:
    """The messages of a case, each behind its length."""
    while data:
        length, _, rest = data.partition(b" ")
        yield rest[: int(length)]
        data = rest[int(length) :]


def _filled(raw: bytes, values: dict[bytes, bytes]) -> bytes:
    filled = re.sub(rb"<([A-Z][A-Za-z-]*)>", lambda tag: values.get(tag[1], tag[0]), raw)
    body = filled.partition(b"\r\n\r\n")[2]
    return filled.replace(b"<Content-Length>", b"%d" % len(body))


def _label(data: bytes) -> str:
    """What has to be counted of a message, empty if it is well-formed, as the message layer judges.

    On a stream the server stops reading where a header cannot end any more, or a body is too long.
    """
    if len(data) > LARGEST:
        return "refused.body-too-large" if 0 <= data.find(b"\r\n\r\n") < MAX_HEADER - 4 else TOO_LARGE
    try:
        message = parse_message_untrusted(data.lstrip(b"\r\n"))
        check_untrusted(message)
        check_overlong_untrusted(message)
    except MessageError as error:
        answered = isinstance(error.message, Request) and error.status and error.message.method != "CANCEL"
        try:
            _ = error.message and error.message.via
        except MessageError:
            answered = False
        return f"{'refused' if answered else 'dropped.parse'}.{error.reason}"
    return ""


def _counted(server: Server) -> Counter[str]:
    counters: dict[str, int] = server.statistics()["counters"]
    counted: Counter[str] = Counter()
    for label, count in counters.items():
        if label.startswith(("refused.", "dropped.parse.")):
            counted[TOO_LARGE if label.endswith(TOO_LARGE) else label] += count
    return counted


def _call(laboratory: Laboratory, server: Server) -> None:
    callee = laboratory.callee("uas_call")
    laboratory.caller("uac_call", server.port, f"sip:callee@127.0.0.1:{callee.port}").finish()
    callee.finish()


@pytest.mark.slow
def test_every_case_is_accounted_for_and_the_server_is_as_good_as_new(laboratory: Laboratory) -> None:
    if not ARCHIVE.exists():
        pytest.skip(f"the PROTOS test cases are not here: {ARCHIVE}")
    server = laboratory.server(options=["--t1", "0.05"])
    _call(laboratory, server)
    until(lambda: server.statistics()["transactions"] == 0, 20, "the end of the first call")
    before, size = server.statistics(), memory(server.pid)
    expected: Counter[str] = Counter()
    probe = DatagramPhone(server.port)
    with _Caller(server) as caller:
        caller.register()
        for case in _cases(f"callee@127.0.0.1:{server.port}", "127.0.0.1", caller.port):
            for data in (case.invite, case.teardown):
                caller.send(data)
                expected[_label(data)] += 1
            answer = probe.ask("OPTIONS", copies=10)
            assert answer is not None, f"no life after {case.name}"
            assert answer.startswith("SIP/2.0 200 "), case.name
        assert expected.total() == 2 * CASES
    probe.close()
    well_formed = expected.pop("")
    counted = _counted(server)
    assert {label: counted[label] for label in expected} == expected
    assert counted.keys() - expected.keys() <= FOUND_LATER
    assert well_formed > 2 * CASES / 3  # each teardown is
    until(lambda: server.statistics()["transactions"] == 0, 20, "the end of all transactions")
    after = server.statistics()
    assert (after["tasks"], after["contexts"], after["timers"]) == (before["tasks"], 0, 0)
    assert memory(server.pid) < size + GROWTH
    assert not [label for label in after["counters"] if label.startswith("faults")]
    assert "Traceback" not in server.log.read_text()
    _call(laboratory, server)


class _Caller:
    """Sends the cases; at the same port waits the user that they are for, and says nothing."""

    def __init__(self, server: Server) -> None:
        self._server = ("127.0.0.1", server.port)
        self.port = free_port()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", self.port))

    def register(self) -> None:
        """Have what is well-formed forwarded: to nobody who answers."""
        host = f"127.0.0.1:{self._server[1]}"
        contact = f"Contact: <sip:callee@127.0.0.1:{self.port}>"
        sent_by = f"127.0.0.1:{self.port}"
        self._socket.settimeout(5)
        self.send(request("REGISTER", f"sip:{host}", contact, sent_by=sent_by, to=f"sip:callee@{host}"))
        assert self._socket.recv(65_535).startswith(b"SIP/2.0 200 ")

    def send(self, data: bytes) -> None:
        """Send a message over UDP, or, if it is too large, over a TCP connection of its own."""
        if len(data) <= LARGEST:
            self._socket.sendto(data, self._server)
            return
        with socket.create_connection(self._server, timeout=10) as stream:
            try:
                stream.sendall(data)
                stream.shutdown(socket.SHUT_WR)
                while stream.recv(65_536):
                    continue
            except OSError:  # it had seen enough
                return

    def __enter__(self) -> _Caller:
        return self

    def __exit__(self, *failure: object) -> None:
        self._socket.close()
