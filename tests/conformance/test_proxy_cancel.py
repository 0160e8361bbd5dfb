"""CANCEL, Timer C and errors of the transport: :rfc:`3261#section-16.8` to 16.10, and section 9."""

import pytest
import trio

from sipfsm.message import Request, make_response
from sipfsm.simulation.phone import Phone, Received
from sipfsm.simulation.scene import Scene, parsed, simulated

T64 = 32.0
"""64*T1, in seconds."""

TIMER_C = 185.0
"""The Timer C of the server, in seconds; "MUST be larger than 3 minutes"."""


async def ringing(
    scene: Scene, count: int = 1, **options: object
) -> tuple[Phone, Request, list[Phone], list[Received]]:
    """Have so many phones ring; return caller, INVITE, the phones and what each got."""
    alice = await scene.phone("alice")
    phones = [await scene.phone("bob") for _ in range(count)]
    for phone in phones:
        await phone.register()
    invite = await alice.send(alice.request("INVITE", "sip:bob@example.com", **options))  # type: ignore[arg-type]
    received = [await phone.receive("INVITE") for phone in phones]
    for phone, each in zip(phones, received, strict=True):
        phone.answer(each, 180)
        await alice.receive(180)
    return alice, invite, phones, received


# ---- 16.10 and 9.2: a CANCEL comes


@simulated()
async def test_16_10_a_cancel_is_answered_and_passed_on_to_all_that_ring(scene: Scene) -> None:
    """16.10: "MUST immediately return a 200 (OK)" and "MUST generate CANCEL requests for all pending"."""
    alice, invite, phones, received = await ringing(scene, 2)
    await alice.send(alice.cancel(invite))
    ok = await alice.receive(200)
    assert ok.response.cseq.method == "CANCEL"
    for phone, each in zip(phones, received, strict=True):
        phone.answer(await phone.receive("CANCEL"), 200)
        phone.answer(each, 487)
    terminated = await alice.receive(487)
    assert terminated.response.cseq.method == "INVITE"
    await alice.receives_nothing(60)


@simulated()
async def test_9_2_the_200_to_a_cancel_does_not_wait_for_anybody(scene: Scene) -> None:
    """16.10: "immediately": after one round trip, although the callee never answers its CANCEL."""
    alice, invite, [bob], _ = await ringing(scene)
    sent_at = trio.current_time()
    await alice.send(alice.cancel(invite))
    assert (await alice.receive(200)).at - sent_at == pytest.approx(0.02)
    await bob.receive("CANCEL")


@simulated(trusted=("192.0.2.0/24",))
async def test_9_1_a_cancel_has_the_fields_of_its_invite(scene: Scene) -> None:
    """9.1: Request-URI, Call-ID, To, From and CSeq number identical; one Via, the same; Route the same."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    routes = [f"<sip:{bob.host};lr>", '"Two, x" <sip:203.0.113.2;lr>;y']
    fields = [("Require", "100rel"), ("X-Other", "1"), ("Content-Type", "text/plain")]
    request = alice.request(
        "INVITE", "sip:b@198.51.100.1;x=1", routes=routes, cseq=4711, fields=fields, body=b"body"
    )
    await alice.send(request)
    bob.answer(await bob.receive("INVITE"), 180)
    await alice.receive(180)
    await alice.send(alice.cancel(request))
    await bob.receive("CANCEL")
    invite, cancel = (parsed(scene.forwarded(method, to=bob)[0]) for method in ("INVITE", "CANCEL"))
    assert isinstance(invite, Request)
    assert isinstance(cancel, Request)
    assert cancel.raw_uri == invite.raw_uri
    for name in (b"from", b"to", b"call-id", b"route", b"max-forwards"):
        assert cancel.headers.lines(name) == invite.headers.lines(name)
    assert (cancel.cseq.number, cancel.cseq.method) == (4711, "CANCEL")
    assert cancel.headers.lines(b"via") == invite.headers.lines(b"via")[:1]
    assert b"require" not in cancel.headers
    assert b"proxy-require" not in cancel.headers
    assert cancel.body == b""


@simulated()
async def test_9_1_no_cancel_before_a_provisional_response(scene: Scene) -> None:
    """9.1: "If no provisional response has been received, the CANCEL request MUST NOT be sent"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite = await alice.send(alice.request("INVITE", bob.aor))
    received = await bob.receive("INVITE")
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    await trio.sleep(5)
    assert bob.got("CANCEL") == []
    bob.answer(received, 100)
    bob.answer(await bob.receive_later("CANCEL"), 200)
    bob.answer(received, 487)
    await alice.receive_later(487)


