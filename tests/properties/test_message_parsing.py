"""Whole messages: what is not touched leaves as it came, and whatever comes is read or refused."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipfsm.fuzz import built_requests, built_responses, built_vias, messages
from sipfsm.message import (
    Headers,
    MessageError,
    Request,
    Response,
    SipMessage,
    Via,
    check_untrusted,
    make_ack,
    make_cancel,
    make_response,
    parse_message_untrusted,
)
from tests.fuzzing.invariants import examine

# ---- valid messages

_names = st.sampled_from(
    [
        "Via",
        "v",
        "VIA ",
        "From",
        "f",
        "To",
        "Route",
        "route\t",
        "m",
        "Subject",
        "X-Unknown",
        "C%6Fntact",
        "k",
        "Supported",
    ]
)
_text = st.text(st.sampled_from('ab;,<>"\\=:@ \t\u00e9'), max_size=12).map(str.encode)
_folded = st.lists(_text, min_size=1, max_size=3).map(b"\r\n ".join)


@st.composite
def field_lines(draw: st.DrawFn) -> bytes:
    """A field line of any name, with any value, folded or not."""
    return draw(_names).encode() + b":" + draw(_folded)


@st.composite
def raw_messages(draw: st.DrawFn) -> bytes:
    """Requests and responses that can be split into their fields."""
    start = draw(
        st.sampled_from(
            [
                b"INVITE sip:bob@biloxi.com SIP/2.0",
                b"x~y sip:a SIP/7.0",
                b"SIP/2.0 200 OK",
                b"SIP/2.0 699 \xc3\xa9\xff ",
            ]
        )
    )
    lines = draw(st.lists(field_lines(), max_size=6))
    return b"\r\n".join([start, *lines, b"", draw(st.binary(max_size=20))])


@given(raw_messages())
def test_a_message_leaves_as_it_came(raw: bytes) -> None:
    message = parse_message_untrusted(raw)
    assert message.to_bytes() == raw
    assert message.copy().to_bytes() == raw


@given(raw_messages())
def test_reading_changes_nothing(raw: bytes) -> None:
    message = parse_message_untrusted(raw)
    for name in dir(type(message)):
        if isinstance(getattr(type(message), name), property):
            with suppress(MessageError):
                getattr(message, name)
    assert message.to_bytes() == raw


patient = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@patient
@given(built_requests())
def test_a_request_is_read_as_it_was_built(request: Request) -> None:
    read = parse_message_untrusted(request.to_bytes())
    assert isinstance(read, Request)
    assert (read.method, read.raw_uri, read.uri) == (request.method, request.raw_uri, request.uri)
    assert list(read.headers) == list(request.headers)
    assert read.body == request.body
    assert (read.vias, read.from_, read.to) == (request.vias, request.from_, request.to)
    check_untrusted(read)


@patient
@given(built_responses())
def test_a_response_is_read_as_it_was_built(response: Response) -> None:
    read = parse_message_untrusted(response.to_bytes())
    assert isinstance(read, Response)
    assert (read.status, read.reason) == (response.status, response.reason)
    assert list(read.headers) == list(response.headers)
    assert read.body == response.body


# ---- edits


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, bytes, bytes]:
    """An edit of `Headers`, the field it edits, and a value."""
    edit = draw(
        st.sampled_from(["add", "prepend", "set", "remove", "pop_first_value", "replace_first_value"])
    )
    return (
        edit,
        draw(st.sampled_from([b"via", b"route", b"subject", b"x-unknown", b"max-forwards"])),
        draw(_text),
    )


def apply(headers: Headers, edit: str, name: bytes, value: bytes) -> None:
    if edit in {"remove", "pop_first_value"}:
        getattr(headers, edit)(name)
    else:
        getattr(headers, edit)(name, value)


@given(raw_messages(), st.lists(edits(), min_size=1, max_size=4))
def test_an_edit_changes_its_own_field_and_no_other(
    raw: bytes, chain: list[tuple[str, bytes, bytes]]
) -> None:
    message = parse_message_untrusted(raw)
    edited = message.copy()
    touched = set()
    for edit, name, value in chain:
        try:
            apply(edited.headers, edit, name, value)
        except (KeyError, MessageError):
            continue
        touched.add(name)

    def others(headers: Headers) -> bytes:
        rest = headers.copy()
        for name in touched:
            rest.remove(name)
        return rest.to_bytes()

    assert others(edited.headers) == others(message.headers)
    assert edited.body == message.body
    assert edited.start_line() == message.start_line()
    assert message.to_bytes() == raw
    assert parse_message_untrusted(edited.to_bytes()).headers.names() == edited.headers.names()


@given(raw_messages(), edits())
def test_what_is_remembered_is_what_the_bytes_say(raw: bytes, edit: tuple[str, bytes, bytes]) -> None:
    message = parse_message_untrusted(raw)

    def read(headers: Headers) -> list[object]:
        names = (b"via", b"route", b"subject", b"x-unknown", b"max-forwards")
        return [(headers.cached_first(name, bytes.upper), headers.cached(name, tuple)) for name in names]

    read(message.headers)
    with suppress(KeyError, MessageError):
        apply(message.headers, *edit)
    assert read(message.headers) == read(parse_message_untrusted(message.to_bytes()).headers)


@patient
@given(messages(), st.sampled_from([b"route", b"contact", b"subject", b"max-forwards", b"x-own"]))
def test_setting_one_field_leaves_the_bytes_of_all_others(raw: bytes, name: bytes) -> None:
    message = parse_message_untrusted(raw)
    other = message.copy()
    other.headers.set(name, b"1")
    assert other.headers.first(name) == b"1"
    for headers in (message.headers, other.headers):
        headers.remove(name)
    assert other.to_bytes() == message.to_bytes()


# ---- anything

_PIECES = (
    *(
        b"INVITE ",
        b"ACK ",
        b"sip:a@b",
        b" SIP/2.0",
        b"SIP/2.0 ",
        b"200 ",
        b"OK",
        b"\r\n",
        b"\r\n\r\n",
        b"\r\n ",
        b"\r",
    ),
    *(
        b"\n",
        b"\x00",
        b"Via",
        b"v",
        b": ",
        b":",
        b"SIP/2.0/UDP h",
        b";branch=1",
        b"From",
        b"To",
        b"<sip:a@b>;tag=1",
    ),
    *(
        b"Call-ID: x",
        b"CSeq: 1 INVITE",
        b"l: 0",
        b"l: 9",
        b"Content-Length: -1",
        b"Max-Forwards: 70",
        b'"',
        b"\\",
        b",",
    ),
)
anything = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(_PIECES) | st.binary(max_size=3), max_size=30).map(b"".join),
)

WHOLE = (
    b"INVITE sip:bob@biloxi.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
    b'Route: <sip:p;lr>\r\nFrom: "A" <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x@y\r\nCSeq: 1 INVITE\r\n'
    b"Contact: <sip:a@b>\r\nContent-Length: 3\r\n\r\nv=0"
)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A good message, in which a few stretches have been replaced."""
    raw = WHOLE
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(len(raw), start + 10)))
        raw = raw[:start] + draw(st.sampled_from(_PIECES) | st.binary(max_size=3)) + raw[end:]
    return raw


