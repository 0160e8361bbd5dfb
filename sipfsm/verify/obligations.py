"""What the RFCs oblige each machine to do, as data: typed from their texts, and not from the models.

A machine is watched from outside: by the events that it gets, by what it asks for, and by the clock. What has
happened before is kept as facts, such as that a provisional response came. An obligation says what one step
has to ask for, no more and no less; an event for which no obligation speaks cannot come. How long something
may last is an obligation too, one that no event triggers.
"""

from typing import NamedTuple

Facts = frozenset[str]


class Obligation(NamedTuple):
    """What a machine asks for when an event comes."""

    rfc: str
    """The clause, and its level there; `gap` where no RFC says anything."""
    on: tuple[str, ...]
    """The events that it speaks of."""
    has: Facts
    """Facts that all have to be there for it to hold ..."""
    lacks: Facts
    """... and facts none of which may be there."""
    asks: tuple[str, ...]
    """The actions of the step, but for those of timers; in any order."""
    notes: Facts
    """Facts that are there from then on; their clocks start anew."""


class Deadline(NamedTuple):
    """What a machine asks for by itself when a fact is so old.

    It is met once: it either ends the machine or notes a fact that it lacks.
    """

    rfc: str
    since: str
    """The fact whose clock it reads."""
    unreliable: str | None
    """The age, as models write a delay; "0" is at once, None is never in this class of transport."""
    reliable: str | None
    has: Facts
    lacks: Facts
    asks: tuple[str, ...]
    notes: Facts


class Repetition(NamedTuple):
    """What a machine repeats by itself, over unreliable transports, with ever longer intervals."""

    rfc: str
    since: str
    """The fact with whose clock it begins; the first interval is T1, and each is twice the last one."""
    cap: str | None
    """The longest interval."""
    flat: str | None
    """The fact from which on each next interval is the longest one."""
    lacks: Facts
    """The facts that end it."""
    asks: tuple[str, ...]


class Obligations(NamedTuple):
    """All that one machine has to do."""

    machine: str
    on_event: tuple[Obligation, ...]
    in_time: tuple[Deadline, ...] = ()
    repeated: tuple[Repetition, ...] = ()

    @property
    def duties(self) -> "list[Obligation | Deadline | Repetition]":
        """All of them; the place of each is its number."""
        return [*self.on_event, *self.in_time, *self.repeated]

    @property
    def facts(self) -> list[str]:
        """The facts that anything depends on, in an order that stays the same."""
        depending: list[Obligation | Deadline] = [*self.on_event, *self.in_time]
        asked = [fact for each in depending for fact in sorted(each.has | each.lacks)]
        for each in self.repeated:
            asked += [*sorted(each.lacks), *([each.flat] if each.flat else [])]
        return list(dict.fromkeys(asked))


def _on(rfc: str, events: str, when: str, asks: str = "", notes: str = "") -> Obligation:
    """Read an obligation; in `when`, a fact that may not be there has a `-` before it."""
    has, lacks = _conditions(when)
    return Obligation(rfc, tuple(events.split()), has, lacks, tuple(asks.split()), frozenset(notes.split()))


def _by(rfc: str, since_delay: str, when: str, asks: str, notes: str = "") -> Deadline:
    """Read a deadline: `since` and a delay, for both classes of transport or as "unreliable / reliable"."""
    since, _, delay = since_delay.partition(" + ")
    has, lacks = _conditions(when)
    unreliable, _, reliable = delay.partition(" / ")
    return Deadline(
        rfc,
        since,
        unreliable,
        reliable or unreliable,
        has,
        lacks,
        tuple(asks.split()),
        frozenset(notes.split()),
    )


def _conditions(when: str) -> tuple[Facts, Facts]:
    words = when.split()
    has = frozenset(word for word in words if not word.startswith("-"))
    return has, frozenset(word[1:] for word in words if word.startswith("-"))


_ANY_RESPONSE = "response_1xx response_2xx response_300_699"
_ANY_ANSWER = "tu_100 tu_101_199 tu_2xx tu_300_699 tu_408"

# fmt: off

