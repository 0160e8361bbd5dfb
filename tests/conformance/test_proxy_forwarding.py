"""What a proxy changes in a request, and what it leaves alone: :rfc:`3261#section-16.6`, 18.1.1."""

import re

import pytest

from sipfsm.message import NameAddr, Request, SipUri
from sipfsm.simulation.phone import SERVER, Phone, Received
from sipfsm.simulation.scene import DUAL_STACK, SERVER_V6, Scene, parsed, simulated
from sipfsm.transport import Target

TRUSTED = ("192.0.2.0/24",)

UNTOUCHED = [
    b'vIA : SIP/2.0/UDP 192.0.2.101:5060 ;branch=z9hG4bK-odd;x="a;b,c"',
    b"Via: SIP/2.0/TCP earlier.example.net;branch=z9hG4bK-1,SIP/2.0/UDP  first.example.net;branch=z9hG4bK-0",
    b"X-Unknown:   spaces   kept  ",
    b'f: "A. \\"G.\\" Bell" <sip:alice@example.com>;tag=1;x',
    b"TO:\tBob<sip:bob@example.com>;custom=%00",
    b"X-Folded: one\r\n  two\r\n\tthree",
    b"i: 1@192.0.2.101",
    b"X-Empty:",
    b"CSEQ: 0001   INVITE",
    b"m: <sip:alice@192.0.2.101>;q=0.5 , <sip:alice@elsewhere.example.net>",
    b"Record-Route: <sip:earlier.example.net;lr>,<sip:first.example.net>",
    b"x-unknown: again",
    b"Date: not a date at all",
    b"Subject: \xe2\x82\xac \xff\xfe",
    b"k: foo, bar",
    b"Require: baz",
    b'Authorization: Digest username="a", realm="x"',
    b"c: application/octet-stream",
]
BODY = bytes(range(256)) + b"\r\n\r\nv=0\nno line end"


def names(data: bytes) -> list[bytes]:
    """Return the header field lines of a message, folded lines as one."""
    return re.split(rb"\r\n(?![ \t])", data.partition(b"\r\n\r\n")[0])[1:]


def straight(line: bytes) -> bytes:
    """Return a field without folds and without white space before its colon."""
    name, _, value = line.partition(b":")
    return name.rstrip(b" \t") + b":" + re.sub(rb"\r\n[ \t]+", b" ", value)


async def forwarded_invite(alice: Phone, bob: Phone, **options: object) -> Received:
    """Have an INVITE forwarded, and end it; return what the callee got."""
    await alice.send(alice.request("INVITE", bob.aor, **options))  # type: ignore[arg-type]
    invite = await bob.receive("INVITE")
    bob.answer(invite, 486)
    await alice.receive(486)
    await bob.receive("ACK")
    return invite


def sip_uri(route: NameAddr) -> SipUri:
    """Return the URI of a Route or Record-Route value."""
    assert isinstance(route.uri, SipUri)
    return route.uri


# ---- steps 1 to 3 and 5


@pytest.mark.parametrize("limit", [b"MAX-Forwards:   70", b"max-forwards: 070", None])
@simulated()
async def test_16_6_1_all_other_bytes_leave_as_they_came(scene: Scene, limit: bytes | None) -> None:
    """16.6 step 1: no field removed or reordered, no value changed, "MUST NOT add to [...] the message body".

    7.3.1: names have no case, so that there is no reason to change it. 25.1: linear white space may become
    one space "before [...] forwarding the message downstream"; so we do with folded lines, and with what
    stands before a colon.
    """
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    fields = [*UNTOUCHED, *([limit] if limit else []), b"l:   %d" % len(BODY)]
    await alice.send_raw(b"\r\n".join([b"INVITE sip:bob@example.com SIP/2.0", *fields, b"", BODY]))
    await bob.receive("INVITE")
    [packet] = scene.forwarded("INVITE", to=bob)
    start, _, _ = packet.data.partition(b"\r\n")
    assert start == b"INVITE sip:bob@192.0.2.102:5060 SIP/2.0"
    assert packet.data.partition(b"\r\n\r\n")[2] == BODY
    left = names(packet.data)
    [via, record_route] = [line for line in left if b"192.0.2.10:5060" in line]
    assert via.startswith(b"Via: ")
    assert left.index(via) == left.index(straight(UNTOUCHED[0])) - 1
    assert record_route.startswith(b"Record-Route: ")
    assert left.index(record_route) < left.index(straight(UNTOUCHED[10]))
    hops = b"Max-Forwards: 69" if limit else b"Max-Forwards: 70"
    assert [line for line in left if line not in {via, record_route, hops}] == [
        straight(line) for line in fields if line != limit
    ]
    assert left.count(hops) == 1
    bob.answer(bob.log[-1], 486)
    await alice.receive_later(486)


