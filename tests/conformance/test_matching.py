"""Which message belongs to which transaction: typed from RFC 3261 17.1.3, 17.2.3 and 9.2."""

from functools import partial

import pytest

from sipfsm.message import make_response
from sipfsm.transaction import ServerTransaction
from tests.simulation.elements import run, scene, text

# ---- responses to client transactions (17.1.3)

OURS = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnashds8"


def response(via: str = OURS, *, cseq: str = "1 INVITE", status: int = 180, to_tag: str = "99sa0xk") -> bytes:
    return (
        f"SIP/2.0 {status} Whatever\r\nVia: {via}\r\nTo: <sip:bob@example.com>;tag={to_tag}\r\n"
        "From: <sip:alice@example.com>;tag=88sja8x\r\nCall-ID: 987asjd97y7atg\r\n"
        f"CSeq: {cseq}\r\nContent-Length: 0\r\n\r\n"
    ).encode()


async def told_to_invite_and_options(*responses: bytes) -> list[list[int | str]]:
    """Send an INVITE and an OPTIONS with one and the same branch; tell what each gets of the responses."""
    async with scene() as it:
        callers = [it.send(method, branch="z9hG4bKnashds8")[1] for method in ("INVITE", "OPTIONS")]
        await it.until(1)
        for data in responses:
            it.peer.send(data)
        await it.until(2)
        return [[what for _, what in caller.told] for caller in callers]


@pytest.mark.parametrize(
    ("data", "to_invite", "to_options"),
    [
        pytest.param(response(), [180], [], id="same branch, same method"),
        pytest.param(response(cseq="1 OPTIONS", status=200), [], [200], id="same branch, the other's method"),
        pytest.param(response(cseq="1 CANCEL", status=200), [], [], id="same branch, a third method"),
        pytest.param(response(cseq="7 INVITE"), [180], [], id="the CSeq number does not matter"),
        pytest.param(response(to_tag="other"), [180], [], id="the To tag does not matter"),
        pytest.param(response(OURS + "1"), [], [], id="another branch"),
        pytest.param(response(OURS.replace("nash", "NASH")), [180], [], id="a token has no case (7.3.1)"),
        pytest.param(response(OURS.partition(";")[0]), [], [], id="no branch"),
        pytest.param(response(OURS + "1, " + OURS), [], [], id="the branch of a Via below the top one"),
        pytest.param(
            response(OURS.replace("192.0.2.1", "192.0.2.9")), [], [], id="a sent-by that is not ours (18.1.2)"
        ),
        pytest.param(
            response(OURS + ";received=198.51.100.1;rport=9"), [180], [], id="other parameters do not matter"
        ),
    ],
)
def test_a_response_matches_by_branch_and_method(
    data: bytes, to_invite: list[int], to_options: list[int]
) -> None:
    async def test() -> None:
        assert await told_to_invite_and_options(data) == [to_invite, to_options]

    run(test)


def test_a_cancel_and_its_invite_share_the_branch_and_each_gets_its_own() -> None:
    async def test() -> None:
        async with scene() as it:
            invite, to_invite = it.send("INVITE")
            await it.until(1)
            it.peer.reply(180)
            await it.until(2)
            _, to_cancel = it.send("CANCEL", branch=invite.branch)
            await it.until(3)
            assert it.peer.requests[0].via == it.peer.requests[1].via
            via = it.peer.requests[0].via.to_bytes().decode()
            it.peer.send(response(via, cseq="1 CANCEL", status=200))
            it.peer.send(response(via, cseq="1 INVITE", status=487))
            await it.until(4)
            assert to_cancel.told == [(3, 200)]
            assert to_invite.told == [(1, 180), (3, 487)]

    run(test)


# ---- requests to server transactions (17.2.3)

VIA = "SIP/2.0/UDP pc33.atlanta.com:5070;branch=z9hG4bKkjshdyff"
TO = "<sip:bob@example.com>"

make = partial(text, via=VIA, to=TO)


async def new_requests(first: bytes, second: bytes, *, answer: int | None = None) -> int:
    """Send two requests; tell how many of them were new to the server."""
    async with scene() as it:
        it.element.answer = partial(respond, status=answer)
        it.peer.send(first)
        await it.until(1)
        it.peer.send(second)
        await it.until(2)
        assert it.element.strays == []
        return len(it.element.served)


