"""The rows of our own: what the RFCs leave to the element around the four machines, typed from those texts.

Transactions: what happens when the transaction user gives up, and when a 100 (Trying) is due. The two
machines of a proxy: :rfc:`3261#section-16.6` to 16.10 with :rfc:`3261#section-9.1` and :rfc:`6026#section-8`.
A binding, and an update of bindings: :rfc:`3261#section-10.3`. A stream connection: :rfc:`3261#section-18`.
A server that ends: :rfc:`3261#section-21.5.4`.
The dialog of a caller and of a callee: :rfc:`5407#section-2`, Figures 1 and 2, with its appendices C and D
and :rfc:`3261#section-13` and 15. Offer and answer: :rfc:`3264#section-4`.
"""

from tests.conformance import rfc_rows
from tests.conformance.notation import UR, Case, R, Table, U

# fmt: off

INVITE_CLIENT = Table(
    "invite-client",
    rfc_rows.INVITE_CLIENT.ways,
    [
        # 9.1: no final response in 64*T1 after CANCEL: SHOULD destroy the client transaction; 16.8: Timer C
        # may.
        Case("ICT-24", U, "Calling", "tu_abandon", "stop A, stop B, terminate", "Terminated"),
        Case("ICT-24", R, "Calling", "tu_abandon", "stop B, terminate", "Terminated"),
        Case("ICT-25", UR, "Proceeding", "tu_abandon", "terminate", "Terminated"),
    ],
)

INVITE_SERVER = Table(
    "invite-server",
    rfc_rows.INVITE_SERVER.ways,
    [
        # gap: the TU ended without a final response.
        Case("IST-28", UR, "Proceeding", "tu_abandon", "stop trying, terminate", "Terminated"),
        Case(
            "IST-28", UR, "Proceeding", "tu_abandon",
            "terminate", "Terminated", after="invite timer_trying",
        ),
        # 17.2.1: MUST generate a 100 unless the TU answers within 200 ms.
        Case("IST-29", UR, "Proceeding", "timer_trying", "send_trying", "Proceeding"),
    ],
)

NON_INVITE_SERVER = Table(
    "non-invite-server",
    rfc_rows.NON_INVITE_SERVER.ways,
    [
        # gap, four times: the TU ended without a final response, or never said anything.
        Case("NIST-19", UR, "Trying", "tu_abandon", "stop trying, terminate", "Terminated"),
        Case("NIST-20", UR, "Trying", "timer_tu", "inform_timeout, stop trying, terminate", "Terminated"),
        # 4320 4.1: over an unreliable transport MUST NOT send a 100 before a client's E is reset to T2.
        Case("NIST-21", UR, "Trying", "tu_100_early", "reject", "Trying", "trying 3.5, tu 37"),
        Case("NIST-22", UR, "Proceeding", "tu_abandon", "terminate", "Terminated"),
        Case("NIST-23", UR, "Proceeding", "timer_tu", "inform_timeout, terminate", "Terminated"),
    ],
)

