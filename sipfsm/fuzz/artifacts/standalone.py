"""Plays a case against a SIP server over UDP, TCP or TLS, with nothing but the standard library.

The text of this module is copied into each test that is written for a deviation: it must import nothing else.
"""

from __future__ import annotations

import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable

Wanted = tuple[str, "tuple[int, int] | None", "tuple[tuple[str, str], ...]", "tuple[str, ...]", str]
"""Which message is meant: method, statuses, fields with expressions, absent fields, whose branch it has."""


class Message:
    """What a player got, as far as a test looks at it."""

    def __init__(self, who: str, data: bytes, flow: object, step: int) -> None:
        self.who, self.flow, self.step, self.time = who, flow, step, time.monotonic()
        self.head, _, self.body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        unfolded = re.sub(r"\r\n[ \t]+", " ", self.head)
        self.start, *lines = unfolded.split("\r\n")
        pairs = [line.partition(":") for line in lines]
        short = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
        names = [name.strip().lower() for name, _, _ in pairs]
        self.fields = [
            (short.get(name, name), pair[2].strip()) for name, pair in zip(names, pairs, strict=True)
        ]
        self.taken = False

    def all(self, name: str) -> list[str]:
        """Return the values of all fields so named."""
        return [value for own, value in self.fields if own == name.lower()]

    def first(self, name: str) -> str:
        """Return the value of the first field so named; empty if there is none."""
        return (self.all(name) or [""])[0]

    @property
    def status(self) -> int:
        """The status code; 0 of a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """The method, of a response that of its CSeq."""
        return (self.first("cseq").split() or [""])[-1] if self.status else self.start.split(" ")[0]

    @property
    def branch(self) -> str:
        """The branch of the top Via."""
        found = re.search(r"branch=([^;,\s]+)", self.first("via"))
        return found[1] if found else ""

    def fits(self, wanted: Wanted, branch: str) -> bool:
        """Say if this is a message that is wanted."""
        method, statuses, fields, absent, _ = wanted
        if method and self.method != method:
            return False
        if bool(statuses) != bool(self.status):
            return False
        if statuses and not statuses[0] <= self.status <= statuses[1]:
            return False
        if any(self.all(name) for name in absent) or (branch and self.branch != branch):
            return False
        return all(
            any(re.search(text, value, re.IGNORECASE) for value in self.all(name)) for name, text in fields
        )


class Play:
    """The players, each with a socket of its own."""

    def __init__(
        self, host: str, port: int, protocol: str, players: tuple[str, ...], words: dict[str, str]
    ) -> None:
        self.host, self.port, self.protocol = socket.gethostbyname(host), port, protocol
        self.got: list[Message] = []
        self.news = threading.Condition()
        self.step = -1
        self.times: list[float] = []
        self.sockets: dict[str, socket.socket] = {}
        self.words = {
            "target": f"{host}:{port}",
            "transport": protocol.upper(),
            "routes": "",
            "to_tag_param": "",
        }
        self.words |= words
        suffix = "" if protocol == "udp" else f";transport={protocol}"
        for who in players:
            listener = protocol == "tcp" and who != "caller"
            own = self._listen(who) if listener else self._open(who)
            local = own.getsockname()
            self.words[who] = f"{local[0]}:{local[1]}"
            self.words[f"{who}_uri"] = f"sip:{who}@{self.words[who]}{suffix}"

    # ---- sockets

    def _open(self, who: str) -> socket.socket:
        if self.protocol == "udp":
            own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            probe.connect((self.host, self.port))
            own.bind((probe.getsockname()[0], 0))
            probe.close()
            self._start(self._datagrams, who, own)
        else:
            own = socket.create_connection((self.host, self.port), timeout=5)
            own.settimeout(None)
            if self.protocol == "tls":
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                own = context.wrap_socket(own)
            self._start(self._stream, who, own)
        self.sockets[who] = own
        return own

    def _listen(self, who: str) -> socket.socket:
        listener = socket.create_server((self.host if self.host.startswith("127.") else "", 0))
        self._start(self._accept, who, listener)
        return listener

    def _accept(self, who: str, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            self._start(self._stream, who, connection)

    def _start(self, loop: Callable[[str, socket.socket], None], who: str, own: socket.socket) -> None:
        def run() -> None:
            try:
                loop(who, own)
            except OSError:
                return

        threading.Thread(target=run, daemon=True).start()

    def _datagrams(self, who: str, own: socket.socket) -> None:
        while True:
            data, source = own.recvfrom(65_535)
            self._take(who, data, source)

    def _stream(self, who: str, own: socket.socket) -> None:
        buffer = b""
        while data := own.recv(65_535):
            buffer += data
            while b"\r\n\r\n" in buffer:
                head = buffer.partition(b"\r\n\r\n")[0]
                length = re.search(rb"\r\n(?:content-length|l)[ \t]*:\s*(\d+)", head, re.IGNORECASE)
                end = len(head) + 4 + (int(length[1]) if length else 0)
                if len(buffer) < end:
                    break
                self._take(who, buffer[:end], own)
                buffer = buffer[end:]

    def _take(self, who: str, data: bytes, flow: object) -> None:
        if not data.strip(b"\r\n\0"):
            return
        message = Message(who, data, flow, self.step)
        with self.news:
            self.got.append(message)
            if who == "caller" and message.status > 100 and message.method != "CANCEL":
                tag = re.search(r";\s*tag=([^;\s]+)", message.first("to"))
                self.words["to_tag_param"] = f";tag={tag[1]}" if tag else ""
                if message.status < 300 and (contact := re.search(r"<([^>]*)>", message.first("contact"))):
                    self.words["remote_uri"] = contact[1]
                    routes = ",".join(message.all("record-route")).split(",")
                    lines = [f"Route: {route.strip()}\r\n" for route in reversed(routes) if route.strip()]
                    self.words["routes"] = "".join(lines)
            self.news.notify_all()

    # ---- steps

    def _next(self) -> None:
        self.step += 1
        self.times.append(time.monotonic())

    def fill(self, text: str) -> str:
        """Return a text with the words in braces replaced."""

        def word(match: re.Match[str]) -> str:
            name = match[1]
            if name not in self.words:
                if name.startswith("branch"):
                    self.words[name] = "z9hG4bK" + secrets.token_hex(8)
                elif name.startswith(("call_id", "tag", "user")):
                    self.words[name] = secrets.token_hex(6)
                else:
                    return match[0]
            return self.fill(self.words[name]) if name == "aor" else self.words[name]

        return re.sub(r"\{(\w+)\}", word, text)

    def _write(self, who: str, data: bytes, flow: object) -> None:
        if self.protocol == "udp":
            to = flow if isinstance(flow, tuple) else (self.host, self.port)
            self.sockets[who].sendto(data, to)
        elif isinstance(flow, socket.socket):
            flow.sendall(data)
        else:
            if who not in self.sockets:
                self._open(who)
            self.sockets[who].sendall(data)

    def send(self, who: str, message: bytes) -> None:
        """Send a message to the server."""
        self._next()
        self._write(who, self.fill(message.decode("latin-1")).encode("latin-1"), None)

    def receive(self, who: str, wanted: Wanted, *, within: float = 3.0, optional: bool = False) -> None:
        """Wait for a message that no step has had yet."""
        self._next()
        wanted = self._filled(wanted)
        end = time.monotonic() + within
        with self.news:
            while True:
                branch = self._branch(who, wanted[4])
                for message in self.got:
                    if message.who == who and not message.taken and message.fits(wanted, branch):
                        message.taken = True
                        return
                left = end - time.monotonic()
                if left <= 0:
                    if optional:
                        return
                    raise Unplayed(f"{who} did not get {wanted} within {within:g} s")
                self.news.wait(left)

    def answer(
        self, who: str, method: str, status: int, reason: str, *, tag: str, fields: tuple[str, ...] = ()
    ) -> None:
        """Answer the latest request of a method; nothing if there was none."""
        self._next()
        requests = [
            each for each in self.got if each.who == who and not each.status and each.method == method
        ]
        if not requests:
            return
        request = requests[-1]
        lines = [f"SIP/2.0 {status} {reason}", *(f"Via: {value}" for value in request.all("via"))]
        to = request.first("to")
        if "tag=" not in to and status > 100:
            to += ";tag=" + self.fill(tag)
        lines += [f"From: {request.first('from')}", f"To: {to}"]
        lines += [f"Call-ID: {request.first('call-id')}", f"CSeq: {request.first('cseq')}"]
        if method == "INVITE" and 100 < status < 300:
            lines += [f"Record-Route: {value}" for value in request.all("record-route")]
            lines.append(f"Contact: <{self.words[who + '_uri']}>")
        lines += [*(self.fill(line) for line in fields), "Content-Length: 0", "", ""]
        self._write(who, "\r\n".join(lines).encode(), request.flow)

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self._next()
        time.sleep(seconds)

    def count(self, who: str, wanted: Wanted, *, after: int, within: float) -> int:
        """Say how many such messages a player got within so many seconds after a step."""
        begin = self.times[max(0, after)]
        time.sleep(max(0.0, begin + within - time.monotonic()))
        wanted = self._filled(wanted)
        branch = self._branch(who, wanted[4])
        return sum(
            each.who == who and begin <= each.time <= begin + within and each.fits(wanted, branch)
            for each in self.got
        )

    def is_alive(self) -> bool:
        """Say if the server answers an OPTIONS, sent up to four times, a second each."""
        options = (
            "OPTIONS sip:{target} SIP/2.0\r\n"
            "Via: SIP/2.0/{transport} {prober};branch={branch_probe};rport\r\n"
            "Max-Forwards: 70\r\nFrom: <sip:prober@{prober}>;tag={tag_probe}\r\nTo: <sip:{target}>\r\n"
            "Call-ID: {call_id_probe}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        )
        who, answer = "prober", ("OPTIONS", (200, 699), (), (), "")
        try:
            local = self._open(who).getsockname()
            self.words[who] = f"{local[0]}:{local[1]}"
            for _ in range(4):
                self.send(who, options.encode())
                if self.count(who, answer, after=self.step, within=1.0):
                    return True
        except OSError:
            pass
        return False

    def _filled(self, wanted: Wanted) -> Wanted:
        fields = tuple((name, self.fill(text)) for name, text in wanted[2])
        return wanted[0], wanted[1], fields, wanted[3], wanted[4]

    def _branch(self, who: str, method: str) -> str:
        found = [each for each in self.got if each.who == who and not each.status and each.method == method]
        return found[-1].branch if method and found else ""

    def close(self) -> None:
        """Close the sockets."""
        for own in self.sockets.values():
            own.close()


class Unplayed(Exception):  # noqa: N818 - what pytest shows
    """The server did not let the case be played to where it deviates."""
