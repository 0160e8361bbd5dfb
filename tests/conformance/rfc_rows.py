"""The 84 rows of the four transaction machines, typed by hand from the RFC texts (default T1, T2, T4).

The texts: :rfc:`3261#section-17`, with its figures 5 and 7 as :rfc:`6026#section-8` replaces them,
:rfc:`4320#section-4`, and erratum 1470 (a final response may leave a non-INVITE server transaction straight
from Trying). Above each row stands the sentence it comes from, shortened. Where no RFC says anything (`gap`),
the row is the least that keeps the machine whole: it never raises.

No RFC gives an order in which timers start and stop. Here what is sent or passed comes first, then timers
stop, then timers start; and the end of a machine stops all that is left.
"""

from tests.conformance.notation import UR, Case, R, Table, U

# fmt: off

# ---- INVITE client transaction: RFC 3261 17.1.1.2 and 17.1.4, RFC 6026 7.2 and 8.4 ---------------

INVITE_CLIENT = Table(
    "invite-client",
    {
        "Absent": "",
        "Calling": "tu_request",
        "Proceeding": "tu_request response_1xx",
        "Completed": "tu_request response_300_699",
        "Accepted": "tu_request response_2xx",
    },
    [
        # MUST pass the request to the transport layer; unreliable: MUST start A with T1; reliable: SHOULD
        # NOT; any transport: MUST start B with 64*T1.
        Case(
            "ICT-01", U, "Absent", "tu_request",
            "send_request, start A 0.5, start B 32", "Calling", "A 0.5, B 32",
        ),
        Case("ICT-01", R, "Absent", "tu_request", "send_request, start B 32", "Calling", "B 32"),
        # When A fires, MUST retransmit, and MUST reset it with 2*T1; intervals double after each
        # transmission.
        Case("ICT-02", U, "Calling", "timer_A", "resend_request, start A 1", "Calling", "A 1, B 32"),
        Case(
            "ICT-02", U, "Calling", "timer_A", "resend_request, start A 2", "Calling", "A 2, B 32",
            after="tu_request timer_A",
        ),
        # Still in Calling when B fires: SHOULD inform the TU of a timeout, MUST NOT generate an ACK.
        Case("ICT-03", U, "Calling", "timer_B", "inform_timeout, stop A, terminate", "Terminated"),
        Case("ICT-03", R, "Calling", "timer_B", "inform_timeout, terminate", "Terminated"),
        # A provisional response: to Proceeding, SHOULD NOT retransmit any longer, MUST be passed to the TU.
        Case("ICT-04", U, "Calling", "response_1xx", "pass_response, stop A, stop B", "Proceeding"),
        Case("ICT-04", R, "Calling", "response_1xx", "pass_response, stop B", "Proceeding"),
        # 6026: a 2xx in Calling or Proceeding: MUST go to Accepted, M of 64*T1, MUST pass, MUST NOT ACK.
        Case(
            "ICT-05", U, "Calling", "response_2xx",
            "pass_response, stop A, stop B, start M 32", "Accepted", "M 32",
        ),
        Case("ICT-05", R, "Calling", "response_2xx", "pass_response, stop B, start M 32", "Accepted", "M 32"),
        # 300-699: MUST go to Completed, MUST pass, MUST generate an ACK even if the transport is reliable.
        # 6026: MUST start D, at least 32 s unreliable, zero reliable.
        Case(
            "ICT-06", U, "Calling", "response_300_699",
            "pass_response, send_ack, stop A, stop B, start D 32", "Completed", "D 32",
        ),
        Case(
            "ICT-06", R, "Calling", "response_300_699",
            "pass_response, send_ack, stop B, terminate", "Terminated", also="ICT-16",
        ),
        # 17.1.4: SHOULD inform the TU, SHOULD go directly to Terminated.
        Case(
            "ICT-07", U, "Calling", "transport_error",
            "inform_transport_error, stop A, stop B, terminate", "Terminated",
        ),
        Case(
            "ICT-07", R, "Calling", "transport_error",
            "inform_transport_error, stop B, terminate", "Terminated",
        ),
        # Any further provisional responses MUST be passed up to the TU while in Proceeding.
        Case("ICT-08", UR, "Proceeding", "response_1xx", "pass_response", "Proceeding"),
        Case("ICT-09", UR, "Proceeding", "response_2xx", "pass_response, start M 32", "Accepted", "M 32"),
        Case(
            "ICT-10", U, "Proceeding", "response_300_699",
            "pass_response, send_ack, start D 32", "Completed", "D 32",
        ),
        Case(
            "ICT-10", R, "Proceeding", "response_300_699",
            "pass_response, send_ack, terminate", "Terminated", also="ICT-16",
        ),
        # Retransmissions only while in Calling; B counts only if still in Calling.
        Case("ICT-11", UR, "Proceeding", "timer_A timer_B", "", "Proceeding"),
        # gap: no arrow leaves Proceeding for a transport error, as nothing is sent here.
        Case("ICT-12", UR, "Proceeding", "transport_error", "hint_transport_error", "Proceeding"),
        # 6026: retransmissions of a 300-699 MUST cause the ACK to be sent again, and MUST NOT be passed up.
        Case("ICT-13", U, "Completed", "response_300_699", "send_ack", "Completed", "D 32"),
        Case("ICT-14", U, "Completed", "response_1xx", "drop", "Completed", "D 32"),  # gap
        Case("ICT-15", U, "Completed", "response_2xx", "drop", "Completed", "D 32"),  # gap
        # If D fires in Completed, MUST move to Terminated; MUST be destroyed the instant it enters it.
        Case("ICT-16", U, "Completed", "timer_D", "terminate", "Terminated"),
        # 17.1.4 and Figure 5: the ACK could not be sent.
        Case("ICT-17", U, "Completed", "transport_error", "inform_transport_error, terminate", "Terminated"),
        # 6026: any 2xx in Accepted MUST be passed up, MUST NOT be acknowledged; no further action.
        Case("ICT-18", UR, "Accepted", "response_2xx", "pass_response", "Accepted", "M 32"),
        Case("ICT-19", UR, "Accepted", "response_1xx", "drop", "Accepted", "M 32"),  # gap
        Case("ICT-20", UR, "Accepted", "response_300_699", "drop", "Accepted", "M 32"),  # gap
        # 6026: if M fires in Accepted, MUST move to Terminated, and MUST be destroyed.
        Case("ICT-21", UR, "Accepted", "timer_M", "terminate", "Terminated"),
        # gap: it sends nothing here
        Case(
            "ICT-22", UR, "Accepted", "transport_error",
            "", "Accepted", "M 32",
        ),
        # 6026 7.2: a response that matches no client transaction is simply dropped; 7.3: a proxy MUST NOT
        # forward it.
        Case("ICT-23", UR, "Absent", "response_1xx response_2xx response_300_699", "drop", "Absent"),
    ],
)

