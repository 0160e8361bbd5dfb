"""Thirty classes of bugs that SIP servers have had, each a regression test with messages of our own.

What they have in common is input that is odd rather than large. Where a class is about something that sipfsm
does not have yet (WebSocket, digest, SDP), the test says so and asks for what stands in its place: that the
proxy does not look, or that nothing of the kind is taken for SIP.
"""

from __future__ import annotations

import pytest
import trio
from structlog.testing import capture_logs

from sipfsm.message import MessageError, parse_message_untrusted
from sipfsm.simulation import Phone, Received, Scene, simulated
from sipfsm.simulation.scene import DUAL_STACK, SERVER_V6

TRUSTED = ("192.0.2.0/24", "2001:db8::/32")


async def two(scene: Scene) -> tuple[Phone, Phone]:
    """A caller, and a callee who is registered."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    return alice, bob


async def forwarded(alice: Phone, bob: Phone, data: bytes, *, protocol: str = "UDP") -> Received:
    """Send bytes that the callee must get; the call is then refused, and the caller told."""
    await alice.send_raw(data, protocol=protocol)
    received = await bob.receive(data.split(b" ")[0].decode())
    bob.answer(received, 486)
    await alice.receive_later(486)
    await trio.sleep(0.1)  # for the ACK
    bob.inbox.clear()
    return received


async def refused(scene: Scene, alice: Phone, data: bytes, status: int, *, protocol: str = "UDP") -> None:
    """Send bytes that must be answered with an error and reach nobody."""
    before = len(scene.forwarded("INVITE"))
    await alice.send_raw(data, protocol=protocol)
    await trio.sleep(1)
    answers = [packet.start_line for packet in scene.forwarded("SIP/2.0", to=alice)]
    assert answers[-1:] == [line for line in answers[-1:] if line.startswith(f"SIP/2.0 {status} ")] != []
    assert len(scene.forwarded("INVITE")) == before
    alice.inbox.clear()


def invite(alice: Phone, bob: Phone, *lines: bytes, body: bytes = b"", **options: object) -> bytes:
    """An INVITE with lines added."""
    request = alice.request("INVITE", bob.aor, body=body, **options)  # type: ignore[arg-type]
    data = request.to_bytes()
    length = b"\r\nContent-Length"
    return data.replace(length, b"".join(b"\r\n" + line for line in lines) + length, 1)


def without_field(data: bytes, name: bytes) -> bytes:
    """The message without the lines that begin so."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(name + b":")]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@simulated()
async def test_01_a_branch_or_a_tag_cut_at_any_byte(scene: Scene) -> None:
    alice, bob = await two(scene)
    for name in (b"Via", b"From"):
        data = invite(alice, bob)
        head, line, tail = data.partition(b"\r\n" + name + b": ")
        value, _, rest = tail.partition(b"\r\n")
        for length in range(len(value)):
            await alice.send_raw(head + line + value[:length] + b"\r\n" + rest)
    await trio.sleep(70)
    for received in bob.got("INVITE"):
        bob.answer(received, 486)
    await trio.sleep(70)
    alice.inbox.clear()
    bob.inbox.clear()
    await forwarded(alice, bob, invite(alice, bob))


@simulated()
async def test_02_singletons_twice_and_an_endless_tag(scene: Scene) -> None:
    alice, bob = await two(scene)
    tag = b"a" * 10_000
    await refused(scene, alice, invite(alice, bob, b"From: <sip:alice@example.com>;tag=" + tag), 400)
    await refused(scene, alice, invite(alice, bob, b"t: <sip:bob@example.com>;tag=" + tag), 400)
    data = without_field(invite(alice, bob, b"From: <sip:alice@example.com>;tag=" + tag), b"Subject")
    head, _, tail = data.partition(b"\r\nFrom: ")
    received = await forwarded(alice, bob, head + b"\r\n" + tail.partition(b"\r\n")[2])
    assert received.request.from_.tag == tag.decode()


@simulated()
async def test_03_white_space_in_front_of_a_colon_hides_nothing_from_removal(scene: Scene) -> None:
    """What the proxy takes off or rewrites it finds under any spelling: no second one is left."""
    alice, bob = await two(scene)
    data = invite(alice, bob, b"Route : <sip:192.0.2.10;lr>", b"route\t: <sip:192.0.2.10;lr>")
    data = data.replace(b"\r\nMax-Forwards: ", b"\r\nmax-forwards \t: ")
    request = (await forwarded(alice, bob, data)).request
    assert request.routes == []
    assert request.headers.lines(b"max-forwards") == [b"69"]
    assert b" :" not in request.headers.to_bytes()


