"""What a target is: found out by asking it, before it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sipfsm.fuzz.catalogue.case import Part, registration
from sipfsm.fuzz.catalogue.messages import ack_of_failure, ack_of_success, bye, invite, request
from sipfsm.fuzz.pattern import FINAL, Pattern
from sipfsm.fuzz.pattern import request as a_request
from sipfsm.fuzz.player import Recording, play
from sipfsm.fuzz.player.play import Table
from sipfsm.fuzz.rules import is_client_side
from sipfsm.fuzz.script import Answer, Pause, Receive, Script, Send
from sipfsm.fuzz.target import TargetLostError
from sipfsm.message import Request, Response


class Role(StrEnum):
    """Which side of the target is judged: what a person may say on the command line."""

    UAS = "uas"
    """Its server transactions: what it answers."""
    UAC = "uac"
    """Its client transactions: what it sends on to a callee."""
    BOTH = "both"

    def covers(self, identity: str) -> bool:
        """Say if a row or rule is on that side."""
        return self is Role.BOTH or is_client_side(identity) == (self is Role.UAC)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the target was found to be.

    Attributes:
        registrar: it takes registrations.
        proxy: it passes requests on to our callee.
        uas: it answers calls itself.
        options: it answers OPTIONS.
        user: the user to call, where it answers itself.
    """

    registrar: bool
    proxy: bool
    uas: bool
    options: bool
    user: str = "sipfsm"

    @property
    def words(self) -> dict[str, str]:
        """What stands for the words that depend on the target."""
        if self.proxy:
            aor = "sip:{user}@{target}" if self.registrar else "{callee_uri}"
        else:
            aor = f"sip:{self.user}@{{target}}"
        return {"aor": aor}

    def offers(self, part: Part) -> bool:
        """Say if the target plays a part."""
        return {
            Part.ANY: self.options,
            Part.PROXY: self.proxy,
            Part.REGISTRAR: self.registrar,
            Part.UAS: self.uas,
        }[part]

    def __str__(self) -> str:
        parts = [name for name in ("registrar", "proxy", "uas") if getattr(self, name)]
        return " and ".join(parts).replace("uas", "user agent server") or "nothing that we know"


async def find_setting(table: Table, user: str) -> Setting:
    """Ask the target what it is.

    Args:
        table: what all cases share.
        user: the user to call where it answers itself.

    Raises:
        TargetLostError: it answers nothing.
    """
    options = await _answers(
        table, Send("caller", request("OPTIONS", "sip:{target}")), {"aor": "sip:{target}"}
    )
    registrar = await _registers(table)
    proxy = await _relays(table, registrar=registrar)
    uas = not proxy and await _answers_calls(table, user)
    if not (options or registrar or proxy or uas):
        raise TargetLostError(f"{table.target} answers neither OPTIONS nor REGISTER nor INVITE")
    return Setting(registrar=registrar, proxy=proxy, uas=uas, options=options, user=user)


async def _answers(table: Table, send: Send, words: dict[str, str]) -> bool:
    """Say if a request gets a final response; over UDP it is sent up to three times."""
    script = Script((send, Receive("caller", FINAL, within="1")))
    for _ in range(1 if table.target.reliable else 3):
        if not (await play(script, table, words)).stopped:
            return True
    return False


async def _registers(table: Table) -> bool:
    recording = await play(Script(registration("callee"), ("callee",)), table, {"aor": "sip:{user}@{target}"})
    return not recording.stopped


async def _relays(table: Table, *, registrar: bool) -> bool:
    steps = (
        *(registration("callee") if registrar else ()),
        Send("caller", invite()),
        Receive("callee", a_request("INVITE"), within="1.5"),
        Answer("callee", "INVITE", 486),
        Receive("caller", FINAL),
        Send("caller", ack_of_failure()),
        Pause("0.1"),
    )
    words = {"aor": "sip:{user}@{target}" if registrar else "{callee_uri}"}
    recording = await play(Script(steps, ("caller", "callee")), table, words)
    return any(
        packet.who == "callee" and not packet.sent and isinstance(packet.message, Request)
        for packet in recording.packets
    )


def whole_call() -> Script:
    """Return a call to a target that answers itself: the INVITE, its ACK, and a BYE after a 2xx."""
    return Script(
        (
            Send("caller", invite()),
            Receive("caller", FINAL, within="3"),
            Send("caller", ack_of_success()),
            Send("caller", bye()),
            Receive("caller", Pattern("BYE", (200, 699)), within="1", optional=True),
        )
    )


async def _answers_calls(table: Table, user: str) -> bool:
    recording = await play(
        whole_call(), table, {"aor": f"sip:{user}@{{target}}", "remote_uri": "sip:{target}"}
    )
    return _got(recording, "caller", Pattern("INVITE", (101, 299))) is not None


def _got(recording: Recording, who: str, pattern: Pattern) -> Response | None:
    for packet in recording.packets:
        message = packet.message
        if (
            packet.who == who
            and not packet.sent
            and isinstance(message, Response)
            and pattern.matches(message)
        ):
            return message
    return None