def judge(raw: bytes) -> SipMessage | MessageError:
    try:
        message = parse_message_untrusted(raw)
        check_untrusted(message)
    except MessageError as error:
        return error
    return message


@settings(max_examples=400)
@given(anything | broken())
def test_whatever_comes_is_read_or_refused(raw: bytes) -> None:
    judged = judge(raw)
    if isinstance(judged, MessageError):
        assert judged.reason
        assert judged.detail.isascii()
        assert len(judged.offending) <= 64
        if judged.status is not None:
            # An answer can be built, and nothing that is dangerous to read is in it.
            assert isinstance(judged.message, Request)
            answer = make_response(judged.message, judged.status, judged.detail)
            assert isinstance(parse_message_untrusted(answer.to_bytes()), Response)
        return
    check_untrusted(parse_message_untrusted(judged.to_bytes()))
    # What has passed the check can be answered, acknowledged and cancelled, and is still good then.
    if isinstance(judged, Request):
        response = make_response(judged, 486)
        for made in (response, make_ack(judged, response), make_cancel(judged)):
            check_untrusted(parse_message_untrusted(made.to_bytes()))


@given(built_vias(), built_vias())
def test_a_pushed_via_is_the_top_one_until_it_is_popped(own: Via, other: Via) -> None:
    message = Request("INVITE", b"sip:a@b", Headers([(b"via", other.to_bytes())]))
    message.push_via(own)
    read = parse_message_untrusted(message.to_bytes())
    assert [read.via, *read.vias] == [own, own, other]
    message.headers.pop_first_value(b"via")
    assert message.via == other


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A valid message of any kind, of which a few bytes are others."""
    raw = bytearray(draw(messages()))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw) - 1))
        raw[at : at + draw(st.integers(0, 4))] = draw(st.sampled_from(_PIECES) | st.binary(max_size=2))
    return bytes(raw)


@patient
@given(spoilt())
def test_no_bytes_break_a_promise(raw: bytes) -> None:
    examine(raw)