@simulated(log_level="debug")
async def test_04_a_message_as_large_as_can_be_into_whatever_stands_beside(scene: Scene) -> None:
    """There is no capture encoder; the log is what stands beside, and has 64 bytes of what is wrong."""
    alice, bob = await two(scene)
    with capture_logs() as logs:
        await refused(scene, alice, invite(alice, bob, b"Subject: \0" + b"x" * 60_000), 400)
        received = await forwarded(alice, bob, invite(alice, bob, body=b"x" * 64_000))
    assert len(received.request.body) == 64_000
    assert max(len(repr(entry)) for entry in logs) < 1000


@simulated()
async def test_05_a_malformed_via_never_gets_as_far_as_a_tag(scene: Scene) -> None:
    alice, bob = await two(scene)
    for via in (b"", b";", b"SIP/2.0/UDP", b"SIP/2.0/UDP ;branch=z9hG4bK1", b"SIP/2.0/UDP a:0", b"\xff"):
        data = without_field(invite(alice, bob, b"v: " + via), b"Via")
        await alice.send_raw(data)
    await trio.sleep(1)
    assert scene.server.counters.total("dropped.parse") == 6
    assert alice.log == []
    # Below the top one it is somebody else's to read.
    await forwarded(alice, bob, invite(alice, bob).replace(b"\r\nMax", b"\r\nVia: ;\r\nMax", 1))


@simulated()
async def test_06_parameters_of_to_that_look_like_a_uri(scene: Scene) -> None:
    alice, bob = await two(scene)
    for to in (
        b"sip:;:929<>64@",
        b"<sip:bob@example.com>;=;",
        b'"<"sip:a@b>',
        b"sip:a@b;tag=;x",
        b"<sip:a@b>x;y",
    ):
        data = without_field(invite(alice, bob, b"t: " + to), b"To")
        await refused(scene, alice, data, 400)


@simulated()
async def test_07_authorization_and_identity_that_are_no_parameters(scene: Scene) -> None:
    """There is no digest yet: nobody reads them, and they leave as they came."""
    alice, bob = await two(scene)
    lines = (
        b'Authorization: Digest username="a, realm=, =,',
        b"Proxy-Authorization: Digest",
        b'Identity: ;;;="',
        b"y: <>",
    )
    data = invite(alice, bob, *lines)
    await forwarded(alice, bob, data)
    [left] = {packet.data for packet in scene.forwarded("INVITE", to=bob)}
    assert all(b"\r\n" + line + b"\r\n" in left for line in lines)
    with pytest.raises(MessageError):
        _ = parse_message_untrusted(data).authorization


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
@pytest.mark.parametrize(
    ("length", "status"),
    [(b"-1", 400), (b"4294967296", 413), (b"99999999999999999999", 0), (b"3\r\nl: 3", 400), (b"0x3", 400)],
)
@simulated()
async def test_08_a_content_length_that_lies(scene: Scene, length: bytes, status: int, protocol: str) -> None:
    alice, bob = await two(scene)
    # One that is no 32-bit number is malformed in a datagram; a stream gives up on it as too large.
    expected = status or (400 if protocol == "UDP" else 413)
    if length == b"4294967296" and protocol == "UDP":
        expected = 400
    data = invite(alice, bob, body=b"abc").replace(b"Content-Length: 3", b"Content-Length: " + length)
    await refused(scene, alice, data, expected, protocol=protocol)
    if protocol == "TCP":
        assert scene.counted("connections.closed.unframeable") == 1


@simulated()
async def test_09_a_long_request_uri_and_commas_in_its_user(scene: Scene) -> None:
    alice, bob = await two(scene)
    data = invite(alice, bob).replace(b"sip:bob@", b"sip:" + b"b" * 9000 + b"@", 1)
    await refused(scene, alice, data, 414)
    user = "b,o?b;x=/&"
    contact = [("Contact", f"<sip:{user}@{bob.host}>")]
    await bob.send(bob.request("REGISTER", "sip:example.com", to=f"<sip:{user}@example.com>", fields=contact))
    await bob.receive(200)
    data = invite(alice, bob).replace(b"sip:bob@", b"sip:" + user.encode() + b"@", 1)
    assert (await forwarded(alice, bob, data)).request.raw_uri == f"sip:{user}@{bob.host}".encode()


