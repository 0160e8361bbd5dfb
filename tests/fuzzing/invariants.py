"""What has to hold for any bytes that come from the network."""

from __future__ import annotations

from contextlib import suppress

from sipfsm.message import (
    AuthValue,
    CSeq,
    MessageError,
    NameAddr,
    OtherUri,
    Params,
    Request,
    Response,
    SipMessage,
    SipUri,
    TelUri,
    Via,
    check_untrusted,
    make_ack,
    make_cancel,
    make_response,
    parse_message_untrusted,
)

OWN_VIA = Via("UDP", "192.0.2.1", 5060, Params([("branch", "z9hG4bK-own")]))
PROPERTIES = {
    kind: [name for name in dir(kind) if isinstance(getattr(kind, name), property)]
    for kind in (Request, Response)
}


def examine(data: bytes) -> None:
    """Raise if any function of the message layer breaks its promise for these bytes.

    Raises:
        AssertionError: a promise is broken. Any other exception is a broken promise, too.
    """
    try:
        message = parse_message_untrusted(data)
    except MessageError as error:
        _examine_refusal(error)
        return
    assert _is_what_came(message, data)
    _read_everything(message)
    assert _is_what_came(message, data)
    try:
        check_untrusted(message)
    except MessageError as error:
        _examine_refusal(error)
        return
    _examine_accepted(message)


def _is_what_came(message: SipMessage, data: bytes) -> bool:
    """Whether an untouched message leaves as it came: its version in upper case, its body as announced."""
    if data.startswith(b"\r\n"):
        data = data.lstrip(b"\r\n")
    head, empty, body = data.partition(b"\r\n\r\n")
    start = message.start_line()
    if start.lower() != head[: len(start)].lower() or not empty:
        return False
    rest = b"\r\n" + message.headers.to_bytes() + b"\r\n"
    return head[len(start) :] + b"\r\n\r\n" == rest and body.startswith(message.body)


def _read_everything(message: SipMessage) -> None:
    """Read each property, and what its values offer: a value or `MessageError`."""
    for name in PROPERTIES[type(message)]:
        with suppress(MessageError):
            value = getattr(message, name)
            for one in value if isinstance(value, list) else [value]:
                for inner in ("uri", "tag", "q", "expires", "branch", "received", "sent_by"):
                    with suppress(MessageError):
                        getattr(one, inner, None)
                if isinstance(one, Via | NameAddr | CSeq | AuthValue | SipUri | TelUri | OtherUri):
                    one.to_bytes()


def _examine_refusal(error: MessageError) -> None:
    """An error that is to be answered can be answered, and the answer is a good message."""
    assert error.reason
    assert error.detail.isascii()
    if error.status is None:
        return
    assert isinstance(error.message, Request)
    answer = make_response(error.message, error.status, error.detail)
    assert isinstance(parse_message_untrusted(answer.to_bytes()), Response)


def _examine_accepted(message: SipMessage) -> None:
    """What has passed the checks can be answered, acknowledged, cancelled and sent on, and stays good."""
    check_untrusted(parse_message_untrusted(message.to_bytes()))
    sent_on = message.copy()
    sent_on.push_via(OWN_VIA)
    assert parse_message_untrusted(sent_on.to_bytes()).via == OWN_VIA
    sent_on.headers.pop_first_value(b"via")
    assert sent_on.to_bytes() == message.to_bytes()
    if isinstance(message, Request):
        response = make_response(message, 486)
        for made in (response, make_ack(message, response), make_cancel(message)):
            check_untrusted(parse_message_untrusted(made.to_bytes()))
