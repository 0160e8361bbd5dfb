"""A request that comes back: :rfc:`5393#section-4`, which replaces the loop detection of :rfc:`3261`."""

import pytest
import trio

from sipfsm.simulation.phone import SERVER, Phone
from sipfsm.simulation.scene import Scene, parsed, simulated


async def leads_to(scene: Scene, phone: Phone, *contacts: str) -> None:
    """Bind contacts to a phone's address-of-record; the domain is found to be the server."""
    scene.directory.names["example.com"] = [SERVER]
    for contact in contacts:
        await phone.register(contact=contact)


def inward(scene: Scene, method: str = "INVITE") -> int:
    """Return how many requests the server has sent to itself, retransmissions not counted."""
    own = [packet for packet in scene.forwarded(method) if packet.destination.host == SERVER]
    return len({parsed(packet).via.branch for packet in own})


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@simulated()
async def test_5393_4_1_a_request_that_forks_does_not_come_back_to_fork_again(
    scene: Scene, method: str
) -> None:
    """4.1: "it MUST ensure that request is not looping through this proxy"; 4.2.2: with 482."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await leads_to(scene, bob, "sip:bob@example.com;x=1", "sip:bob@example.com;x=2")
    await alice.send(alice.request(method, bob.aor))
    await alice.receive(482)
    assert inward(scene, method) == 2


@simulated()
async def test_5393_4_1_the_other_branches_are_not_held_up(scene: Scene) -> None:
    """4.2.2: it is the request that has looped that is refused; 16.7 step 6 chooses among the answers."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await leads_to(scene, bob, "sip:bob@example.com", bob.contact)
    await alice.send(alice.request("INVITE", bob.aor))
    bob.answer(await bob.receive("INVITE"), 200)
    answer = await alice.receive_later(200)
    await alice.send(alice.in_dialog("ACK", answer.response))
    await bob.receive("ACK")


@simulated()
async def test_5393_4_2_2_a_loop_over_several_addresses_is_found_too(scene: Scene) -> None:
    """4.2.2: every Via of this proxy is looked at, not only the topmost one."""
    alice, bob, carol = await scene.phone("alice"), await scene.phone("bob"), await scene.phone("carol")
    await leads_to(scene, bob, carol.aor, "sip:bob@192.0.2.99")
    await leads_to(scene, carol, bob.aor, "sip:carol@192.0.2.98")
    await alice.send(alice.request("MESSAGE", bob.aor))
    await trio.sleep(40)
    assert inward(scene, "MESSAGE") == 2
    assert {packet.data for packet in scene.forwarded("SIP/2.0 482")}


@simulated()
async def test_5393_4_2_2_a_spiral_is_no_loop(scene: Scene) -> None:
    """4.2.2: "If the values differ, the request is spiraling and processing continues"."""
    alice, bob, carol = await scene.phone("alice"), await scene.phone("bob"), await scene.phone("carol")
    await leads_to(scene, bob, carol.aor, bob.contact)
    await leads_to(scene, carol, carol.contact, "sip:carol@192.0.2.98")
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await carol.receive("INVITE")
    assert len(invite.request.vias) == 3
    carol.answer(invite, 200)
    answer = await alice.receive_later(200)
    bob.answer(await bob.receive_later("INVITE"), 487)
    await alice.send(alice.in_dialog("ACK", answer.response))
    await carol.receive("ACK")


@simulated()
async def test_5393_4_1_where_nothing_forks_max_forwards_is_enough(scene: Scene) -> None:
    """4.1: "A SIP proxy forwarding a request to only one location MAY perform loop detection"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await leads_to(scene, bob, "sip:bob@example.com")
    await alice.send(alice.request("MESSAGE", bob.aor, max_forwards=5))
    await alice.receive_later(483)
    assert inward(scene, "MESSAGE") == 5


@simulated()
async def test_5393_4_2_1_the_first_part_is_unique_and_the_second_that_of_the_request(scene: Scene) -> None:
    """4.2.1: two parts; the second "MUST NOT vary with the request method", and differs for each request."""
    alice, phones = await scene.phone("alice"), [await scene.phone("bob") for _ in range(2)]
    for phone in phones:
        await phone.register()
    marks = []
    for _ in range(2):
        invite = await alice.send(alice.request("INVITE", "sip:bob@example.com"))
        for phone in phones:
            phone.answer(await phone.receive("INVITE"), 180)
            await alice.receive(180)
        await alice.send(alice.cancel(invite))
        await alice.receive(200)
        for phone in phones:
            cancel = await phone.receive("CANCEL")
            phone.answer(cancel, 200)
            phone.answer(phone.got("INVITE")[-1], 487)
            await phone.receive("ACK")
            branch = cancel.request.via.branch
            assert branch == phone.got("INVITE")[-1].request.via.branch == phone.log[-1].message.via.branch
            marks.append(str(branch).partition("."))
        await alice.receive(487)
    assert len({first for first, _, _ in marks}) == 4
    assert [mark for _, _, mark in marks[:2]] == [marks[0][2]] * 2
    assert marks[0][2] != marks[2][2]


@simulated()
async def test_5393_4_2_4_odd_vias_of_others_are_no_obstacle(scene: Scene) -> None:
    """4.2.4: parameters without values, quoted strings, no branch at all "must not cause [...] to fail"."""
    alice, phones = await scene.phone("alice"), [await scene.phone("bob") for _ in range(2)]
    for phone in phones:
        await phone.register()
    request = alice.request("MESSAGE", "sip:bob@example.com")
    vias = 'SIP/2.0/X-Y  odd.example.net ;hidden; q="a,;b" ;branch, SIP/2.0/TLS [2001:db8::1]:5061;branch=1'
    request.headers.set(b"via", request.headers.lines(b"via")[0] + f",{vias}".encode())
    await alice.send(request)
    for phone in phones:
        phone.answer(await phone.receive("MESSAGE"), 404)
    await alice.receive(404)
    assert len(parsed(scene.forwarded("MESSAGE")[0]).vias) == 4
