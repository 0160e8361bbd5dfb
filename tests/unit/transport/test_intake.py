"""Whatever comes in is received, refused or dropped, each with its counter; nothing is a fault of ours."""

import trio
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sipfsm.counters import Counters
from sipfsm.message import DEFAULT_LIMITS, Limits, Request
from sipfsm.transport import HostPort
from sipfsm.transport.intake import Intake
from sipfsm.transport.interface import Watcher
from sipfsm.transport.names import LocalNames
from tests.unit.transport.support import Recorder, request, response


class Paper:
    """A flow that leads nowhere."""

    protocol = "UDP"
    reliable = False
    closed = False
    local = HostPort("192.0.2.1", 5060)
    remote = HostPort("192.0.2.9", 40_000)
    sent_by = "192.0.2.1:5060"

    def send_nowait(self, data: bytes) -> None:
        assert data.startswith(b"SIP/2.0 ")

    def watch(self, callback: Watcher) -> None:
        raise NotImplementedError

    def unwatch(self, callback: Watcher) -> None:
        raise NotImplementedError


def take(data: bytes) -> tuple[Recorder, Counters]:
    """Give a datagram to an intake."""
    receiver, counters = Recorder(), Counters()
    intake = Intake(receiver, names=LocalNames(["192.0.2.1"]), counters=counters, limits=DEFAULT_LIMITS)
    intake.take(data, Paper())
    return receiver, counters


def check(data: bytes) -> None:
    receiver, counters = take(data)
    assert "faults" not in counters, data
    dropped, refused = counters.total("dropped"), counters.total("refused")
    assert dropped + refused <= 1
    assert receiver.nothing_came() == (dropped == 1)


MESSAGES = [
    request(),
    request(via="SIP/2.0/TCP [2001:db8::1]:5060;rport;branch=z9hG4bK1, SIP/2.0/UDP h", body=b"hello"),
    request(method="ACK", length="9"),
    response(via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
    response(via="SIP/2.0/UDP elsewhere.example.com"),
]

SPLICES = st.tuples(st.integers(0, 400), st.integers(0, 20), st.binary(max_size=12))


@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    check(data)


@given(st.sampled_from(MESSAGES), st.lists(SPLICES, max_size=5))
def test_messages_with_bytes_cut_out_and_put_in(
    message: bytes, splices: list[tuple[int, int, bytes]]
) -> None:
    for at, length, piece in splices:
        message = message[:at] + piece + message[at + length :]
    check(message)


@given(st.sampled_from(MESSAGES), st.integers(0, 500))
def test_messages_that_are_cut_short(message: bytes, length: int) -> None:
    check(message[:length])


def test_what_is_received_carries_its_source() -> None:
    async def test() -> None:
        receiver, _ = take(request(via="SIP/2.0/UDP h;rport"))
        message, flow = await receiver.next()
        assert isinstance(message, Request)
        assert message.headers.first(b"via") == b"SIP/2.0/UDP h;rport=40000;received=192.0.2.9"
        assert isinstance(flow, Paper)

    trio.run(test)


def test_the_reason_of_a_refusal_is_a_label_and_a_field_of_the_log() -> None:
    with capture_logs() as logs:
        for data, event, label in (
            (request(length="-1"), "message refused", "refused"),
            (request(method="ACK", length="-1"), "message dropped", "dropped.parse"),
            (request(method="CANCEL", length="-1"), "message dropped", "dropped.parse"),
        ):
            _, counters = take(data)
            assert counters == {f"{label}.bad-content-length": 1}
            assert logs.pop() == {
                "event": event,
                "log_level": "debug",
                "reason": "bad-content-length",
                "detail": "Malformed Content-Length",
                "offending": b"-1",
                "remote": "udp:192.0.2.9:40000",
            }


def test_the_limits_of_the_configuration_are_those_of_the_check_too() -> None:
    intake = Intake(
        Recorder(),
        names=LocalNames(["192.0.2.1"]),
        counters=(counters := Counters()),
        limits=Limits(max_via=1),
    )
    intake.take(request(via="SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b"), Paper())
    assert counters == {"refused.too-many-via": 1}