BRANCH = Table(
    "branch",
    {
        "Absent": "",
        "Calling": "tu_invite",
        "Proceeding": "tu_invite response_100",
        "CancelPending": "tu_invite cancel",
        "Cancelling": "tu_invite response_100 cancel",
        "Completed": "tu_invite response_300_699",
    },
    [
        # 16.6 step 10: MUST create a client transaction; step 11: C MUST be set, above 3 minutes.
        Case("BRA-01", UR, "Absent", "tu_invite", "send_request, start C 185", "Calling", "C 185"),
        Case("BRA-02", UR, "Absent", "tu_request", "send_request", "Calling"),
        # 16.10: cancelled before anything was sent; the outcome is that of a CANCEL, 9.2: 487.
        Case("BRA-38", UR, "Absent", "cancel", "offer_cancelled", "Completed"),
        # 16.7 step 2: 101-199 MUST reset C, a 100 not; step 5: MUST be forwarded at once, a 100 MUST NOT.
        Case("BRA-03", UR, "Calling", "response_100", "", "Proceeding", "C 185"),
        Case(
            "BRA-04", UR, "Calling", "response_101_199",
            "start C 185, offer_provisional", "Proceeding", "C 185",
        ),
        # 16.7 step 5: any 2xx MUST be forwarded at once.
        Case("BRA-05", UR, "Calling", "response_2xx", "offer_success, stop C", "Completed"),
        Case("BRA-05", UR, "Calling", "response_2xx", "offer_success", "Completed", after="tu_request"),
        # 16.7 step 4: final responses are stored in the response context.
        Case("BRA-06", UR, "Calling", "response_300_699", "offer_failure, stop C", "Completed"),
        Case("BRA-06", UR, "Calling", "response_300_699", "offer_failure", "Completed", after="tu_request"),
        # 8.1.3.1: a timeout counts as a 408. 16.9: a transport error MUST count as a 503.
        Case("BRA-07", UR, "Calling", "timeout", "offer_timeout, stop C", "Completed"),
        Case("BRA-07", UR, "Calling", "timeout", "offer_timeout", "Completed", after="tu_request"),
        Case("BRA-08", UR, "Calling", "transport_error", "offer_unavailable, stop C", "Completed"),
        Case(
            "BRA-08", UR, "Calling", "transport_error",
            "offer_unavailable", "Completed", after="tu_request",
        ),
        # 16.6 step 7: the next element of the set, until the set is used up.
        Case("BRA-36", UR, "Calling", "target_failed", "send_request", "Calling", "C 185"),
        # 16.8: C fires without a provisional response: MUST behave as if a 408 had come.
        Case("BRA-09", UR, "Calling", "timer_C", "abandon_client, offer_timeout", "Completed"),
        # 9.1: no provisional response yet: the CANCEL MUST NOT be sent, MUST wait for one.
        Case("BRA-10", UR, "Calling", "cancel", "", "CancelPending", "C 185"),
        # 16.7 step 6: no final response when the client transaction is gone: counts as a 408.
        Case("BRA-43", UR, "Calling", "client_gone", "offer_timeout, stop C, terminate", "Terminated"),

        Case("BRA-11", UR, "Proceeding", "response_100", "", "Proceeding", "C 185"),
        Case(
            "BRA-12", UR, "Proceeding", "response_101_199",
            "start C 185, offer_provisional", "Proceeding", "C 185",
        ),
        Case("BRA-13", UR, "Proceeding", "response_2xx", "offer_success, stop C", "Completed"),
        Case("BRA-14", UR, "Proceeding", "response_300_699", "offer_failure, stop C", "Completed"),
        Case("BRA-15", UR, "Proceeding", "timeout", "offer_timeout, stop C", "Completed"),
        Case("BRA-16", UR, "Proceeding", "transport_error", "offer_unavailable, stop C", "Completed"),
        # 16.9: MUST count as a 503; the next target is not tried once somebody has answered.
        Case("BRA-41", UR, "Proceeding", "target_failed", "offer_unavailable, stop C", "Completed"),
        # 16.8: C fires after a provisional response: MUST generate a CANCEL. 9.1: then 64*T1 for a final
        # response.
        Case(
            "BRA-17", UR, "Proceeding", "timer_C",
            "send_cancel, start cancel 32", "Cancelling", "cancel 32",
        ),
        # 16.10: MUST cancel pending client transactions.
        Case(
            "BRA-18", UR, "Proceeding", "cancel",
            "send_cancel, stop C, start cancel 32", "Cancelling", "cancel 32",
        ),
        Case("BRA-44", UR, "Proceeding", "client_gone", "offer_timeout, stop C, terminate", "Terminated"),

        # 9.1: the provisional response that was waited for; 16.7 step 5: 101-199 MUST still be forwarded,
        # until a final response has been sent, which is for the response context to know.
        Case(
            "BRA-19", UR, "CancelPending", "response_100",
            "send_cancel, stop C, start cancel 32", "Cancelling", "cancel 32",
        ),
        Case(
            "BRA-39", UR, "CancelPending", "response_101_199",
            "offer_provisional, send_cancel, stop C, start cancel 32", "Cancelling", "cancel 32",
        ),
        Case("BRA-20", UR, "CancelPending", "response_2xx", "offer_success, stop C", "Completed"),
        Case("BRA-21", UR, "CancelPending", "response_300_699", "offer_failure, stop C", "Completed"),
        Case("BRA-22", UR, "CancelPending", "timeout", "offer_timeout, stop C", "Completed"),
        Case("BRA-23", UR, "CancelPending", "transport_error", "offer_unavailable, stop C", "Completed"),
        Case("BRA-37", UR, "CancelPending", "target_failed", "offer_cancelled, stop C", "Completed"),
        Case("BRA-24", UR, "CancelPending", "timer_C", "abandon_client, offer_timeout", "Completed"),
        Case("BRA-25", UR, "CancelPending", "cancel", "", "CancelPending", "C 185"),
        Case(
            "BRA-45", UR, "CancelPending", "client_gone",
            "offer_cancelled, stop C, terminate", "Terminated",
        ),

        Case("BRA-26", UR, "Cancelling", "response_100", "", "Cancelling", "cancel 32"),
        Case("BRA-40", UR, "Cancelling", "response_101_199", "offer_provisional", "Cancelling", "cancel 32"),
        Case("BRA-27", UR, "Cancelling", "response_2xx", "offer_success, stop cancel", "Completed"),
        Case("BRA-28", UR, "Cancelling", "response_300_699", "offer_failure, stop cancel", "Completed"),
        Case("BRA-29", UR, "Cancelling", "timeout", "offer_timeout, stop cancel", "Completed"),
        Case("BRA-30", UR, "Cancelling", "transport_error", "offer_unavailable, stop cancel", "Completed"),
        Case("BRA-42", UR, "Cancelling", "target_failed", "offer_unavailable, stop cancel", "Completed"),
        # 9.1: no final response in 64*T1: SHOULD consider it cancelled, SHOULD destroy the client
        # transaction.
        Case("BRA-31", UR, "Cancelling", "timer_cancel", "abandon_client, offer_cancelled", "Completed"),
        Case("BRA-32", UR, "Cancelling", "cancel", "", "Cancelling", "cancel 32"),
        Case(
            "BRA-46", UR, "Cancelling", "client_gone",
            "offer_cancelled, stop cancel, terminate", "Terminated",
        ),

        # 16.7 step 5: any 2xx to an INVITE MUST be forwarded, also after a final response.
        Case("BRA-33", UR, "Completed", "response_2xx", "offer_success", "Completed"),
        Case(
            "BRA-34", UR, "Completed",
            "response_100 response_101_199 response_300_699 timeout transport_error target_failed cancel", "",
            "Completed",
        ),
        # 16.7: the context is kept until all of its transactions have been terminated.
        Case("BRA-35", UR, "Completed", "client_gone", "terminate", "Terminated"),
    ],
)

