"""What kind of machine a model is, and so what can happen to it and what it can be composed with."""

from enum import StrEnum

from sipfsm.fsm import Action, Event, Model


class Kind(StrEnum):
    """The part that a machine plays."""

    INVITE_CLIENT = "invite-client"
    INVITE_SERVER = "invite-server"
    OTHER_CLIENT = "non-invite-client"
    OTHER_SERVER = "non-invite-server"
    BRANCH = "branch"
    RESPONSE_CONTEXT = "response-context"
    DIALOG_CALLER = "dialog-caller"
    DIALOG_CALLEE = "dialog-callee"
    OFFER = "offer"
    UNKNOWN = "unknown"


TRANSACTIONS = (Kind.INVITE_CLIENT, Kind.INVITE_SERVER, Kind.OTHER_CLIENT, Kind.OTHER_SERVER)

Cell = tuple[Event, ...]
"""What can happen in a state, all of which the RFC treats alike."""

_RESPONSES: tuple[Cell, ...] = ((Event.RESPONSE_1XX,), (Event.RESPONSE_2XX,), (Event.RESPONSE_300_699,))
_ERROR: Cell = (Event.TRANSPORT_ERROR,)

_CELLS: dict[Kind, tuple[Cell, ...]] = {
    Kind.INVITE_CLIENT: (*_RESPONSES, _ERROR),
    Kind.OTHER_CLIENT: ((Event.RESPONSE_1XX,), (Event.RESPONSE_2XX, Event.RESPONSE_300_699), _ERROR),
    Kind.INVITE_SERVER: (
        (Event.INVITE,),
        (Event.ACK,),
        (Event.TU_100, Event.TU_101_199),
        (Event.TU_2XX,),
        (Event.TU_300_699, Event.TU_408),
        _ERROR,
    ),
    Kind.OTHER_SERVER: (
        (Event.REQUEST,),
        (Event.TU_100,),
        (Event.TU_101_199,),
        (Event.TU_2XX, Event.TU_300_699),
        (Event.TU_408,),
        _ERROR,
    ),
}


def kind_of(model: Model) -> Kind:
    """Tell what a model is by what it begins with and does."""
    first = {trigger for row in model.transitions if row.source == model.initial for trigger in row.trigger}
    actions = {action for _where, action in model.actions()}
    if any(Event.BYE in row.trigger for row in model.transitions):
        return Kind.DIALOG_CALLEE if Event.INVITE in first else Kind.DIALOG_CALLER
    if Event.OFFER in first:
        return Kind.OFFER
    if Event.INVITE in first:
        return Kind.INVITE_SERVER
    if Event.REQUEST in first:
        return Kind.OTHER_SERVER
    if Event.TU_INVITE in first:
        return Kind.BRANCH
    if Action.START_BRANCHES in actions:
        return Kind.RESPONSE_CONTEXT
    if Event.TU_REQUEST in first and Action.SEND_REQUEST in actions:
        return Kind.INVITE_CLIENT if Action.SEND_ACK in actions else Kind.OTHER_CLIENT
    return Kind.UNKNOWN


def cells_of(model: Model) -> tuple[Cell, ...]:
    """Give what can happen in every live state of a model, timers aside.

    Of a transaction the RFC says it; of the machines of a proxy it is all that happens in any live state. Of
    a dialog it differs from state to state, as its model says, and of another machine nobody can know it but
    its author: then the result is empty.
    """
    kind = kind_of(model)
    if kind in _CELLS:
        return _CELLS[kind]
    if kind in {Kind.BRANCH, Kind.RESPONSE_CONTEXT}:
        return tuple((event,) for event in live_events(model))
    return ()


def live_events(model: Model) -> list[Event]:
    """Give all events, timers aside, for which there is a row in a live state."""
    live = {trigger for row in model.transitions if row.source != model.initial for trigger in row.trigger}
    return sorted(event for event in live if not event.startswith("timer_"))
