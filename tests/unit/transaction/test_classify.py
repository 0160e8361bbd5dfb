"""Each status and each method is one event."""

import pytest

from sipfsm.fsm import Event
from sipfsm.message import Request, Response
from sipfsm.transaction.classify import event_of_request, event_of_response, event_of_tu_response


@pytest.mark.parametrize(
    ("first", "last", "event"),
    [
        (100, 199, Event.RESPONSE_1XX),
        (200, 299, Event.RESPONSE_2XX),
        (300, 699, Event.RESPONSE_300_699),
    ],
)
def test_responses_from_the_network(first: int, last: int, event: Event) -> None:
    assert {event_of_response(Response(status, "")) for status in range(first, last + 1)} == {event}


@pytest.mark.parametrize(
    ("statuses", "event"),
    [
        ([100], Event.TU_100),
        (range(101, 200), Event.TU_101_199),
        (range(200, 300), Event.TU_2XX),
        ([*range(300, 408), *range(409, 700)], Event.TU_300_699),
        ([408], Event.TU_408),
    ],
)
def test_responses_of_the_transaction_user(statuses: list[int], event: Event) -> None:
    assert {event_of_tu_response(Response(status, "")) for status in statuses} == {event}


@pytest.mark.parametrize(
    ("method", "event"),
    [
        ("INVITE", Event.INVITE),
        ("ACK", Event.ACK),
        ("CANCEL", Event.REQUEST),
        ("invite", Event.REQUEST),
        ("X-MINE", Event.REQUEST),
    ],
)
def test_requests(method: str, event: Event) -> None:
    assert event_of_request(Request(method, b"sip:example.com")) is event