@pytest.mark.parametrize("status", [180, 183])
@simulated()
async def test_9_1_a_late_provisional_response_is_forwarded_and_cancelled(scene: Scene, status: int) -> None:
    """9.1, and 16.7 step 5: no final response has been sent yet, so it MUST still be forwarded."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite = await alice.send(alice.request("INVITE", bob.aor))
    received = await bob.receive("INVITE")
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    bob.answer(received, status)
    await alice.receive(status)
    bob.answer(await bob.receive("CANCEL"), 200)
    bob.answer(received, status)
    await alice.receive(status)
    bob.answer(received, 487)
    await alice.receive(487)
    assert len(bob.got("CANCEL")) == 1


@pytest.mark.parametrize("status", [486, 603])
@simulated()
async def test_9_1_a_final_response_makes_a_cancel_needless(scene: Scene, status: int) -> None:
    """9.1: "If the original request has generated a final response, the CANCEL SHOULD NOT be sent"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite = await alice.send(alice.request("INVITE", bob.aor))
    received = await bob.receive("INVITE")
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    bob.answer(received, status)
    await alice.receive(status)
    assert bob.got("CANCEL") == []


@simulated()
async def test_9_1_a_branch_without_an_answer_does_not_hold_the_others(scene: Scene) -> None:
    """16.10: "pending" are those in the proceeding state; the others are given up when Timer B fires."""
    alice, [bob, silent] = await scene.phone("alice"), [await scene.phone("bob") for _ in range(2)]
    await bob.register()
    await silent.register()
    invite = await alice.send(alice.request("INVITE", bob.aor))
    received = await bob.receive("INVITE")
    bob.answer(received, 180)
    await alice.receive(180)
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    bob.answer(await bob.receive("CANCEL"), 200)
    bob.answer(received, 487)
    await alice.receive_later(487, within=40)
    assert silent.got("CANCEL") == []


@simulated()
async def test_9_2_a_cancel_that_comes_again_is_answered_the_same(scene: Scene) -> None:
    """9.2, 17.2.2: a retransmission; no second CANCEL goes out, and no second 487."""
    alice, invite, [bob], [received] = await ringing(scene)
    cancel = alice.cancel(invite)
    for _ in range(3):
        await alice.send(cancel)
        await alice.receive(200)
    assert len({packet.data for packet in scene.forwarded("SIP/2.0 200", to=alice)}) == 1
    bob.answer(await bob.receive("CANCEL"), 200)
    bob.answer(received, 487)
    await alice.receive(487)
    await alice.send(cancel)
    await alice.receive(200)
    await alice.receives_nothing(60)
    assert len(bob.got("CANCEL")) == 1


@simulated()
async def test_9_2_a_cancel_after_the_final_response_has_no_effect(scene: Scene) -> None:
    """9.2: "no effect on the processing of the original request [...]"; answered with 200 all the same."""
    alice, invite, [bob], [received] = await ringing(scene)
    bob.answer(received, 200)
    answer = await alice.receive(200)
    await alice.send(alice.cancel(invite))
    assert (await alice.receive(200)).response.cseq.method == "CANCEL"
    await alice.receives_nothing(10)
    assert bob.got("CANCEL") == []
    await alice.send(alice.in_dialog("ACK", answer.response))
    await bob.receive("ACK")


