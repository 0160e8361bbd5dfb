"""What a proxy checks before it forwards a request: :rfc:`3261#section-16.3`."""

import pytest

from sipfsm.simulation.scene import Scene, parsed, simulated


@simulated()
async def test_16_3_1_a_malformed_component_that_the_proxy_needs_is_answered_with_400(scene: Scene) -> None:
    """16.3 item 1: "Any components involved in [validation or forwarding] MUST be well-formed"."""
    alice = await scene.phone("alice")
    await alice.send(alice.request("INVITE", "sip:bob@example.com", routes=["<sip:192.0.2.10;lr"]))
    await alice.receive(400)


@simulated(trusted=("192.0.2.0/24",))
async def test_16_3_1_a_route_that_cannot_be_followed_is_answered_with_400(scene: Scene) -> None:
    """16.3 item 1: the first Route value decides about the next hop (16.6 step 6)."""
    alice = await scene.phone("alice")
    await alice.send(alice.request("INVITE", "sip:bob@198.51.100.1", routes=["<tel:+1555>"]))
    await alice.receive(400)


@simulated()
async def test_16_3_1_a_malformed_date_is_left_alone(scene: Scene) -> None:
    """16.3 item 1: "Any other components, well-formed or not, SHOULD be ignored and remain unchanged"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("OPTIONS", bob.aor, fields=[("Date", "the day before yesterday")]))
    request = await bob.receive("OPTIONS")
    assert request.request.headers.lines(b"date") == [b"the day before yesterday"]
    bob.answer(request, 200)
    await alice.receive(200)


@simulated()
async def test_16_3_1_an_unknown_method_and_an_unknown_field_are_forwarded(scene: Scene) -> None:
    """16.3 item 1: "MUST NOT refuse to proxy a request because it contains [...]"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("JUGGLE", bob.aor, fields=[("X-Clubs", "5")]))
    request = await bob.receive("JUGGLE")
    assert request.request.headers.lines(b"x-clubs") == [b"5"]
    bob.answer(request, 200)
    await alice.receive(200)


@pytest.mark.parametrize("uri", ["http://example.com/bob", "nobodyKnowsThisScheme:totally", "mailto:bob@b.c"])
@simulated()
async def test_16_3_2_an_unknown_scheme_is_answered_with_416(scene: Scene, uri: str) -> None:
    """16.3 item 2: "SHOULD reject the request with a 416 (Unsupported URI Scheme) response"."""
    alice = await scene.phone("alice")
    await alice.send(alice.request("INVITE", uri, to="<sip:bob@example.com>"))
    await alice.receive(416)


@simulated()
async def test_16_3_2_a_sips_uri_is_never_served_without_tls(scene: Scene) -> None:
    """16.6 step 7 and 26.2.2: a SIPS resource is reached over TLS all the way, or not at all."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("INVITE", "sips:bob@example.com"))
    await bob.receives_nothing()
    assert [received.response.status for received in alice.log if received.response.status >= 200] == [416]


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "OPTIONS"])
@simulated()
async def test_16_3_3_no_hops_left_is_answered_with_483(scene: Scene, method: str) -> None:
    """16.3 item 3: "a field value of zero (0), the element MUST NOT forward [...] MUST return a 483"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request(method, bob.aor, max_forwards=0))
    await alice.receive(483)
    await bob.receives_nothing()


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
@simulated(limits={"idle_timeout": 100.0})
async def test_16_3_3_a_request_may_use_up_all_its_hops(scene: Scene, method: str) -> None:
    """16.3 item 3: it comes back to us until none of the usual 70 is left, and the 483 finds its way.

    By then it has 71 Via values, for the first hop is not counted (16.6 step 3).
    """
    alice = await scene.phone("alice")
    await scene.bind("bob", "sip:bob@example.com;maddr=192.0.2.10")
    await alice.send(alice.request(method, "sip:bob@example.com"))
    await alice.receive_later(483, within=20)
    assert parsed(scene.forwarded(method)[-1]).max_forwards == 0


