"""From messages to the events of the machines: here, and nowhere else, is what would be a guard."""

from sipfsm.fsm import Event
from sipfsm.message import Request, Response


def event_of_response(response: Response) -> Event:
    """Return the event that a response from the network is to a client transaction."""
    if response.status < 200:
        return Event.RESPONSE_1XX
    return Event.RESPONSE_2XX if response.status < 300 else Event.RESPONSE_300_699


def event_of_request(request: Request) -> Event:
    """Return the event that a request from the network is to a server transaction."""
    if request.method == "INVITE":
        return Event.INVITE
    return Event.ACK if request.method == "ACK" else Event.REQUEST


def event_of_tu_response(response: Response) -> Event:
    """Return the event that a response of the transaction user is to its server transaction."""
    status = response.status
    if status >= 300:
        return Event.TU_408 if status == 408 else Event.TU_300_699
    if status >= 200:
        return Event.TU_2XX
    return Event.TU_100 if status == 100 else Event.TU_101_199