RESPONSE_CONTEXT = Table(
    "response-context",
    {
        "Absent": "",
        "Forking": "tu_request",
        "Cancelling": "tu_request cancel",
        "Answered": "tu_request success_invite",
        "Completed": "tu_request failure_last",
    },
    [
        Case("RCX-01", UR, "Absent", "tu_request", "start_branches", "Forking"),
        # 16.10 and 9.2: cancelled before anything was forwarded.
        Case("RCX-22", UR, "Absent", "cancel", "forward_best, terminate", "Terminated"),

        # 16.7 step 5: provisional responses other than 100, and any 2xx, MUST be forwarded at once; step
        # 10: with a final response the proxy MUST generate a CANCEL for all pending client transactions.
        Case("RCX-02", UR, "Forking", "provisional", "forward_response", "Forking"),
        Case(
            "RCX-03", UR, "Forking", "success_invite success_non_invite",
            "forward_response, cancel_branches", "Answered",
        ),
        Case("RCX-04", UR, "Forking", "failure_pending", "", "Forking"),
        # Step 6: MUST send the best one if all client transactions have been terminated.
        Case("RCX-05", UR, "Forking", "failure_last global_failure_last", "forward_best", "Completed"),
        # Step 5: a 6xx is not immediately forwarded, but SHOULD cancel all pending client transactions.
        Case("RCX-06", UR, "Forking", "global_failure_pending", "cancel_branches", "Cancelling"),
        # 16.10: MUST cancel any pending client transactions.
        Case("RCX-07", UR, "Forking", "cancel", "cancel_branches", "Cancelling"),
        # Not for step 6: each branch offers an outcome before it goes, so a final response was sent
        # already.
        Case("RCX-08", UR, "Forking", "branches_gone", "terminate", "Terminated"),

        Case("RCX-09", UR, "Cancelling", "provisional", "forward_response", "Cancelling"),
        Case(
            "RCX-10", UR, "Cancelling", "success_invite success_non_invite",
            "forward_response, cancel_branches", "Answered",
        ),
        Case("RCX-11", UR, "Cancelling", "failure_pending global_failure_pending", "", "Cancelling"),
        Case("RCX-12", UR, "Cancelling", "failure_last global_failure_last", "forward_best", "Completed"),
        Case("RCX-13", UR, "Cancelling", "cancel", "", "Cancelling"),
        Case("RCX-14", UR, "Cancelling", "branches_gone", "terminate", "Terminated"),

        # Step 5: after a final response any 2xx to an INVITE MUST be forwarded, and no other MUST be.
        Case("RCX-15", UR, "Answered", "success_invite", "forward_response", "Answered"),
        Case(
            "RCX-16", UR, "Answered",
            "success_non_invite provisional failure_pending failure_last"
            " global_failure_pending global_failure_last",
            "drop", "Answered",
        ),
        # 9.2: a CANCEL after a final response has no effect.
        Case("RCX-17", UR, "Answered", "cancel", "", "Answered"),
        # 16.7: MUST maintain the response context until all of its transactions have been terminated.
        Case("RCX-18", UR, "Answered", "branches_gone", "terminate", "Terminated"),

        # gap: step 5 wants a 2xx forwarded, but no server transaction can after another final response.
        Case(
            "RCX-19", UR, "Completed",
            "success_invite success_non_invite provisional failure_pending failure_last"
            " global_failure_pending global_failure_last",
            "drop", "Completed",
        ),
        Case("RCX-20", UR, "Completed", "cancel", "", "Completed"),
        Case("RCX-21", UR, "Completed", "branches_gone", "terminate", "Terminated"),
    ],
)

BINDING = Table(
    "binding",
    {"Absent": "", "Active": "register"},
    [
        # 10.3 step 7: for each address, the registrar searches the current bindings; if the binding does not
        # exist, it is tentatively added.
        Case("BND-01", UR, "Absent", "register", "store_binding", "Active"),
        # An expiration of zero would have it removed: there is none.
        Case("BND-02", UR, "Absent", "unregister", "", "Absent"),
        # gap: a 200 says that the bindings are there; a restart does not make it a lie.
        Case("BND-03", UR, "Absent", "restored", "store_binding", "Active"),
        # Call-ID differs: MUST be removed if the expiration time is zero, updated otherwise; the same and
        # CSeq higher: MUST update or remove as above.
        Case("BND-04", UR, "Active", "register", "store_binding", "Active"),
        Case("BND-05", UR, "Active", "unregister", "remove_binding, terminate", "Terminated"),
        # Not higher: the update MUST be aborted and the request fails.
        Case("BND-06", UR, "Active", "out_of_order", "refuse_update", "Active"),
        # 19.1.4: comparison is not transitive; 10.3: an equivalent URI is the same binding.
        Case("BND-07", UR, "Active", "replaced", "remove_binding, terminate", "Terminated"),
        # 10.2.1.1: after the interval it is no longer valid.
        Case("BND-08", UR, "Active", "expired", "remove_binding, terminate", "Terminated"),
        # The same for what was there when the server started.
        Case("BND-06", UR, "Active", "out_of_order", "refuse_update", "Active", after="restored"),
    ],
)

