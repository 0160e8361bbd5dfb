"""A call leaves nothing that only the cycle collector could take away, which runs rarely."""

import gc
from collections import Counter

import trio

from sipfsm.simulation.scene import Scene, simulated


@simulated()
async def test_calls_leave_no_circles(scene: Scene) -> None:
    alice, bob = await scene.phone("alice"), await scene.phone("bob")
    await bob.register()
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            await alice.send(alice.request("INVITE", bob.aor))
            bob.answer(await bob.receive("INVITE"), 200)
            answer = (await alice.receive(200)).response
            await alice.send(alice.in_dialog("ACK", answer))
            await bob.receive("ACK")
            await alice.send(alice.in_dialog("BYE", answer))
            bob.answer(await bob.receive("BYE"), 200)
            await alice.receive(200)
            await alice.send(alice.request("INVITE", bob.aor))
            bob.answer(await bob.receive("INVITE"), 486)
            await alice.receive(486)
            await bob.receive("ACK")
        await trio.sleep(250)  # beyond every timer, Timer C too
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kinds = Counter(
            type(each).__name__ for each in gc.garbage if type(each).__module__.startswith("sipfsm")
        )
        assert not kinds
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
