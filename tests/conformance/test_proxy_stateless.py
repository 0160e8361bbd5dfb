"""What a proxy forwards without a transaction, ACK of a 2xx above all: :rfc:`3261#section-16.11`."""

from collections import Counter
from collections.abc import Sequence

import pytest
import trio

from sipfsm.message import Request, Response
from sipfsm.proxy.proxy import MAX_STRAYS
from sipfsm.simulation.phone import Phone
from sipfsm.simulation.scene import Scene, parsed, simulated


async def answered(
    scene: Scene, *, protocols: Sequence[str] = ("udp", "tcp")
) -> tuple[Phone, Phone, Request, Response]:
    """Have a call answered; return caller, callee, the INVITE as it was sent, and the 200 as it came.

    Args:
        scene: where.
        protocols: what the callee speaks.
    """
    alice, bob = await scene.phone("alice"), await scene.phone("bob", protocols=protocols)
    await bob.register()
    invite = await alice.send(alice.request("INVITE", bob.aor))
    bob.answer(await bob.receive("INVITE"), 200)
    return alice, bob, invite, (await alice.receive(200)).response


@simulated()
async def test_16_11_the_ack_of_a_2xx_is_forwarded_and_never_answered(scene: Scene) -> None:
    """13.2.2.4, 17.1.1.3: it is no part of a transaction; nobody answers an ACK."""
    alice, bob, _, answer = await answered(scene)
    await alice.send(alice.in_dialog("ACK", answer))
    ack = (await bob.receive("ACK")).request
    assert ack.raw_uri.decode() == bob.contact
    assert ack.routes == []
    assert ack.max_forwards == 69
    assert len(ack.vias) == 2
    await alice.receives_nothing(60)


@pytest.mark.parametrize(
    ("protocols", "size", "used"),
    [
        (("udp", "tcp"), 3000, "TCP"),
        (("udp",), 3000, "UDP"),
        (("udp", "tcp"), 300, "UDP"),
    ],
)
@simulated()
async def test_18_1_1_an_ack_that_is_too_large_for_a_datagram_goes_over_tcp(
    scene: Scene, protocols: tuple[str, ...], size: int, used: str
) -> None:
    """18.1.1 speaks of every request; whoever refuses the connection gets a datagram."""
    alice, bob, _, answer = await answered(scene, protocols=protocols)
    ack = alice.in_dialog("ACK", answer)
    ack.body = b"x" * size
    ack.headers.set(b"content-length", b"%d" % size)
    await alice.send(ack)
    received = await bob.receive("ACK")
    assert received.flow.protocol == received.request.via.transport == used
    assert received.request.body == ack.body
    assert len(scene.forwarded("ACK", to=bob)) == 1


@simulated()
async def test_16_11_a_retransmission_has_the_same_branch(scene: Scene) -> None:
    """16.11: "the branch parameter MUST be computed as a [...] function of [what is] invariant"."""
    alice, bob, _, answer = await answered(scene)
    ack = alice.in_dialog("ACK", answer)
    for _ in range(2):
        await alice.send(ack)
    await alice.send(alice.in_dialog("ACK", answer))
    branches = Counter([(await bob.receive("ACK")).request.via.branch for _ in range(3)])
    assert sorted(branches.values()) == [1, 2]
    assert all(branch is not None and branch.startswith("z9hG4bK") for branch in branches)
    assert len({packet.data for packet in scene.forwarded("ACK", to=bob)}) == 2


@pytest.mark.parametrize("branch", ["", ";branch=1"])
@simulated()
async def test_16_11_a_client_without_unique_branches_gets_unique_ones(scene: Scene, branch: str) -> None:
    """16.11: without the magic cookie, a hash of Via, tags, Call-ID, CSeq number and Request-URI."""
    alice, bob, _, answer = await answered(scene)
    first, second, other_call = (alice.in_dialog("ACK", answer) for _ in range(3))
    second.headers.set(b"cseq", b"2 ACK")
    other_call.headers.set(b"from", b"<sip:alice@example.com>;tag=another")
    branches = []
    for ack in (first, first, second, other_call):
        ack.headers.set(b"via", f"SIP/2.0/UDP {alice.host}:5060{branch}".encode())
        await alice.send(ack)
        branches.append((await bob.receive("ACK")).request.via.branch)
    assert branches[0] == branches[1]
    assert len(set(branches)) == 3


@simulated()
async def test_6026_7_3_an_ack_with_the_branch_of_its_invite_is_forwarded_too(scene: Scene) -> None:
    """:rfc:`6026#section-7.1`: in Accepted an ACK goes to the TU, here the proxy."""
    alice, bob, invite, answer = await answered(scene)
    await alice.send(alice.in_dialog("ACK", answer, branch=invite.via.branch))
    await bob.receive("ACK")
    await trio.sleep(40)
    await alice.send(alice.in_dialog("ACK", answer, branch=invite.via.branch))
    await bob.receive("ACK")