UPDATE = Table(
    "update",
    {"Absent": "", "Waiting": "submitted", "Writing": "submitted decided"},
    [
        # 10.3: REGISTER requests MUST be processed in the order that they are received.
        Case("UPD-01", UR, "Absent", "submitted", "", "Waiting"),
        # Step 7: bindings are added tentatively; MUST be committed, made visible, if and only if all updates
        # succeed; if any one fails, the request MUST fail with a 500 and all tentative updates MUST be
        # removed.
        Case("UPD-02", UR, "Waiting", "decided", "", "Writing"),
        Case("UPD-03", UR, "Waiting", "rejected", "report_failure, terminate", "Terminated"),
        # gap: the server stops before it is its turn. Given up, it has failed: none of it may take effect.
        Case("UPD-04", UR, "Waiting", "given_up", "withdraw_update, report_failure, terminate", "Terminated"),
        Case("UPD-05", UR, "Waiting", "stop", "report_failure, terminate", "Terminated"),
        Case("UPD-06", UR, "Writing", "committed", "report_bindings, terminate", "Terminated"),
        Case("UPD-07", UR, "Writing", "commit_failed", "report_failure, terminate", "Terminated"),
        # gap, to the end: groups of updates, and what happens while the disk writes.
        Case("UPD-08", UR, "Writing", "decided", "", "Writing"),
        Case("UPD-09", UR, "Writing", "rejected", "report_failure, terminate", "Terminated"),
        Case("UPD-10", UR, "Writing", "given_up", "", "Writing"),
        Case("UPD-11", UR, "Writing", "stop", "report_failure, terminate", "Terminated"),
    ],
)

CONNECTION = Table(
    "connection",
    {
        "Absent": "",
        "Connecting": "connect",
        "Open": "accepted",
        "Draining": "accepted end_of_stream",
        "Refusing": "accepted unframeable",
        "Lingering": "accepted unframeable flushed",
    },
    [
        # 18: a connection is opened by the transport layer; 18.4: a connection failure SHOULD be told to
        # who sends.
        Case("CON-01", UR, "Absent", "connect", "open_stream, start connect 5", "Connecting", "connect 5"),
        # 18: indexed by address, port and protocol of the far end, whoever opened it.
        Case(
            "CON-02", UR, "Absent", "accepted",
            "list_connection, start idle 900, start send 30", "Open", "idle 900, send 30",
        ),
        Case(
            "CON-03", UR, "Connecting", "connected",
            "list_connection, stop connect, start idle 900, start send 30", "Open", "idle 900, send 30",
        ),
        Case("CON-04", UR, "Connecting", "connect_failed", "fail_attempt, stop connect, terminate", "Closed"),
        Case("CON-05", UR, "Connecting", "timer_connect", "fail_attempt, terminate", "Closed"),
        Case("CON-06", UR, "Connecting", "stop", "fail_attempt, stop connect, terminate", "Closed"),

        # gap: nothing bounds how long a message may take; here it is bounded from its first byte.
        Case(
            "CON-07", UR, "Open", "message_begun",
            "start message 30", "Open", "idle 900, send 30, message 30",
        ),
        # 18.3: Content-Length MUST be used, and tells where the message ends.
        Case(
            "CON-08", UR, "Open", "message_complete",
            "stop message", "Open", "idle 900, send 30", after="accepted message_begun",
        ),
        # 18.2.2: responses MUST go over the connection that the request came over, if it is still open.
        Case(
            "CON-09", UR, "Open", "end_of_stream cut",
            "stop idle, unlist_connection, flush, start linger 2", "Draining", "send 30, linger 2",
        ),
        Case(
            "CON-09", UR, "Open", "cut",
            "stop idle, stop message, unlist_connection, flush, start linger 2", "Draining",
            "send 30, linger 2", after="accepted message_begun",
        ),
        # 18.3: without a Content-Length that can be believed the stream has no further message.
        Case(
            "CON-10", UR, "Open", "unframeable",
            "stop idle, unlist_connection, flush, start linger 2", "Refusing", "send 30, linger 2",
        ),
        # 18.4: a failure of the connection SHOULD be told to who sends: they watch it.
        Case("CON-11", UR, "Open", "reset", "stop idle, unlist_connection, terminate", "Closed"),
        # gap: how much may wait to be sent, and for how long nothing of it may be taken.
        Case("CON-12", UR, "Open", "overflow", "stop idle, unlist_connection, terminate", "Closed"),
        Case(
            "CON-13", UR, "Open", "timer_message",
            "stop idle, unlist_connection, terminate", "Closed", after="accepted message_begun",
        ),
        # 18: kept open for some duration after the last message, at least 64*T1.
        Case("CON-14", UR, "Open", "timer_idle", "unlist_connection, terminate", "Closed"),
        Case("CON-15", UR, "Open", "timer_send", "stop idle, unlist_connection, terminate", "Closed"),
        Case("CON-16", UR, "Open", "stop", "stop idle, unlist_connection, terminate", "Closed"),

        # gap, to the end: how a connection ends that has something left to send, or to be read.
        Case("CON-17", UR, "Draining", "flushed", "terminate", "Closed"),
        Case("CON-18", UR, "Draining", "reset timer_send timer_linger stop", "terminate", "Closed"),
        Case("CON-19", UR, "Refusing", "flushed", "stop send, linger", "Lingering", "linger 2"),
        Case("CON-20", UR, "Refusing", "reset timer_send timer_linger stop", "terminate", "Closed"),
        Case("CON-21", UR, "Lingering", "end_of_stream reset", "terminate", "Closed"),
        Case("CON-22", UR, "Lingering", "overflow timer_linger stop", "terminate", "Closed"),
    ],
)