@pytest.mark.parametrize(
    "body",
    [
        b"v=0\r\no=x",
        b"b=\r\n",
        b"b=AS\r\nb",
        b"m=audio 9 RTP/AVP 0\r\n" * 2500,
        b"\n",
        b"v=0\n\r\n\r\r",
        b"\0" * 99,
    ],
)
@simulated()
async def test_10_session_descriptions_are_octets(scene: Scene, body: bytes) -> None:
    """Nobody here reads SDP: without a line end, without a colon, with thousands of media lines."""
    alice, bob = await two(scene)
    data = invite(alice, bob, b"Content-Type: application/sdp", body=body)
    assert (await forwarded(alice, bob, data)).request.body == body


@pytest.mark.parametrize(
    ("boundary", "body"),
    [
        (b"boundary=a", b"--a"),
        (b'boundary=""', b"----"),
        (b"boundary=", b"--\r\n\r\n--\r\n"),
        (b"", b"--a\r\nContent-Length: 99\r\n\r\n\r\n--a--"),
        (b"boundary=" + b"a" * 5000, b"--" + b"a" * 5000),
    ],
)
@simulated()
async def test_11_multipart_boundaries_are_octets(scene: Scene, boundary: bytes, body: bytes) -> None:
    alice, bob = await two(scene)
    data = invite(alice, bob, b"Content-Type: multipart/mixed;" + boundary, body=body)
    assert (await forwarded(alice, bob, data)).request.body == body


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
@pytest.mark.parametrize(
    ("contact", "status"),
    [("%", 400), ("None", 400), ("<%>", 400), ("", 400), ("*;q=1", 400), ("<sip:a%@b>", 400), ("*", 200)],
)
@simulated()
async def test_12_odd_contacts(scene: Scene, contact: str, status: int, protocol: str) -> None:
    alice = await scene.phone("alice")
    fields = [("Contact", contact), ("Expires", "0")]
    request = alice.request(
        "REGISTER", "sip:example.com", to=f"<{alice.aor}>", fields=fields, protocol=protocol
    )
    await alice.send(request, protocol=protocol)
    await alice.receive(status)
    assert scene.server.location.count().bindings == 0


@simulated()
async def test_13_stray_responses_and_an_ack_of_what_is_no_invite(scene: Scene) -> None:
    alice, bob = await two(scene)
    message = await alice.send(alice.request("MESSAGE", bob.aor))
    pending = await bob.receive("MESSAGE")
    answer = bob.response(pending, 200).to_bytes()
    for stray in (
        answer.replace(b"z9hG4bK", b"z9hG4bKx", 1),
        answer.replace(b" MESSAGE", b" INVITE"),
        answer.replace(b"SIP/2.0 200", b"SIP/2.0 699"),
    ):
        bob.reply(pending, stray)
    ack = alice.request("ACK", bob.aor, branch=message.via.branch, call_id=message.call_id)
    await alice.send(ack)
    await trio.sleep(1)
    assert [received.kind for received in alice.log] == [699]  # the one that had the right branch and method
    assert scene.counted("dropped.response.stray") == 2


@simulated()
async def test_14_a_body_in_pieces_and_one_longer_than_its_length(scene: Scene) -> None:
    alice, bob = await two(scene)
    data = invite(alice, bob, body=b"body", protocol="TCP")
    for piece in (data[:-4], data[-4:-3], data[-3:]):
        await alice.send_raw(piece, protocol="TCP")
        await trio.sleep(1)
    received = await bob.receive("INVITE")
    assert received.request.body == b"body"
    bob.answer(received, 486)
    await alice.receive_later(486)
    bob.inbox.clear()
    short = invite(alice, bob, body=b"bodyINVITE", protocol="TCP")
    await alice.send_raw(short.replace(b"Content-Length: 10", b"Content-Length: 4"), protocol="TCP")
    received = await bob.receive_later("INVITE")
    assert received.request.body == b"body"
    bob.answer(received, 486)
    await alice.receive_later(486)
    await trio.sleep(40)
    assert scene.counted("connections.closed.message-timeout") == 1