@simulated()
async def test_9_2_a_cancel_after_a_failure_has_no_effect(scene: Scene) -> None:
    """9.2, with another final response."""
    alice, invite, [bob], [received] = await ringing(scene)
    bob.answer(received, 486)
    await alice.receive(486)
    await alice.send(alice.cancel(invite))
    assert (await alice.receive(200)).response.cseq.method == "CANCEL"
    await alice.receives_nothing(10)
    assert bob.got("CANCEL") == []


@simulated()
async def test_9_1_a_2xx_that_crosses_the_cancel_is_forwarded(scene: Scene) -> None:
    """9.1 and 16.7 step 5: "Any 2xx response"; the call is up, and the caller has to end it."""
    alice, invite, [bob], [received] = await ringing(scene)
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    bob.answer(received, 200)
    cancel = await bob.receive("CANCEL")
    bob.answer(cancel, 481)
    answer = await alice.receive(200)
    assert answer.response.cseq.method == "INVITE"
    await alice.send(alice.in_dialog("ACK", answer.response))
    await bob.receive("ACK")
    await alice.send(alice.in_dialog("BYE", answer.response, cseq=2))
    bob.answer(await bob.receive("BYE"), 200)
    await alice.receive(200)
    await alice.receives_nothing(60)


@pytest.mark.parametrize("answers_cancel", [True, False])
@simulated()
async def test_9_1_after_64_t1_a_cancelled_invite_is_over(scene: Scene, answers_cancel: bool) -> None:
    """9.1: "no final response [...] in 64*T1 seconds [...] SHOULD then consider [it] cancelled"."""
    alice, invite, [bob], _ = await ringing(scene)
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    cancel = await bob.receive("CANCEL")
    if answers_cancel:
        bob.answer(cancel, 200)
    terminated = await alice.receive_later(487, within=T64 + 1)
    assert terminated.at - cancel.at == pytest.approx(T64, abs=0.1)
    repeated = len(bob.got("CANCEL"))
    assert repeated == 1 if answers_cancel else repeated > 5


@simulated()
async def test_9_1_a_final_response_after_64_t1_goes_nowhere(scene: Scene) -> None:
    """9.1: the client transaction is destroyed; :rfc:`6026#section-7.3`: what matches none is dropped."""
    alice, invite, [bob], [received] = await ringing(scene)
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    await alice.receive_later(487, within=T64 + 1)
    bob.answer(received, 200)
    await alice.receives_nothing(60)


@simulated()
async def test_16_10_a_cancel_at_once_reaches_the_invite_that_is_not_yet_sent(scene: Scene) -> None:
    """16.10 makes no exception for an INVITE whose targets are still looked for."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite = alice.request("INVITE", bob.aor)
    alice.remember(invite)
    # Both in one piece of a stream, so that they are taken one right after the other.
    invite.via = invite.via._replace(transport="TCP")
    await alice.send_raw(invite.to_bytes() + alice.cancel(invite).to_bytes(), protocol="TCP")
    await bob.receives_nothing(10)
    assert sorted((each.response.status, each.response.cseq.method) for each in alice.log) == [
        (200, "CANCEL"),
        (487, "INVITE"),
    ]


@simulated()
async def test_16_10_a_cancel_ends_the_search_for_an_address(scene: Scene) -> None:
    """16.10: nothing was sent yet, so there is nobody to wait for; 9.2: the INVITE gets its 487 at once."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    scene.directory.names["phone.example.net"] = [bob.host]
    scene.directory.seconds = 1.0
    await bob.register(contact="sip:bob@phone.example.net")
    invite = await alice.send(alice.request("INVITE", bob.aor))
    await trio.sleep(0.5)
    await alice.send(alice.cancel(invite))
    await alice.receive(100)
    assert {(await alice.receive_later(487)).response.cseq.method} == {"INVITE"}
    await bob.receives_nothing(60)


