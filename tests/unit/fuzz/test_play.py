"""Playing a script: nothing of it is left, however it ends."""

from __future__ import annotations

import gc
import warnings

import pytest
import trio

from sipfsm.fsm import Timing
from sipfsm.fuzz.player import Pace, play
from sipfsm.fuzz.player.play import Table
from sipfsm.fuzz.setting import whole_call
from sipfsm.fuzz.target import find_target


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_player_that_is_cut_short_while_it_opens_leaves_no_socket_open(transport: str) -> None:
    table = Table(find_target(f"sip:127.0.0.1:5060;transport={transport}"), Pace(400), Timing())

    async def main() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await play(whole_call(), table, {"remote_uri": "sip:{target}"})

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trio.run(main)
        gc.collect()

    assert not [each for each in caught if each.category is ResourceWarning]
