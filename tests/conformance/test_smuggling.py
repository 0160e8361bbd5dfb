"""Header smuggling: no message is read differently by sipfsm and by whoever comes next.

Each trick is sent through the proxy, and then one looks at the bytes that leave. Either none do, or readers
that differ in all that real ones differ in find the same fields in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
import trio

from sipfsm.message import parse_message_untrusted
from sipfsm.message.names import field_name_untrusted
from sipfsm.simulation import Scene, simulated

Field = tuple[bytes, bytes]

EVIL = b"<sip:evil.example.net;lr>"


# ---- readers


def _fields(lines: list[bytes]) -> list[Field]:
    """What somebody makes of lines who knows the compact forms, and does not trim names."""
    found = []
    for line in lines:
        name, _, value = line.partition(b":")
        known = field_name_untrusted(name + b":")
        found.append((known if known is not None and name.strip() == name else name, value.strip()))
    return found


def _head(data: bytes) -> bytes:
    return data.partition(b"\r\n\r\n")[0]


def _without_folding(data: bytes) -> list[Field]:
    """One who takes every line for a field, and skips the white space in front of it."""
    return _fields([line.lstrip() for line in _head(data).split(b"\r\n")[1:]])


def _bare_line_ends(data: bytes) -> list[Field]:
    """One for whom CR and LF each end a line."""
    return _fields([line for line in re.split(rb"[\r\n]+", _head(data))[1:] if line])


def _up_to_nul(data: bytes) -> list[Field]:
    """One whose texts end at NUL."""
    return _without_folding(data.partition(b"\0")[0] if b"\0" in _head(data) else data)


def _careless_decoder(data: bytes) -> list[Field]:
    """One whose UTF-8 decoder takes overlong sequences for what they would stand for."""
    head = re.sub(
        rb"[\xc0\xc1][\x80-\xbf]", lambda found: bytes([(found[0][0] & 3) << 6 | found[0][1] & 63]), data
    )
    return _bare_line_ends(head)


def _first_of_each(data: bytes) -> list[Field]:
    """One who believes the first field of a name; where all are lists, it is the same as the last."""
    fields = _without_folding(data)
    lists = {b"via", b"contact", b"route", b"record-route"}
    return [
        field for at, field in enumerate(fields) if field[0] in lists or field[0] not in dict(fields[:at])
    ]


READERS: tuple[Callable[[bytes], list[Field]], ...] = (
    _without_folding,
    _bare_line_ends,
    _up_to_nul,
    _careless_decoder,
    _first_of_each,
)


# ---- tricks


class Trick(NamedTuple):
    """What is tried.

    Attributes:
        lines: header field lines that are added.
        refused: whether nothing may leave.
        start: the request line.
        replaced: the name of a line of the good message that they take the place of.
        body: with what follows it.
        length: the Content-Length line.
    """

    lines: tuple[bytes, ...]
    refused: bool
    start: bytes = b"INVITE sip:bob@example.com SIP/2.0"
    replaced: bytes = b"-"
    body: bytes = b"body"
    length: bytes = b"Content-Length: 4"


SECOND = b"INVITE sip:evil@example.net SIP/2.0\r\nVia: SIP/2.0/UDP e;branch=z9hG4bKe\r\n\r\n"

TRICKS = {
    "space before the colon": Trick((b"Route : <sip:192.0.2.10;lr>", b"Expires : 5"), False),
    "tab before the colon": Trick((b"P-Asserted-Identity\t: <sip:boss@example.com>",), False),
    "space before the colon of a second To": Trick((b"To : <sip:evil@example.com>",), True),
    "space before the name": Trick((b"X: y", b" Route: " + EVIL), False),
    "bare LF in a value": Trick((b"Subject: a\nRoute: " + EVIL,), True),
    "bare CR in a value": Trick((b"Subject: a\rRoute: " + EVIL,), True),
    "LF CR": Trick((b"Subject: a\n\rRoute: " + EVIL,), True),
    "bare LF in a display name": Trick((b'To: "a\nb" <sip:bob@example.com>',), True, replaced=b"To"),
    "escaped LF in a display name": Trick((b'To: "a\\\nb" <sip:bob@example.com>',), True, replaced=b"To"),
    "bare LF in the request line": Trick((), True, start=b"INVITE sip:bob@example.com SIP/2.0\nX: y"),
    "bare LF in a name": Trick((b"Sub\nRoute: " + EVIL,), True),
    "two bare LF": Trick((b"Subject: a\n\n" + SECOND,), True),
    "NUL in a value": Trick((b"Subject: a\0", b"Expires: 5"), True),
    "NUL in a name": Trick((b"Sub\0ject: a",), True),
    "NUL in the request line": Trick((), True, start=b"INVITE sip:bob@example.com\0 SIP/2.0"),
    "vertical tab": Trick((b"Subject: a\x0bRoute: " + EVIL,), True),
    "To twice": Trick((b"To: <sip:evil@example.com>",), True),
    "From twice": Trick((b"From: <sip:boss@example.com>;tag=2",), True),
    "To and t": Trick((b"t: <sip:evil@example.com>",), True),
    "To in several cases": Trick((b"tO: <sip:evil@example.com>",), True),
    "To with two addresses": Trick((b"To: <sip:a@b>, <sip:evil@example.com>",), True, replaced=b"To"),
    "Call-ID and i": Trick((b"i: other",), True),
    "Max-Forwards twice": Trick((b"Max-Forwards: 70",), True),
    "Max-Forwards with two numbers": Trick((b"Max-Forwards: 0, 70",), True, replaced=b"Max-Forwards"),
    "Content-Type and c": Trick((b"Content-Type: text/plain", b"c: application/sdp"), True),
    "Referred-By and b": Trick((b"Referred-By: <sip:a@b>", b"b: <sip:c@d>"), True),
    "Content-Length too large": Trick((), True, length=b"Content-Length: 5"),
    "Content-Length too small": Trick((), False, body=b"body" + SECOND),
    "Content-Length zero": Trick((), False, body=SECOND, length=b"Content-Length: 0"),
    "Content-Length twice": Trick((b"Content-Length: 4",), True),
    "Content-Length and l": Trick((b"l: 0",), True),
    "Content-Length folded": Trick((), False, length=b"Content-Length:\r\n 4"),
    "Content-Length with a sign": Trick((), True, length=b"Content-Length: +4"),
    "Content-Length in hexadecimal": Trick((), True, length=b"Content-Length: 0x4"),
    "Content-Length with two numbers": Trick((), True, length=b"Content-Length: 4, 0"),
    "folded field with a Route in it": Trick((b"Subject: a\r\n Route: " + EVIL,), False),
    "folded field with a request in it": Trick(
        (b"Subject: a\r\n\tINVITE sip:evil@example.net SIP/2.0",), False
    ),
    "folded name": Trick((b"Subject\r\n : a",), True),
    "folded quoted string": Trick((b'To: "a\r\n Route: b" <sip:bob@example.com>',), False, replaced=b"To"),
    "a second request line": Trick((b"INVITE sip:evil@example.net SIP/2.0",), True),
    "a status line": Trick((b"SIP/2.0 200 OK",), True),
    "a header in the Request-URI": Trick(
        (), True, start=b"INVITE sip:bob@example.com?Route=%3Csip:evil.example.net%3E SIP/2.0"
    ),
    "two spaces in the request line": Trick((), True, start=b"INVITE  sip:bob@example.com SIP/2.0"),
    "overlong LF": Trick((b"Subject: a\xc0\x8aRoute: " + EVIL,), True),
    "overlong quote": Trick((b'To: "a\xc0\xa2 <sip:evil@e>" <sip:bob@example.com>',), True, replaced=b"To"),
    "line separator of Unicode": Trick((b"Subject: a\xe2\x80\xa8Route: " + EVIL,), False),
    "next line of Latin-1": Trick((b"Subject: a\x85Route: " + EVIL,), False),
    "full-width colon": Trick((b"Route\xef\xbc\x9a " + EVIL,), True),
    "letter that is lower-cased to ASCII": Trick((b"\xe2\x84\xaa: timer",), True),
    "Via in a quoted parameter": Trick(
        (b'Via: SIP/2.0/UDP h;branch=z9hG4bKh;x="a, SIP/2.0/UDP evil;branch=z9hG4bKe"',), False
    ),
    "Via with a quote that is not closed": Trick(
        (b'Via: SIP/2.0/UDP %HOST%:5060;branch=z9hG4bKx;x="a, SIP/2.0/UDP evil',), True, replaced=b"Via"
    ),
    "Via with an angle bracket": Trick(
        (b"Via: SIP/2.0/UDP %HOST%:5060;branch=z9hG4bKx;x=<a, SIP/2.0/UDP evil>",), True, replaced=b"Via"
    ),
    "Route in a display name": Trick((b'Route: "a, ' + EVIL + b'" <sip:192.0.2.10;lr>',), False),
    "Route with a quote in its URI": Trick((b'Route: <sip:192.0.2.10;lr;x=">, ' + EVIL + b',">',), True),
    "Route without brackets": Trick((b"Route: sip:192.0.2.10;lr, " + EVIL,), True),
}


def _message(trick: Trick, host: bytes) -> bytes:
    lines = [
        b"Via: SIP/2.0/UDP %HOST%:5060;branch=z9hG4bK-trick",
        b"Max-Forwards: 70",
        b"From: <sip:alice@example.com>;tag=1",
        b"To: <sip:bob@example.com>",
        b"Call-ID: trick",
        b"CSeq: 1 INVITE",
        b"Contact: <sip:alice@%HOST%:5060>",
    ]
    kept = [line for line in lines if not line.startswith(trick.replaced + b":")]
    # A Via that is added stands below the one that is there.
    data = b"\r\n".join([trick.start, *kept, *trick.lines, trick.length, b"", trick.body])
    return data.replace(b"%HOST%", host)


@pytest.mark.parametrize("name", TRICKS)
@simulated(trusted=("192.0.2.0/24",))
async def test_all_readers_find_the_same_in_what_leaves(scene: Scene, name: str) -> None:
    trick = TRICKS[name]
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send_raw(_message(trick, alice.host.encode()))
    await trio.sleep(1)
    left = [packet for packet in scene.forwarded() if not packet.start_line.startswith("SIP/2.0")]
    assert (
        scene.server.counters.total("refused") + scene.server.counters.total("dropped.parse") == trick.refused
    )
    if trick.refused:
        assert left == []
        return
    data = left[0].data
    _check_readers_agree(data)
    assert b"evil" not in data.partition(b"\r\n\r\n")[2]
    assert all(packet.destination.host == bob.host for packet in left), "no Route of theirs was followed"
    bob.answer(bob.got("INVITE")[0], 486)
    await alice.receive_later(486)


def _check_readers_agree(data: bytes) -> None:
    message = parse_message_untrusted(data)
    ours = [(name, value.strip()) for name, value in message.headers]
    for read in READERS:
        assert read(data) == ours, read.__name__
    assert data == message.to_bytes(), "nothing follows the body"


@simulated(trusted=("192.0.2.0/24",))
async def test_what_hides_behind_a_short_length_on_a_stream_is_a_message_like_any_other(scene: Scene) -> None:
    """And is judged like one: this one lacks most of what a request has, and is refused."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"{bob.contact};transport=tcp")
    hidden = SECOND.replace(b"\r\n\r\n", b"\r\nl: 0\r\n\r\n")
    trick = Trick((), refused=False, body=hidden, length=b"Content-Length: 0")
    await alice.send_raw(_message(trick, alice.host.encode()), protocol="TCP")
    await bob.receive("INVITE")
    await trio.sleep(1)
    assert scene.server.counters.total("refused") == 1
    [data] = [packet.data for packet in scene.forwarded("INVITE")]
    _check_readers_agree(data)
    bob.answer(bob.log[-1], 486)
    await alice.receive_later(486)


