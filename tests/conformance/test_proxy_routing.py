"""Where a proxy sends a request: :rfc:`3261#section-16.4` and 16.5, 12.2, and who may have it relayed."""

from collections.abc import Sequence

import pytest

from sipfsm.message import Request, Response
from sipfsm.simulation.phone import SERVER, Phone
from sipfsm.simulation.scene import Scene, parsed, simulated

TRUSTED = ("192.0.2.0/24",)
OWN = "<sip:192.0.2.10;lr>"


async def call(alice: Phone, bob: Phone) -> tuple[Request, Response]:
    """Set up a call; return the INVITE as the callee got it, and the 200 as the caller did."""
    await alice.send(alice.request("INVITE", bob.aor))
    invite = await bob.receive("INVITE")
    bob.answer(invite, 200)
    answer = await alice.receive(200)
    await alice.send(alice.in_dialog("ACK", answer.response))
    await bob.receive("ACK")
    return invite.request, answer.response


async def relayed(
    alice: Phone, target: Phone, request: Request, uri: str, routes: Sequence[bytes] = ()
) -> None:
    """Check that a request reaches a phone with this Request-URI and Route."""
    await alice.send(request)
    received = await target.receive(request.method)
    assert received.request.raw_uri.decode() == uri
    assert received.request.headers.lines(b"route") == list(routes)
    target.answer(received, 200)
    await alice.receive(200)


async def refused(alice: Phone, request: Request, status: int, *others: Phone) -> None:
    """Check that a request is answered with this status, and that nobody else hears of it."""
    await alice.send(request)
    await alice.receive(status)
    for other in others:
        await other.receives_nothing()


# ---- 16.4


@simulated()
async def test_16_4_what_a_strict_router_did_is_undone(scene: Scene) -> None:
    """16.4: our Record-Route value in the Request-URI is replaced by the last value of Route."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    _, answer = await call(alice, bob)
    bye = alice.in_dialog("BYE", answer, cseq=2)
    bye.raw_uri = answer.record_routes[0].raw_uri
    bye.headers.set(b"route", b"<%b>" % answer.contacts[0].raw_uri)
    await relayed(alice, bob, bye, bob.contact)


@simulated()
async def test_16_4_a_strict_router_leaves_the_other_routes_in_their_order(scene: Scene) -> None:
    """16.4: only the last value goes; "MUST then proceed as if it received this modified request"."""
    alice, bob, next_proxy = await scene.phone("alice"), await scene.phone("bob"), await scene.phone("next")
    await bob.register()
    _, answer = await call(alice, bob)
    first = f'"Next, <Hop>" <sip:{next_proxy.host};lr;x=1>;y'
    bye = alice.in_dialog("BYE", answer, cseq=2)
    bye.raw_uri = answer.record_routes[0].raw_uri
    bye.headers.remove(b"route")
    bye.headers.add(b"route", f"{first}, <sip:203.0.113.9;lr>,<{bob.contact}>".encode())
    await alice.send(bye)
    received = await next_proxy.receive("BYE")
    assert received.request.raw_uri.decode() == bob.contact
    assert received.request.headers.values(b"route") == [first.encode(), b"<sip:203.0.113.9;lr>"]
    next_proxy.answer(received, 200)
    await alice.receive(200)


@pytest.mark.parametrize(
    "params", ["maddr=192.0.2.10", "maddr=192.0.2.10;transport=udp", "maddr=example.com;transport=UDP"]
)
@pytest.mark.parametrize(("where", "routes"), [("example.com", []), ("example.com:5060", [OWN])])
@simulated()
async def test_16_4_a_maddr_of_ours_is_stripped(
    scene: Scene, where: str, routes: list[str], params: str
) -> None:
    """16.4: "the proxy MUST strip the maddr and any non-default port or transport parameter"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    request = alice.request("MESSAGE", f"sip:bob@{where};{params}", routes=routes)
    await relayed(alice, bob, request, bob.contact)


@simulated(trusted=TRUSTED)
async def test_16_4_a_maddr_of_ours_in_a_foreign_uri_leaves_a_plain_uri(scene: Scene) -> None:
    """16.4: processing continues "as if those values had not been present in the request"."""
    alice, far = await scene.phone("alice"), await scene.phone("far")
    request = alice.request("MESSAGE", f"sip:bob@{far.host};maddr=192.0.2.10;transport=udp;x=1")
    await relayed(alice, far, request, f"sip:bob@{far.host};x=1")