INVITE_CLIENT = Obligations(
    "invite-client",
    (
        _on("3261 17.1.1.2 MUST", "tu_request", "-sent", "send_request", "sent"),
        _on("6026 7.2 MUST NOT forward", _ANY_RESPONSE, "-sent", "drop"),
        # Provisional responses MUST be passed up; so MUST the first final one.
        _on("3261 17.1.1.2 MUST", "response_1xx", "sent -success -failure", "pass_response", "provisional"),
        _on("6026 7.2 MUST", "response_2xx", "sent -success -failure", "pass_response", "success"),
        _on("3261 17.1.1.2 MUST", "response_300_699", "sent -success -failure",
            "pass_response send_ack", "failure"),
        # A retransmission of a final response: the ACK again, not to the TU. Each 2xx: to the TU, no ACK.
        _on("3261 17.1.1.2 MUST", "response_300_699", "failure", "send_ack"),
        _on("6026 7.2 MUST", "response_2xx", "success", "pass_response"),
        _on("gap", "response_1xx response_2xx", "failure", "drop"),
        _on("gap", "response_1xx response_300_699", "success", "drop"),
        # What was to be sent could not be: the TU is told, and it is over.
        _on("3261 17.1.4 SHOULD", "transport_error", "sent -provisional -success -failure",
            "inform_transport_error terminate"),
        _on("3261 17.1.4 SHOULD", "transport_error", "failure", "inform_transport_error terminate"),
        _on("gap", "transport_error", "provisional -success -failure", "hint_transport_error"),
        _on("gap", "transport_error", "success"),
        _on("3261 9.1 and 16.8", "tu_abandon", "sent -success -failure", "terminate"),
    ),
    (
        _by("3261 17.1.1.2 SHOULD", "sent + 64*T1", "-provisional -success -failure",
            "inform_timeout terminate"),
        _by("3261 17.1.1.2 MUST", "failure + max(32, 64*T1) / 0", "", "terminate"),
        _by("6026 7.2 MUST", "success + 64*T1", "", "terminate"),
    ),
    (
        Repetition("3261 17.1.1.2 MUST", "sent", None, None,
                   frozenset({"provisional", "success", "failure"}), ("resend_request",)),
    ),
)

NON_INVITE_CLIENT = Obligations(
    "non-invite-client",
    (
        _on("3261 17.1.2.2 MUST", "tu_request", "-sent", "send_request", "sent"),
        _on("4320 4.2 MUST NOT forward", _ANY_RESPONSE, "-sent", "drop"),
        _on("3261 17.1.2.2 MUST", "response_1xx", "sent -final", "pass_response", "provisional"),
        _on("3261 17.1.2.2 MUST", "response_2xx response_300_699", "sent -final", "pass_response", "final"),
        _on("3261 17.1.2.2", _ANY_RESPONSE, "final", "drop"),
        _on("3261 17.1.4 SHOULD", "transport_error", "sent -final", "inform_transport_error terminate"),
        _on("gap", "transport_error", "final"),
    ),
    (
        _by("3261 17.1.2.2 SHOULD", "sent + 64*T1", "-final", "inform_timeout terminate"),
        _by("3261 17.1.2.2 MUST", "final + T4 / 0", "", "terminate"),
    ),
    (
        Repetition("3261 17.1.2.2 MUST", "sent", "T2", "provisional", frozenset({"final"}),
                   ("resend_request",)),
    ),
)

INVITE_SERVER = Obligations(
    "invite-server",
    (
        _on("3261 17.2.1 MUST", "invite", "-begun", "pass_request", "begun"),
        # Until the final response: copies of the INVITE get the last provisional one.
        _on("3261 17.2.1 MUST", "invite", "begun -success -failure", "resend_response"),
        _on("3261 17.2.1 MUST", "tu_100 tu_101_199", "begun -success -failure", "send_response", "answered"),
        _on("6026 7.1 MUST", "tu_2xx", "begun -success -failure", "send_response", "success"),
        _on("3261 17.2.1 MUST", "tu_300_699 tu_408", "begun -success -failure", "send_response", "failure"),
        _on("gap", "ack", "begun -success -failure", "drop"),
        _on("6026 8.8 MUST stay", "transport_error", "begun -success -failure", "inform_transport_error"),
        _on("gap", "tu_abandon", "begun -success -failure", "terminate"),
        # After a non-2xx final response: it is repeated for each copy, until the ACK comes.
        _on("3261 17.2.1 SHOULD", "invite", "failure -acknowledged", "resend_response"),
        _on("3261 17.2.1 MUST", "ack", "failure -acknowledged", "", "acknowledged"),
        _on("gap", "tu_100 tu_101_199", "failure -acknowledged", "reject"),
        _on("gap", "tu_2xx tu_300_699 tu_408", "failure -acknowledged", "drop"),
        _on("6026 8.8 MUST stay", "transport_error", "failure -acknowledged", "inform_transport_error"),
        # After the ACK: copies are absorbed.
        _on("3261 17.2.1 MUST", "ack invite", "acknowledged"),
        _on("gap", _ANY_ANSWER, "acknowledged", "drop"),
        _on("gap", "transport_error", "acknowledged"),
        # After a 2xx: copies are absorbed, each further 2xx is sent, an ACK goes to the TU.
        _on("6026 7.1 MUST", "invite", "success"),
        _on("6026 7.1 MUST", "tu_2xx", "success", "send_response"),
        _on("6026 7.1 MUST", "ack", "success", "pass_ack"),
        _on("gap", "tu_100 tu_101_199 tu_300_699 tu_408", "success", "drop"),
        _on("6026 7.1 MUST", "transport_error", "success", "inform_transport_error"),
    ),
    (
        _by("3261 17.2.1 MUST", "begun + 0.2", "-answered -success -failure", "send_trying", "answered"),
        _by("3261 17.2.1 MUST", "failure + 64*T1", "-acknowledged", "inform_timeout terminate"),
        _by("3261 17.2.1 MUST", "acknowledged + T4 / 0", "", "terminate"),
        _by("6026 7.1 MUST", "success + 64*T1", "", "terminate"),
    ),
    (
        Repetition("3261 17.2.1 MUST", "failure", "T2", None, frozenset({"acknowledged"}),
                   ("resend_response",)),
    ),
)

