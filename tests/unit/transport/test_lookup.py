"""Looking names up: what the operating system knows, and what it does not."""

import pytest
import trio

from sipfsm.message import parse_via_untrusted
from sipfsm.transport import Target, TransportError
from sipfsm.transport.lookup import limiter_of_lookups, look_up
from tests.unit.transport.support import LOCALHOST, UDP, run, running


def test_a_name_becomes_addresses() -> None:
    assert "127.0.0.1" in trio.run(look_up, "localhost")


@pytest.mark.parametrize("name", ["x" * 64 + ".example.com", "a..b", "\udce4.example.com", "a\0b"])
def test_what_is_no_name_is_an_error(name: str) -> None:
    with pytest.raises(TransportError) as caught:
        trio.run(look_up, name)
    assert caught.value.reason == "no-such-host"


def take_all(limiter: trio.CapacityLimiter) -> None:
    """Have no thread left that a limiter allows."""
    for number in range(int(limiter.total_tokens)):
        limiter.acquire_on_behalf_of_nowait(number)


def test_lookups_do_not_wait_for_the_threads_of_others() -> None:
    async def test() -> None:
        take_all(trio.to_thread.current_default_thread_limiter())
        with trio.fail_after(5):
            assert await look_up("localhost")

    trio.run(test)


def test_requests_do_not_wait_for_the_names_of_strangers() -> None:
    """Anybody can write a `maddr` into a Via that is looked up in vain, and as often as he likes."""

    async def test() -> None:
        take_all(limiter_of_lookups(of_via=True))
        with trio.fail_after(5):
            assert await look_up("localhost")

    trio.run(test)


def test_the_name_of_a_via_is_such_a_name() -> None:
    async def test() -> None:
        async with running(UDP) as served:
            flow = served.layer.flow_to_nowait(Target("UDP", LOCALHOST, 9))
            assert flow is not None
            take_all(limiter_of_lookups(of_via=False))
            via = parse_via_untrusted(b"SIP/2.0/UDP 192.0.2.1:7;maddr=localhost")
            with trio.fail_after(5):
                await served.layer.connect_reply(via, flow)

    run(test)