@pytest.mark.parametrize(
    "routes",
    [
        [OWN],
        ["<sip:192.0.2.10:5060;lr>"],
        ["<sip:example.com;lr>"],
        ["<sip:EXAMPLE.com;lr>"],
        ["<sip:sbc.example.net:5070;lr>"],
        ["<sip:192.0.2.10;transport=tcp;lr>, <sip:192.0.2.10;lr>"],
        [OWN, "<sip:example.com;lr>"],
        ['"Our, own" <sip:192.0.2.10;lr;x=1>;y'],
    ],
)
@simulated(aliases=("sbc.example.net:5070",))
async def test_16_4_a_route_that_names_us_is_taken_off(scene: Scene, routes: list[str]) -> None:
    """16.4: "If the first value in the Route header field indicates this proxy, the proxy MUST remove" it.

    Two of them, as :rfc:`5658` has a proxy record that changes the transport, both go at once.
    """
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    await relayed(alice, bob, alice.request("MESSAGE", bob.aor, routes=routes), bob.contact)


@simulated(trusted=TRUSTED)
async def test_16_4_a_foreign_route_stays_and_is_followed(scene: Scene) -> None:
    """16.4 and 16.12: only a value that names us goes; the next one says where to send the request."""
    alice, far = await scene.phone("alice"), await scene.phone("far")
    rest = [f"<sip:{far.host};lr>".encode(), b"<sip:192.0.2.10;lr>"]
    routes = [OWN, *(value.decode() for value in rest)]
    uri = "sip:bob@198.51.100.1"
    await relayed(alice, far, alice.request("MESSAGE", uri, routes=routes), uri, rest)


@simulated(trusted=TRUSTED)
async def test_16_4_a_route_to_another_port_of_this_host_is_not_ours(scene: Scene) -> None:
    """16.4: what indicates this proxy is its address and port."""
    alice = await scene.phone("alice")
    routes = ["<sip:192.0.2.10:5062;lr>"]
    await alice.send(alice.request("MESSAGE", "sip:bob@198.51.100.1", routes=routes))
    await alice.receives_nothing()
    [forwarded, *_] = scene.forwarded("MESSAGE")
    assert forwarded.destination == (SERVER, 5062)
    assert parsed(forwarded).headers.lines(b"route") == [b"<sip:192.0.2.10:5062;lr>"]


@simulated(trusted=TRUSTED)
async def test_16_4_a_route_whose_maddr_is_elsewhere_is_not_ours(scene: Scene) -> None:
    """16.4 and 19.1.1: `maddr` overrides the host, so the value indicates the server at that address."""
    alice, far = await scene.phone("alice"), await scene.phone("far")
    route = f"<sip:example.com;maddr={far.host};lr>"
    request = alice.request("MESSAGE", "sip:bob@198.51.100.1", routes=[OWN, route])
    await relayed(alice, far, request, "sip:bob@198.51.100.1", [route.encode()])


# ---- 16.5


@simulated()
async def test_16_5_no_target_is_there_twice(scene: Scene) -> None:
    """16.5: "If a target URI is already present in the set [...], it MUST NOT be added again".

    The bindings differ (19.1.4), and what a Request-URI may have of them (16.6 step 2) does not.
    """
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    for contact in (bob.contact, f"{bob.contact};method=INVITE", f"{bob.contact}?Subject=hello"):
        await bob.register(contact=contact)
    await alice.send(alice.request("MESSAGE", bob.aor))
    bob.answer(await bob.receive("MESSAGE"), 200)
    await alice.receive(200)
    await bob.receives_nothing()


@simulated(trusted=TRUSTED)
async def test_16_5_a_foreign_domain_keeps_its_request_uri(scene: Scene) -> None:
    """16.5: "the Request-URI MUST be placed into the target set as the only target"."""
    alice, far = await scene.phone("alice"), await scene.phone("far")
    uri = f"sip:B%6Fb:pw@{far.host}:5060;transport=UDP;X=%20;lr"
    await relayed(alice, far, alice.request("MESSAGE", uri), uri)


@simulated(trusted=TRUSTED)
async def test_16_5_a_foreign_maddr_is_the_only_target_even_in_our_domain(scene: Scene) -> None:
    """16.5: "If the Request-URI [...] contains an maddr parameter, [it] MUST be [...] the only target"."""
    alice, bob, far = await scene.phone("alice"), await scene.phone("bob"), await scene.phone("far")
    await bob.register()
    uri = f"sip:bob@example.com;maddr={far.host}"
    await relayed(alice, far, alice.request("MESSAGE", uri), uri)
    assert bob.got("MESSAGE") == []


