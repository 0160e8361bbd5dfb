"""Which responses a proxy forwards, when, and in which form: :rfc:`3261#section-16.7`, 6026, 4320."""

from itertools import permutations

import pytest
import trio

from sipfsm.message import Request, Response
from sipfsm.simulation.phone import Phone, Received
from sipfsm.simulation.scene import Scene, parsed, simulated


async def fork(
    scene: Scene, count: int, method: str = "INVITE"
) -> tuple[Phone, Request, list[Phone], list[Received]]:
    """Send a request to a user with so many phones; return caller, request, phones and what they got."""
    alice = await scene.phone("alice")
    phones = [await scene.phone("bob") for _ in range(count)]
    for phone in phones:
        await phone.register()
    request = await alice.send(alice.request(method, "sip:bob@example.com"))
    return alice, request, phones, [await phone.receive(method) for phone in phones]


def final_statuses(phone: Phone) -> list[int]:
    """Return the statuses of all final responses that a phone got, in their order."""
    return [each.response.status for each in phone.log if isinstance(each.kind, int) and each.kind >= 200]


async def accept_cancel(phone: Phone, invite: Received) -> None:
    """Answer a CANCEL and the INVITE that it is for."""
    phone.answer(await phone.receive("CANCEL"), 200)
    phone.answer(invite, 487)
    await phone.receive("ACK")


# ---- step 3: Via


@simulated()
async def test_16_7_3_nothing_but_the_topmost_via_is_taken_off(scene: Scene) -> None:
    """16.7 steps 3 and 9: no field removed, "MUST NOT add to, modify, or remove the message body"."""
    alice, request, [bob], [invite] = await fork(scene, 1)
    response = parsed(scene.forwarded("INVITE", to=bob)[0]).headers
    lines = [
        b"SIP/2.0 486 Nobody is h\xc3\xa9re",
        b"v: %b,  %b" % (response.lines(b"via")[0], response.lines(b"via")[1]),
        b"x-unknown:   kept  ",
        b"f: " + response.lines(b"from")[0],
        b"Record-Route: <sip:further.example.net;lr>,<sip:192.0.2.10:5060;lr>",
        b"TO: " + response.lines(b"to")[0] + b";tag=1;x",
        b"i: " + response.lines(b"call-id")[0],
        b"X-Folded: a\r\n\tb",
        b"CSeq:   0001 INVITE",
        b"l: 3",
        b"",
        b"\x00\r\n",
    ]
    bob.reply(invite, b"\r\n".join(lines))
    await alice.receive(486)
    lines[1] = b"v:  " + request.headers.lines(b"via")[0]
    lines[7] = b"X-Folded: a b"  # 25.1 allows it
    assert scene.forwarded("SIP/2.0 486", to=alice)[0].data == b"\r\n".join(lines)