SERVER = Table(
    "server",
    {
        "Absent": "",
        "Starting": "start",
        "Serving": "start started",
        "Draining": "start started told_to_end",
        "Settling": "start started told_to_end timer_drain",
        "Leaving": "start started told_to_end all_answered",
    },
    [
        # gap: how a server starts.
        Case("SRV-01", UR, "Absent", "start", "", "Starting"),
        Case("SRV-02", UR, "Starting", "started", "", "Serving"),
        Case("SRV-03", UR, "Starting", "start_failed", "terminate", "Ended"),
        Case("SRV-04", UR, "Starting", "stop", "terminate", "Ended"),

        Case(
            "SRV-05", UR, "Serving",
            "request_outside_dialog request_within_dialog cancel", "take_request", "Serving",
        ),
        Case("SRV-06", UR, "Serving", "told_to_end", "await_answers, start drain 3", "Draining", "drain 3"),
        Case("SRV-07", UR, "Serving", "stop", "terminate", "Ended"),

        # 21.5.4: temporarily unable to process the request due to maintenance: 503; MAY say when to retry.
        Case(
            "SRV-08", UR, "Draining",
            "request_outside_dialog", "refuse_request", "Draining", "drain 3",
        ),
        # gap: what belongs to a call goes on. 9.2: a CANCEL is answered, whatever becomes of its request.
        Case(
            "SRV-09", UR, "Draining",
            "request_within_dialog cancel", "take_request", "Draining", "drain 3",
        ),
        Case(
            "SRV-10", UR, "Draining", "all_answered",
            "stop drain, start farewell 0.1", "Leaving", "farewell 0.1",
        ),
        Case(
            "SRV-11", UR, "Draining", "timer_drain",
            "give_up_requests, start settle 1", "Settling", "settle 1",
        ),
        # gap: told twice, or stopped, it ends at once.
        Case("SRV-12", UR, "Draining", "told_to_end stop", "stop drain, terminate", "Ended"),

        Case(
            "SRV-13", UR, "Settling",
            "request_outside_dialog", "refuse_request", "Settling", "settle 1",
        ),
        Case(
            "SRV-14", UR, "Settling",
            "request_within_dialog cancel", "take_request", "Settling", "settle 1",
        ),
        # 10.3 step 7: a REGISTER that fails MUST leave nothing behind: so what is being written is awaited.
        Case(
            "SRV-15", UR, "Settling", "all_answered",
            "stop settle, start farewell 0.1", "Leaving", "farewell 0.1",
        ),
        Case("SRV-15", UR, "Settling", "timer_settle", "start farewell 0.1", "Leaving", "farewell 0.1"),
        Case("SRV-16", UR, "Settling", "told_to_end stop", "stop settle, terminate", "Ended"),

        Case(
            "SRV-17", UR, "Leaving",
            "request_outside_dialog", "refuse_request", "Leaving", "farewell 0.1",
        ),
        Case(
            "SRV-18", UR, "Leaving",
            "request_within_dialog cancel", "take_request", "Leaving", "farewell 0.1",
        ),
        Case("SRV-19", UR, "Leaving", "told_to_end stop", "stop farewell, terminate", "Ended"),
        Case("SRV-19", UR, "Leaving", "timer_farewell", "terminate", "Ended"),
    ],
)

