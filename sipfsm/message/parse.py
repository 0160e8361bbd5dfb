"""From bytes to a message: the start line, and where each header field and the body begin and end.

What the fields say is read later and only when it is asked for; `sipfsm.message.check` looks at what every
element has to rely on.
"""

from __future__ import annotations

import re
from typing import cast

from sipfsm.message.controls import are_controls_in_place, misplaced_control_untrusted
from sipfsm.message.errors import MessageError
from sipfsm.message.headers import Headers
from sipfsm.message.limits import DEFAULT_LIMITS, Limits
from sipfsm.message.message import SIP_VERSION, Request, Response, SipMessage
from sipfsm.message.names import KNOWN_NAMES, USUAL_SPELLINGS, field_name_untrusted
from sipfsm.message.scalars import parse_content_length_untrusted
from sipfsm.message.values import text

_METHOD = rb"[A-Za-z0-9\-.!%*_+`'~]++"
_VERSION = rb"[sS][iI][pP]/[0-9]{1,9}\.[0-9]{1,9}"
_REQUEST_LINE = re.compile(rb"(" + _METHOD + rb") ([!-~]++) (" + _VERSION + rb")")
_STATUS_LINE = re.compile(rb"(" + _VERSION + rb") ([1-6][0-9][0-9]) ((?>(?:[^\r]|\r(?!\n))*))")
_RESPONSE_START = re.compile(rb"[sS][iI][pP]/")
# What can be told of a request line that is not well formed.
_LOOSE_REQUEST_LINE = re.compile(rb"[ \t]*+(" + _METHOD + rb")[ \t]++(.*+)", re.DOTALL)
_FIELD_BREAK = re.compile(rb"\r\n(?![ \t])")
_FOLDS = (b" ", b"\t")
_usual_spelling = USUAL_SPELLINGS.get


def parse_message_untrusted(data: bytes, limits: Limits = DEFAULT_LIMITS) -> SipMessage:
    """Read a message: a datagram, or exactly one message of a stream.

    Empty lines before the start line are passed over (:rfc:`3261#section-7.5`). A body longer than its
    Content-Length is cut to that (:rfc:`3261#section-18.3`); without Content-Length it ends with `data`.

    Raises:
        MessageError: the message is malformed or too large. As much of it as could be read is in the error,
            so that an answer can be built: a wrong message too is read to its end.
    """
    if data[:2] == b"\r\n":
        data = data.lstrip(b"\r\n")
    end = data.find(b"\r\n\r\n")
    head = data[:end] if end >= 0 else data
    lines = head.split(b"\r\n")
    start = lines.pop(0)
    if lines and lines[0][:1] in _FOLDS:
        start = _FIELD_BREAK.split(head, 1)[0]  # a start line cannot be folded: none of the patterns takes it

    defects: list[MessageError] = []
    if len(data) > limits.max_message:
        defects.append(MessageError("message-too-large", "Message too large", status=513))
    if end < 0:
        defects.append(MessageError("no-empty-line", "No empty line after the header fields"))
    if len(start) > limits.max_start_line:
        defects.append(MessageError("start-line-too-long", "Request-URI too long", start, status=414))
    if len(lines) > limits.max_fields or len(head) > limits.max_line:
        head = _within_limits(head, limits, defects)
        lines = head.split(b"\r\n")[1:]
    headers = _find_fields(head, lines, defects)
    message = _parse_start_line(start, headers, data[end + 4 :] if end >= 0 else b"", defects)
    _cut_body(message, limits, defects)
    if defects:
        raise defects[0].about(message)
    return message


