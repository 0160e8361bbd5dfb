"""What must hold for single messages: the fields of a response, and of a request that a proxy passes on."""

from __future__ import annotations

from sipfsm.fuzz.rules import Level, Rule
from sipfsm.message import MessageError, Request, Response

RESPONSE_VIA = Rule(
    "response-via", "RFC 3261 8.2.6.2", Level.MUST, "the Via values equal those of the request"
)
RESPONSE_FIELDS = Rule(
    "response-fields", "RFC 3261 8.2.6.2", Level.MUST, "From, Call-ID and CSeq equal those of the request"
)
RESPONSE_TO = Rule(
    "response-to", "RFC 3261 8.2.6.2", Level.MUST, "To equals that of the request, and has a tag"
)
RESPONSE_READABLE = Rule("response-readable", "RFC 3261 7.2", Level.MUST, "a response is well-formed")
ACK_ANSWERED = Rule("ack-answered", "RFC 3261 17", Level.MUST, "no response is sent to an ACK")

FORWARDED_HOPS = Rule("forwarded-hops", "RFC 3261 16.6 step 3", Level.MUST, "Max-Forwards is one less")
FORWARDED_VIA = Rule(
    "forwarded-via",
    "RFC 3261 16.6 step 8",
    Level.MUST,
    "the proxy's Via, with a branch, is on top of the others",
)
FORWARDED_FIELDS = Rule(
    "forwarded-fields",
    "RFC 3261 16.6",
    Level.MUST,
    "From, To, Call-ID, CSeq and the body are passed on as they came",
)
ACK_VIA = Rule(
    "ack-via", "RFC 3261 17.1.1.3", Level.MUST, "the ACK of a failure has one Via, that of the proxy's INVITE"
)
CANCEL_VIA = Rule(
    "cancel-via", "RFC 3261 9.1", Level.MUST, "the CANCEL has one Via, that of the proxy's INVITE"
)


def response_faults(request: Request, response: Response) -> list[tuple[Rule, str]]:
    """Return which rules a response to a request keeps or breaks: each with what is wrong, or nothing."""
    return [
        (RESPONSE_VIA, _via_fault(request, response)),
        (RESPONSE_FIELDS, _fields_fault(request, response)),
        (RESPONSE_TO, _to_fault(request, response)),
    ]


def _via_fault(request: Request, response: Response) -> str:
    try:
        asked = request.vias
    except MessageError:
        return ""  # what cannot be read cannot be compared
    try:
        got = response.vias
    except MessageError as error:
        return f"a Via cannot be read: {error}"
    if len(asked) != len(got):
        return f"it has {len(got)} Via values instead of {len(asked)}"
    for number, (ours, theirs) in enumerate(zip(asked, got, strict=True)):
        # What the server has to add to the top one (18.2.1, RFC 3581) is no change.
        added = {"received", "rport"} if number == 0 else set()
        if ours.sent_by != theirs.sent_by or ours.transport.upper() != theirs.transport.upper():
            return f"Via {number + 1} is {theirs} instead of {ours}"
        parameters = {name.lower(): value for name, value in ours.params.items() if name.lower() not in added}
        returned = {name.lower(): value for name, value in theirs.params.items() if name.lower() not in added}
        if parameters != returned:
            return f"Via {number + 1} is {theirs} instead of {ours}"
    return ""


def _fields_fault(request: Request, response: Response) -> str:
    try:
        _ = request.cseq, request.call_id, request.from_
    except MessageError:
        return ""  # what the request lacks cannot be returned
    try:
        if request.cseq != response.cseq:
            return f"CSeq is {response.cseq} instead of {request.cseq}"
        if request.call_id != response.call_id:
            return f"Call-ID is {response.call_id} instead of {request.call_id}"
        if request.from_ != response.from_:
            return f"From is {response.from_} instead of {request.from_}"
    except MessageError as error:
        return str(error)
    return ""


def _to_fault(request: Request, response: Response) -> str:
    try:
        asked = request.to
    except MessageError:
        return ""
    try:
        got = response.to
    except MessageError as error:
        return str(error)
    if asked.raw_uri != got.raw_uri:
        return f"To names {got.raw_uri.decode()} instead of {asked.raw_uri.decode()}"
    if asked.tag is not None and asked.tag != got.tag:
        return f"the To tag is {got.tag} instead of {asked.tag}"
    if asked.tag is None and got.tag is None and response.status > 100:
        return "To has no tag"
    return ""


def forwarded_faults(request: Request, forwarded: Request) -> list[tuple[Rule, str]]:
    """Return which rules a request that the target passed on keeps or breaks."""
    return [
        (FORWARDED_HOPS, _hops_fault(request, forwarded)),
        (FORWARDED_VIA, _forwarded_via_fault(request, forwarded)),
        (FORWARDED_FIELDS, _forwarded_fields_fault(request, forwarded)),
    ]


def _hops_fault(request: Request, forwarded: Request) -> str:
    try:
        before, after = request.max_forwards, forwarded.max_forwards
    except MessageError as error:
        return str(error)
    if after is None:
        return "it has no Max-Forwards"
    if before is not None and after != before - 1:
        return f"Max-Forwards is {after} after {before}"
    return ""


def _forwarded_via_fault(request: Request, forwarded: Request) -> str:
    try:
        before = request.vias
    except MessageError:
        return ""
    try:
        after = forwarded.vias
    except MessageError as error:
        return f"a Via cannot be read: {error}"
    if len(after) <= len(before):
        return f"it has {len(after)} Via values after {len(before)}"
    branch = after[0].branch
    if branch is None or not branch.lower().startswith("z9hg4bk"):
        return f"the branch of its Via is {branch}"
    kept = [via.branch for via in after[-len(before) :]]
    if kept != [via.branch for via in before]:
        return "the Via values below its own were changed"
    return ""


def _forwarded_fields_fault(request: Request, forwarded: Request) -> str:
    try:
        same = (
            request.from_ == forwarded.from_
            and request.to == forwarded.to
            and request.call_id == forwarded.call_id
            and request.cseq == forwarded.cseq
        )
    except MessageError as error:
        return str(error)
    if not same:
        return "From, To, Call-ID or CSeq were changed"
    return "" if request.body == forwarded.body else "the body was changed"