@simulated()
async def test_15_a_keep_alive_is_no_message(scene: Scene) -> None:
    """There is no WebSocket yet, so no length of its frames; the CRLF ping of a stream gets its pong."""
    alice, bob = await two(scene)
    for _ in range(3):
        await alice.send_raw(b"\r\n\r\n", protocol="TCP")
        await alice.send_raw(b"\r\n\r\n")
        await alice.send_raw(b"\0\0\0\0")
    await trio.sleep(1)
    assert scene.counted("keepalive.tcp") == 3
    assert scene.counted("keepalive.udp") == 6
    assert scene.server.counters.total("dropped.parse") == 0
    await forwarded(alice, bob, invite(alice, bob, protocol="TCP"), protocol="TCP")


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
@simulated()
async def test_16_a_length_that_cuts_a_character(scene: Scene, protocol: str) -> None:
    """Lengths are octets; half of a UTF-8 character is one."""
    alice, bob = await two(scene)
    body = "é".encode()[:1]
    received = await forwarded(
        alice, bob, invite(alice, bob, body=body, protocol=protocol), protocol=protocol
    )
    assert received.request.body == b"\xc3"


@simulated()
async def test_17_a_sequence_number_of_two_to_the_31st(scene: Scene) -> None:
    alice, bob = await two(scene)
    for number in (2**31, 2**32, 2**64, 10**30):
        await refused(scene, alice, invite(alice, bob).replace(b"CSeq: 1 ", b"CSeq: %d " % number), 400)
    highest = invite(alice, bob).replace(b"CSeq: 1 ", b"CSeq: %d " % (2**31 - 1))
    assert (await forwarded(alice, bob, highest)).request.cseq.number == 2**31 - 1


@simulated(trusted=TRUSTED)
async def test_18_compact_names_odd_methods_and_foreign_schemes(scene: Scene) -> None:
    alice, bob = await two(scene)
    data = invite(alice, bob)
    for long, compact in (
        (b"Via", b"v"),
        (b"From", b"f "),
        (b"To", b"T"),
        (b"Call-ID", b"I"),
        (b"Contact", b"m"),
    ):
        data = data.replace(b"\r\n" + long + b":", b"\r\n" + compact + b":")
    await forwarded(alice, bob, data.replace(b"Content-Length", b"l"))
    for method in ("invite", "!odd-~.%*_+`'", "ACKNOWLEDGE", "0"):
        await alice.send(alice.request(method, bob.aor))
        bob.answer(await bob.receive(method), 200)
        await alice.receive(200)
    for uri in ("mailto:a@b", "im:bob@example.com", "h323:bob", "urn:service:sos", "SIPX:bob@example.com"):
        await alice.send(alice.request("MESSAGE", uri, to="<sip:bob@example.com>"))
        await alice.receive(416)


@simulated()
async def test_19_timers_of_what_has_ended_do_not_fire(scene: Scene) -> None:
    """Answered, acknowledged, cancelled too late, each copy once more; then all timers are waited for."""
    alice, bob = await two(scene)
    request = await alice.send(alice.request("INVITE", bob.aor))
    pending = await bob.receive("INVITE")
    bob.answer(pending, 486)
    await alice.receive_later(486)
    for again in (alice.cancel(request), request, alice.cancel(request)):
        await alice.send(again)
        bob.answer(pending, 486)
    await trio.sleep(200)
    assert scene.server.transactions.held() == dict.fromkeys(scene.server.transactions.held(), 0)
    assert scene.server.counters.total("faults") == 0


@simulated()
async def test_20_a_repeated_cancel_gets_its_200_again_and_no_second_487(scene: Scene) -> None:
    alice, bob = await two(scene)
    request = await alice.send(alice.request("INVITE", bob.aor))
    pending = await bob.receive("INVITE")
    bob.answer(pending, 180)
    await alice.receive_later(180)
    for _ in range(3):
        await alice.send(alice.cancel(request))
    bob.answer(await bob.receive("CANCEL"), 200)
    bob.answer(pending, 487)
    await trio.sleep(40)
    assert len([each for each in alice.got(200) if each.response.cseq.method == "CANCEL"]) == 3
    assert len({each.response.to_bytes() for each in alice.got(487)}) == 1
    assert len(bob.got("CANCEL")) == 1
    assert alice.got(481) == []


