"""Recordings made by hand: what went over the wire, typed line by line, without a socket."""

from __future__ import annotations

from sipfsm.fsm import Timing
from sipfsm.fuzz.oracle import judge
from sipfsm.fuzz.player.recording import Packet, Recording, read
from sipfsm.fuzz.script import Script
from sipfsm.fuzz.verdict import Judgement, Outcome

CALLER, CALLEE, TARGET = ("127.0.0.1", 40001), ("127.0.0.1", 40002), ("127.0.0.1", 5060)
OWN_VIA = "SIP/2.0/UDP 127.0.0.1:40001;branch=z9hG4bKcaller"
PROXY_VIA = "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKproxy"


def request(method: str, via: str = OWN_VIA, *, tag: str = "", number: int = 1, hops: int = 70) -> bytes:
    """A request of the caller, or what the proxy made of it if two Vias are given."""
    lines = [
        f"{method} sip:bob@127.0.0.1 SIP/2.0",
        f"Via: {via}",
        f"Max-Forwards: {hops}",
        "From: <sip:alice@127.0.0.1>;tag=a",
        f"To: <sip:bob@127.0.0.1>{tag}",
        "Call-ID: call@127.0.0.1",
        f"CSeq: {number} {method}",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def forwarded(method: str) -> bytes:
    """The same as the proxy passes it on."""
    return request(method, f"{PROXY_VIA}, {OWN_VIA}", hops=69)


def response(status: int, method: str = "INVITE", via: str = OWN_VIA, *, tag: str = ";tag=b") -> bytes:
    """A response to that request."""
    lines = [
        f"SIP/2.0 {status} Reason",
        f"Via: {via}",
        "From: <sip:alice@127.0.0.1>;tag=a",
        f"To: <sip:bob@127.0.0.1>{tag if status > 100 else ''}",
        "Call-ID: call@127.0.0.1",
        f"CSeq: 1 {method}",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Dialogue:
    """Messages with their times; the callee takes part if it is named."""

    def __init__(self, *, callee: bool = True) -> None:
        self.recording = Recording(Script((), ("caller", "callee") if callee else ("caller",)))

    def _add(self, time: float, who: str, data: bytes, *, sent: bool, valid: bool = True) -> Dialogue:
        message, fault = read(data)
        local = CALLER if who == "caller" else CALLEE
        number = len(self.recording.packets)
        self.recording.packets.append(
            Packet(time, who, sent, data, number, local, TARGET, valid, message, fault)
        )
        return self

    def caller_sends(self, time: float, data: bytes, *, valid: bool = True) -> Dialogue:
        return self._add(time, "caller", data, sent=True, valid=valid)

    def caller_gets(self, time: float, data: bytes) -> Dialogue:
        return self._add(time, "caller", data, sent=False)

    def callee_sends(self, time: float, data: bytes) -> Dialogue:
        return self._add(time, "callee", data, sent=True)

    def callee_gets(self, time: float, data: bytes) -> Dialogue:
        return self._add(time, "callee", data, sent=False)

    def busy(self) -> Dialogue:
        """An INVITE that the callee refused, at 0.02 s; the ACK of the proxy follows."""
        return (
            self.caller_sends(0, request("INVITE"))
            .callee_gets(0.01, forwarded("INVITE"))
            .callee_sends(0.01, response(486, via=f"{PROXY_VIA}, {OWN_VIA}"))
            .callee_gets(0.02, request("ACK", PROXY_VIA, tag=";tag=b"))
            .caller_gets(0.02, response(486))
        )

    def judged(self, end: float, *, reliable: bool = False) -> list[Judgement]:
        """All that the oracle says, if everybody listens until then."""
        self.recording.seconds = end
        return judge(self.recording, Timing(), reliable=reliable)

    def broken(self, end: float, *, reliable: bool = False) -> set[str]:
        """The ids of the rows and rules that were broken."""
        judged = self.judged(end, reliable=reliable)
        return {each.rule.id for each in judged if each.outcome is Outcome.DEVIATES}

    def kept(self, end: float) -> set[str]:
        """The ids of the rows and rules that were kept."""
        return {each.rule.id for each in self.judged(end) if each.outcome is Outcome.CONFORMANT}
