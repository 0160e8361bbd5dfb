"""A small stateful proxy and registrar over UDP with faults that can be switched on, one by one.

Without a fault it keeps RFC 3261 and RFC 6026 as far as the catalogue of `sipfsm conformance` asks. It shares
no code with sipfsm, so that the judge is not judged by itself.

    python -m tests.interop.faulty PORT [T1] [FAULT ...]
"""

from __future__ import annotations

import heapq
import itertools
import re
import secrets
import select
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.interop.process import Program, free_port
from tests.interop.server import ROOT, wait_until_it_answers

FAULTS = {
    "ack-branch": "the ACK of a failure has a branch of its own",
    "no-timer-g": "a failure is sent once only",
    "ghost-call": "the INVITE transaction is forgotten with its 2xx, as in RFC 3261 before RFC 6026",
    "success-again": "the transaction sends its 2xx again for a retransmitted INVITE",
    "no-trying": "no 100 is sent",
    "early-trying": "a request that is no INVITE gets a 100 at once",
    "ack-answered": "an ACK is answered",
    "response-via": "the branch in the Via of a response is changed",
    "another-response": "a retransmitted request gets another final response",
    "cancel-unanswered": "a CANCEL is passed on, but not answered",
    "cancel-ignored": "a CANCEL is answered, but the callee does not hear of it",
    "no-to-tag": "responses of its own have no To tag",
    "hops-kept": "Max-Forwards stays as it is",
    "timer-e-flat": "requests that are no INVITE are sent again each T1, without backing off",
}

Address = tuple[str, int]