@simulated()
async def test_21_an_ack_goes_to_one_place_once_and_is_never_answered(scene: Scene) -> None:
    alice, bob = await two(scene)
    other = await scene.phone("bob")
    await other.register()
    await alice.send(alice.request("INVITE", bob.aor))
    bob.answer(await bob.receive("INVITE"), 200)
    answer = (await alice.receive_later(200)).response
    ack = alice.in_dialog("ACK", answer)
    await alice.send(ack)
    await bob.receive("ACK")
    other.answer(await other.receive("INVITE"), 487)
    malformed = ack.to_bytes().replace(b"\r\nCSeq: 1 ", b"\r\nCSeq: x ")
    await alice.send_raw(malformed)
    await trio.sleep(40)
    assert len(bob.got("ACK")) == 1
    assert other.got("ACK") == [each for each in other.got("ACK") if each.request.routes == []]
    assert [each.kind for each in alice.log if each.kind not in {100, 200}] == []


@pytest.mark.parametrize(
    ("statuses", "best"),
    [((404, 603), 603), ((503, 503), 500), ((486, 503), 486), ((401, 407), 401), ((302, 404), 302)],
)
@simulated()
async def test_22_the_best_of_several_answers(scene: Scene, statuses: tuple[int, int], best: int) -> None:
    alice, phones = await scene.phone("alice"), [await scene.phone("bob") for _ in range(2)]
    for phone in phones:
        await phone.register()
    await alice.send(alice.request("INVITE", "sip:bob@example.com"))
    for phone, status in zip(phones, statuses, strict=True):
        name = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}.get(status)
        fields = [(name, f'Digest realm="{status}", nonce="1"')] if name else []
        phone.answer(await phone.receive("INVITE"), status, fields=fields)
    response = (await alice.receive_later(best)).response
    if best == 401:
        assert len(response.www_authenticate) == len(response.proxy_authenticate) == 1


@simulated(icmp=True)
async def test_23_what_does_not_arrive_becomes_an_answer(scene: Scene) -> None:
    alice, bob = await two(scene)
    silent = await scene.phone("carol")
    await silent.register()
    await alice.send(alice.request("INVITE", silent.aor))
    await alice.receive_later(408, within=40)
    gone = await scene.phone("dave")
    await gone.register(contact=f"{gone.contact};transport=tcp")
    scene.switch_off(gone)
    await alice.send(alice.request("INVITE", gone.aor))
    await alice.receive_later(500, within=40)  # 16.7 step 6: a 503 is not passed on
    await forwarded(alice, bob, invite(alice, bob))


@simulated(trusted=TRUSTED)
async def test_24_each_branch_takes_the_path_of_its_own_contact(scene: Scene) -> None:
    alice = await scene.phone("alice")
    edges = [await scene.phone("edge") for _ in range(2)]
    for number, edge in enumerate(edges):
        bob = await scene.phone("bob")
        await bob.register(
            contact=f"sip:bob@{bob.host};n={number}", path=[f"<sip:{edge.host};lr;n={number}>"]
        )
    await alice.send(alice.request("INVITE", "sip:bob@example.com"))
    for number, edge in enumerate(edges):
        request = (await edge.receive("INVITE")).request
        assert [route.raw_uri.decode() for route in request.routes] == [f"sip:{edge.host};lr;n={number}"]
        assert request.raw_uri.endswith(b";n=%d" % number)
        edge.answer(edge.log[-1], 486)
    await alice.receive_later(486)


@pytest.mark.parametrize(
    "route",
    [
        "sip:192.0.2.10;lr",
        "sip:192.0.2.10:5060;lr;transport=tcp",
        "sip:proxy.example.net;lr",
        f"sip:[{SERVER_V6}];lr",
    ],
)
@simulated(listen=DUAL_STACK, aliases=("proxy.example.net",))
async def test_25_a_route_of_ours_under_any_name(scene: Scene, route: str) -> None:
    alice, bob = await two(scene)
    request = alice.request("INVITE", bob.aor, routes=[f"<{route}>"])
    assert (await forwarded(alice, bob, request.to_bytes())).request.routes == []
    # A strict router before us has put our Route into the Request-URI.
    request = alice.request("INVITE", route, to=f"<{bob.aor}>", routes=[f"<{bob.aor}>"])
    assert (await forwarded(alice, bob, request.to_bytes())).request.raw_uri.decode() == bob.contact