# ---- Non-INVITE client transaction: RFC 3261 17.1.2.2 and 17.1.4, RFC 4320 4.2 -------------------

NON_INVITE_CLIENT = Table(
    "non-invite-client",
    {
        "Absent": "",
        "Trying": "tu_request",
        "Proceeding": "tu_request response_1xx",
        "Completed": "tu_request response_2xx",
    },
    [
        # SHOULD set F to 64*T1; the request MUST be passed to the transport; unreliable: MUST set E to T1.
        Case(
            "NICT-01", U, "Absent", "tu_request",
            "send_request, start E 0.5, start F 32", "Trying", "E 0.5, F 32",
        ),
        Case("NICT-01", R, "Absent", "tu_request", "send_request, start F 32", "Trying", "F 32"),
        # If E fires in Trying it is reset with MIN(2*T1, T2), then MIN(4*T1, T2), and so on.
        Case("NICT-02", U, "Trying", "timer_E", "resend_request, start E 1", "Trying", "E 1, F 32"),
        Case(
            "NICT-02", U, "Trying", "timer_E", "resend_request, start E 4", "Trying", "E 4, F 32",
            after="tu_request timer_E timer_E timer_E",
        ),
        # If F fires in Trying, SHOULD inform the TU about the timeout, SHOULD enter Terminated.
        Case("NICT-03", UR, "Trying", "timer_F", "inform_timeout, terminate", "Terminated"),
        # A provisional response MUST be passed to the TU, and SHOULD lead to Proceeding, where E goes on.
        Case("NICT-04", U, "Trying", "response_1xx", "pass_response", "Proceeding", "E 0.5, F 32"),
        Case("NICT-04", R, "Trying", "response_1xx", "pass_response", "Proceeding", "F 32"),
        # 200-699 MUST be passed to the TU, MUST lead to Completed; there MUST set K: T4 unreliable, zero
        # reliable.
        Case(
            "NICT-05", U, "Trying", "response_2xx response_300_699",
            "pass_response, stop E, stop F, start K 5", "Completed", "K 5",
        ),
        Case(
            "NICT-05", R, "Trying", "response_2xx response_300_699",
            "pass_response, stop F, terminate", "Terminated", also="NICT-13",
        ),
        # 17.1.4: SHOULD inform the TU, SHOULD go directly to Terminated.
        Case("NICT-06", UR, "Trying", "transport_error", "inform_transport_error, terminate", "Terminated"),
        # If E fires in Proceeding, MUST retransmit, and E MUST be reset with T2.
        Case("NICT-07", U, "Proceeding", "timer_E", "resend_request, start E 4", "Proceeding", "E 4, F 32"),
        Case(
            "NICT-07", U, "Proceeding", "timer_E", "resend_request, start E 4", "Proceeding", "E 4, F 32",
            after="tu_request timer_E response_1xx",
        ),
        # If F fires in Proceeding, the TU MUST be informed, and it MUST go to Terminated.
        Case("NICT-08", UR, "Proceeding", "timer_F", "inform_timeout, terminate", "Terminated"),
        # Figure 6
        Case(
            "NICT-09", U, "Proceeding", "response_1xx",
            "pass_response", "Proceeding", "E 0.5, F 32",
        ),
        Case("NICT-09", R, "Proceeding", "response_1xx", "pass_response", "Proceeding", "F 32"),
        Case(
            "NICT-10", U, "Proceeding", "response_2xx response_300_699",
            "pass_response, stop E, stop F, start K 5", "Completed", "K 5",
        ),
        Case(
            "NICT-10", R, "Proceeding", "response_2xx response_300_699",
            "pass_response, stop F, terminate", "Terminated", also="NICT-13",
        ),
        # Figure 6: transport error in Proceeding: inform TU, Terminated.
        Case(
            "NICT-11", UR, "Proceeding", "transport_error",
            "inform_transport_error, terminate", "Terminated",
        ),
        # Completed buffers additional response retransmissions.
        Case(
            "NICT-12", U, "Completed", "response_1xx response_2xx response_300_699",
            "drop", "Completed", "K 5",
        ),
        # If K fires in Completed, MUST go to Terminated.
        Case("NICT-13", U, "Completed", "timer_K", "terminate", "Terminated"),
        # Implied: E and F act in Trying and Proceeding only.
        Case("NICT-14", U, "Completed", "timer_E timer_F", "", "Completed", "K 5"),
        # gap: it sends nothing here
        Case(
            "NICT-15", U, "Completed", "transport_error",
            "", "Completed", "K 5",
        ),
        # 4320 4.2: a proxy will not forward any late non-INVITE response.
        Case("NICT-16", UR, "Absent", "response_1xx response_2xx response_300_699", "drop", "Absent"),
    ],
)