DIALOG_CALLER = Table(
    "dialog-caller",
    {
        "Absent": "",
        "Preparative": "tu_invite",
        "Early": "tu_invite response_1xx",
        "Moratorium": "tu_invite response_2xx",
        "Established": "tu_invite response_2xx tu_ack",
        "Mortal": "tu_invite response_2xx tu_ack bye",
    },
    [
        # 5407 Figure 1: INV, and [new DSM] for a 1xx or a 2xx with a new tag.
        Case("DLR-01", UR, "Absent", "tu_invite", "send_request", "Preparative"),
        Case("DLR-02", UR, "Absent", "response_1xx", "pass_response", "Early"),
        Case("DLR-03", UR, "Absent", "response_2xx", "pass_response", "Moratorium"),
        # Figure 1: 1xx-tag, 2xx, 3xx-6xx.
        Case("DLR-04", UR, "Preparative", "response_1xx", "pass_response", "Early"),
        Case("DLR-05", UR, "Preparative", "response_2xx", "pass_response", "Moratorium"),
        Case("DLR-06", UR, "Preparative", "response_300_699", "pass_response, terminate", "Morgue"),
        # 3261 9.1: CANCEL after a provisional response, be it a 100; 64*T1 later the INVITE is given up.
        Case("DLR-07", UR, "Preparative", "tu_cancel", "send_cancel", "Preparative"),
        Case("DLR-08", UR, "Preparative", "tu_abandon", "terminate", "Morgue"),
        # 3261 12.2.2, 15.1.2: no dialog, so 481.
        Case("DLR-09", UR, "Preparative", "bye request", "refuse_unknown", "Preparative"),
        Case("DLR-10", UR, "Early", "response_1xx", "pass_response", "Early"),
        Case("DLR-11", UR, "Early", "response_2xx", "pass_response", "Moratorium"),
        Case("DLR-12", UR, "Early", "response_300_699", "pass_response, terminate", "Morgue"),
        # 5407 2, Early: the UAC may send a CANCEL, which has no direct influence.
        Case("DLR-13", UR, "Early", "tu_cancel", "send_cancel", "Early"),
        # 3261 13.2.2.4: early dialogs that were not confirmed end 64*T1 after the first 2xx.
        Case("DLR-14", UR, "Early", "tu_abandon", "terminate", "Morgue"),
        # 5407 2, Early: the UAC may also send a BYE. A machine that is Mortal lives for 64*T1 + T4.
        Case("DLR-15", U, "Early", "tu_bye", "send_bye, start bye 37", "Mortal", "bye 37"),
        Case("DLR-15", R, "Early", "tu_bye", "send_bye, start bye 32", "Mortal", "bye 32"),
        # 3261 15.1.2: a BYE for an existing dialog, which an early one is, MUST get a 2xx.
        Case("DLR-16", U, "Early", "bye", "accept_bye, start bye 37", "Mortal", "bye 37"),
        Case("DLR-16", R, "Early", "bye", "accept_bye, start bye 32", "Mortal", "bye 32"),
        # 3311 5.1, 5.2: UPDATE in early dialogs, by either side.
        Case("DLR-17", UR, "Early", "tu_request", "send_request", "Early"),
        Case("DLR-18", UR, "Early", "request", "pass_request", "Early"),
        # 5407 Figure 1: ACK leads to Established; BYE (sr) leaves Confirmed. 3261 13.2.2.4: MUST be an ACK.
        Case("DLR-19", UR, "Moratorium", "tu_ack", "acknowledge", "Established"),
        Case("DLR-20", UR, "Moratorium", "response_2xx", "", "Moratorium"),
        Case("DLR-21", U, "Moratorium", "tu_bye", "acknowledge, send_bye, start bye 37", "Mortal", "bye 37"),
        Case("DLR-21", R, "Moratorium", "tu_bye", "acknowledge, send_bye, start bye 32", "Mortal", "bye 32"),
        Case("DLR-22", U, "Moratorium", "bye", "acknowledge, accept_bye, start bye 37", "Mortal", "bye 37"),
        Case("DLR-22", R, "Moratorium", "bye", "acknowledge, accept_bye, start bye 32", "Mortal", "bye 32"),
        # 5407 2, Moratorium: the UAC may send an ACK. 3261 9.1: no CANCEL once there is a final response.
        Case("DLR-23", UR, "Moratorium", "tu_request tu_cancel", "reject", "Moratorium"),
        Case("DLR-24", UR, "Moratorium", "request", "pass_request", "Moratorium"),
        # Figure 1: 2xx, ACK again and again.
        Case("DLR-25", UR, "Established", "response_2xx", "acknowledge", "Established"),
        Case("DLR-26", U, "Established", "tu_bye", "send_bye, start bye 37", "Mortal", "bye 37"),
        Case("DLR-26", R, "Established", "tu_bye", "send_bye, start bye 32", "Mortal", "bye 32"),
        Case("DLR-27", U, "Established", "bye", "accept_bye, start bye 37", "Mortal", "bye 37"),
        Case("DLR-27", R, "Established", "bye", "accept_bye, start bye 32", "Mortal", "bye 32"),
        # 5407 2, Established: both may send various messages.
        Case("DLR-28", UR, "Established", "tu_request", "send_request", "Established"),
        Case("DLR-29", UR, "Established", "request", "pass_request", "Established"),
        Case("DLR-30", UR, "Established", "tu_cancel", "reject", "Established"),
        # 5407 D: ACK in Mortal as well, and 64*T1 more. Figure 1: 2xx, ACK and BYE (r) stay.
        Case("DLR-31", U, "Mortal", "response_2xx", "acknowledge, start bye 37", "Mortal", "bye 37"),
        Case("DLR-31", R, "Mortal", "response_2xx", "acknowledge, start bye 32", "Mortal", "bye 32"),
        Case("DLR-32", U, "Mortal", "response_1xx response_300_699", "", "Mortal", "bye 37"),
        Case("DLR-32", R, "Mortal", "response_1xx response_300_699", "", "Mortal", "bye 32"),
        Case("DLR-33", U, "Mortal", "bye", "accept_bye", "Mortal", "bye 37"),
        Case("DLR-33", R, "Mortal", "bye", "accept_bye", "Mortal", "bye 32"),
        # 5407 2, Mortal: other messages are responded to with an error; MUST NOT send any new requests.
        Case("DLR-34", U, "Mortal", "request", "refuse_unknown", "Mortal", "bye 37"),
        Case("DLR-34", R, "Mortal", "request", "refuse_unknown", "Mortal", "bye 32"),
        Case("DLR-35", U, "Mortal", "tu_bye tu_request tu_cancel", "reject", "Mortal", "bye 37"),
        Case("DLR-35", R, "Mortal", "tu_bye tu_request tu_cancel", "reject", "Mortal", "bye 32"),
        # Figure 1: Timeout.
        Case("DLR-36", UR, "Mortal", "timer_bye", "terminate", "Morgue"),
    ],
)