@pytest.mark.parametrize(
    "line",
    [
        b"Subject: a\nVia: SIP/2.0/UDP evil",
        b"To: <sip:evil@e>;tag=2",
        b"l: 5",
        b"Subject: \0",
        b"\x85: x",
        b"X: \xc0\x8a",
    ],
)
@simulated()
async def test_a_response_is_not_trusted_more_than_a_request(scene: Scene, line: bytes) -> None:
    """18.3, 8.1.3: a malformed response is discarded; the INVITE ends by the well-formed one."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    good = bob.response(invite, 486).to_bytes()
    bob.reply(invite, good.replace(b"\r\nContent-Length", b"\r\n" + line + b"\r\nContent-Length"))
    await trio.sleep(1)
    assert alice.got(486) == []
    assert scene.server.counters.total("dropped.parse") == 1
    bob.reply(invite, good)
    await alice.receive_later(486)


@simulated()
async def test_folds_and_spaces_of_a_response_do_not_leave_either(scene: Scene) -> None:
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    good = bob.response(invite, 486).to_bytes()
    odd = b"\r\nX : y\r\nSubject: a\r\n Contact: <sip:evil@e>\r\nContent-Length"
    bob.reply(invite, good.replace(b"\r\nContent-Length", odd))
    await alice.receive_later(486)
    [data] = {packet.data for packet in scene.forwarded("SIP/2.0 486", to=alice)}
    _check_readers_agree(data)
    assert b"\r\nX: y\r\nSubject: a Contact: <sip:evil@e>\r\n" in data