@dataclass
class Message:
    """Start line, fields and body."""

    start: str
    fields: list[tuple[str, str]]
    body: str = ""

    @classmethod
    def read(cls, data: bytes) -> Message:
        head, _, body = data.decode("latin-1").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(start, [(name.strip(), value.strip()) for name, _, value in pairs], body)

    def write(self) -> bytes:
        lines = [self.start, *(f"{name}: {value}" for name, value in self.fields)]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode("latin-1")

    def all(self, name: str) -> list[str]:
        return [value for own, value in self.fields if own.lower() == name.lower()]

    def get(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    def put(self, name: str, value: str) -> None:
        for number, (own, _) in enumerate(self.fields):
            if own.lower() == name.lower():
                self.fields[number] = (own, value)
                return
        self.fields.append((name, value))

    def drop_first(self, name: str) -> None:
        for number, (own, _) in enumerate(self.fields):
            if own.lower() == name.lower():
                del self.fields[number]
                return

    def copy(self) -> Message:
        return Message(self.start, list(self.fields), self.body)

    @property
    def is_response(self) -> bool:
        return self.start.startswith("SIP/2.0 ")

    @property
    def method(self) -> str:
        return self.get("CSeq").split()[-1] if self.is_response else self.start.split()[0]

    @property
    def uri(self) -> str:
        return self.start.split()[1]

    @property
    def status(self) -> int:
        return int(self.start.split()[1])

    @property
    def branch(self) -> str:
        found = re.search(r"branch=([^;,\s]+)", self.get("Via"))
        return found[1] if found else ""


@dataclass
class ServerTransaction:
    """What is known of a request that came in."""

    request: Message
    source: Address
    state: str = "Proceeding"
    last: Message | None = None
    branches: list[ClientTransaction] = field(default_factory=list)
    best: Message | None = None
    cancelled: bool = False


@dataclass
class ClientTransaction:
    """A copy of a request on its way to one contact."""

    request: Message
    to: Address
    server: ServerTransaction | None
    state: str = "Calling"
    cancelled: bool = False


class Faulty:
    """The server; `run` never returns."""

    def __init__(self, port: int, t1: float, faults: set[str]) -> None:
        self._me = f"127.0.0.1:{port}"
        self._t1, self._t2 = t1, max(4.0, t1)
        self._faults = faults
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self._bindings: dict[str, dict[str, int]] = {}
        self._servers: dict[tuple[str, str], ServerTransaction] = {}
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._alarms: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def run(self) -> None:
        while True:
            now = time.monotonic()
            while self._alarms and self._alarms[0][0] <= now:
                heapq.heappop(self._alarms)[2]()
            wait = max(0.0, self._alarms[0][0] - time.monotonic()) if self._alarms else None
            if select.select([self._socket], [], [], wait)[0]:
                data, source = self._socket.recvfrom(65_535)
                # What cannot be read is dropped: a fault of its own would be found first.
                with suppress(ValueError, IndexError, KeyError, re.error):
                    message = Message.read(data)
                    if message.is_response:
                        self._response(message)
                    else:
                        self._request(message, source)

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._alarms, (time.monotonic() + seconds, next(self._numbers), what))

    def _send(self, message: Message, to: Address) -> None:
        self._socket.sendto(message.write(), to)

    # ---- requests

    def _request(self, request: Message, source: Address) -> None:
        if "dies" in self._faults and request.all("Proxy-Require"):
            sys.exit(1)
        via = request.get("Via")
        request.put("Via", re.sub(r";rport(?![=\w])", f";rport={source[1]};received={source[0]}", via))
        if request.method == "ACK":
            self._ack(request, source)
            return
        key = request.branch, request.method
        known = self._servers.get(key)
        if known is not None:
            self._again(known)
            return
        transaction = self._servers[key] = ServerTransaction(request, source)
        if request.method != "INVITE":
            transaction.state = "Trying"
            if "early-trying" in self._faults and not self._is_mine(request):
                self._reply(transaction, 100, "Trying")
        elif "no-trying" not in self._faults:
            self._later(0.1, lambda: self._trying(transaction))
        self._act(transaction)

    def _act(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if request.method == "CANCEL":
            self._cancel(transaction)
        elif request.method == "REGISTER":
            self._register(transaction)
        elif request.uri == f"sip:{self._me}":
            self._reply(transaction, 200, "OK")
        else:
            self._forward(transaction)

    def _is_mine(self, request: Message) -> bool:
        return request.method in {"REGISTER", "CANCEL"} or request.uri == f"sip:{self._me}"

    def _again(self, transaction: ServerTransaction) -> None:
        last = transaction.last
        if last is None or transaction.state == "Confirmed":
            return
        if transaction.state == "Accepted":
            if "success-again" in self._faults:
                self._send(last, transaction.source)
            return
        if "another-response" in self._faults and transaction.state == "Completed":
            last = last.copy()
            last.start = "SIP/2.0 500 Changed"
        self._send(last, transaction.source)

    def _ack(self, ack: Message, source: Address) -> None:
        if "ack-answered" in self._faults:
            answer = self._make(ack, 200, "OK")
            self._send(answer, source)
        transaction = self._servers.get((ack.branch, "INVITE"))
        if transaction is not None:
            if transaction.state == "Completed":
                transaction.state = "Confirmed"
            return
        for to in self._targets(ack)[:1]:
            self._send(self._copy_for(ack, to), to)

    def _trying(self, transaction: ServerTransaction) -> None:
        if transaction.last is None:
            self._reply(transaction, 100, "Trying")

    def _cancel(self, transaction: ServerTransaction) -> None:
        invite = self._servers.get((transaction.request.branch, "INVITE"))
        if "cancel-unanswered" not in self._faults:
            if invite is None:  # RFC 3261 16.10: a proxy that knows nothing of it passes it on without state
                for to in self._targets(transaction.request)[:1]:
                    self._send(self._copy_for(transaction.request, to), to)
            else:
                self._reply(transaction, 200, "OK")
        if invite is None or invite.state != "Proceeding" or "cancel-ignored" in self._faults:
            return
        invite.cancelled = True
        self._cancel_branches(invite)

    def _cancel_branches(self, transaction: ServerTransaction) -> None:
        for branch in transaction.branches:
            if branch.state == "Proceeding" and not branch.cancelled:
                branch.cancelled = True
                cancel = Message(branch.request.start.replace("INVITE", "CANCEL", 1), [])
                for name in ("Via", "Max-Forwards", "From", "To", "Call-ID"):
                    cancel.put(name, branch.request.get(name))
                cancel.put("CSeq", branch.request.get("CSeq").replace("INVITE", "CANCEL"))
                cancel.put("Content-Length", "0")
                self._launch(cancel, branch.to, None)

    def _register(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        user = request.get("To")
        bound = self._bindings.setdefault(re.sub(r";tag=.*", "", user), {})
        for contact in request.all("Contact"):
            uri = contact.partition(">")[0].lstrip("<")
            if request.get("Expires") == "0":
                bound.pop(uri, None)
            else:
                bound[uri] = int(request.get("Expires") or 3600)
        listed = [("Contact", f"<{uri}>;expires={seconds}") for uri, seconds in bound.items()]
        self._reply(transaction, 200, "OK", listed)

    # ---- to the callee

    def _targets(self, request: Message) -> list[Address]:
        uris = [request.uri]
        if request.uri.endswith(f"@{self._me}"):
            uris = list(self._bindings.get(f"<{request.uri}>", {}))
        found = (re.search(r"(?:@|sip:)([\d.]+):(\d+)", uri) for uri in uris)
        return [(match[1], int(match[2])) for match in found if match]

    def _forward(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if request.get("Max-Forwards") == "0":
            self._reply(transaction, 483, "Too Many Hops")
            return
        if request.get("Proxy-Require"):
            self._reply(transaction, 420, "Bad Extension", [("Unsupported", request.get("Proxy-Require"))])
            return
        targets = self._targets(request)
        if not targets:
            self._reply(transaction, 404, "Not Found")
        for to in targets:
            copy = self._copy_for(request, to)
            transaction.branches.append(self._launch(copy, to, transaction))

    def _copy_for(self, request: Message, to: Address) -> Message:
        copy = request.copy()
        uri = next(
            (uri for uri in self._bindings.get(f"<{request.uri}>", {}) if uri.endswith(f":{to[1]}")),
            request.uri,
        )
        copy.start = f"{request.method} {uri} SIP/2.0"
        if self._me in copy.get("Route"):
            copy.drop_first("Route")
        copy.fields.insert(0, ("Via", f"SIP/2.0/UDP {self._me};branch=z9hG4bK{secrets.token_hex(8)}"))
        hops = int(request.get("Max-Forwards") or 70)
        copy.put("Max-Forwards", str(hops if "hops-kept" in self._faults else hops - 1))
        return copy

    def _launch(self, request: Message, to: Address, server: ServerTransaction | None) -> ClientTransaction:
        transaction = ClientTransaction(request, to, server)
        self._clients[request.branch, request.method] = transaction
        self._send(request, to)
        self._later(self._t1, lambda: self._resend(transaction, self._t1))
        self._later(64 * self._t1, lambda: self._give_up(transaction))
        return transaction

    def _resend(self, transaction: ClientTransaction, interval: float) -> None:
        invite = transaction.request.method == "INVITE"
        if transaction.state == "Calling" or (transaction.state == "Proceeding" and not invite):
            self._send(transaction.request, transaction.to)
            longer = 2 * interval if invite else min(2 * interval, self._t2)
            if transaction.state == "Proceeding":
                longer = self._t2
            if "timer-e-flat" in self._faults and not invite:
                longer = self._t1
            self._later(longer, lambda: self._resend(transaction, longer))

    def _give_up(self, transaction: ClientTransaction) -> None:
        if transaction.state == "Calling" or (
            transaction.state == "Proceeding" and transaction.request.method != "INVITE"
        ):
            transaction.state = "Terminated"
            if transaction.server is not None and transaction.request.method == "INVITE":
                self._outcome(
                    transaction.server, self._make(transaction.server.request, 408, "Request Timeout")
                )

    # ---- responses

    def _response(self, response: Message) -> None:
        transaction = self._clients.get((response.branch, response.method))
        if transaction is None or transaction.state == "Terminated":
            return
        invite, status = response.method == "INVITE", response.status
        was, server = transaction.state, transaction.server
        if invite and status >= 300:
            self._acknowledge(transaction, response)
        if was in {"Completed", "Accepted"} and not (was == "Accepted" and status // 100 == 2):
            return
        if status < 200:
            transaction.state = "Proceeding"
        else:
            transaction.state = "Accepted" if invite and status < 300 else "Completed"
        if server is None or status == 100:
            if server is not None and server.cancelled:
                self._cancel_branches(server)
            return
        upstream = response.copy()
        upstream.drop_first("Via")
        if not invite and status < 200:
            return
        if status < 200 or (status < 300 and invite):
            self._respond(server, upstream)
            if status >= 200 or server.cancelled:
                self._cancel_branches(server)
        else:
            self._outcome(server, upstream)

    def _acknowledge(self, transaction: ClientTransaction, response: Message) -> None:
        ack = Message(transaction.request.start.replace("INVITE", "ACK", 1), [])
        via = transaction.request.get("Via")
        if "ack-branch" in self._faults:
            via = re.sub(r"branch=.*", f"branch=z9hG4bK{secrets.token_hex(8)}", via)
        ack.put("Via", via)
        for name in ("Max-Forwards", "From", "Call-ID"):
            ack.put(name, transaction.request.get(name))
        ack.put("To", response.get("To"))
        ack.put("CSeq", transaction.request.get("CSeq").replace("INVITE", "ACK"))
        ack.put("Content-Length", "0")
        self._send(ack, transaction.to)

    def _outcome(self, server: ServerTransaction, response: Message) -> None:
        """Keep the best failure until the last branch has its outcome."""
        best = server.best
        rank = response.status if response.status < 600 else 0
        if best is None or rank < (best.status if best.status < 600 else 0):
            server.best = response
        done = {"Completed", "Accepted", "Terminated"}
        if response.status < 300 or all(branch.state in done for branch in server.branches):
            self._respond(server, response if response.status < 300 else server.best or response)

    # ---- to the caller

    def _make(
        self, request: Message, status: int, reason: str, more: list[tuple[str, str]] | None = None
    ) -> Message:
        response = Message(f"SIP/2.0 {status} {reason}", [("Via", value) for value in request.all("Via")])
        for name in ("From", "To", "Call-ID", "CSeq"):
            response.put(name, request.get(name))
        if ";tag=" not in request.get("To") and status > 100 and "no-to-tag" not in self._faults:
            response.put("To", f"{request.get('To')};tag={secrets.token_hex(4)}")
        response.fields += more or []
        response.put("Content-Length", "0")
        return response

    def _reply(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str,
        more: list[tuple[str, str]] | None = None,
    ) -> None:
        self._respond(transaction, self._make(transaction.request, status, reason, more))

    def _respond(self, transaction: ServerTransaction, response: Message) -> None:
        success = response.status // 100 == 2
        if transaction.state in {"Completed", "Confirmed"} or (
            transaction.state == "Accepted" and not success
        ):
            return
        if "response-via" in self._faults and response.status == 486:
            response.put("Via", response.get("Via").replace("branch=z9hG4bK", "branch=z9hG4bKx"))
        transaction.last = response
        self._send(response, transaction.source)
        if response.status < 200:
            if transaction.state == "Trying":
                transaction.state = "Proceeding-non-invite"
            return
        invite = transaction.request.method == "INVITE"
        transaction.state = "Accepted" if invite and success else "Completed"
        key = transaction.request.branch, transaction.request.method
        if invite and success and "ghost-call" in self._faults:
            self._servers.pop(key, None)
        self._later(64 * self._t1, lambda: self._forget(key, transaction))
        if invite and not success and "no-timer-g" not in self._faults:
            self._later(self._t1, lambda: self._timer_g(transaction, self._t1))

    def _forget(self, key: tuple[str, str], transaction: ServerTransaction) -> None:
        if self._servers.get(key) is transaction:
            del self._servers[key]
        transaction.state = "Terminated"

    def _timer_g(self, transaction: ServerTransaction, interval: float) -> None:
        if transaction.state == "Completed" and transaction.last is not None:
            self._send(transaction.last, transaction.source)
            longer = min(2 * interval, self._t2)
            self._later(longer, lambda: self._timer_g(transaction, longer))


class FaultyServer(Program):
    """The server as a program of its own.

    :param t1: RFC 3261 T1 in seconds.
    """

    def __init__(self, folder: Path, *faults: str, t1: float = 0.5) -> None:
        self.port = free_port()
        argv = [sys.executable, "-m", "tests.interop.faulty", str(self.port), str(t1), *faults]
        super().__init__(argv, folder / f"faulty-{self.port}.log", cwd=ROOT)
        try:
            wait_until_it_answers(self, self.port)
        except BaseException:
            self.kill()
            raise


if __name__ == "__main__":
    number, first, *chosen = sys.argv[1:]
    Faulty(int(number), float(first), set(chosen)).run()