# ---- INVITE server transaction: RFC 3261 17.2.1, RFC 6026 7.1 and 8.5 to 8.8 ---------------------

INVITE_SERVER = Table(
    "invite-server",
    {
        "Absent": "",
        "Proceeding": "invite",
        "Completed": "invite tu_300_699",
        "Confirmed": "invite tu_300_699 ack",
        "Accepted": "invite tu_2xx",
    },
    [
        # Enters Proceeding; MUST generate a 100 unless it knows that the TU answers within 200 ms; MUST
        # pass to the TU.
        Case("IST-01", UR, "Absent", "invite", "pass_request, start trying 0.2", "Proceeding", "trying 0.2"),
        # A request retransmission in Proceeding: the most recent provisional response MUST be sent again.
        Case("IST-02", UR, "Proceeding", "invite", "resend_response", "Proceeding", "trying 0.2"),
        Case(
            "IST-02", UR, "Proceeding", "invite",
            "resend_response", "Proceeding", after="invite timer_trying",
        ),
        Case(
            "IST-02", UR, "Proceeding", "invite",
            "resend_response", "Proceeding", after="invite tu_101_199",
        ),
        # Each provisional response of the TU MUST be sent, and does not change the state. It is the TU's
        # answer within 200 ms, so no 100 follows it.
        Case("IST-03", UR, "Proceeding", "tu_100 tu_101_199", "stop trying, send_response", "Proceeding"),
        Case(
            "IST-03", UR, "Proceeding", "tu_100 tu_101_199", "send_response", "Proceeding",
            after="invite timer_trying",
        ),
        # 6026: a 2xx from the TU MUST be sent, MUST lead to Accepted; L MUST be set to 64*T1 for all
        # transports.
        Case(
            "IST-04", UR, "Proceeding", "tu_2xx",
            "send_response, stop trying, start L 32", "Accepted", "L 32",
        ),
        Case(
            "IST-04", UR, "Proceeding", "tu_2xx", "send_response, start L 32", "Accepted", "L 32",
            after="invite tu_101_199",
        ),
        # 300-699 from the TU MUST be sent, MUST lead to Completed; unreliable: G of T1; all: H MUST be
        # 64*T1.
        Case(
            "IST-05", U, "Proceeding", "tu_300_699 tu_408",
            "send_response, stop trying, start G 0.5, start H 32", "Completed", "G 0.5, H 32",
        ),
        Case(
            "IST-05", R, "Proceeding", "tu_300_699 tu_408",
            "send_response, stop trying, start H 32", "Completed", "H 32",
        ),
        Case(
            "IST-05", U, "Proceeding", "tu_300_699 tu_408",
            "send_response, start G 0.5, start H 32", "Completed", "G 0.5, H 32",
            after="invite timer_trying",
        ),
        Case("IST-06", UR, "Proceeding", "ack", "drop", "Proceeding", "trying 0.2"),  # gap
        # 6026 8.8: SHOULD inform the TU, MUST remain in the current state.
        Case(
            "IST-07", UR, "Proceeding", "transport_error",
            "inform_transport_error", "Proceeding", "trying 0.2",
        ),
        # A request retransmission in Completed: SHOULD pass the response to the transport again.
        Case("IST-08", U, "Completed", "invite", "resend_response", "Completed", "G 0.5, H 32"),
        Case("IST-08", R, "Completed", "invite", "resend_response", "Completed", "H 32"),
        # If G fires, the response is sent again, and G is set to MIN(2*T1, T2); it doubles up to T2.
        Case("IST-09", U, "Completed", "timer_G", "resend_response, start G 1", "Completed", "G 1, H 32"),
        Case(
            "IST-09", U, "Completed", "timer_G", "resend_response, start G 4", "Completed", "G 4, H 32",
            after="invite tu_300_699 timer_G timer_G timer_G",
        ),
        # If H fires in Completed: MUST go to Terminated, MUST indicate to the TU that a failure has
        # occurred.
        Case("IST-10", U, "Completed", "timer_H", "inform_timeout, stop G, terminate", "Terminated"),
        Case("IST-10", R, "Completed", "timer_H", "inform_timeout, terminate", "Terminated"),
        # An ACK in Completed MUST lead to Confirmed, where G is ignored; I: T4 unreliable, zero reliable.
        Case("IST-11", U, "Completed", "ack", "stop G, stop H, start I 5", "Confirmed", "I 5"),
        Case("IST-11", R, "Completed", "ack", "stop H, terminate", "Terminated", also="IST-18"),
        # gap, three times: what the TU sends after a final response.
        Case("IST-12", U, "Completed", "tu_100 tu_101_199", "reject", "Completed", "G 0.5, H 32"),
        Case("IST-12", R, "Completed", "tu_100 tu_101_199", "reject", "Completed", "H 32"),
        Case("IST-13", U, "Completed", "tu_2xx", "drop", "Completed", "G 0.5, H 32"),
        Case("IST-13", R, "Completed", "tu_2xx", "drop", "Completed", "H 32"),
        Case("IST-14", U, "Completed", "tu_300_699 tu_408", "drop", "Completed", "G 0.5, H 32"),
        Case("IST-14", R, "Completed", "tu_300_699 tu_408", "drop", "Completed", "H 32"),
        # 6026 8.8: MUST remain in the current state.
        Case(
            "IST-15", U, "Completed", "transport_error",
            "inform_transport_error", "Completed", "G 0.5, H 32",
        ),
        Case("IST-15", R, "Completed", "transport_error", "inform_transport_error", "Completed", "H 32"),
        # The purpose of Confirmed is to absorb any additional ACK.
        Case("IST-16", U, "Confirmed", "ack", "", "Confirmed", "I 5"),
        Case("IST-17", U, "Confirmed", "invite", "", "Confirmed", "I 5"),  # implied: a late copy
        # Once I fires, MUST go to Terminated.
        Case("IST-18", U, "Confirmed", "timer_I", "terminate", "Terminated"),
        # G is ignored in this state.
        Case("IST-19", U, "Confirmed", "timer_G timer_H", "", "Confirmed", "I 5"),
        # gap
        Case(
            "IST-20", U, "Confirmed", "tu_100 tu_101_199 tu_2xx tu_300_699 tu_408",
            "drop", "Confirmed", "I 5",
        ),
        # gap: it sends nothing here
        Case(
            "IST-21", U, "Confirmed", "transport_error",
            "", "Confirmed", "I 5",
        ),
        # 6026: retransmissions of the INVITE are absorbed without changing the state, and not passed on to
        # the TU; MUST NOT generate retransmissions of the 2xx on its own.
        Case("IST-22", UR, "Accepted", "invite", "", "Accepted", "L 32"),
        # 6026: a 2xx that the TU passes in Accepted MUST be sent.
        Case("IST-23", UR, "Accepted", "tu_2xx", "send_response", "Accepted", "L 32"),
        # 6026: any ACK in Accepted MUST be passed directly to the TU and not absorbed.
        Case("IST-24", UR, "Accepted", "ack", "pass_ack", "Accepted", "L 32"),
        # gap
        Case(
            "IST-25", UR, "Accepted", "tu_100 tu_101_199 tu_300_699 tu_408",
            "drop", "Accepted", "L 32",
        ),
        # 6026 Figure 7: transport error in Accepted: inform TU, and 7.1: MUST remain in its current state.
        Case("IST-26", UR, "Accepted", "transport_error", "inform_transport_error", "Accepted", "L 32"),
        # 6026: if L fires in Accepted, MUST go to Terminated.
        Case("IST-27", UR, "Accepted", "timer_L", "terminate", "Terminated"),
    ],
)