def respond(transaction: ServerTransaction, *, status: int | None) -> None:
    if status is not None:
        transaction.respond(make_response(transaction.request, status, to_tag="314159"))


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
@pytest.mark.parametrize(
    ("changes", "new"),
    [
        pytest.param({}, False, id="the same again"),
        # 1. the branch
        pytest.param({"via": VIA + "1"}, True, id="another branch"),
        pytest.param({"via": VIA.replace("kjsh", "KJSH")}, False, id="a token has no case (7.3.1)"),
        pytest.param({"via": VIA.replace("z9hG4bK", "Z9HG4BK")}, False, id="nor has the cookie"),
        # 2. the sent-by, "because there could be accidental or malicious duplication of branch parameters
        # from different clients"
        pytest.param({"via": VIA.replace("pc33", "pc34")}, True, id="another host in sent-by"),
        pytest.param({"via": VIA.replace("5070", "5071")}, True, id="another port in sent-by"),
        pytest.param({"via": VIA.replace(":5070", "")}, True, id="no port in sent-by"),
        pytest.param({"via": VIA.replace("atlanta", "Atlanta")}, False, id="a host has no case"),
        # and nothing else
        pytest.param({"via": VIA.replace("UDP", "TCP")}, False, id="another protocol"),
        pytest.param({"via": VIA + ";rport"}, False, id="another parameter of Via"),
        pytest.param({"via": VIA + ", SIP/2.0/UDP 192.0.2.7"}, False, id="another Via below"),
        pytest.param({"uri": "sip:carol@example.com"}, False, id="another Request-URI"),
        pytest.param({"to": TO + ";tag=1"}, False, id="another To tag"),
        pytest.param({"number": 2}, False, id="another CSeq number"),
    ],
)
def test_a_request_matches_by_branch_sent_by_and_method(
    method: str, changes: dict[str, str | int], new: bool
) -> None:
    async def test() -> None:
        second = make(method, **changes)  # type: ignore[arg-type]
        assert await new_requests(make(method), second) == 1 + new

    run(test)


def test_the_method_tells_requests_with_the_same_branch_apart() -> None:
    async def test() -> None:
        assert await new_requests(make("INVITE"), make("OPTIONS")) == 2
        assert await new_requests(make("OPTIONS"), make("MESSAGE")) == 2
        assert await new_requests(make("MESSAGE"), make("message")) == 2, "methods have case (7.1)"

    run(test)


def test_each_of_two_clients_with_the_same_branch_gets_its_own_answer() -> None:
    async def test() -> None:
        async with scene() as it:
            vias = [VIA, VIA.replace("pc33", "pc34")]
            for via in vias:
                it.peer.send(make(via=via))
            await it.until(1)
            for transaction, status in zip(it.element.served, (180, 183), strict=True):
                transaction.respond(make_response(transaction.request, status))
            for via in vias:
                it.peer.send(make(via=via))
            await it.until(2)
            assert it.statuses() == [(1, 180), (1, 183), (1, 180), (1, 183)]

    run(test)


async def states_after_ack(*, invite: bytes, ack: bytes, status: int = 486) -> tuple[str, int]:
    """Answer an INVITE with To tag 314159 and send an ACK; tell the state, and how many ACKs matched none."""
    async with scene() as it:
        it.element.answer = partial(respond, status=status)
        it.peer.send(invite)
        await it.until(1)
        it.peer.send(ack)
        await it.until(2)
        [transaction] = it.element.served
        return transaction.state, len(it.element.strays)


@pytest.mark.parametrize(
    ("changes", "matches"),
    [
        pytest.param({"to": TO + ";tag=314159"}, True, id="the ACK of section 17.1.1.3"),
        pytest.param({"to": TO + ";tag=other"}, True, id="the To tag does not matter"),
        pytest.param({"number": 2}, True, id="nor does the CSeq number"),
        pytest.param({"via": VIA + "1"}, False, id="another branch: the ACK of a 2xx"),
        pytest.param({"via": VIA.replace("pc33", "pc34")}, False, id="another host in sent-by"),
        pytest.param({"via": VIA.replace("5070", "5071")}, False, id="another port in sent-by"),
    ],
)
def test_an_ack_matches_the_invite_of_its_branch_and_sent_by(
    changes: dict[str, str | int], matches: bool
) -> None:
    async def test() -> None:
        ack = make("ACK", **changes)  # type: ignore[arg-type]
        expected = ("Confirmed", 0) if matches else ("Completed", 1)
        assert await states_after_ack(invite=make(), ack=ack) == expected

    run(test)


def test_an_ack_matches_nothing_but_an_invite() -> None:
    async def test() -> None:
        async with scene() as it:
            it.peer.send(make("OPTIONS"))
            it.peer.send(make("ACK"))
            await it.until(1)
            assert it.element.methods == ["OPTIONS"]
            assert [ack.method for ack in it.element.strays] == ["ACK"]

    run(test)