@simulated()
async def test_16_6_1_no_body_and_no_content_length_stay_away(scene: Scene) -> None:
    """16.6 steps 1 and 9: over UDP Content-Length is not needed, so none is added."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    request = alice.request("MESSAGE", bob.aor)
    request.headers.remove(b"content-length")
    await alice.send_raw(request.to_bytes()[:-2] + b"\r\nhello")
    received = await bob.receive("MESSAGE")
    assert b"content-length" not in received.request.headers
    assert received.request.body == b"hello"
    bob.answer(received, 200)
    await alice.receive(200)


@simulated()
async def test_16_6_2_the_request_uri_is_the_contact_as_it_was_bound(scene: Scene) -> None:
    """16.6 step 2: "MUST be replaced with the URI for this target"; its parameters come along."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    contact = f"sip:b%6Fb@{bob.host}:5060;transport=UDP;ob;x=%41"
    await bob.register(contact=contact)
    invite = await forwarded_invite(alice, bob)
    assert invite.request.raw_uri.decode() == contact


@simulated()
async def test_16_6_2_what_no_request_uri_may_have_is_removed(scene: Scene) -> None:
    """16.6 step 2 and 19.1.1: neither `method` nor headers are allowed in a Request-URI."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"sip:bob@{bob.host};Method=INVITE;x=1?Subject=hello&Priority=urgent")
    invite = await forwarded_invite(alice, bob)
    assert invite.request.raw_uri.decode() == f"sip:bob@{bob.host};x=1"


@simulated(trusted=TRUSTED)
async def test_16_6_2_nor_may_one_that_stays(scene: Scene) -> None:
    """16.6 step 2: of the URI of a foreign domain, too, a `method` "MUST be removed"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await alice.send(alice.request("MESSAGE", f"sip:b@{bob.host};x=1;method=BYE;y"))
    received = await bob.receive("MESSAGE")
    assert received.request.raw_uri.decode() == f"sip:b@{bob.host};x=1;y"
    bob.answer(received, 200)
    await alice.receive(200)


# ---- step 4


@pytest.mark.parametrize("method", ["INVITE", "SUBSCRIBE", "REFER", "NOTIFY"])
@simulated()
async def test_16_6_4_a_request_that_may_set_up_a_dialog_is_recorded(scene: Scene, method: str) -> None:
    """16.6 step 4: a SIP URI with lr that resolves to us, before any existing value."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(
        alice.request(method, bob.aor, fields=[("Record-Route", "<sip:earlier.example.net;lr>")])
    )
    received = await bob.receive(method)
    [ours, earlier] = received.request.record_routes
    uri = sip_uri(ours)
    assert (uri.scheme, uri.user, uri.host, uri.port or 5060, uri.lr) == ("sip", None, SERVER, 5060, True)
    assert uri.transport is None
    assert earlier.raw_uri == b"sip:earlier.example.net;lr"
    bob.answer(received, 486)
    await alice.receive(486)


@pytest.mark.parametrize("method", ["MESSAGE", "OPTIONS", "BYE", "PUBLISH"])
@simulated()
async def test_16_6_4_other_requests_are_not(scene: Scene, method: str) -> None:
    """16.6 step 4: "proxies should only record-route if required"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request(method, bob.aor))
    received = await bob.receive(method)
    assert received.request.record_routes == []
    bob.answer(received, 200)
    await alice.receive(200)