@simulated()
async def test_16_7_10_no_branch_is_cancelled_twice(scene: Scene) -> None:
    """16.7 step 10: pending is what "has not had an associated CANCEL generated for it"."""
    alice, invite, [winner, ringing_on], [received, _] = await ringing(scene, 2)
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    await winner.receive("CANCEL")
    winner.answer(received, 200)
    await alice.receive(200)
    ringing_on.answer(await ringing_on.receive("CANCEL"), 200)
    await ringing_on.receives_nothing(40)
    assert len({packet.data for packet in scene.forwarded("CANCEL")}) == 2


@simulated()
async def test_9_1_a_2xx_leaves_the_wait_for_a_provisional_response_as_it_is(scene: Scene) -> None:
    """9.1 and 16.7 step 10, for a branch that nobody has answered when it is cancelled, and again."""
    alice, phones = await scene.phone("alice"), [await scene.phone("bob") for _ in range(2)]
    for phone in phones:
        await phone.register()
    [winner, silent] = phones
    invite = await alice.send(alice.request("INVITE", winner.aor))
    received, late = await winner.receive("INVITE"), await silent.receive("INVITE")
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    winner.answer(received, 200)
    await alice.receive(200)
    await trio.sleep(5)
    assert silent.got("CANCEL") == []
    silent.answer(late, 100)
    silent.answer(await silent.receive_later("CANCEL"), 200)
    silent.answer(late, 100)
    silent.answer(late, 487)
    await alice.receives_nothing(60)
    assert len(silent.got("CANCEL")) == 1


@simulated()
async def test_9_2_a_second_cancel_transaction_changes_nothing(scene: Scene) -> None:
    """9.2, 17.2.2: over TCP the first one is forgotten at once (Timer J is zero)."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite = await alice.send(alice.request("INVITE", bob.aor, protocol="TCP"), protocol="TCP")
    received = await bob.receive("INVITE")
    bob.answer(received, 180)
    await alice.receive(180)
    for _ in range(3):
        await alice.send(alice.cancel(invite), protocol="TCP")
        await alice.receive(200)
    bob.answer(await bob.receive("CANCEL"), 200)
    bob.answer(received, 487)
    await alice.receive(487)
    assert len(bob.got("CANCEL")) == 1


@simulated()
async def test_9_2_a_cancel_for_what_is_no_invite_changes_nothing(scene: Scene) -> None:
    """9.2: "no impact on the processing of transactions with any other method"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    request = await alice.send(alice.request("MESSAGE", bob.aor))
    message = await bob.receive("MESSAGE")
    await alice.send(alice.cancel(request))
    await trio.sleep(1)
    bob.answer(message, 200)
    await alice.receive_later(200)


# ---- 16.8: Timer C


@simulated()
async def test_16_8_timer_c_cancels_a_branch_that_rings_for_ever(scene: Scene) -> None:
    """16.8: with a provisional response "the proxy MUST generate a CANCEL"; nobody has sent one."""
    alice, _, [bob], [received] = await ringing(scene)
    began = trio.current_time()
    cancel = await bob.receive("CANCEL", within=200)
    assert cancel.at - began == pytest.approx(TIMER_C, abs=0.1)
    bob.answer(cancel, 200)
    bob.answer(received, 487)
    await alice.receive(487)


@simulated()
async def test_16_7_2_a_provisional_response_resets_timer_c(scene: Scene) -> None:
    """16.7 step 2: "status codes 101 to 199 inclusive [...], the proxy MUST reset timer C"."""
    alice, _, [bob], [received] = await ringing(scene)
    began = trio.current_time()
    for instant, status in ((100, 183), (250, 199), (400, 101)):
        await trio.sleep_until(began + instant)
        bob.answer(received, status)
        await alice.receive(status)
    cancel = await bob.receive("CANCEL", within=200)
    assert cancel.at - began == pytest.approx(400 + TIMER_C, abs=0.1)
    bob.answer(cancel, 200)
    bob.answer(received, 487)
    await alice.receive(487)


