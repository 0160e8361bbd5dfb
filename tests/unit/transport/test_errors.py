"""What the errors of the operating system become, and what a full socket buffer does."""

import errno
import os
from functools import partial

import pytest
import trio

from sipfsm.counters import Counters
from sipfsm.message import DEFAULT_LIMITS
from sipfsm.transport import HostPort, StreamLimits, Target, TransportError, TransportLayer
from sipfsm.transport.shared import Shared
from sipfsm.transport.sockets import SocketAddress
from sipfsm.transport.udp import DatagramEndpoint
from tests.unit.transport.support import UDP, Recorder


class FailingEndpoint(DatagramEndpoint):
    """A datagram socket that sends nothing."""

    def __init__(self, number: int, host: str, port: int, shared: Shared):
        super().__init__("UDP", HostPort(host, 5060), shared)
        self._number = number

    async def serve(self) -> None:
        await trio.sleep_forever()

    def close(self) -> None:
        pass

    def _send(self, data: bytes, address: SocketAddress) -> None:
        # Python makes of some numbers a subclass, such as BlockingIOError.
        raise OSError(self._number, os.strerror(self._number))


def send(number: int) -> Counters:
    """Send over a socket that fails with an error number."""
    counters = Counters()
    layer = TransportLayer(
        [UDP],
        Recorder(),
        counters=counters,
        limits=DEFAULT_LIMITS,
        stream=StreamLimits(),
        protocols={"UDP": partial(FailingEndpoint, number)},
    )
    layer.bind()
    flow = layer.flow_to_nowait(Target("UDP", "192.0.2.1", 5070))
    assert flow is not None
    flow.send_nowait(b"x")
    return counters


def test_a_full_buffer_drops_the_datagram_and_counts_it() -> None:
    assert send(errno.EAGAIN) == {"dropped.send.buffer-full": 1}


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EMSGSIZE, "too-large"),
        (errno.ENETUNREACH, "unreachable"),
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.ECONNREFUSED, "refused"),
        (errno.EPERM, "not-permitted"),
        (errno.EACCES, "not-permitted"),
        (errno.EINVAL, "bad-address"),
        (errno.ENOBUFS, "out-of-resources"),
        (errno.EIO, "os-error"),
    ],
)
def test_each_error_has_its_reason_and_a_sentence(number: int, reason: str) -> None:
    with pytest.raises(TransportError, match=r"cannot send to udp:192\.0\.2\.1:5070: ") as caught:
        send(number)
    assert caught.value.reason == reason
    assert str(caught.value) == f"{caught.value.detail} ({reason})"