async def dialog_over(scene: Scene, alice: Phone, bob: Phone, protocols: tuple[str, str]) -> None:
    """Set up a call over these protocols, and send a request each way within it."""
    caller, callee = protocols
    suffix = {"UDP": "", "TCP": ";transport=tcp"}
    await alice.send(
        alice.request(
            "INVITE", bob.aor, protocol=caller, fields=[("Contact", f"<{alice.contact}{suffix[caller]}>")]
        ),
        protocol=caller,
    )
    invite = await bob.receive("INVITE")
    assert invite.flow.protocol == callee
    bob.answer(invite, 200)
    answer = await alice.receive(200)
    ack = alice.in_dialog("ACK", answer.response)
    ack.via = ack.via._replace(transport=caller)
    await alice.send(ack, protocol=caller)
    await bob.receive("ACK")
    info = bob.in_dialog_of_callee("INFO", invite.request, answer.response)
    info.via = info.via._replace(transport=callee)
    await bob.send(info, protocol=callee)
    received = await alice.receive("INFO")
    assert received.flow.protocol == caller
    assert received.request.routes == []
    alice.answer(received, 200)
    await bob.receive(200)


@pytest.mark.parametrize("protocols", [("UDP", "TCP"), ("TCP", "UDP"), ("TCP", "TCP")])
@simulated()
async def test_5658_both_sides_are_recorded_where_the_transport_changes(
    scene: Scene, protocols: tuple[str, str]
) -> None:
    """:rfc:`5658#section-5`: first (lower) the side it came in on, then (above) the one it leaves by."""
    caller, callee = protocols
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"{bob.contact};transport={callee}")
    await dialog_over(scene, alice, bob, protocols)
    invite = parsed(scene.forwarded("INVITE", to=bob)[0])
    transports = [sip_uri(route).transport for route in invite.record_routes]
    expected = {"UDP": None, "TCP": "tcp"}
    both = [expected[callee], expected[caller]]
    assert transports == (both if caller != callee else both[:1])


@simulated(listen=DUAL_STACK)
async def test_5658_both_sides_are_recorded_where_the_ip_version_changes(scene: Scene) -> None:
    """:rfc:`5658#section-3.1`: a multi-homed proxy; each side gets the address that it can reach."""
    alice = await scene.phone("alice")
    bob = await scene.phone("bob", host="2001:db8::2")
    await bob.send(bob.request("REGISTER", "sip:example.com", to=f"<{bob.aor}>"), host=SERVER_V6)
    await bob.receive(200)
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    assert [sip_uri(route).host for route in invite.request.record_routes] == [SERVER_V6, SERVER]
    assert invite.request.vias[0].host == SERVER_V6
    bob.answer(invite, 200)
    answer = await alice.receive(200)
    await alice.send(alice.in_dialog("ACK", answer.response))
    ack = await bob.receive("ACK")
    assert ack.request.routes == []


TWO_OF_TCP = ("udp:192.0.2.10:5060", "tcp:192.0.2.10:5060", "tcp:192.0.2.11:5060")


@simulated(listen=TWO_OF_TCP, trusted=TRUSTED)
async def test_5658_a_new_connection_is_of_the_interface_that_is_recorded(scene: Scene) -> None:
    """:rfc:`5658#section-3.1` and 16.6 step 4: Via and Record-Route say the same interface."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    request = alice.request("INVITE", f"sip:b@{bob.host};transport=tcp", protocol="TCP")
    await alice.send(request, protocol="TCP", host="192.0.2.11")
    invite = await bob.receive("INVITE")
    assert invite.request.via.host == "192.0.2.11"
    assert [sip_uri(route).host for route in invite.request.record_routes] == ["192.0.2.11"]
    bob.answer(invite, 486)
    await alice.receive_later(486)


@simulated(listen=TWO_OF_TCP)
async def test_5658_a_connection_that_is_there_says_which_interface_is_recorded(scene: Scene) -> None:
    """:rfc:`5658#section-3.1`: the callee reaches the interface that it opened its connection to."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    connection = await bob.transport.connect(Target("TCP", "192.0.2.11", 5060))
    await scene.bind("bob", f"sip:bob@{bob.host}:{connection.local.port};transport=tcp")
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    assert invite.request.via.host == "192.0.2.11"
    assert [sip_uri(route).host for route in invite.request.record_routes] == ["192.0.2.11", "192.0.2.10"]
    bob.answer(invite, 486)
    await alice.receive_later(486)


# ---- step 6