@pytest.mark.parametrize(
    "uri",
    [
        "sip:bob@example.com",
        "sip:bob@EXAMPLE.COM",
        "sip:%62ob@example.com",
        "sip:bob@example.com:5060",
        "sip:bob@192.0.2.10",
        "sip:bob:secret@example.com;transport=tcp;user=phone;x=y",
    ],
)
@simulated()
async def test_16_5_our_domain_is_looked_up_in_its_canonical_form(scene: Scene, uri: str) -> None:
    """16.5: "the Request-URI MUST first be canonicalized as described in Section 10.3"."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    if "192.0.2.10" in uri:
        register = bob.request("REGISTER", "sip:192.0.2.10", to="<sip:bob@192.0.2.10>")
        await bob.send(register)
        await bob.receive(200)
    await relayed(alice, bob, alice.request("MESSAGE", uri), bob.contact)


@simulated(users=("bob",))
async def test_16_5_a_user_that_does_not_exist_is_answered_with_404(scene: Scene) -> None:
    """16.5: "a resource at this proxy that does not exist, the proxy MUST return a 404"."""
    alice = await scene.phone("alice")
    await refused(alice, alice.request("INVITE", "sip:nobody@example.com"), 404)
    await refused(alice, alice.request("INVITE", "sip:example.com"), 404)


@simulated(users=("bob", "carol@example.com"))
async def test_16_5_a_user_without_a_contact_is_answered_with_480(scene: Scene) -> None:
    """16.5: "If the target set remains empty [...] SHOULD be the 480 (Temporarily Unavailable)"."""
    alice = await scene.phone("alice")
    await refused(alice, alice.request("INVITE", "sip:bob@example.com"), 480)
    await refused(alice, alice.request("INVITE", "sip:carol@example.com"), 480)


@simulated(trusted=TRUSTED)
async def test_16_5_a_telephone_number_without_a_gateway_is_answered_with_416(scene: Scene) -> None:
    """16.3 item 2, 16.5: nothing says where a tel URI is to go."""
    alice = await scene.phone("alice")
    await refused(alice, alice.request("INVITE", "tel:+1-555-0100"), 416)


@simulated(trusted=TRUSTED, next_hop="sip:192.0.2.101;lr")
async def test_16_5_everything_foreign_may_have_one_next_hop(scene: Scene) -> None:
    """16.5 and 16.6 step 6: the "no-op" location service, with a next hop proxy of local policy."""
    gateway, alice = await scene.phone("gateway"), await scene.phone("alice")
    for uri in ("tel:+1-555-0100", "sip:bob@198.51.100.1;transport=sctp"):
        await relayed(alice, gateway, alice.request("MESSAGE", uri), uri)


@simulated(trusted=TRUSTED, next_hop="sip:192.0.2.101;lr")
async def test_16_6_6_the_next_hop_of_policy_gives_way_to_a_route(scene: Scene) -> None:
    """16.6 step 6: with a Route "this alternative MUST NOT be used unless [...] a loose router"."""
    gateway, alice, far = await scene.phone("gateway"), await scene.phone("alice"), await scene.phone("far")
    route = f"<sip:{far.host};lr>"
    uri = "sip:bob@198.51.100.1"
    await relayed(alice, far, alice.request("MESSAGE", uri, routes=[route]), uri, [route.encode()])
    assert gateway.log == []


@simulated()
async def test_16_5_a_contact_that_is_no_sip_uri_leads_nowhere(scene: Scene) -> None:
    """16.9: a target that cannot be reached counts as a 503, and a single 503 goes up as a 500 (16.7)."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register(contact="mailto:bob@example.com")
    await refused(alice, alice.request("INVITE", bob.aor), 500)


# ---- 12.2: requests in a dialog that was set up through us