DIALOG_CALLEE = Table(
    "dialog-callee",
    {
        "Absent": "",
        "Preparative": "invite",
        "Early": "invite tu_101_199",
        "Moratorium": "invite tu_2xx",
        "Established": "invite tu_2xx ack",
        "Mortal": "invite tu_2xx ack bye",
    },
    [
        # 5407 Figure 2: INV; then 1xx-tag, 2xx, 3xx-6xx.
        Case("DLE-01", UR, "Absent", "invite", "pass_request", "Preparative"),
        Case("DLE-02", UR, "Preparative", "tu_101_199", "send_response", "Early"),
        # 3261 13.3.1.4: the 2xx goes out again after T1, doubling until T2, for 64*T1; over any transport.
        Case(
            "DLE-03", UR, "Preparative", "tu_2xx",
            "send_response, start repeat 0.5, start ack 32", "Moratorium", "repeat 0.5, ack 32",
        ),
        Case("DLE-04", UR, "Preparative", "tu_300_699", "send_response, terminate", "Morgue"),
        # 5407 C: a CANCEL is no transition; the user answers 487 at once.
        Case("DLE-05", UR, "Preparative", "cancel", "pass_request", "Preparative"),
        Case("DLE-06", UR, "Preparative", "invite", "", "Preparative"),
        # 3261 15: MUST NOT send a BYE outside of a dialog.
        Case("DLE-07", UR, "Preparative", "tu_bye tu_request", "reject", "Preparative"),
        Case("DLE-08", UR, "Early", "tu_101_199", "send_response", "Early"),
        Case(
            "DLE-09", UR, "Early", "tu_2xx",
            "send_response, start repeat 0.5, start ack 32", "Moratorium", "repeat 0.5, ack 32",
        ),
        Case("DLE-10", UR, "Early", "tu_300_699", "send_response, terminate", "Morgue"),
        Case("DLE-11", UR, "Early", "cancel", "pass_request", "Early"),
        Case("DLE-12", UR, "Early", "invite", "", "Early"),
        # Figure 2: BYE / 487 (INV).
        Case("DLE-13", U, "Early", "bye", "accept_bye, refuse_invite, start bye 37", "Mortal", "bye 37"),
        Case("DLE-13", R, "Early", "bye", "accept_bye, refuse_invite, start bye 32", "Mortal", "bye 32"),
        # 3261 15: the callee MUST NOT send a BYE on early dialogs.
        Case("DLE-14", UR, "Early", "tu_bye", "reject", "Early"),
        Case("DLE-15", UR, "Early", "tu_request", "send_request", "Early"),
        Case("DLE-16", UR, "Early", "request", "pass_request", "Early"),
        # Figure 2: 2xx if ACK not received; ACK; BYE (sr).
        Case(
            "DLE-17", UR, "Moratorium", "timer_repeat",
            "resend_response, start repeat 1", "Moratorium", "repeat 1, ack 32",
        ),
        Case("DLE-18", UR, "Moratorium", "ack", "pass_ack, stop repeat, stop ack", "Established"),
        Case(
            "DLE-19", U, "Moratorium", "timer_ack",
            "send_bye, stop repeat, start bye 37", "Mortal", "bye 37",
        ),
        Case(
            "DLE-19", R, "Moratorium", "timer_ack",
            "send_bye, stop repeat, start bye 32", "Mortal", "bye 32",
        ),
        Case(
            "DLE-20", U, "Moratorium", "bye",
            "accept_bye, stop repeat, stop ack, start bye 37", "Mortal", "bye 37",
        ),
        Case(
            "DLE-20", R, "Moratorium", "bye",
            "accept_bye, stop repeat, stop ack, start bye 32", "Mortal", "bye 32",
        ),
        Case(
            "DLE-21", U, "Moratorium", "tu_bye",
            "send_bye, stop repeat, stop ack, start bye 37", "Mortal", "bye 37",
        ),
        Case(
            "DLE-21", R, "Moratorium", "tu_bye",
            "send_bye, stop repeat, stop ack, start bye 32", "Mortal", "bye 32",
        ),
        # 5407 2, Moratorium: the UAS may send a 2xx. 3.1.4: a re-INVITE is answered.
        Case("DLE-22", UR, "Moratorium", "tu_request", "reject", "Moratorium", "repeat 0.5, ack 32"),
        Case("DLE-23", UR, "Moratorium", "request", "pass_request", "Moratorium", "repeat 0.5, ack 32"),
        # 5407 3.1.1: MUST be handled as a retransmission; C: no transition by a CANCEL in Confirmed.
        Case("DLE-24", UR, "Moratorium", "invite cancel", "", "Moratorium", "repeat 0.5, ack 32"),
        # 3261 13.2.2.4 for a re-INVITE: 14.1 says that the rules are the same.
        Case("DLE-25", UR, "Established", "response_2xx", "acknowledge", "Established"),
        Case("DLE-26", U, "Established", "tu_bye", "send_bye, start bye 37", "Mortal", "bye 37"),
        Case("DLE-26", R, "Established", "tu_bye", "send_bye, start bye 32", "Mortal", "bye 32"),
        Case("DLE-27", U, "Established", "bye", "accept_bye, start bye 37", "Mortal", "bye 37"),
        Case("DLE-27", R, "Established", "bye", "accept_bye, start bye 32", "Mortal", "bye 32"),
        Case("DLE-28", UR, "Established", "tu_request", "send_request", "Established"),
        Case("DLE-29", UR, "Established", "request", "pass_request", "Established"),
        Case("DLE-30", UR, "Established", "invite cancel ack", "", "Established"),
        # 5407 D and 3.2.3, 3.2.4: an ACK is sent, an ACK that comes is ignored.
        Case("DLE-31", U, "Mortal", "response_2xx", "acknowledge, start bye 37", "Mortal", "bye 37"),
        Case("DLE-31", R, "Mortal", "response_2xx", "acknowledge, start bye 32", "Mortal", "bye 32"),
        Case("DLE-32", U, "Mortal", "invite cancel ack", "", "Mortal", "bye 37"),
        Case("DLE-32", R, "Mortal", "invite cancel ack", "", "Mortal", "bye 32"),
        Case("DLE-33", U, "Mortal", "bye", "accept_bye", "Mortal", "bye 37"),
        Case("DLE-33", R, "Mortal", "bye", "accept_bye", "Mortal", "bye 32"),
        Case("DLE-34", U, "Mortal", "request", "refuse_unknown", "Mortal", "bye 37"),
        Case("DLE-34", R, "Mortal", "request", "refuse_unknown", "Mortal", "bye 32"),
        Case("DLE-35", U, "Mortal", "tu_bye tu_request", "reject", "Mortal", "bye 37"),
        Case("DLE-35", R, "Mortal", "tu_bye tu_request", "reject", "Mortal", "bye 32"),
        Case("DLE-36", UR, "Mortal", "timer_bye", "terminate", "Morgue"),
    ],
)