@simulated(trusted=TRUSTED)
async def test_16_6_6_a_strict_router_gets_what_it_expects(scene: Scene) -> None:
    """16.6 step 6: Request-URI to the end of Route, the first Route value into the Request-URI."""
    alice, strict = await scene.phone("alice"), await scene.phone("strict")
    uri = "sip:bob@198.51.100.1;x=1"
    first = f"sip:{strict.host};maddr={strict.host}"
    routes = [f"<sip:192.0.2.10;lr>, <{first}>", "<sip:203.0.113.5;lr>"]
    await alice.send(alice.request("MESSAGE", uri, routes=routes))
    received = await strict.receive("MESSAGE")
    assert received.request.raw_uri.decode() == first
    assert received.request.headers.values(b"route") == [b"<sip:203.0.113.5;lr>", f"<{uri}>".encode()]
    strict.answer(received, 200)
    await alice.receive(200)


@simulated(trusted=TRUSTED)
async def test_16_6_6_a_strict_router_alone_leaves_only_the_request_uri(scene: Scene) -> None:
    """16.6 step 6, with one Route value."""
    alice, strict = await scene.phone("alice"), await scene.phone("strict")
    await alice.send(alice.request("MESSAGE", "sip:b@198.51.100.1", routes=[f"<sip:{strict.host}>"]))
    received = await strict.receive("MESSAGE")
    assert received.request.raw_uri.decode() == f"sip:{strict.host}"
    assert received.request.headers.lines(b"route") == [b"<sip:b@198.51.100.1>"]
    strict.answer(received, 200)
    await alice.receive(200)


@simulated()
async def test_3327_5_4_the_path_of_a_binding_is_its_route(scene: Scene) -> None:
    """:rfc:`3327#section-5.4`: the path vector, in its order, before any Route; each branch has its own."""
    alice, edge, other_edge = await scene.phone("alice"), await scene.phone("e1"), await scene.phone("e2")
    bob = await scene.phone("bob")
    path = [f"<sip:{edge.host};lr;ob>", "<sip:198.51.100.7;lr>"]
    other_path = [f"<sip:{other_edge.host};lr>"]
    await bob.register(contact="sip:bob@10.0.0.1", path=path)
    await bob.register(contact="sip:bob@10.0.0.2", path=other_path)
    await bob.register()
    await alice.send(alice.request("INVITE", bob.aor))
    for phone, uri, routes in (
        (edge, "sip:bob@10.0.0.1", path),
        (other_edge, "sip:bob@10.0.0.2", other_path),
        (bob, bob.contact, []),
    ):
        invite = await phone.receive("INVITE")
        assert invite.request.raw_uri.decode() == uri
        assert [value.decode() for value in invite.request.headers.values(b"route")] == routes
        phone.answer(invite, 486)
    await alice.receive(486)


# ---- step 8


@simulated()
async def test_16_6_8_our_via_is_on_top_with_a_branch_of_its_own(scene: Scene) -> None:
    """16.6 step 8 and 8.1.1.7: the magic cookie, and a branch that is unique for each branch and request."""
    alice, bob, desk = await scene.phone("alice"), await scene.phone("bob"), await scene.phone("bob")
    await bob.register()
    await desk.register()
    branches = []
    for _ in range(3):
        sent = await alice.send(alice.request("MESSAGE", bob.aor))
        for phone in (bob, desk):
            received = await phone.receive("MESSAGE")
            [ours, hers] = received.request.vias
            assert (ours.transport, ours.sent_by) == ("UDP", "192.0.2.10:5060")
            assert hers == sent.via
            assert ours.branch is not None
            assert ours.branch.startswith("z9hG4bK")
            branches.append(ours.branch)
            phone.answer(received, 200)
        await alice.receive(200)
    assert len(set(branches)) == 6


@simulated()
async def test_18_1_1_the_via_says_which_transport_was_taken(scene: Scene) -> None:
    """18.1.1: "If this causes a change in the transport protocol [...] MUST be changed"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"{bob.contact};transport=tcp")
    invite = await forwarded_invite(alice, bob)
    assert invite.flow.protocol == "TCP"
    assert [via.transport for via in invite.request.vias] == ["TCP", "UDP"]


# ---- step 9


@pytest.mark.parametrize("body", [b"", b"hello"])
@simulated()
async def test_16_6_9_content_length_is_added_where_a_stream_needs_it(scene: Scene, body: bytes) -> None:
    """16.6 step 9: "stream-based transport and [...] no Content-Length [...] MUST insert one"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"{bob.contact};transport=tcp")
    request = alice.request("MESSAGE", bob.aor)
    request.headers.remove(b"content-length")
    await alice.send_raw(request.to_bytes() + body)
    received = await bob.receive("MESSAGE")
    assert received.request.content_length == len(body)
    assert received.request.body == body
    bob.answer(received, 200)
    await alice.receive(200)