NON_INVITE_SERVER = Obligations(
    "non-invite-server",
    (
        _on("3261 17.2.2 MUST", "request", "-begun", "pass_request", "begun"),
        _on("3261 17.2.2 MUST", "request", "begun -provisional -final", "drop"),
        _on("3261 17.2.2 MUST", "request", "provisional -final", "resend_response"),
        _on("3261 17.2.2 MUST", "request", "final", "resend_response"),
        _on("3261 17.2.2 MUST", "tu_100", "begun -final", "send_response", "provisional"),
        _on("4320 4.1 MUST NOT", "tu_101_199", "begun -final", "reject"),
        _on("4320 4.1 MUST NOT", "tu_100_early", "begun -provisional -final", "reject"),
        _on("4320 4.2 MUST NOT", "tu_408", "begun -final", "reject"),
        _on("3261 17.2.2 MUST", "tu_2xx tu_300_699", "begun -final", "send_response", "final"),
        _on("gap", "transport_error", "begun -provisional -final"),
        _on("6026 8.8 MUST stay", "transport_error", "provisional -final", "inform_transport_error"),
        _on("6026 8.8 MUST stay", "transport_error", "final", "inform_transport_error"),
        _on("gap", "tu_abandon", "begun -final", "terminate"),
        _on("3261 17.2.2 MUST", _ANY_ANSWER, "final", "drop"),
    ),
    (
        # When a client's Timer E has reached T2: at 7*T1, after intervals of T1, 2*T1 and 4*T1.
        _by("4320 4.1 MUST", "begun + 7*T1", "-provisional -final", "send_trying", "provisional"),
        _by("gap", "begun + 64*T1+T4", "-final", "inform_timeout terminate"),
        _by("3261 17.2.2 MUST", "final + 64*T1 / 0", "", "terminate"),
    ),
)