def _within_limits(head: bytes, limits: Limits, defects: list[MessageError]) -> bytes:
    """Return as many fields as are allowed: of the others nothing is read, not even for an answer."""
    start, *fields = _FIELD_BREAK.split(head)
    if len(fields) > limits.max_fields:
        defects.append(MessageError("too-many-fields", "Too many header fields"))
        fields = fields[: limits.max_fields]
    longest = max(fields, key=len, default=b"")
    if len(longest) > limits.max_line:
        name = field_name_untrusted(longest)
        error = MessageError("field-too-long", "Header field too long", longest)
        defects.append(_in_field(error, name, 1 + fields.index(longest)))
        # Whether odd characters in them are in their place is not worth finding out.
        fields = [each for each in fields if len(each) <= limits.max_line or _is_plain(each)]
    return b"\r\n".join([start, *fields])


def _is_plain(field: bytes) -> bool:
    return are_controls_in_place(field, field.count(b"\r\n"))


def _in_field(error: MessageError, name: bytes | None, number: int) -> MessageError:
    """Say where a defect of a field is: its name if that is one of ours to print, else its number from 1."""
    usual = None if name is None else KNOWN_NAMES.get(name)
    return error.found_in(f"header field {number}" if usual is None else usual.decode("ascii"))


def _find_fields(head: bytes, lines: list[bytes], defects: list[MessageError]) -> Headers:
    names = [_usual_spelling(line.partition(b":")[0]) for line in lines]
    sound = are_controls_in_place(head, len(lines))
    # The rule: each line has a usual name and a colon. A line that is nothing but a name has no colon.
    if sound and None not in names and USUAL_SPELLINGS.keys().isdisjoint(lines):
        return Headers.from_lines(cast("list[bytes]", names), lines, straight=True)

    # Fields with a defect are left out, so that no answer carries them on.
    start, *fields = _FIELD_BREAK.split(head)
    good_names = []
    good_fields = []
    if not sound and (defect := misplaced_control_untrusted(start)):
        defects.append(defect.found_in("start line"))
    for number, field in enumerate(fields, 1):
        name = field_name_untrusted(field)
        if not sound and (defect := misplaced_control_untrusted(field)):
            defects.append(_in_field(defect, name, number))
        elif name is not None:
            good_names.append(name)
            good_fields.append(field)
        elif b":" in field:
            error = MessageError("bad-field-name", "Malformed header field name", field)
            defects.append(_in_field(error, None, number))
        else:
            error = MessageError("no-colon", "Missing colon", field)
            defects.append(_in_field(error, None, number))
    return Headers.from_lines(good_names, good_fields)


def _parse_start_line(start: bytes, headers: Headers, body: bytes, defects: list[MessageError]) -> SipMessage:
    found = _REQUEST_LINE.fullmatch(start)
    if found is not None:
        method, uri, version = found.groups()
        return Request(method.decode("ascii"), uri, headers, body, _version(version))
    found = _STATUS_LINE.fullmatch(start)
    if found is not None:
        version, status, reason = found.groups()
        return Response(int(status), text(reason), headers, body, _version(version))
    if _RESPONSE_START.match(start) is not None:
        raise MessageError("bad-status-line", "Malformed status line", start, status=None)
    found = _LOOSE_REQUEST_LINE.fullmatch(start)
    if found is None:
        raise MessageError("not-sip", "Neither a request nor a response", start, status=None)
    method, uri = found.groups()
    defects.insert(0, MessageError("bad-request-line", "Malformed request line", start))
    return Request(method.decode("ascii"), uri, headers, body)


def _version(written: bytes) -> str:
    return SIP_VERSION if written == b"SIP/2.0" else written.decode("ascii").upper()


def _cut_body(message: SipMessage, limits: Limits, defects: list[MessageError]) -> None:
    try:
        length = message.headers.cached_first(b"content-length", parse_content_length_untrusted)
    except MessageError as error:
        defects.append(error.found_in("Content-Length"))
        return
    if length is None:
        return
    if length > limits.max_body:
        defects.append(MessageError("body-too-large", "Body too large", status=413))
    elif length > len(message.body):
        defects.append(MessageError("body-too-short", "Body shorter than its Content-Length"))
    else:
        message.body = message.body[:length]