@simulated()
async def test_16_7_2_so_does_the_first_one(scene: Scene) -> None:
    """16.7 step 2, for a phone that takes its time before it rings."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    await trio.sleep(20)
    bob.answer(invite, 180)
    began = trio.current_time()
    cancel = await bob.receive_later("CANCEL", within=200)
    assert cancel.at - began == pytest.approx(TIMER_C, abs=0.1)
    bob.answer(invite, 487)
    await alice.receive_later(487)


@simulated()
async def test_16_7_2_a_100_does_not(scene: Scene) -> None:
    """16.7 step 2: "anything but 100"."""
    alice, _, [bob], [received] = await ringing(scene)
    began = trio.current_time()
    for _ in range(3):
        await trio.sleep(50)
        bob.answer(received, 100)
    cancel = await bob.receive("CANCEL", within=200)
    assert cancel.at - began == pytest.approx(TIMER_C, abs=0.1)
    bob.answer(received, 487)
    await alice.receive(487)


@simulated()
async def test_16_7_2_timer_c_is_of_each_branch(scene: Scene) -> None:
    """16.6 step 11: "Timer C MUST be set for each client transaction"."""
    alice, _, [bob, desk], [received, other] = await ringing(scene, 2)
    began = trio.current_time()
    await trio.sleep(100)
    desk.answer(other, 183)
    await alice.receive(183)
    bob.answer(await bob.receive("CANCEL", within=200), 200)
    assert trio.current_time() - began == pytest.approx(TIMER_C, abs=0.1)
    bob.answer(received, 487)
    desk.answer(await desk.receive("CANCEL", within=200), 200)
    assert trio.current_time() - began == pytest.approx(100 + TIMER_C, abs=0.1)
    desk.answer(other, 487)
    await alice.receive(487)


@simulated()
async def test_16_8_after_timer_c_64_t1_is_all_that_is_left(scene: Scene) -> None:
    """16.8 and 9.1: a callee that answers neither the INVITE nor the CANCEL holds nobody for ever."""
    alice, _, [bob], _ = await ringing(scene)
    began = trio.current_time()
    await bob.receive("CANCEL", within=200)
    received = await alice.receive_later(487, within=40)
    assert received.at - began == pytest.approx(TIMER_C + T64, abs=0.1)


@simulated(t1=4.0, t2=4.0)
async def test_16_8_timer_c_without_any_response_is_a_408(scene: Scene) -> None:
    """16.8: "MUST behave as if the transaction received a 408"; here Timer B, 64*T1 = 256 s, is later."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    received = await alice.receive_later(408, within=200)
    assert received.at - invite.at == pytest.approx(TIMER_C, abs=0.1)
    assert bob.got("CANCEL") == []
    bob.inbox.clear()
    await bob.receives_nothing(100)


@simulated(t1=1.5, timer_c=2 * 64 * 1.5 + 0.015, trusted=("192.0.2.0/24",))
async def test_16_8_timer_c_ends_the_search_though_the_next_address_was_chosen(scene: Scene) -> None:
    """16.8: Timer C fires in one go with Timer B of the second address, so the third one is not tried.

    Nothing would ever have ended the branch of who rings there.
    """
    scene.server.transactions.timers._slack = 0.01  # as it is outside of tests
    alice, third = await scene.phone("alice"), await scene.phone("third")
    scene.directory.names["far.example.net"] = ["192.0.2.21", "192.0.2.22", third.host]
    await alice.send(alice.request("INVITE", "sip:bob@far.example.net"))
    await alice.receive_later(408, within=200)
    await third.receives_nothing()