@simulated(trusted=TRUSTED)
async def test_26_contacts_that_lead_back_do_not_multiply(scene: Scene) -> None:
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    for number in range(2):
        await bob.register(contact=f"sip:bob@example.com;n={number}")
    scene.directory.names["example.com"] = ["192.0.2.10"]
    await alice.send(alice.request("INVITE", bob.aor))
    await alice.receive_later(482, within=100)
    assert len(scene.forwarded("INVITE")) < 20


@simulated()
async def test_27_no_100_to_what_is_no_invite_before_its_time(scene: Scene) -> None:
    """RFC 4320 4.1: not before the client's Timer E has reached T2, 3.5 s."""
    alice, bob = await two(scene)
    await alice.send(alice.request("MESSAGE", bob.aor))
    pending = await bob.receive("MESSAGE")
    await trio.sleep(3)
    assert alice.log == []
    bob.answer(pending, 200)
    await alice.receive(200)


@simulated(trusted=TRUSTED)
async def test_28_what_cannot_be_sent_leaves_nothing_behind(scene: Scene) -> None:
    """To nobody, to no address, to no protocol; the scene then counts what is left."""
    alice = await scene.phone("alice")
    for number, uri in enumerate(
        (
            "sip:bob@unknown.example.net",
            "sip:bob@192.0.2.99;transport=tcp",
            "sip:bob@192.0.2.99;transport=sctp",
        )
    ):
        for method in ("INVITE", "MESSAGE"):
            await alice.send(alice.request(method, uri, branch=f"z9hG4bK-{number}-{method}"))
    await trio.sleep(100)
    assert {each.kind for each in alice.log} <= {100, 408, 500}
    assert len([each for each in alice.log if each.kind == 500]) >= 4


@simulated(listen=DUAL_STACK, trusted=TRUSTED)
async def test_29_ipv6_addresses_keep_their_brackets(scene: Scene) -> None:
    alice = await scene.phone("alice", host="2001:db8::101")
    bob = await scene.phone("bob", host="2001:db8::102")
    register = bob.request("REGISTER", "sip:example.com", to=f"<{bob.aor}>")
    await bob.send(register, host=SERVER_V6)
    await bob.receive(200)
    await alice.send(alice.request("INVITE", bob.aor), host=SERVER_V6)
    received = await bob.receive("INVITE")
    top, caller = received.request.vias
    assert (top.host, caller.host) == (SERVER_V6, "2001:db8::101")
    assert f"Via: SIP/2.0/UDP [{SERVER_V6}]:5060;".encode() in received.request.to_bytes()
    assert f"<sip:[{SERVER_V6}]:5060;lr;".encode() in received.request.to_bytes()
    bob.answer(received, 486)
    await alice.receive_later(486)


@simulated(listen=("udp:192.0.2.10:5060", "udp:192.0.2.10:5070"))
async def test_30_all_challenges_no_http_and_the_right_socket(scene: Scene) -> None:
    """There is no digest yet: challenges come from beyond, several of them, and all are passed on."""
    alice, bob = await two(scene)
    await alice.send(alice.request("INVITE", bob.aor))
    challenges = [
        ("WWW-Authenticate", f'Digest realm="r", nonce="n", algorithm={name}') for name in ("SHA-256", "MD5")
    ]
    bob.answer(await bob.receive("INVITE"), 401, fields=challenges)
    response = (await alice.receive_later(401)).response
    assert [each.params.get("algorithm") for each in response.www_authenticate] == ["SHA-256", "MD5"]
    await alice.send_raw(b"GET / HTTP/1.1\r\nHost: 192.0.2.10:5060\r\n\r\n")
    await alice.send_raw(b"GET / HTTP/1.1\r\nVia: 1.1 proxy\r\nHost: 192.0.2.10:5060\r\n\r\n")
    await trio.sleep(1)
    assert scene.counted("dropped.parse.bad-request-line") == 2
    for port in (5060, 5070):
        scene.network.log.clear()
        request = alice.request("OPTIONS", "sip:example.com")
        flow = await alice.transport.connect(scene.server.transport.listeners[0]._replace(port=port))  # type: ignore[arg-type]
        flow.send_nowait(request.to_bytes())
        await alice.receive(200)
        assert [packet.source.port for packet in scene.forwarded("SIP/2.0 200", to=alice)] == [port]