@simulated()
async def test_16_7_3_received_and_rport_of_the_next_via_stay(scene: Scene) -> None:
    """16.7 step 9: "MUST NOT remove any "received" parameter it may have added"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    request = alice.request("MESSAGE", bob.aor)
    request.via = request.via._replace(host="alice.example.net").with_params(rport=None)
    await alice.send_raw(request.to_bytes())
    bob.answer(await bob.receive("MESSAGE"), 200)
    await trio.sleep(0.1)
    via = parsed(scene.forwarded("SIP/2.0 200", to=alice)[0]).via
    assert (via.host, via.received, via.rport) == ("alice.example.net", alice.host, "5060")


@pytest.mark.parametrize("status", [180, 200, 486])
@simulated()
async def test_16_7_3_a_response_without_another_via_goes_no_further(scene: Scene, status: int) -> None:
    """16.7 step 3: "the response was meant for this element and MUST NOT be forwarded"."""
    alice, _, [bob], [invite] = await fork(scene, 1)
    invite.request.headers.set(b"via", invite.request.headers.lines(b"via")[0])
    bob.answer(invite, status)
    await trio.sleep(300)
    assert scene.forwarded(f"SIP/2.0 {status}", to=alice) == []
    assert scene.counted("dropped.response.no-more-via") == 1
    assert final_statuses(alice) == [408]


@pytest.mark.parametrize("status", [200, 486])
@simulated()
async def test_16_7_3_a_final_one_is_all_that_its_branch_will_get(scene: Scene, status: int) -> None:
    """16.7 steps 3 and 6: without it the context has no final response, and nobody has to wait for one.

    A CANCEL that comes then finds nothing to cancel.
    """
    alice, request, [bob], [invite] = await fork(scene, 1)
    bob.answer(invite, 180)
    await alice.receive(180)
    invite.request.headers.set(b"via", invite.request.headers.lines(b"via")[0])
    bob.answer(invite, status)
    await alice.receive(408)
    await alice.send(alice.cancel(request))
    await alice.receive(200)
    assert bob.got("CANCEL") == []


# ---- step 5: at once, or not


@simulated()
async def test_16_7_5_100_is_never_forwarded(scene: Scene) -> None:
    """16.7 step 5: "a stateful proxy MUST NOT forward any 100 (Trying) response"; it makes its own."""
    alice, _, [bob], [invite] = await fork(scene, 1)
    bob.answer(invite, 100, fields=[("X-From", "Bob")])
    await alice.receive(100)
    assert b"x-from" not in alice.log[-1].message.headers
    assert alice.log[-1].at - invite.at >= 0.19
    await alice.receives_nothing()
    bob.answer(invite, 486)
    await alice.receive(486)


@pytest.mark.parametrize("status", [101, 180, 183, 199])
@simulated()
async def test_16_7_5_provisional_responses_are_forwarded_at_once(scene: Scene, status: int) -> None:
    """16.7 step 5: "Any provisional response other than 100", of all branches; the To tags stay."""
    alice, _, phones, invites = await fork(scene, 2)
    for tag, phone, invite in zip(("one", "two"), phones, invites, strict=True):
        sent_at = trio.current_time()
        phone.answer(invite, status, tag=tag)
        received = await alice.receive(status)
        assert received.at - sent_at == pytest.approx(0.02)
        assert received.response.to.tag == tag
    for phone, invite in zip(phones, invites, strict=True):
        phone.answer(invite, 486)
    await alice.receive(486)


@simulated()
async def test_16_7_5_a_2xx_is_forwarded_at_once_and_ends_the_other_branches(scene: Scene) -> None:
    """16.7 steps 5 and 10: "MUST generate a CANCEL request for all pending client transactions"."""
    alice, _, [winner, *losers], [invite, *others] = await fork(scene, 3)
    for loser, other in zip(losers, others, strict=True):
        loser.answer(other, 180)
        await alice.receive(180)
    winner.answer(invite, 200)
    answer = await alice.receive(200)
    for loser, other in zip(losers, others, strict=True):
        await accept_cancel(loser, other)
    await alice.receives_nothing(60)
    await alice.send(alice.in_dialog("ACK", answer.response))
    await winner.receive("ACK")
    assert winner.got("CANCEL") == []
    assert final_statuses(alice) == [200]


@simulated()
async def test_16_7_5_two_that_answer_are_both_heard(scene: Scene) -> None:
    """16.7 step 5: after the first final response "any 2xx response to an INVITE" still goes through."""
    alice, _, phones, invites = await fork(scene, 2)
    for phone, invite in zip(phones, invites, strict=True):
        phone.answer(invite, 200)
    answers = [await alice.receive(200) for _ in range(2)]
    assert {answer.response.to.tag for answer in answers} == {f"bob-{phone.host}" for phone in phones}
    for answer in answers:
        await alice.send(alice.in_dialog("ACK", answer.response))
    for phone in phones:
        await phone.receive("ACK")


@simulated()
async def test_16_7_5_one_branch_may_answer_more_than_once(scene: Scene) -> None:
    """16.7 step 5, :rfc:`6026#section-7.2`: another fork further down; and every retransmission of a 2xx."""
    alice, _, [bob], [invite] = await fork(scene, 1)
    for tag in ("one", "two", "one", "two"):
        bob.answer(invite, 200, tag=tag)
        assert (await alice.receive(200)).response.to.tag == tag


@simulated()
async def test_16_7_5_other_finals_wait_for_the_other_branches(scene: Scene) -> None:
    """16.7 step 5: "MUST NOT immediately forward any other responses"."""
    alice, _, [one, other], [invite, other_invite] = await fork(scene, 2)
    other.answer(other_invite, 180)
    await alice.receive(180)
    one.answer(invite, 486)
    await one.receive("ACK")
    await alice.receives_nothing(30)
    other.answer(other_invite, 404)
    await alice.receive(486)


@simulated()
async def test_16_7_5_a_6xx_ends_the_others_and_waits_for_them(scene: Scene) -> None:
    """16.7 step 5: "not immediately forwarded, but [...] SHOULD cancel all client pending transactions"."""
    alice, _, [one, other], [invite, other_invite] = await fork(scene, 2)
    other.answer(other_invite, 180)
    await alice.receive(180)
    one.answer(invite, 603)
    await one.receive("ACK")
    cancel = await other.receive("CANCEL")
    await alice.receives_nothing(5)
    other.answer(cancel, 200)
    other.answer(other_invite, 487)
    await alice.receive(603)


@simulated()
async def test_16_7_5_a_2xx_that_crosses_a_6xx_wins(scene: Scene) -> None:
    """16.7 step 5: until a final response was sent, any 2xx is forwarded; then no 6xx may follow."""
    alice, _, [one, other], [invite, other_invite] = await fork(scene, 2)
    other.answer(other_invite, 180)
    await alice.receive(180)
    one.answer(invite, 603)
    other.answer(other_invite, 200)
    await alice.receive(200)
    await alice.receives_nothing(60)


@simulated()
async def test_16_7_5_after_a_2xx_nothing_but_2xx_goes_through(scene: Scene) -> None:
    """16.7 step 5: "A stateful proxy MUST NOT immediately forward any other responses"; late ones never."""
    alice, _, [one, other, third], [invite, other_invite, third_invite] = await fork(scene, 3)
    one.answer(invite, 200)
    await alice.receive(200)
    other.answer(other_invite, 183)
    other.answer(other_invite, 486)
    third.answer(third_invite, 603)
    one.answer(invite, 180)
    one.answer(invite, 486)
    await alice.receives_nothing(60)


@simulated()
async def test_16_7_5_after_another_final_nothing_goes_through(scene: Scene) -> None:
    """16.7 step 5: "either exactly one non-2xx response or one or more 2xx responses to an INVITE"."""
    alice, _, [bob], [invite] = await fork(scene, 1)
    bob.answer(invite, 486)
    await alice.receive(486)
    for status in (180, 200, 404, 603):
        bob.answer(invite, status)
    await alice.receives_nothing(60)


# ---- step 6: the best response

BEST = [
    ((486,), 486),
    ((486, 486), 486),
    ((486, 603), 603),
    ((302, 600, 401), 600),
    ((404, 302), 302),
    ((500, 404), 404),
    ((404, 401), 401),
    ((404, 407), 407),
    ((404, 415), 415),
    ((404, 420), 420),
    ((404, 484), 484),
    ((408, 404), 404),
    ((487, 486), 486),
    ((503,), 500),
    ((503, 503), 500),
    ((503, 502), 502),
    ((503, 404), 404),
    ((503, 407, 501, 404), 407),
    ((488, 606, 302), 606),
]


@pytest.mark.parametrize(("statuses", "best"), BEST)
@simulated()
async def test_16_7_6_the_best_response_is_chosen(scene: Scene, statuses: tuple[int, ...], best: int) -> None:
    """16.7 step 6: 6xx first, then the lowest class; 401, 407, 415, 420, 484 preferred; 503 becomes 500."""
    alice, _, phones, invites = await fork(scene, len(statuses))
    for phone, invite, status in zip(phones, invites, statuses, strict=True):
        phone.answer(invite, status)
    received = await alice.receive(best)
    await alice.receives_nothing(60)
    if best in statuses:
        # "An element SHOULD preserve the To tag when simply forwarding a 3-6xx response"
        assert received.response.to.tag in {f"bob-{phone.host}" for phone in phones}


@pytest.mark.parametrize("statuses", list(permutations((404, 503, 407))))
@simulated()
async def test_16_7_6_the_order_in_which_they_come_makes_no_difference(
    scene: Scene, statuses: tuple[int, ...]
) -> None:
    """16.7 step 6, with the responses of its example."""
    alice, _, phones, invites = await fork(scene, 3)
    for phone, invite, status in zip(phones, invites, statuses, strict=True):
        phone.answer(invite, status)
        await phone.receive("ACK")
    await alice.receive(407)


@simulated()
async def test_16_7_6_a_503_leaves_no_trace(scene: Scene) -> None:
    """16.7 step 6: a 503 would say that this proxy serves nobody; with it goes its Retry-After."""
    alice, _, [bob], [invite] = await fork(scene, 1)
    bob.answer(invite, 503, reason="Overloaded", fields=[("Retry-After", "3600"), ("X-Kept", "yes")])
    received = await alice.receive(500)
    assert received.response.reason == "Server Internal Error"
    assert b"retry-after" not in received.response.headers
    assert received.response.headers.lines(b"x-kept") == [b"yes"]


@simulated()
async def test_16_7_6_without_any_answer_an_invite_ends_with_408(scene: Scene) -> None:
    """16.7 step 6, 8.1.3.1: Timer B of all client transactions; "MUST send a 408 (Request Timeout)"."""
    alice, _, _, invites = await fork(scene, 2)
    received = await alice.receive_later(408, within=40)
    assert received.at - invites[0].at == pytest.approx(32.01 - 0.01, abs=0.02)


@simulated()
async def test_16_7_6_a_non_invite_waits_for_all_branches_too(scene: Scene) -> None:
    """16.7 step 6 knows no methods."""
    alice, _, [one, other], [message, other_message] = await fork(scene, 2, "MESSAGE")
    one.answer(message, 486)
    await alice.receives_nothing(2)
    other.answer(other_message, 415)
    await alice.receive(415)


@simulated()
async def test_16_7_5_a_non_invite_gets_exactly_one_final_response(scene: Scene) -> None:
    """16.7 step 5: the second 200 goes nowhere; 9.1: "CANCEL [...] other than INVITE" SHOULD NOT be sent."""
    alice, _, phones, messages = await fork(scene, 3, "MESSAGE")
    for phone, message in zip(phones[:2], messages, strict=False):
        phone.answer(message, 200)
    await alice.receive(200)
    await alice.receives_nothing(60)
    assert [phone.got("CANCEL") for phone in phones] == [[], [], []]
    assert scene.counted("dropped.response.after-final") >= 1


# ---- step 7: challenges


@simulated()
async def test_16_7_7_all_challenges_are_put_together(scene: Scene) -> None:
    """16.7 step 7: WWW-Authenticate and Proxy-Authenticate of all 401 and 407 "without modification"."""
    alice, _, phones, invites = await fork(scene, 4)
    challenges: list[tuple[int, list[tuple[str, str]]]] = [
        (401, [("WWW-Authenticate", 'Digest realm="one", nonce="a,b"')]),
        (407, [("Proxy-Authenticate", 'Digest realm="two"'), ("Proxy-Authenticate", 'Basic  realm="2"')]),
        (404, [("WWW-Authenticate", 'Digest realm="of no concern"')]),
        (401, [("WWW-Authenticate", 'Digest realm="three"'), ("Proxy-Authenticate", 'Digest realm="four"')]),
    ]
    for phone, invite, (status, fields) in zip(phones, invites, challenges, strict=True):
        phone.answer(invite, status, fields=fields)
        await phone.receive("ACK")
    headers = (await alice.receive(401)).response.headers
    assert headers.lines(b"www-authenticate") == [b'Digest realm="one", nonce="a,b"', b'Digest realm="three"']
    assert sorted(headers.lines(b"proxy-authenticate")) == sorted(
        [b'Digest realm="two"', b'Basic  realm="2"', b'Digest realm="four"']
    )


@simulated()
async def test_16_7_7_another_response_gets_no_challenge(scene: Scene) -> None:
    """16.7 step 7: only "if the selected response is a 401 [...] or 407"."""
    alice, _, [one, other], [invite, other_invite] = await fork(scene, 2)
    one.answer(invite, 401, fields=[("WWW-Authenticate", 'Digest realm="one"')])
    other.answer(other_invite, 603)
    assert b"www-authenticate" not in (await alice.receive(603)).response.headers


# ---- step 9: through the server transaction


@simulated()
async def test_16_7_9_a_final_response_is_repeated_until_it_is_acknowledged(scene: Scene) -> None:
    """16.7 step 9: "MUST pass the response to the server transaction" (17.2.1, Timers G and H)."""
    alice, _, [bob], [invite] = await fork(scene, 1)
    alice.acknowledges = False
    bob.answer(invite, 486)
    await bob.receive("ACK")
    await trio.sleep(40)
    assert [round(each.at - alice.got(486)[0].at, 3) for each in alice.got(486)] == [
        0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5,
    ]  # fmt: skip
    assert scene.counted("answers.lost") == 1
    assert len(bob.got("ACK")) == 1


@simulated()
async def test_16_9_a_response_that_cannot_be_delivered_changes_nothing(scene: Scene) -> None:
    """16.9: "it drops the response. The proxy SHOULD NOT cancel any outstanding client transactions"."""
    alice, [bob, desk] = await scene.phone("alice"), [await scene.phone("bob") for _ in range(2)]
    await bob.register()
    await desk.register()
    await alice.send(alice.request("INVITE", bob.aor, protocol="TCP"), protocol="TCP")
    invite, other = await bob.receive("INVITE"), await desk.receive("INVITE")
    scene.switch_off(alice)
    await trio.sleep(1)
    bob.answer(invite, 180)
    await trio.sleep(1)
    bob.answer(invite, 486)
    await bob.receive_later("ACK")
    desk.answer(other, 200)
    await trio.sleep(1)
    assert desk.got("CANCEL") == []
    assert scene.server.proxy.contexts


# ---- RFC 6026


@simulated()
async def test_6026_7_3_a_stray_2xx_goes_nowhere(scene: Scene) -> None:
    """:rfc:`6026#section-7.3`: "MUST NOT forward the response if there is no matching transaction"."""
    alice, _, [bob], [invite] = await fork(scene, 1)
    stray = Response(200, "OK", invite.request.headers.copy())
    via = invite.request.via.with_params(branch="z9hG4bKnobodyKnows")
    stray.headers.replace_first_value(b"via", via.to_bytes())
    bob.reply(invite, stray.to_bytes())
    await alice.receive(100)
    await alice.receives_nothing(1)
    assert scene.counted("dropped.response.stray") == 1
    bob.answer(invite, 486)
    await alice.receive(486)


@simulated()
async def test_6026_7_3_a_2xx_that_comes_too_late_goes_nowhere(scene: Scene) -> None:
    """:rfc:`6026#section-7.2`: Timer M, 64*T1 after the first 2xx."""
    alice, _, [bob], [invite] = await fork(scene, 1)
    bob.answer(invite, 200)
    await trio.sleep(31)
    bob.answer(invite, 200)
    await trio.sleep(1.5)
    bob.answer(invite, 200)
    await trio.sleep(1)
    assert final_statuses(alice) == [200, 200]
    assert scene.counted("dropped.response.stray") == 1


@simulated()
async def test_6026_7_1_an_invite_that_comes_again_after_its_2xx_is_absorbed(scene: Scene) -> None:
    """:rfc:`6026#section-7.1`: in Accepted a retransmission is neither answered nor passed on."""
    alice, request, [bob], [invite] = await fork(scene, 1)
    bob.answer(invite, 200)
    await alice.receive(200)
    await alice.send(request)
    await alice.receives_nothing(5)
    assert len(bob.got("INVITE")) == 1


@simulated()
async def test_18_1_2_a_response_that_was_never_ours_is_discarded(scene: Scene) -> None:
    """18.1.2, 16.11: a top Via of somebody else "MUST be silently discarded"."""
    alice, _, [bob], [invite] = await fork(scene, 1)
    stray = Response(200, "OK", invite.request.headers.copy())
    stray.headers.pop_first_value(b"via")
    bob.reply(invite, stray.to_bytes())
    await alice.receive(100)
    await alice.receives_nothing(1)
    assert scene.counted("dropped.response.foreign-via") == 1
    bob.answer(invite, 486)
    await alice.receive(486)


# ---- RFC 4320


@simulated()
async def test_4320_4_2_a_non_invite_that_nobody_answers_gets_no_408(scene: Scene) -> None:
    """:rfc:`4320#section-4.2`: "MUST NOT send a response with Status-Code of 408 to a non-INVITE request"."""
    alice, _, _, _ = await fork(scene, 2, "MESSAGE")
    await trio.sleep(100)
    assert [received.kind for received in alice.log] == [100]
    assert scene.server.transactions.servers == {}


@simulated()
async def test_4320_4_2_nor_one_that_was_only_ever_tried(scene: Scene) -> None:
    """:rfc:`4320#section-4.2`, 17.1.2.2: Timer F fires in Proceeding as well."""
    alice, _, [bob], [message] = await fork(scene, 1, "MESSAGE")
    bob.answer(message, 100)
    await trio.sleep(92.5)
    assert not [key for key in scene.server.transactions.servers if "MESSAGE" in str(key)]
    assert [received.kind for received in alice.log] == [100]


@simulated()
async def test_4320_4_2_nor_the_408_of_somebody_else(scene: Scene) -> None:
    """:rfc:`4320#section-4.2`, for a 408 that comes from further down."""
    alice, _, [bob], [message] = await fork(scene, 1, "MESSAGE")
    bob.answer(message, 408)
    await trio.sleep(60)
    assert [received.kind for received in alice.log] == [100]  # 4.1: it has not otherwise responded


@simulated()
async def test_4320_4_2_a_copy_of_what_came_to_nothing_is_no_new_request(scene: Scene) -> None:
    """17.2.2: retransmissions are discarded, as long as the client may send any: 64*T1, and T4 on the way."""
    alice, _, [bob], [message] = await fork(scene, 1, "MESSAGE")
    bob.answer(message, 408)
    await trio.sleep(1)
    (original,) = [packet.data for packet in scene.network.sent("MESSAGE", source=alice.host)]
    for _ in range(3):
        await alice.send_raw(original)
        await bob.receives_nothing(11)
    assert final_statuses(alice) == []


@simulated()
async def test_4320_4_2_a_late_response_to_a_non_invite_goes_nowhere(scene: Scene) -> None:
    """:rfc:`4320#section-4.2`: "this proxy will not forward any "late" non-INVITE responses"."""
    alice, _, [bob], [message] = await fork(scene, 1, "MESSAGE")
    await trio.sleep(33)
    bob.answer(message, 200)
    await trio.sleep(10)
    assert final_statuses(alice) == []


@simulated()
async def test_4320_4_1_a_non_invite_gets_no_provisional_response_but_a_late_100(scene: Scene) -> None:
    """:rfc:`4320#section-4.1`: 100 "if it has not otherwise responded" when Timer E reaches T2."""
    alice, _, [bob], [message] = await fork(scene, 1, "MESSAGE")
    for status in (100, 180, 183):
        bob.answer(message, status)
    trying = await alice.receive(100, within=10)
    assert trying.at - message.at == pytest.approx(3.5, abs=0.05)
    await alice.receives_nothing(2)
    assert scene.counted("dropped.response.provisional") == 2
    bob.answer(message, 200)
    await alice.receive(200)