@simulated()
async def test_18_3_content_length_is_added_to_a_response_for_a_stream(scene: Scene) -> None:
    """18.3: "The Content-Length header field MUST be used with stream oriented transports"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("MESSAGE", bob.aor, protocol="TCP"), protocol="TCP")
    received = await bob.receive("MESSAGE")
    bob.reply(received, received_response(received.request) + b"hello")
    answer = await alice.receive(200)
    assert answer.response.content_length == 5
    assert answer.response.body == b"hello"


def received_response(request: Request) -> bytes:
    """Write a 200 without Content-Length."""
    fields = [
        (name, value)
        for name, value in request.headers
        if name in {b"via", b"from", b"to", b"call-id", b"cseq"}
    ]
    lines = [b"%b: %b" % (name, value) for name, value in fields]
    return b"\r\n".join([b"SIP/2.0 200 OK", *lines, b"", b""])


# ---- 18.1.1: large requests


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@simulated()
async def test_18_1_1_no_datagram_is_larger_than_1300_bytes(scene: Scene, method: str) -> None:
    """18.1.1: larger "than 1300 bytes and the path MTU is unknown [...] MUST be sent using [...] TCP"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    protocols = []
    for size in range(700, 1100, 10):
        await alice.send(alice.request(method, bob.aor, body=b"x" * size))
        bob.answer(await bob.receive_later(method), 486)
        await alice.receive(486)
        packet = scene.forwarded(method, to=bob)[-1]
        protocols.append(packet.protocol)
        if packet.protocol == "UDP":
            assert len(packet.data) <= 1300
        else:
            # Not out of mere caution: over UDP it would be too large, or nearly so.
            assert len(packet.data) > 1300 - 40
    assert protocols == sorted(protocols, reverse=True)
    assert set(protocols) == {"UDP", "TCP"}


@simulated()
async def test_18_1_1_a_next_hop_that_refuses_tcp_gets_a_datagram(scene: Scene) -> None:
    """18.1.1: on a TCP reset "the element SHOULD retry the request, using UDP"; 16.6 step 7: a new branch."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob", protocols=["udp"])
    await bob.register()
    invite = await forwarded_invite(alice, bob, body=b"x" * 3000)
    assert invite.flow.protocol == "UDP"
    assert invite.request.via.transport == "UDP"
    assert len(invite.request.body) == 3000
    assert [sip_uri(route).transport for route in invite.request.record_routes] == [None]


@simulated()
async def test_18_1_1_a_next_hop_that_took_it_over_tcp_gets_no_datagram(scene: Scene) -> None:
    """18.1.1: UDP is for when "the attempt to establish the connection" fails, and not for who is silent."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("INVITE", bob.aor, body=b"x" * 3000))
    assert (await bob.receive("INVITE")).flow.protocol == "TCP"
    await alice.receive_later(408, within=33)
    await bob.receives_nothing()


@simulated(listen=("udp:192.0.2.10:5060",))
async def test_18_1_1_a_server_without_tcp_sends_a_datagram(scene: Scene) -> None:
    """18.1.1: "implementations MUST be able to handle messages up to the maximum datagram packet size"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite = await forwarded_invite(alice, bob, body=b"x" * 60_000)
    assert invite.flow.protocol == "UDP"


@simulated()
async def test_18_1_1_what_came_over_tcp_stays_on_it_whatever_its_size(scene: Scene) -> None:
    """18.1.1 speaks of what would be sent over UDP; a URI that says TCP has no UDP to fall back to."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob", protocols=["udp"])
    await bob.register(contact=f"{bob.contact};transport=tcp")
    await alice.send(alice.request("INVITE", bob.aor, body=b"x" * 3000))
    await alice.receive(500)
    assert bob.got("INVITE") == []


# ---- step 7


