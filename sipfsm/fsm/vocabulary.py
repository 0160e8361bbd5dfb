"""The closed vocabularies of the models: timers, events and actions.

A model file may use these names and no others, so a typing error in a model is found when the file is read,
not when the row fires.
"""

from enum import StrEnum


class Timer(StrEnum):
    """The timers of a model: A to M as the RFCs name them, and three of our own in lower case.

    Their delays stand in the models; what starts and stops them are the actions derived in `Action`.
    """

    A = "A"
    """Retransmission of an INVITE (:rfc:`3261#section-17.1.1.2`)."""
    B = "B"
    """Timeout of an INVITE client transaction (:rfc:`3261#section-17.1.1.2`)."""
    C = "C"
    """A proxy's limit for an INVITE that has no final response (:rfc:`3261#section-16.6` step 11)."""
    D = "D"
    """How long response retransmissions are awaited (:rfc:`3261#section-17.1.1.2`)."""
    E = "E"
    """Retransmission of a request that is not an INVITE (:rfc:`3261#section-17.1.2.2`)."""
    F = "F"
    """Timeout of a non-INVITE client transaction (:rfc:`3261#section-17.1.2.2`)."""
    G = "G"
    """Retransmission of the final response to an INVITE (:rfc:`3261#section-17.2.1`)."""
    H = "H"
    """How long an ACK is awaited (:rfc:`3261#section-17.2.1`)."""
    I = "I"  # noqa: E741 - the RFC's name
    """How long ACK retransmissions are absorbed (:rfc:`3261#section-17.2.1`)."""
    J = "J"
    """How long request retransmissions are absorbed (:rfc:`3261#section-17.2.2`)."""
    K = "K"
    """How long response retransmissions are absorbed (:rfc:`3261#section-17.1.2.2`)."""
    L = "L"
    """How long an INVITE server transaction stays after a 2xx (:rfc:`6026#section-7.1`)."""
    M = "M"
    """How long an INVITE client transaction stays after a 2xx (:rfc:`6026#section-7.2`)."""
    TRYING = "trying"
    """When a 100 (Trying) is due (:rfc:`3261#section-17.2.1`, :rfc:`4320#section-4.1`)."""
    CANCEL = "cancel"
    """How long the final response to a cancelled INVITE is awaited (:rfc:`3261#section-9.1`)."""
    TU = "tu"
    """Watchdog on a transaction user that never answers; in no RFC."""


class Event(StrEnum):
    """What can happen to a machine. What would be a guard elsewhere is an event of its own here."""

    # From the network.
    INVITE = "invite"
    REQUEST = "request"
    ACK = "ack"
    RESPONSE_1XX = "response_1xx"
    RESPONSE_2XX = "response_2xx"
    RESPONSE_300_699 = "response_300_699"
    TRANSPORT_ERROR = "transport_error"
    # From the transaction user.
    TU_REQUEST = "tu_request"
    TU_INVITE = "tu_invite"
    TU_100 = "tu_100"
    TU_100_EARLY = "tu_100_early"
    """A 100 to a non-INVITE over an unreliable transport before :rfc:`4320#section-4.1` allows it."""
    TU_101_199 = "tu_101_199"
    TU_2XX = "tu_2xx"
    TU_300_699 = "tu_300_699"
    TU_408 = "tu_408"
    TU_ABANDON = "tu_abandon"
    """The transaction user will say no more."""
    # Of a proxy's branch: what its client transaction reports, split where section 16.7 does.
    RESPONSE_100 = "response_100"
    RESPONSE_101_199 = "response_101_199"
    TIMEOUT = "timeout"
    TARGET_FAILED = "target_failed"
    """The request did not reach this target, but another one is left to try."""
    CANCEL = "cancel"
    CLIENT_GONE = "client_gone"
    # Of a proxy's response context: what its branches report, and whether others are still pending.
    PROVISIONAL = "provisional"
    SUCCESS_INVITE = "success_invite"
    SUCCESS_NON_INVITE = "success_non_invite"
    FAILURE_PENDING = "failure_pending"
    FAILURE_LAST = "failure_last"
    GLOBAL_FAILURE_PENDING = "global_failure_pending"
    GLOBAL_FAILURE_LAST = "global_failure_last"
    BRANCHES_GONE = "branches_gone"
    # The timers.
    TIMER_A = "timer_A"
    TIMER_B = "timer_B"
    TIMER_C = "timer_C"
    TIMER_D = "timer_D"
    TIMER_E = "timer_E"
    TIMER_F = "timer_F"
    TIMER_G = "timer_G"
    TIMER_H = "timer_H"
    TIMER_I = "timer_I"
    TIMER_J = "timer_J"
    TIMER_K = "timer_K"
    TIMER_L = "timer_L"
    TIMER_M = "timer_M"
    TIMER_TRYING = "timer_trying"
    TIMER_CANCEL = "timer_cancel"
    TIMER_TU = "timer_tu"


