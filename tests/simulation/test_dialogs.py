"""The dialogs of simulated subscribers: what their models say is what goes over the wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

import pytest
import trio

from sipfsm.fsm import Engine, Timing
from sipfsm.simulation.network import Link
from sipfsm.simulation.phone import DOMAIN, SERVER, Phone, Received
from sipfsm.simulation.scene import Scene, ready_engines, simulated
from sipfsm.simulation.subscriber import Habits, Subscriber, Tally
from sipfsm.simulation.town import TownPlan, simulate
from sipfsm.transport import Target
from tests.models.changes import changed

WILLING = Habits(
    calls_per_hour=1e-9,
    talk=60,
    ring=(1, 1),
    answers=1.0,
    busy=0,
    declines=0,
    misbehaves=0,
    forgets_ack=0,
    changes=0,
)
"""Answers every call after a second; calls nobody."""


@asynccontextmanager
async def subscriber(stage: Scene, habits: Habits, others: list[str]) -> AsyncIterator[Tally]:
    """Have Bob live beside the script, on a phone that is registered."""
    tally = Tally()
    bob = Subscriber(
        stage.network,
        "bob",
        "192.0.2.200",
        DOMAIN,
        Target("UDP", SERVER, 5060),
        habits=habits,
        chance=Random(7),
        tally=tally,
        engines=ready_engines(Timing()),
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bob.live, others)
        yield tally
        nursery.cancel_scope.cancel()


async def called(stage: Scene) -> tuple[Phone, Received]:
    """Have Alice call Bob; give her phone, and the 200."""
    alice = await stage.phone("alice", protocols=("udp",))
    await trio.sleep(61)
    await alice.send(alice.request("INVITE", f"sip:bob@{DOMAIN}"))
    return alice, await alice.receive_later(200)


@simulated()
async def test_a_callee_repeats_its_2xx_until_the_ack_and_hangs_up_without_one(stage: Scene) -> None:
    async with subscriber(stage, WILLING, []):
        alice, first = await called(stage)
        bye = await alice.receive_later("BYE", within=40)
        copies = [received.at - first.at for received in alice.got(200)]
        # RFC 3261 13.3.1.4: T1, doubled until T2; 64*T1 in all.
        assert [round(after, 1) for after in copies] == [
            0,
            0.5,
            1.5,
            3.5,
            7.5,
            11.5,
            15.5,
            19.5,
            23.5,
            27.5,
            31.5,
        ]
        assert round(bye.at - first.at, 1) == 32.0
        alice.answer(bye, 200)
        # Mortal: the dialog is there for BYE, and for nothing else.
        await alice.send(alice.in_dialog("BYE", first.response, cseq=2))
        await alice.receive(200)
        await alice.send(alice.in_dialog("INFO", first.response, cseq=3))
        await alice.receive(481)
        await trio.sleep(40)
        await alice.send(alice.in_dialog("BYE", first.response, cseq=4))
        await alice.receive(481)


@simulated()
async def test_a_callee_that_got_its_ack_takes_requests_and_says_no_bye_after_a_bye(stage: Scene) -> None:
    async with subscriber(stage, replace(WILLING, talk=1e9), []):
        alice, first = await called(stage)
        await alice.send(alice.in_dialog("ACK", first.response))
        await alice.send(alice.in_dialog("INFO", first.response, cseq=2))
        await alice.receive(200)
        await alice.send(alice.in_dialog("BYE", first.response, cseq=3))
        await alice.receive(200)
        await alice.receives_nothing(within=100)


@simulated()
async def test_a_caller_acknowledges_each_2xx_even_after_its_bye(stage: Scene) -> None:
    alice = await stage.phone("alice", protocols=("udp",))
    await alice.register(protocol="UDP")
    habits = replace(WILLING, calls_per_hour=360, talk=0.1, patience=(1000, 1000))
    async with subscriber(stage, habits, [alice.aor]) as tally:
        invite = await alice.receive("INVITE", within=200)
        success = alice.answer(invite, 200)
        await alice.receive("ACK")
        alice.reply(invite, success.to_bytes())
        await alice.receive("ACK")
        bye = await alice.receive("BYE", within=200)
        # RFC 5407 3.1.6: the 2xx comes once more, when the caller is Mortal already.
        alice.reply(invite, success.to_bytes())
        await alice.receive("ACK")
        # RFC 5407 3.3.3
        await alice.send(alice.in_dialog_of_callee("REFER", invite.request, success))
        await alice.receive(481)
        alice.answer(bye, 200)
        await trio.sleep(1)
        assert tally["answered"] == 1


@simulated()
async def test_a_caller_whose_cancel_crosses_the_2xx_hangs_up_at_once(stage: Scene) -> None:
    alice = await stage.phone("alice", protocols=("udp",))
    await alice.register(protocol="UDP")
    habits = replace(WILLING, calls_per_hour=360, talk=1e9, patience=(5, 5))
    async with subscriber(stage, habits, [alice.aor]):
        invite = await alice.receive("INVITE", within=200)
        alice.answer(invite, 180)
        cancel = await alice.receive_later("CANCEL", within=10)
        # RFC 5407 3.1.2
        alice.answer(cancel, 200)
        alice.answer(invite, 200)
        await alice.receive_later("ACK")
        bye = await alice.receive_later("BYE")
        alice.answer(bye, 200)


@simulated()
async def test_a_second_branch_that_rings_and_answers_late_is_acknowledged_and_ended(stage: Scene) -> None:
    alice = await stage.phone("alice", protocols=("udp",))
    await alice.register(protocol="UDP")
    habits = replace(WILLING, calls_per_hour=360, talk=0.1, patience=(1000, 1000))
    async with subscriber(stage, habits, [alice.aor]):
        invite = await alice.receive("INVITE", within=200)
        alice.answer(invite, 200, tag="one")
        bye = await alice.receive_later("BYE", within=200)
        alice.answer(bye, 200)
        # RFC 5407 appendix E, Figure 6.
        alice.answer(invite, 200, tag="other")
        await alice.receive_later("ACK")
        bye = await alice.receive_later("BYE", within=1)
        assert bye.request.to.tag == "other"
        alice.answer(bye, 200)


@simulated()
async def test_an_invite_without_any_answer_leaves_no_dialog(
    stage: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.network.set_link("192.0.2.200", SERVER, Link(loss=1.0))
    habits = replace(WILLING, calls_per_hour=360, patience=(1000, 1000))
    async with subscriber(stage, habits, [f"sip:alice@{DOMAIN}"]) as tally:
        await trio.sleep(200)
        assert tally["lost"] > 0
    assert "work failed" not in capsys.readouterr().out


@simulated()
async def test_two_updates_that_cross_are_both_refused_and_one_alone_is_not(stage: Scene) -> None:
    async with subscriber(stage, replace(WILLING, talk=100, changes=1.0), []):
        alice, first = await called(stage)
        await alice.send(alice.in_dialog("ACK", first.response))
        await alice.send(alice.in_dialog("UPDATE", first.response, cseq=2))
        await alice.receive(200)
        update = await alice.receive("UPDATE", within=1000)
        # RFC 5407 3.3.2, RFC 3311 5.2: an offer of Bob's is pending.
        await alice.send(alice.in_dialog("UPDATE", first.response, cseq=3))
        await alice.receive(491)
        alice.answer(update, 491)
        await trio.sleep(1)
        await alice.send(alice.in_dialog("UPDATE", first.response, cseq=4))
        await alice.receive(200)


@simulated()
async def test_a_481_to_an_update_ends_the_dialog(stage: Scene) -> None:
    async with subscriber(stage, replace(WILLING, talk=1000, changes=1.0), []):
        alice, first = await called(stage)
        await alice.send(alice.in_dialog("ACK", first.response))
        update = await alice.receive("UPDATE", within=10_000)
        # RFC 3261 12.2.1.2: SHOULD terminate the dialog.
        alice.answer(update, 481)
        await alice.receive("BYE", within=1)


def test_a_town_whose_callers_never_acknowledge_has_callees_that_hang_up() -> None:
    """The rows of the models decide: without `acknowledge` in DLR-19 and DLR-25 no ACK is sent at all."""
    silent = Engine(changed("dialog-caller", "DLR-19", "DLR-25", "DLR-31", before=()), Timing())
    plan = TownPlan(users=6, proxies=1, hours=0.5, habits=replace(WILLING, calls_per_hour=4, talk=200))
    usual = simulate(plan)
    without_ack = simulate(plan, engines={**ready_engines(Timing()), "dialog-caller": silent})
    assert usual.violations == without_ack.violations == []
    assert usual.tally["answered"] > 3
    assert without_ack.messages > 1.5 * usual.messages