@simulated(t1=4.0, t2=4.0)
async def test_16_8_timer_c_ends_the_wait_for_a_provisional_response_too(scene: Scene) -> None:
    """16.8, for an INVITE that is to be cancelled as soon as it can be."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    request = await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    await alice.send(alice.cancel(request))
    received = await alice.receive_later(408, within=200)
    assert received.at - invite.at == pytest.approx(TIMER_C, abs=0.1)
    assert bob.got("CANCEL") == []
    bob.inbox.clear()
    await bob.receives_nothing(100)


# ---- 16.9: the transport says no


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@simulated()
async def test_16_9_an_error_of_the_transport_counts_as_a_503(scene: Scene, method: str) -> None:
    """16.9: "MUST behave as if [it] received a 503"; 16.7 step 6 makes a 500 of a single one."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob", protocols=["udp"])
    await bob.register(contact=f"{bob.contact};transport=tcp")
    await alice.send(alice.request(method, bob.aor))
    await alice.receive(500)


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@simulated(icmp=True)
async def test_18_4_icmp_says_that_nobody_is_there(scene: Scene, method: str) -> None:
    """18.4: "host, network, port or protocol unreachable errors" SHOULD be reported; then as 16.9."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    scene.switch_off(bob)
    await alice.send(alice.request(method, bob.aor))
    await alice.receive(500)


@simulated()
async def test_16_9_the_other_branches_go_on(scene: Scene) -> None:
    """16.9: only the branch that failed has its 503."""
    alice, bob, gone = await scene.phone("alice"), await scene.phone("bob"), await scene.phone("bob")
    await gone.register(contact=f"sip:bob@{gone.host}:5099;transport=tcp")
    await bob.register()
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    await trio.sleep(10)
    bob.answer(invite, 200)
    answer = await alice.receive_later(200)
    await alice.send(alice.in_dialog("ACK", answer.response))
    await bob.receive_later("ACK")


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@simulated()
async def test_16_9_a_connection_that_breaks_before_any_response(scene: Scene, method: str) -> None:
    """17.1.4: "fatal transport errors" while the request was never answered."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"{bob.contact};transport=tcp")
    await alice.send(alice.request(method, bob.aor))
    await bob.receive(method)
    scene.network.reset_streams("192.0.2.10", bob.host)
    await alice.receive(500)


@simulated()
async def test_16_9_a_connection_that_breaks_while_it_rings(scene: Scene) -> None:
    """18.2.2: the answer may come over another connection; in the end Timer C decides."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"{bob.contact};transport=tcp")
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    bob.answer(invite, 180)
    await alice.receive(180)
    scene.network.reset_streams("192.0.2.10", bob.host)
    await trio.sleep(1)
    late = make_response(invite.request, 200, to_tag="late")
    late.headers.copy_lines(b"record-route", invite.request.headers)
    late.headers.add(b"contact", f"<{bob.contact};transport=tcp>".encode())
    await bob.send_raw(late.to_bytes(), protocol="TCP")
    answer = await alice.receive(200)
    await alice.send(alice.in_dialog("ACK", answer.response))
    await bob.receive("ACK")


@simulated()
async def test_16_9_a_cancelled_branch_that_cannot_be_reached_ends_the_call(scene: Scene) -> None:
    """16.9 and 9.1: no connection, no provisional response, and a CANCEL that waits for one."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"{bob.contact};transport=tcp")
    scene.network.part("192.0.2.10", bob.host)
    invite = await alice.send(alice.request("INVITE", bob.aor))
    await alice.receive(100)
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    await alice.receive(500, within=10)


@simulated()
async def test_16_6_7_a_cancelled_branch_tries_no_further_target(scene: Scene) -> None:
    """16.6 step 7 and 9.1: TCP for a large request fails; nobody wants UDP to be tried any more."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    scene.network.part("192.0.2.10", bob.host)
    invite = await alice.send(alice.request("INVITE", bob.aor, body=b"x" * 2000))
    await alice.receive(100)
    await alice.send(alice.cancel(invite))
    await alice.receive(200)
    await alice.receive(487, within=10)
    assert [packet.protocol for packet in scene.network.sent("INVITE", source="192.0.2.10")] == []


@simulated()
async def test_17_1_4_a_connection_that_breaks_after_a_100_to_a_non_invite(scene: Scene) -> None:
    """17.1.4, 16.9: the transaction still sends (Figure 6), so an error of the transport ends it."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact=f"{bob.contact};transport=tcp")
    await alice.send(alice.request("MESSAGE", bob.aor))
    bob.answer(await bob.receive("MESSAGE"), 100)
    await trio.sleep(1)
    scene.network.reset_streams("192.0.2.10", bob.host)
    await alice.receive(500)