@simulated()
async def test_17_2_1_the_ack_of_a_failure_goes_no_further(scene: Scene) -> None:
    """17.2.1: it belongs to the server transaction; the client transaction has made its own (17.1.1.2)."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    bob.answer(invite, 486)
    await alice.receive(486)
    ack = (await bob.receive("ACK")).request
    assert ack.via == invite.request.via.with_params(rport="5060", received="192.0.2.10")
    assert len(ack.vias) == 1
    await bob.receives_nothing(60)


@simulated()
async def test_16_11_an_ack_to_nobody_is_dropped(scene: Scene) -> None:
    """16.11: "MUST validate a request as described in Section 16.3"; but an ACK is never answered."""
    alice, far = await scene.phone("alice"), await scene.phone("far")
    for request, reason in (
        (alice.request("ACK", "sip:nobody@example.com"), 480),
        (alice.request("ACK", f"sip:x@{far.host}"), 403),
        (alice.request("ACK", "http://example.com"), 416),
        (alice.request("ACK", "sip:bob@example.com", max_forwards=0), 483),
        (alice.request("ACK", "sip:bob@example.com", fields=[("Proxy-Require", "foo")]), 420),
        (alice.request("ACK", "sip:bob@example.com", routes=["<tel:1>"]), 400),
    ):
        await alice.send(request)
        await trio.sleep(1)
        assert scene.counted(f"unroutable.{reason}") == 1
    await alice.receives_nothing()
    assert far.log == []


@pytest.mark.parametrize("where", ["transport=sctp", "transport=tcp"])
@simulated()
async def test_16_11_an_ack_that_cannot_be_delivered_is_dropped(scene: Scene, where: str) -> None:
    """18.4 reports to the user of the transport; a stateless one has nobody to tell."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob", protocols=["udp"])
    await bob.register(contact=f"{bob.contact};{where}")
    await alice.send(alice.request("ACK", bob.aor))
    await alice.receives_nothing(60)
    assert bob.got("ACK") == []
    assert scene.counted("unroutable.no-transport") + scene.counted("transport-error.refused") == 1


@simulated()
async def test_16_11_an_ack_opens_the_connection_that_it_needs(scene: Scene) -> None:
    """16.11: "The request is sent directly to the transport layer"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"{bob.contact};transport=tcp")
    ack = alice.request("ACK", bob.aor)
    ack.headers.remove(b"content-length")
    await alice.send(ack)
    received = await bob.receive("ACK")
    assert received.flow.protocol == "TCP"
    assert received.request.via.transport == "TCP"
    assert received.request.content_length == 0


@simulated()
async def test_16_11_one_and_only_one_target_is_chosen(scene: Scene) -> None:
    """16.11: "MUST choose one and only one target [...] to the same destination each time"."""
    alice, phones = await scene.phone("alice"), [await scene.phone("bob") for _ in range(3)]
    for phone in phones:
        await phone.register()
    ack = alice.request("ACK", "sip:bob@example.com")
    for _ in range(3):
        await alice.send(ack)
    await trio.sleep(1)
    assert sorted(len(phone.got("ACK")) for phone in phones) == [0, 0, 3]


@simulated()
async def test_16_10_a_cancel_of_nothing_is_forwarded_statelessly(scene: Scene) -> None:
    """16.10: "If a response context is not found [...] MUST statelessly forward the CANCEL request"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    cancel = alice.cancel(alice.request("INVITE", bob.aor))
    for _ in range(2):
        await alice.send(cancel)
    received = [(await bob.receive("CANCEL")).request for _ in range(2)]
    assert received[0].via.branch == received[1].via.branch
    assert received[0].raw_uri.decode() == bob.contact
    await alice.receives_nothing(60)


@simulated()
async def test_8_2_2_3_a_cancel_requires_nothing(scene: Scene) -> None:
    """8.2.2.3: Require and Proxy-Require "MUST be ignored" in a CANCEL; nobody would be told by a 420."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("CANCEL", bob.aor, fields=[("Proxy-Require", "foo")]))
    await bob.receive("CANCEL")


@simulated()
async def test_16_6_8_the_method_is_not_in_the_branch(scene: Scene) -> None:
    """16.6 step 8: "The request method MUST NOT be included in the calculation of the branch parameter"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    ack = alice.request("ACK", bob.aor)
    await alice.send(ack)
    first = await bob.receive("ACK")
    await alice.send(alice.cancel(ack))
    second = await bob.receive("CANCEL")
    assert first.request.via.branch == second.request.via.branch


@simulated()
async def test_16_11_an_ack_waits_for_the_name_of_its_next_hop(scene: Scene) -> None:
    """16.6 step 7, to which 16.11 refers: the procedures of :rfc:`3263`, then the first address."""
    alice, bob, other = await scene.phone("alice"), await scene.phone("bob"), await scene.phone("other")
    scene.directory.names["phone.example.net"] = [bob.host, other.host]
    await bob.register(contact="sip:bob@phone.example.net")
    for _ in range(2):
        await alice.send(alice.request("ACK", bob.aor))
    for _ in range(2):
        ack = await bob.receive("ACK")
        assert ack.request.raw_uri == b"sip:bob@phone.example.net"
    assert other.log == []