@simulated()
async def test_16_6_7_the_port_and_transport_of_the_uri_are_taken(scene: Scene) -> None:
    """16.6 step 7: the procedures of :rfc:`3263` for an IP literal: port 5060 unless another is written."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"sip:bob@{bob.host}:5099;transport=udp")
    await alice.send(alice.request("MESSAGE", bob.aor))
    await alice.receives_nothing()
    assert scene.forwarded("MESSAGE")[0].destination == (bob.host, 5099)


@pytest.mark.parametrize("transport", ["sctp", "tls", "unheard-of"])
@simulated()
async def test_16_6_7_a_transport_that_is_not_spoken_cannot_be_reached(scene: Scene, transport: str) -> None:
    """16.9: as if a 503 had come, which goes up as a 500 (16.7 step 6)."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"{bob.contact};transport={transport}")
    await alice.send(alice.request("INVITE", bob.aor))
    await alice.receive(500)
    assert bob.got("INVITE") == []


@simulated()
async def test_16_6_7_the_next_address_is_tried_when_one_cannot_be_reached(scene: Scene) -> None:
    """16.6 step 7: "proceed through the set in order until the delivery attempt succeeds"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    scene.directory.names["phone.example.net"] = ["192.0.2.77", "192.0.2.78", bob.host]
    await bob.register(contact="sip:bob@phone.example.net;transport=tcp")
    invite = await forwarded_invite(alice, bob)
    assert invite.request.raw_uri == b"sip:bob@phone.example.net;transport=tcp"
    assert len(invite.request.vias) == 2
    assert len(invite.request.record_routes) == 2


@simulated(icmp=True)
async def test_16_6_7_the_next_address_is_tried_when_icmp_says_no(scene: Scene) -> None:
    """16.6 step 7 and 18.4: over UDP it is ICMP that reports a failure to send."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    scene.directory.names["phone.example.net"] = ["192.0.2.77", bob.host]
    await bob.register(contact="sip:bob@phone.example.net")
    invite = await forwarded_invite(alice, bob)
    branches = [parsed(packet).via.branch for packet in scene.forwarded("INVITE")]
    assert len(set(branches)) == 2
    assert invite.request.via.branch == branches[1]


@simulated()
async def test_16_6_7_the_next_address_is_tried_when_one_is_silent(scene: Scene) -> None:
    """16.6 step 7: "failure to send the request or a timeout from its state machine"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    scene.directory.names["phone.example.net"] = ["192.0.2.77", bob.host]
    await bob.register(contact="sip:bob@phone.example.net")
    sent = await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE", within=40)
    assert invite.request.vias[1] == sent.via
    bob.answer(invite, 486)
    await alice.receive_later(486)


@simulated()
async def test_16_6_7_when_all_addresses_fail_the_target_has_failed(scene: Scene) -> None:
    """16.6 step 7: "as if this element of the target set returned a 408"; of the transport: 16.9, a 503."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    scene.directory.names["phone.example.net"] = ["192.0.2.77", "192.0.2.78"]
    await bob.register(contact="sip:bob@phone.example.net")
    await alice.send(alice.request("INVITE", bob.aor))
    await alice.receive_later(408, within=70)
    carol = await scene.phone("carol")
    await carol.register(contact="sip:carol@phone.example.net;transport=tcp")
    await alice.send(alice.request("MESSAGE", carol.aor))
    await alice.receive(500)


@simulated()
async def test_16_6_7_a_name_without_address_cannot_be_reached(scene: Scene) -> None:
    """16.9."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact="sip:bob@unknown.example.net")
    await alice.send(alice.request("INVITE", bob.aor))
    await alice.receive(500)


@simulated()
async def test_16_6_7_an_address_of_a_family_that_is_not_spoken_is_passed_over(scene: Scene) -> None:
    """16.6 step 7, for a request of any size: the server has no IPv6."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    scene.directory.names["phone.example.net"] = ["2001:db8::77", bob.host]
    await bob.register(contact="sip:bob@phone.example.net")
    for size in (10, 3000):
        await forwarded_invite(alice, bob, body=b"x" * size)


@simulated()
async def test_16_6_6_a_path_that_cannot_be_followed_cannot_be_reached(scene: Scene) -> None:
    """:rfc:`3327#section-5.4`, 16.9: not for the caller to know why."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(path=["<tel:+15550100>"])
    await alice.send(alice.request("INVITE", bob.aor))
    await alice.receive(500)