class Action(StrEnum):
    """What a machine asks of the element that drives it, as data. Timer actions are `TimerAction`s."""

    SEND_REQUEST = "send_request"
    """Hand the request to the transport, for the first time."""
    RESEND_REQUEST = "resend_request"
    """Hand the same bytes of the request to the transport again."""
    SEND_ACK = "send_ack"
    """Build the ACK of a non-2xx final response (:rfc:`3261#section-17.1.1.3`) and send it."""
    SEND_RESPONSE = "send_response"
    """Send the response that came with the event, and remember it for retransmission."""
    RESEND_RESPONSE = "resend_response"
    """Send the last response again; nothing if none was sent yet."""
    SEND_TRYING = "send_trying"
    """Build a 100 (Trying), send it and remember it for retransmission."""
    PASS_REQUEST = "pass_request"
    """Give the request to the transaction user."""
    PASS_ACK = "pass_ack"
    """Give the ACK to the transaction user."""
    PASS_RESPONSE = "pass_response"
    """Give the response to the transaction user."""
    INFORM_TIMEOUT = "inform_timeout"
    """Tell the transaction user that the peer did not answer."""
    INFORM_TRANSPORT_ERROR = "inform_transport_error"
    """Tell the transaction user that a message could not be sent."""
    HINT_TRANSPORT_ERROR = "hint_transport_error"
    """Tell the transaction user of a transport error that changes nothing yet."""
    DROP = "drop"
    """Drop the message and count it."""
    REJECT = "reject"
    """Refuse what the transaction user asked for, as an error of its own."""
    TERMINATE = "terminate"
    """The machine is at its end: stop all timers, forget the key, close the nursery."""
    # Of a proxy's branch.
    OFFER_PROVISIONAL = "offer_provisional"
    OFFER_SUCCESS = "offer_success"
    OFFER_FAILURE = "offer_failure"
    OFFER_TIMEOUT = "offer_timeout"
    OFFER_UNAVAILABLE = "offer_unavailable"
    OFFER_CANCELLED = "offer_cancelled"
    SEND_CANCEL = "send_cancel"
    ABANDON_CLIENT = "abandon_client"
    # Of a proxy's response context.
    START_BRANCHES = "start_branches"
    FORWARD_RESPONSE = "forward_response"
    FORWARD_BEST = "forward_best"
    CANCEL_BRANCHES = "cancel_branches"


class TimerVerb(StrEnum):
    """What a row can do to a timer; the model writes it as verb, underscore, timer: `start_A`."""

    START = "start"
    """Start it with its declared delay; nothing where the transport class has none; at once where it is 0."""
    BACK_OFF = "back_off"
    """Start it again with the last delay times its `backoff`, at most its `cap`."""
    CAP = "cap"
    """Start it again with its `cap`."""
    STOP = "stop"


TIMER_EVENTS: dict[Timer, Event] = {timer: Event(f"timer_{timer}") for timer in Timer}
"""The event that each timer fires."""

TIMER_ACTIONS: dict[str, tuple[TimerVerb, Timer]] = {
    f"{verb}_{timer}": (verb, timer) for verb in TimerVerb for timer in Timer
}
"""The names of all timer actions, with what they mean."""