@simulated()
async def test_16_11_an_ack_whose_next_hop_has_no_address_is_dropped(scene: Scene) -> None:
    """16.11: nobody is told of it."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact="sip:bob@unknown.example.net")
    await alice.send(alice.request("ACK", bob.aor))
    await alice.receives_nothing()
    assert scene.counted("unroutable.no-such-host") == 1


@simulated()
async def test_16_11_more_strays_than_may_wait_are_dropped(scene: Scene) -> None:
    """A flood of ACKs costs bounded memory, while their next hop is looked up or connected to."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    scene.directory.names["phone.example.net"] = [bob.host]
    scene.directory.seconds = 1.0
    await bob.register(contact="sip:bob@phone.example.net")
    for _ in range(MAX_STRAYS + 10):
        await alice.send(alice.request("ACK", bob.aor))
    await trio.sleep(2)
    assert len(bob.got("ACK")) == MAX_STRAYS
    assert scene.counted("dropped.stray.overload") == 10


@simulated()
async def test_16_6_1_an_ack_keeps_its_bytes(scene: Scene) -> None:
    """16.6 step 1 holds for what is forwarded statelessly as well (16.11)."""
    alice, bob, _, answer = await answered(scene)
    ack = alice.in_dialog("ACK", answer)
    ack.headers.add(b"x-unknown", b"1,  2")
    ack.headers.set(b"content-length", b"3")
    ack.body = b"\x00\r\n"
    await alice.send(ack)
    await bob.receive("ACK")
    forwarded = parsed(scene.forwarded("ACK", to=bob)[0])
    assert forwarded.body == ack.body
    for name in (b"from", b"to", b"call-id", b"cseq", b"x-unknown"):
        assert forwarded.headers.lines(name) == ack.headers.lines(name)
    assert b"record-route" not in forwarded.headers


# ---- the ACK of an answer that left no transaction behind


@pytest.mark.parametrize(
    ("fault", "status"),
    [("Expires: never", 400), ("Max-Forwards: 1", 400), ("Content-Length: 99", 400), ("X: SIP/3.0", 505)],
)
@simulated(trusted=("192.0.2.0/24",))
async def test_8_2_7_the_ack_of_a_stateless_answer_is_ignored(scene: Scene, fault: str, status: int) -> None:
    """8.2.7: "A stateless UAS MUST ignore ACK requests"; 17.1.1.3 says what such an ACK looks like."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite = alice.request("INVITE", bob.aor)
    alice.remember(invite)
    data = invite.to_bytes().replace(b"Content-Length: 0", fault.encode())
    await alice.send_raw(data.replace(b"SIP/2.0\r\n", b"SIP/3.0\r\n", 1) if status == 505 else data)
    await alice.receive(status)
    await bob.receives_nothing()
    assert scene.counted("absorbed.ack") == 1


@simulated(limits={"max_transactions": 1})
async def test_8_2_7_so_is_the_ack_of_an_overloaded_server(scene: Scene) -> None:
    """The same for the 503 of a server that has no room for a transaction."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("INVITE", bob.aor))
    await alice.receive(503)
    await trio.sleep(1)
    assert scene.counted("absorbed.ack") == 1
    await bob.receives_nothing()


@simulated(limits={"max_transactions": 1})
async def test_8_2_7_copies_get_the_same_tag(scene: Scene) -> None:
    """8.2.7: "To header tags MUST be generated [...] in a stateless manner"; others get other tags (19.3)."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    alice.acknowledges = False
    invite = alice.request("INVITE", bob.aor)
    tags = []
    for request in (invite, invite, alice.request("INVITE", bob.aor)):
        await alice.send(request)
        tags.append((await alice.receive(503)).response.to.tag)
    assert tags[0] == tags[1] != tags[2]


@simulated()
async def test_13_2_2_4_an_ack_of_another_answer_is_forwarded_all_the_same(scene: Scene) -> None:
    """A tag of somebody else, or one of ours of another request, is no reason to keep an ACK back."""
    alice, bob, _, answer = await answered(scene)
    await alice.send(alice.in_dialog("ACK", answer))
    await bob.receive("ACK")
    assert scene.counted("absorbed.ack") == 0


@pytest.mark.parametrize("fault", ["Expires: never", "Max-Forwards: 1"])
@simulated()
async def test_8_2_7_a_malformed_cancel_is_ignored(scene: Scene, fault: str) -> None:
    """8.2.7: who answers without a transaction "MUST ignore CANCEL requests"; the call goes on."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite = await alice.send(alice.request("INVITE", bob.aor))
    ringing = await bob.receive("INVITE")
    cancel = alice.cancel(invite).to_bytes().replace(b"Content-Length: 0", fault.encode())
    await alice.send_raw(cancel)
    await trio.sleep(1)
    assert [received.kind for received in alice.log] == [100]
    assert bob.got("CANCEL") == []
    assert scene.server.counters.total("dropped.parse") == 1
    bob.answer(ringing, 200)
    await alice.receive_later(200)