# ---- the same without the magic cookie: clients of RFC 2543

NO_BRANCH = "SIP/2.0/UDP pc33.atlanta.com:5070"
OLD_VIAS = [
    pytest.param(NO_BRANCH, id="no branch"),
    pytest.param(NO_BRANCH + ";branch=1", id="a branch without the cookie"),
    pytest.param(NO_BRANCH + ";branch=z9hG4b", id="less than the cookie"),
    pytest.param(NO_BRANCH + ";branch=z9hG4bK", id="nothing but the cookie (RFC 4475 3.2.1)"),
]


@pytest.mark.parametrize("via", OLD_VIAS)
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
@pytest.mark.parametrize(
    ("changes", "new"),
    [
        pytest.param({}, False, id="the same again"),
        pytest.param({"uri": "sip:carol@example.com"}, True, id="another Request-URI"),
        pytest.param({"to": TO + ";tag=1"}, True, id="another To tag"),
        pytest.param({"number": 2}, True, id="another CSeq number"),
        pytest.param({"extra": "Subject: hello"}, False, id="another field"),
        pytest.param({"to": "Bob " + TO}, False, id="another display name in To"),
    ],
)
def test_an_old_request_matches_by_what_it_says(
    via: str, method: str, changes: dict[str, str | int], new: bool
) -> None:
    async def test() -> None:
        second = make(method, **({"via": via} | changes))  # type: ignore[arg-type]
        assert await new_requests(make(method, via=via), second) == 1 + new

    run(test)


@pytest.mark.parametrize("via", OLD_VIAS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"tag=88sja8x", b"tag=88sja8y"),
        (b"987asjd97y7atg", b"987asjd97y7atG"),
        (b"pc33", b"pc34"),
        (b"5070", b"5071"),
        (b"SIP/2.0/UDP", b"SIP/2.0/TCP"),
        (b"5070", b"5070;ttl=1"),
    ],
)
def test_an_old_request_with_another_from_tag_call_id_or_via_is_new(via: str, old: bytes, new: bytes) -> None:
    async def test() -> None:
        first = make(via=via)
        assert await new_requests(first, first.replace(old, new)) == 2

    run(test)


def test_a_via_below_the_top_one_does_not_matter_to_old_requests() -> None:
    async def test() -> None:
        below = f"{NO_BRANCH}, SIP/2.0/UDP 192.0.2.7"
        assert await new_requests(make(via=NO_BRANCH), make(via=below)) == 1

    run(test)


def test_old_and_new_requests_with_the_same_fields_are_two() -> None:
    async def test() -> None:
        assert await new_requests(make(via=NO_BRANCH), make()) == 2

    run(test)


@pytest.mark.parametrize("via", OLD_VIAS)
@pytest.mark.parametrize(
    ("changes", "matches"),
    [
        pytest.param({"to": TO + ";tag=314159"}, True, id="the To tag of the response"),
        pytest.param({}, False, id="no To tag"),
        pytest.param({"to": TO + ";tag=other"}, False, id="another To tag"),
        pytest.param({"to": TO + ";tag=314159", "uri": "sip:c@example.com"}, False, id="another Request-URI"),
        pytest.param({"to": TO + ";tag=314159", "number": 2}, False, id="another CSeq number"),
        pytest.param({"to": TO + ";tag=314159", "via": VIA}, False, id="another top Via"),
    ],
)
def test_an_old_ack_matches_by_the_to_tag_of_the_response(
    via: str, changes: dict[str, str | int], matches: bool
) -> None:
    async def test() -> None:
        ack = make("ACK", **({"via": via} | changes))  # type: ignore[arg-type]
        expected = ("Confirmed", 0) if matches else ("Completed", 1)
        assert await states_after_ack(invite=make(via=via), ack=ack) == expected

    run(test)


def test_an_old_ack_before_any_response_matches_nothing() -> None:
    async def test() -> None:
        async with scene() as it:
            it.peer.send(make(via=NO_BRANCH))
            it.peer.send(make("ACK", via=NO_BRANCH))
            await it.until(1)
            assert it.element.methods == ["INVITE"]
            assert len(it.element.strays) == 1

    run(test)


def test_another_copy_of_an_old_ack_belongs_to_the_same_invite() -> None:
    async def test() -> None:
        async with scene() as it:
            it.element.answer = partial(respond, status=486)
            it.peer.send(make(via=NO_BRANCH))
            for instant in (1, 2):
                await it.until(instant)
                it.peer.send(make("ACK", via=NO_BRANCH, to=TO + ";tag=314159"))
            await it.until(3)
            assert it.element.strays == []

    run(test)