@pytest.mark.parametrize("method", ["REGISTER", "OPTIONS"])
@simulated()
async def test_16_3_3_what_goes_no_further_needs_no_hops(scene: Scene, method: str) -> None:
    """16.3: the checks are for what is to be proxied; 11: OPTIONS with 0 may be answered."""
    alice = await scene.phone("alice")
    await alice.send(alice.request(method, "sip:example.com", to=f"<{alice.aor}>", max_forwards=0))
    await alice.receive(200)


@pytest.mark.parametrize(("came", "leaves"), [(None, b"70"), (1, b"0"), (70, b"69"), (255, b"254")])
@simulated()
async def test_16_3_3_hops_left_or_not_counted_is_let_pass(
    scene: Scene, came: int | None, leaves: bytes
) -> None:
    """16.3 item 3 and 16.6 step 3: decremented by one; added, as 70, where there is none."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("MESSAGE", bob.aor, max_forwards=came))
    request = await bob.receive("MESSAGE")
    assert request.request.headers.lines(b"max-forwards") == [leaves]
    bob.answer(request, 200)
    await alice.receive(200)


@simulated()
async def test_16_3_5_an_extension_that_is_not_understood_is_answered_with_420(scene: Scene) -> None:
    """16.3 item 5: "MUST return a 420 (Bad Extension) response [with] Unsupported [...]"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    fields = [("Proxy-Require", "foo"), ("Proxy-Require", "bar, Foo2")]
    await alice.send(alice.request("INVITE", bob.aor, fields=fields))
    refusal = await alice.receive(420)
    assert refusal.response.unsupported == ["foo", "bar", "Foo2"]
    await bob.receives_nothing()


@simulated()
async def test_16_3_5_what_only_the_callee_must_understand_is_none_of_our_business(scene: Scene) -> None:
    """20.32: Require is for the UAS; 16.3 names Proxy-Require only."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await alice.send(alice.request("OPTIONS", bob.aor, fields=[("Require", "foo")]))
    request = await bob.receive("OPTIONS")
    assert request.request.require == ["foo"]
    bob.answer(request, 420, fields=[("Unsupported", "foo")])
    await alice.receive(420)


@simulated()
async def test_16_3_the_checks_come_in_their_order(scene: Scene) -> None:
    """16.3: URI scheme, then Max-Forwards, then Proxy-Require."""
    alice = await scene.phone("alice")
    fields = [("Proxy-Require", "foo")]
    to = "<sip:bob@example.com>"
    await alice.send(alice.request("INVITE", "urn:x:y", to=to, max_forwards=0, fields=fields))
    await alice.receive(416)
    await alice.send(alice.request("INVITE", "sip:bob@example.com", max_forwards=0, fields=fields))
    await alice.receive(483)
    await alice.send(alice.request("INVITE", "sip:bob@example.com", max_forwards=1, fields=fields))
    await alice.receive(420)


@simulated()
async def test_16_3_a_merged_request_is_no_error(scene: Scene) -> None:
    """16.3: "a proxy [...] MUST NOT treat merged requests as an error condition"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    one = alice.request("MESSAGE", bob.aor, call_id="1", from_="<sip:a@b.c>;tag=1", branch="z9hG4bK-one")
    other = alice.request("MESSAGE", bob.aor, call_id="1", from_="<sip:a@b.c>;tag=1", branch="z9hG4bK-two")
    for request in (one, other):
        await alice.send(request)
        bob.answer(await bob.receive("MESSAGE"), 200)
        await alice.receive(200)


@simulated()
async def test_16_3_a_refusal_is_made_as_a_user_agent_server_makes_it(scene: Scene) -> None:
    """16.3: "MUST behave as a user agent server (see Section 8.2)"; 8.2.6.2: what is copied, and a To tag."""
    alice = await scene.phone("alice")
    request = await alice.send(alice.request("INVITE", "sip:bob@example.com", max_forwards=0))
    await alice.receive(483)
    response = parsed(scene.forwarded("SIP/2.0 483", to=alice)[0])
    for name in (b"via", b"from", b"call-id", b"cseq"):
        assert response.headers.lines(name) == request.headers.lines(name)
    assert response.to.raw_uri == request.to.raw_uri
    assert response.to.tag