BRANCH = Obligations(
    "branch",
    (
        _on("3261 16.6 steps 10 and 11 MUST", "tu_invite", "-sent -outcome", "send_request", "sent heard"),
        _on("3261 16.6 step 10", "tu_request", "-sent -outcome", "send_request", "sent"),
        _on("3261 16.10", "cancel", "-sent -outcome", "offer_cancelled", "outcome"),
        # A 100 is not forwarded; another provisional response is, and starts Timer C anew.
        _on("3261 16.7 step 5", "response_100", "sent -wanted -outcome", "", "provisional"),
        _on("3261 16.7 steps 2 and 5 MUST", "response_101_199", "sent -wanted -outcome", "offer_provisional",
            "provisional heard"),
        # A CANCEL waits for a provisional response, and goes out once.
        _on("3261 9.1 MUST NOT", "cancel", "sent -provisional -wanted -outcome", "", "wanted"),
        _on("3261 16.10 MUST", "cancel", "provisional -wanted -outcome", "send_cancel", "wanted cancelled"),
        _on("3261 9.1", "cancel", "wanted -outcome"),
        _on("3261 9.1 MUST", "response_100", "wanted -cancelled -outcome",
            "send_cancel", "provisional cancelled"),
        _on("3261 9.1 and 16.7 step 5 MUST", "response_101_199", "wanted -cancelled -outcome",
            "offer_provisional send_cancel", "provisional cancelled"),
        _on("3261 16.7 step 5", "response_100", "cancelled -outcome"),
        _on("3261 16.7 step 5 MUST", "response_101_199", "cancelled -outcome", "offer_provisional"),
        # The outcome, which the context hears of once; of a 2xx each time.
        _on("3261 16.7 step 5 MUST", "response_2xx", "sent", "offer_success", "outcome"),
        _on("3261 16.7 step 4", "response_300_699", "sent -outcome", "offer_failure", "outcome"),
        _on("3261 16.7 MUST", "timeout", "sent -outcome", "offer_timeout", "outcome"),
        _on("3261 16.9 MUST", "transport_error", "sent -outcome", "offer_unavailable", "outcome"),
        _on("3261 16.6 step 7 SHOULD", "target_failed", "sent -provisional -wanted -outcome", "send_request"),
        _on("3261 16.9 MUST", "target_failed", "provisional -outcome", "offer_unavailable", "outcome"),
        _on("3261 9.1", "target_failed", "wanted -provisional -outcome", "offer_cancelled", "outcome"),
        _on("3261 16.7 step 5",
            "response_100 response_101_199 response_300_699 timeout transport_error target_failed cancel",
            "outcome"),
        # The client transaction ends: before an outcome, that is one.
        _on("3261 16.7 step 6 MUST", "client_gone", "sent -wanted -outcome", "offer_timeout terminate"),
        _on("3261 9.1", "client_gone", "wanted -outcome", "offer_cancelled terminate"),
        _on("3261 16.7", "client_gone", "outcome", "terminate"),
    ),
    (
        _by("3261 16.8 MUST", "heard + TC", "-provisional -outcome", "abandon_client offer_timeout",
            "outcome"),
        _by("3261 16.8 MUST", "heard + TC", "provisional -wanted -outcome", "send_cancel",
            "wanted cancelled"),
        _by("3261 9.1 SHOULD", "cancelled + 64*T1", "-outcome", "abandon_client offer_cancelled", "outcome"),
    ),
)

RESPONSE_CONTEXT = Obligations(
    "response-context",
    (
        _on("3261 16.6", "tu_request", "-begun", "start_branches", "begun"),
        _on("3261 16.10", "cancel", "-begun", "forward_best terminate"),
        # Before a final response was forwarded.
        _on("3261 16.7 step 5 MUST", "provisional", "begun -success -failure", "forward_response"),
        _on("3261 16.7 steps 5 and 10 MUST", "success_invite success_non_invite", "begun -success -failure",
            "forward_response cancel_branches", "success"),
        _on("3261 16.7 step 4", "failure_pending", "begun -success -failure"),
        _on("3261 16.7 step 6 MUST", "failure_last global_failure_last", "begun -success -failure",
            "forward_best", "failure"),
        _on("3261 16.7 steps 5 and 10 SHOULD", "global_failure_pending", "begun -cancelled -success -failure",
            "cancel_branches", "cancelled"),
        _on("3261 16.7 step 4", "global_failure_pending", "cancelled -success -failure"),
        _on("3261 16.10 MUST", "cancel", "begun -cancelled -success -failure", "cancel_branches",
            "cancelled"),
        _on("3261 16.10", "cancel", "cancelled -success -failure"),
        # Afterwards: every 2xx to an INVITE that follows another one, and nothing else.
        _on("3261 16.7 step 5 MUST", "success_invite", "success", "forward_response"),
        _on("3261 16.7 step 5 MUST NOT", "success_non_invite provisional failure_pending failure_last "
            "global_failure_pending global_failure_last", "success", "drop"),
        _on("gap", "success_invite success_non_invite provisional failure_pending failure_last "
            "global_failure_pending global_failure_last", "failure", "drop"),
        _on("3261 9.2 and 16.10", "cancel", "success"),
        _on("3261 9.2 and 16.10", "cancel", "failure"),
        _on("3261 16.7", "branches_gone", "begun", "terminate"),
    ),
)

# fmt: on

OBLIGATIONS = {
    each.machine: each
    for each in (INVITE_CLIENT, NON_INVITE_CLIENT, INVITE_SERVER, NON_INVITE_SERVER, BRANCH, RESPONSE_CONTEXT)
}
"""The obligations of each built-in machine, by its name."""
