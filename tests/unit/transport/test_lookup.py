"""Looking names up: what the operating system knows, and what it does not."""

import pytest
import trio

from sipfsm.transport import TransportError
from sipfsm.transport.lookup import look_up


def test_a_name_becomes_addresses() -> None:
    assert "127.0.0.1" in trio.run(look_up, "localhost")


@pytest.mark.parametrize("name", ["x" * 64 + ".example.com", "a..b", "\udce4.example.com", "a\0b"])
def test_what_is_no_name_is_an_error(name: str) -> None:
    with pytest.raises(TransportError) as caught:
        trio.run(look_up, name)
    assert caught.value.reason == "no-such-host"


def test_lookups_do_not_wait_for_the_threads_of_others() -> None:
    async def test() -> None:
        others = trio.to_thread.current_default_thread_limiter()
        for number in range(int(others.total_tokens)):
            others.acquire_on_behalf_of_nowait(number)
        with trio.fail_after(5):
            assert await look_up("localhost")

    trio.run(test)