def test_the_ack_of_a_2xx_to_an_old_invite_reaches_the_transaction_user() -> None:
    async def test() -> None:
        async with scene() as it:
            it.element.answer = partial(respond, status=200)
            it.peer.send(make(via=NO_BRANCH))
            await it.until(1)
            it.peer.send(make("ACK", via=NO_BRANCH, to=TO + ";tag=314159"))
            it.peer.send(make("ACK", via=NO_BRANCH, to=TO + ";tag=other"))
            await it.until(2)
            [answerer] = it.element.answerers
            assert [ack.to.tag for ack in answerer.acks] == ["314159"]
            assert [ack.to.tag for ack in it.element.strays] == ["other"]

    run(test)


def test_old_requests_that_differ_in_the_to_tag_alone_live_side_by_side() -> None:
    async def test() -> None:
        async with scene() as it:
            tags = ["1", "2", "3"]
            for _ in range(3):
                for tag in tags:
                    it.peer.send(make("OPTIONS", via=NO_BRANCH, to=f"{TO};tag={tag}"))
            await it.until(1)
            assert len(it.element.served) == len(it.element.servers) == 3
            for transaction in it.element.served:
                transaction.respond(make_response(transaction.request, 200))
            await it.until(2)
            it.peer.send(make("OPTIONS", via=NO_BRANCH, to=f"{TO};tag=2"))
            await it.until(3)
            assert [response.to.tag for response in it.answers()] == [*tags, "2"]

    run(test)


# ---- CANCEL (9.2): matched as if it had the method of the request that it cancels


@pytest.mark.parametrize("via", [pytest.param(VIA, id="with the cookie"), *OLD_VIAS])
def test_a_cancel_is_for_the_invite_that_it_matches(via: str) -> None:
    async def test() -> None:
        async with scene() as it:
            it.peer.send(make(via=via))
            await it.until(1)
            it.peer.send(make("CANCEL", via=via))
            await it.until(2)
            answers = [(response.cseq.method, response.status) for response in it.answers()]
            assert sorted(answers) == [("CANCEL", 200), ("INVITE", 487)]
            assert it.element.strays == []

    run(test)


@pytest.mark.parametrize(
    ("via", "changes"),
    [
        pytest.param(VIA, {"via": VIA + "1"}, id="another branch"),
        pytest.param(VIA, {"via": VIA.replace("pc33", "pc34")}, id="another host in sent-by"),
        pytest.param(VIA, {"via": VIA.replace("5070", "5071")}, id="another port in sent-by"),
        pytest.param(NO_BRANCH, {"to": TO + ";tag=1"}, id="old: another To tag"),
        pytest.param(NO_BRANCH, {"number": 2}, id="old: another CSeq number"),
        pytest.param(NO_BRANCH, {"uri": "sip:carol@example.com"}, id="old: another Request-URI"),
        pytest.param(NO_BRANCH, {"via": NO_BRANCH + "1"}, id="old: another top Via"),
    ],
)
def test_a_cancel_that_matches_no_invite_is_none_of_the_transaction_layer(
    via: str, changes: dict[str, str | int]
) -> None:
    async def test() -> None:
        async with scene() as it:
            it.peer.send(make(via=via))
            await it.until(1)
            it.peer.send(make("CANCEL", **({"via": via} | changes)))  # type: ignore[arg-type]
            await it.until(2)
            assert it.element.methods == ["INVITE"]
            assert [cancel.method for cancel in it.element.strays] == ["CANCEL"]
            assert it.statuses() == []

    run(test)


def test_a_cancel_has_no_effect_on_an_invite_that_is_answered() -> None:
    async def test() -> None:
        async with scene() as it:
            it.element.answer = partial(respond, status=486)
            it.peer.send(make())
            await it.until(1)
            it.peer.send(make("CANCEL"))
            await it.until(2)
            assert it.statuses() == [(0, 486), (1, 200)]
            assert it.element.answerers[0].told == []

    run(test)


def test_a_cancel_is_a_transaction_of_its_own_with_retransmissions_of_its_own() -> None:
    async def test() -> None:
        async with scene() as it:
            it.peer.send(make())
            for instant in (1, 2, 3):
                await it.until(instant)
                it.peer.send(make("CANCEL"))
            await it.until(4)
            assert it.element.methods == ["INVITE", "CANCEL"]
            assert sorted(it.statuses()) == [(1, 200), (1, 487), (2, 200), (3, 200)]

    run(test)