@simulated()
async def test_16_6_7_who_has_said_something_is_the_one(scene: Scene) -> None:
    """16.6 step 7: the delivery attempt succeeded; what failed later is no reason to deliver it again."""
    alice, bob, other = await scene.phone("alice"), await scene.phone("bob"), await scene.phone("bob")
    scene.directory.names["phone.example.net"] = [bob.host, other.host]
    await bob.register(contact="sip:bob@phone.example.net;transport=tcp")
    await alice.send(alice.request("MESSAGE", bob.aor))
    bob.answer(await bob.receive("MESSAGE"), 100)
    await trio.sleep(1)
    scene.network.reset_streams("192.0.2.10", bob.host)
    await alice.receive(500)
    assert other.log == []


@simulated(icmp=True)
async def test_18_4_an_ack_that_does_not_arrive_changes_nothing(scene: Scene) -> None:
    """17.1.4: the response was passed on already; what becomes of its ACK concerns the transaction only."""
    alice, _, [bob], [received] = await ringing(scene)
    bob.answer(received, 486)
    scene.switch_off(bob)
    await alice.receive(486)
    await alice.receives_nothing(60)
    assert scene.counted("icmp.refused") >= 1


# ---- what must not happen: a client transaction that ends without a word


@pytest.mark.parametrize(
    ("provisional", "is_cancelled", "status"),
    [(None, False, 408), (180, False, 408), (None, True, 487), (180, True, 487)],
)
@simulated()
async def test_16_7_6_a_branch_without_an_outcome_still_has_one(
    scene: Scene, provisional: int | None, is_cancelled: bool, status: int
) -> None:
    """16.7 step 6: "If there are no final responses in the context, the proxy MUST send a 408"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite = await alice.send(alice.request("INVITE", bob.aor))
    received = await bob.receive("INVITE")
    if provisional:
        bob.answer(received, provisional)
        await alice.receive(provisional)
    if is_cancelled:
        await alice.send(alice.cancel(invite))
        await alice.receive(200)
    [client] = [each for key, each in scene.server.transactions.clients.items() if "INVITE" in str(key)]
    client.abandon()
    await alice.receive(status)


# ---- a CANCEL of what is no INVITE


@pytest.mark.parametrize("branch", [None, "old-style"])
@simulated()
async def test_9_2_a_cancel_of_another_request_gets_200_and_changes_nothing(
    scene: Scene, branch: str | None
) -> None:
    """9.2: "Regardless of the method of the original request" CANCEL gets 200; it matters to INVITE alone."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    message = await alice.send(alice.request("MESSAGE", bob.aor, branch=branch))
    pending = await bob.receive("MESSAGE")
    await alice.send(alice.cancel(message))
    answer = (await alice.receive(200)).response
    assert answer.cseq.method == "CANCEL"
    bob.answer(pending, 202)
    assert (await alice.receive(202)).response.cseq.method == "MESSAGE"
    assert bob.got("CANCEL") == []


@simulated()
async def test_9_2_so_does_one_that_comes_after_the_answer(scene: Scene) -> None:
    """9.2: the transaction exists for 64*T1 after its answer; then the CANCEL belongs to nothing (16.10)."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    message = await alice.send(alice.request("MESSAGE", bob.aor))
    bob.answer(await bob.receive("MESSAGE"), 200)
    await alice.receive(200)
    await alice.send(alice.cancel(message))
    assert (await alice.receive(200)).response.cseq.method == "CANCEL"
    await trio.sleep(40)
    await alice.send(alice.cancel(message))
    await bob.receive("CANCEL")