OFFER = Table(
    "offer",
    {"Absent": "", "Offered": "tu_offer", "Asked": "offer", "Agreed": "tu_offer answer"},
    [
        # 3261 13.2.1: the first offer is in the INVITE or in the first reliable response.
        Case("OFA-01", UR, "Absent", "tu_offer", "", "Offered"),
        Case("OFA-02", UR, "Absent", "offer", "", "Asked"),
        # 3264 4: an answer, or a rejection, settles it; MUST NOT offer again before. 3261 14.2: glare is 491.
        Case("OFA-03", UR, "Offered", "answer", "", "Agreed"),
        Case("OFA-04", UR, "Offered", "offer", "refuse_pending", "Offered"),
        Case("OFA-05", UR, "Offered", "tu_offer", "reject", "Offered"),
        # 3261 15.1.1: the session is over as soon as the BYE is sent.
        Case("OFA-06", UR, "Offered", "stop", "terminate", "Terminated"),
        # 3264 4: MUST NOT offer before it has answered or rejected. 3261 14.2, 3311 5.2: a second one, 500.
        Case("OFA-07", UR, "Asked", "tu_answer", "", "Agreed"),
        Case("OFA-08", UR, "Asked", "offer", "refuse_busy", "Asked"),
        Case("OFA-09", UR, "Asked", "tu_offer", "reject", "Asked"),
        Case("OFA-10", UR, "Asked", "stop", "terminate", "Terminated"),
        # 3264 4: at any time either may generate a new offer.
        Case("OFA-11", UR, "Agreed", "tu_offer", "", "Offered"),
        Case("OFA-12", UR, "Agreed", "offer", "", "Asked"),
        Case("OFA-13", UR, "Agreed", "stop", "terminate", "Terminated"),
    ],
)

# fmt: on

TABLES = [
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_SERVER,
    BRANCH,
    RESPONSE_CONTEXT,
    BINDING,
    UPDATE,
    CONNECTION,
    SERVER,
    DIALOG_CALLER,
    DIALOG_CALLEE,
    OFFER,
]