@simulated()
async def test_12_2_requests_of_both_sides_come_through_the_proxy(scene: Scene) -> None:
    """12.2.1.1 and 16.12.1: the route set leads through the proxy, and the Request-URI stays the contact."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    invite, answer = await call(alice, bob)
    await relayed(alice, bob, alice.in_dialog("INFO", answer, cseq=2), bob.contact)
    await relayed(bob, alice, bob.in_dialog_of_callee("BYE", invite, answer), alice.contact)


@simulated()
async def test_12_2_a_re_invite_is_recorded_again(scene: Scene) -> None:
    """16.6 step 4: in a dialog the proxy SHOULD insert its value as well."""
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    _, answer = await call(alice, bob)
    await alice.send(alice.in_dialog("INVITE", answer, cseq=2))
    again = await bob.receive("INVITE")
    assert [route.raw_uri for route in again.request.record_routes] == [answer.record_routes[0].raw_uri]
    bob.answer(again, 488)
    await alice.receive(488)


# ---- who may have a request relayed


@simulated(trusted=("203.0.113.0/24",))
async def test_a_stranger_cannot_reach_a_foreign_domain(scene: Scene) -> None:
    """16.3: local policy; an open relay would let anybody hide behind this server."""
    alice, far = await scene.phone("alice"), await scene.phone("far")
    for request in (
        alice.request("INVITE", f"sip:x@{far.host}"),
        alice.request("MESSAGE", f"sip:x@{far.host}"),
        alice.request("REGISTER", f"sip:{far.host}"),
        alice.request("INVITE", "tel:+1-900-555-0100"),
    ):
        await refused(alice, request, 403, far)


@simulated()
async def test_a_stranger_cannot_reach_a_foreign_host_by_a_route_or_maddr(scene: Scene) -> None:
    """A Request-URI of ours is no cover for a Route or maddr that leads elsewhere (16.6 step 7, 16.5)."""
    alice, bob, far = await scene.phone("alice"), await scene.phone("bob"), await scene.phone("far")
    await bob.register()
    routed = alice.request("MESSAGE", bob.aor, routes=[OWN, f"<sip:{far.host};lr>"])
    await refused(alice, routed, 403, far, bob)
    maddr = alice.request("MESSAGE", f"sip:bob@example.com;maddr={far.host}")
    await refused(alice, maddr, 403, far, bob)


@simulated(trusted=TRUSTED)
async def test_a_trusted_address_can(scene: Scene) -> None:
    """The configuration names the networks that may."""
    alice, far = await scene.phone("alice"), await scene.phone("far")
    stranger = await scene.phone("alice", host="203.0.113.1")
    uri = f"sip:x@{far.host}"
    await relayed(alice, far, alice.request("MESSAGE", uri), uri)
    await refused(stranger, stranger.request("MESSAGE", uri), 403, far)


@simulated()
async def test_a_registered_user_can_from_the_flow_that_it_registered_over(scene: Scene) -> None:
    """What can be said without digest: the same address and port as the REGISTER, as the same user."""
    alice, far = await scene.phone("alice"), await scene.phone("far")
    uri = f"sip:x@{far.host}"
    await refused(alice, alice.request("MESSAGE", uri), 403, far)
    await alice.register()
    await relayed(alice, far, alice.request("MESSAGE", uri), uri)


@simulated()
async def test_nobody_else_can_in_the_name_of_a_registered_user(scene: Scene) -> None:
    """From is easily written; so is the From of nobody, of another domain, and of another scheme."""
    alice, far = await scene.phone("alice"), await scene.phone("far")
    await alice.register()
    mallory = await scene.phone("alice")
    uri = f"sip:x@{far.host}"
    await refused(mallory, mallory.request("MESSAGE", uri), 403, far)
    for sender in ("<sip:mallory@example.com>", "<sip:alice@example.net>", "<tel:+15550100>"):
        request = alice.request("MESSAGE", uri, from_=f"{sender};tag=1")
        await refused(alice, request, 403, far)


@simulated()
async def test_a_stranger_can_within_a_dialog_that_was_set_up_through_us(scene: Scene) -> None:
    """16.6 step 4: the URI that we record may hold what tells its dialog; the caller is no user of ours."""
    stranger, bob = await scene.phone("eve", host="203.0.113.1"), await scene.phone("bob")
    await bob.register()
    invite, answer = await call(stranger, bob)
    await relayed(bob, stranger, bob.in_dialog_of_callee("INFO", invite, answer), stranger.contact)
    await relayed(stranger, bob, stranger.in_dialog("BYE", answer, cseq=2), bob.contact)


@pytest.mark.parametrize("forgery", ["none", "changed", "other-dialog", "no-value", "no-to-tag"])
@simulated()
async def test_a_forged_token_opens_no_door(scene: Scene, forgery: str) -> None:
    """16.6 step 4: "MAY reject requests not matching that information"."""
    stranger, bob = await scene.phone("eve", host="203.0.113.1"), await scene.phone("bob")
    far = await scene.phone("far")
    await bob.register()
    _, answer = await call(stranger, bob)
    request = stranger.in_dialog("INFO", answer, cseq=2)
    request.raw_uri = far.contact.encode()
    [route] = [route.decode() for route in request.headers.lines(b"route")]
    token = str(request.routes[0].uri).partition("dialog=")[2]
    if forgery == "none":
        route = route.replace(f";dialog={token}", "")
    elif forgery == "changed":
        route = route.replace(token, token[:-1] + ("0" if token[-1] != "0" else "1"))
    elif forgery == "no-value":
        route = route.replace(f"={token}", "")
    elif forgery == "other-dialog":
        request.headers.set(b"call-id", b"another@203.0.113.1")
    else:
        request.headers.set(b"to", b"<sip:bob@example.com>")
    request.headers.set(b"route", route.encode())
    await refused(stranger, request, 403, far)