# ---- Non-INVITE server transaction: RFC 3261 17.2.2, erratum 1470, RFC 4320 4, RFC 6026 8.8 ------

NON_INVITE_SERVER = Table(
    "non-invite-server",
    {
        "Absent": "",
        "Trying": "request",
        "Proceeding": "request timer_trying",
        "Completed": "request tu_2xx",
    },
    [
        # Initialised in Trying; the request is passed up to the TU. 4320 4.1: MUST respond with a 100,
        # without regard to transport, after the time a client's E takes to be reset to T2. (The watchdog
        # `tu` is our own.)
        Case(
            "NIST-01", UR, "Absent", "request",
            "pass_request, start trying 3.5, start tu 37", "Trying", "trying 3.5, tu 37",
        ),
        # In Trying any further request retransmissions are discarded.
        Case("NIST-02", UR, "Trying", "request", "drop", "Trying", "trying 3.5, tu 37"),
        # A provisional response in Trying: MUST enter Proceeding, MUST be sent.
        Case("NIST-03", UR, "Trying", "tu_100", "send_response, stop trying", "Proceeding", "tu 37"),
        # 4320 4.1: MUST NOT send any provisional response other than 100.
        Case("NIST-04", UR, "Trying", "tu_101_199", "reject", "Trying", "trying 3.5, tu 37"),
        # Erratum 1470 and Figure 8: 200-699 from Trying to Completed; MUST set J: 64*T1 unreliable, zero
        # reliable.
        Case(
            "NIST-05", U, "Trying", "tu_2xx tu_300_699",
            "send_response, stop trying, stop tu, start J 32", "Completed", "J 32",
        ),
        Case(
            "NIST-05", R, "Trying", "tu_2xx tu_300_699",
            "send_response, stop trying, stop tu, terminate", "Terminated", also="NIST-17",
        ),
        # 4320 4.2: MUST NOT send a 408; such an element will not send a final response at all.
        Case("NIST-06", UR, "Trying", "tu_408", "reject", "Trying", "trying 3.5, tu 37"),
        # gap: nothing sent yet
        Case(
            "NIST-07", UR, "Trying", "transport_error",
            "", "Trying", "trying 3.5, tu 37",
        ),
        # 4320 4.1: MUST respond with a 100 if it has not otherwise responded by then.
        Case("NIST-08", UR, "Trying", "timer_trying", "send_trying", "Proceeding", "tu 37"),
        # A retransmission of the request in Proceeding: the provisional response MUST be sent again.
        Case("NIST-09", UR, "Proceeding", "request", "resend_response", "Proceeding", "tu 37"),
        Case(
            "NIST-09", UR, "Proceeding", "request", "resend_response", "Proceeding", "tu 37",
            after="request tu_100",
        ),
        # Any further provisional response in Proceeding MUST be sent.
        Case("NIST-10", UR, "Proceeding", "tu_100", "send_response", "Proceeding", "tu 37"),
        Case("NIST-11", UR, "Proceeding", "tu_101_199", "reject", "Proceeding", "tu 37"),  # 4320 4.1 MUST NOT
        # A final response in Proceeding: MUST enter Completed, MUST be sent.
        Case(
            "NIST-12", U, "Proceeding", "tu_2xx tu_300_699",
            "send_response, stop tu, start J 32", "Completed", "J 32",
        ),
        Case(
            "NIST-12", R, "Proceeding", "tu_2xx tu_300_699",
            "send_response, stop tu, terminate", "Terminated", also="NIST-17",
        ),
        Case("NIST-13", UR, "Proceeding", "tu_408", "reject", "Proceeding", "tu 37"),  # 4320 4.2 MUST NOT
        # 6026 8.8 rewrites 17.2.4: MUST remain in the current state (3261 Figure 8, not redrawn, ends it).
        Case("NIST-14", UR, "Proceeding", "transport_error", "inform_transport_error", "Proceeding", "tu 37"),
        # In Completed MUST send the final response again whenever a retransmission of the request is
        # received.
        Case("NIST-15", U, "Completed", "request", "resend_response", "Completed", "J 32"),
        # Any other final response of the TU MUST be discarded in Completed.
        Case(
            "NIST-16", U, "Completed", "tu_100 tu_101_199 tu_2xx tu_300_699 tu_408",
            "drop", "Completed", "J 32",
        ),
        # Remains until J fires, MUST then go to Terminated.
        Case("NIST-17", U, "Completed", "timer_J", "terminate", "Terminated"),
        # as 14
        Case(
            "NIST-18", U, "Completed", "transport_error",
            "inform_transport_error", "Completed", "J 32",
        ),
    ],
)

# fmt: on

TABLES = [INVITE_CLIENT, NON_INVITE_CLIENT, INVITE_SERVER, NON_INVITE_SERVER]

COUNTS = {"ICT": 23, "NICT": 16, "IST": 27, "NIST": 18}
"""How many rows each machine has; their ids count from 01."""

ENDS_AT_ONCE = {
    # Over a reliable transport D, K, I and J are zero, so these states are left in the step that enters
    # them, and their rows cannot be seen on their own.
    "invite-client": "Completed",
    "non-invite-client": "Completed",
    "invite-server": "Confirmed",
    "non-invite-server": "Completed",
}

NO_RETRANSMISSION = {"ICT-02": "timer_A", "NICT-02": "timer_E", "NICT-07": "timer_E", "IST-09": "timer_G"}
"""The rows of timers that do not run over a reliable transport."""
