"""The torture messages of RFC 4475 and RFC 5118: at the parser, through a running server, and in the page.

Where their folder is missing the tests are skipped; those of `tests/conformance/test_bug_classes.py` are not.
"""

from __future__ import annotations

from collections import Counter

import pytest

from sipfsm.message import MessageError, Request, SipMessage, check_untrusted, parse_message_untrusted
from tests.torture.corpus import CORPUS, read, skip_without_corpus
from tests.torture.observe import Observed
from tests.torture.page import PAGE, PROTOCOLS, Observations, observations, render
from tests.torture.table import CLOSED, DROPPED, FORWARDED, ROWS, Row

# One process sends them all, once.
pytestmark = pytest.mark.xdist_group("torture")

every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)

UNFRAMEABLE = {"bad-content-length", "duplicate-content-length", "missing-content-length"}


@pytest.fixture(scope="module")
def observed() -> Observations:
    skip_without_corpus()
    return observations()


# ---- the table


def test_every_message_has_one_row() -> None:
    assert Counter(row.rfc for row in ROWS) == {4475: 49, 5118: 12}
    assert len({row.name for row in ROWS}) == len(ROWS)
    skip_without_corpus()
    files = {(path.parent.name, path.stem) for path in CORPUS.glob("rfc*/*.dat")}
    assert files == {(f"rfc{row.rfc}", row.name) for row in ROWS}


def test_nothing_deviates_without_a_sentence() -> None:
    kinds: dict[str, set[str | int]] = {
        "accept": {FORWARDED, DROPPED, 200, 404},
        "refuse": {400, 416, 420, 483, 505},
        "discard": {DROPPED},
    }
    for row in ROWS:
        assert row.why
        if row.asks == "either":
            assert len(row.why) > 40, row.name
        else:
            assert row.udp in kinds[row.asks], row.name


# ---- the parser


@every_row
def test_parser_and_check_say_what_the_table_says(row: Row) -> None:
    skip_without_corpus()
    raw = read(row.rfc, row.name)
    if row.reason is None:
        message = parse_message_untrusted(raw)
        check_untrusted(message)
        assert raw.startswith(message.to_bytes()), "what is not edited leaves as it came"
        return
    with pytest.raises(MessageError) as caught:
        check_untrusted(parse_message_untrusted(raw))
    assert caught.value.reason == row.reason
    if row.udp != DROPPED:
        assert caught.value.status == row.udp
    elif row.name != "badinv01":  # that it has no way back is for whoever reads its Via to find
        assert caught.value.status is None


# ---- a running server


@pytest.mark.slow
@pytest.mark.parametrize("protocol", PROTOCOLS)
@every_row
def test_a_running_server_does_what_the_table_says(row: Row, protocol: str, observed: Observations) -> None:
    seen = observed[row.name, protocol]
    expected = row.udp if protocol == "UDP" else row.over_tcp
    assert seen.outcome == expected
    assert "faults" not in seen.counted
    if expected == FORWARDED:
        _check_forwarded(row, seen)
    if expected == DROPPED:
        assert len(seen.counted) == 1
    if expected != CLOSED and protocol == "TCP" and seen.outcome == 400:
        assert seen.closed == bool({label.rpartition(".")[2] for label in seen.counted} & UNFRAMEABLE)
    if seen.answer is not None and row.name != "insuf":
        _check_answer(row, seen)


def _check_forwarded(row: Row, seen: Observed) -> None:
    """What the next hop reads is what was sent: the body, and all fields that are no matter of a proxy."""
    sent = parse_message_untrusted(read(row.rfc, row.name))
    got = seen.forwarded
    assert isinstance(sent, Request)
    assert isinstance(got, Request)
    ours = {b"via", b"max-forwards", b"record-route", b"route", b"content-length"}
    assert [field for field in got.headers if field[0] not in ours] == [
        field for field in sent.headers if field[0] not in ours
    ]
    assert got.body == sent.body
    assert [via.branch for via in got.vias[1:]] == [via.branch for via in sent.vias]
    assert got.max_forwards == (70 if sent.max_forwards is None else sent.max_forwards - 1)


def _check_answer(row: Row, seen: Observed) -> None:
    """RFC 3261 8.2.6.2: From, Call-ID, CSeq and Via of the request, and its To with a tag."""
    sent = _as_far_as_it_can_be_read(read(row.rfc, row.name))
    answer = seen.answer
    assert answer is not None
    for name in (b"from", b"call-id", b"cseq"):
        assert answer.headers.lines(name) == sent.headers.lines(name)[:1]
    assert answer.via.branch == sent.via.branch
    assert (answer.headers.first(b"to") or b"").startswith(sent.headers.lines(b"to")[0])


def _as_far_as_it_can_be_read(raw: bytes) -> SipMessage:
    try:
        return parse_message_untrusted(raw)
    except MessageError as error:
        if error.message is None:
            raise
        return error.message


@pytest.mark.slow
def test_420_lists_what_is_not_supported(observed: Observations) -> None:
    """RFC 4475 3.3.5."""
    answer = observed["bext01", "UDP"].answer
    assert answer is not None
    assert answer.unsupported == ["noProxiesSupportThis", "norDoAnyProxiesSupportThis"]


@pytest.mark.slow
def test_two_contacts_with_nulls_are_two_bindings(observed: Observations) -> None:
    """RFC 4475 3.1.1.4."""
    answer = observed["escnull", "TCP"].answer
    assert answer is not None
    assert [contact.raw_uri for contact in answer.contacts] == [
        b"sip:%00@host5.example.com",
        b"sip:%00%00@host5.example.com",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("cparam01", b"sip:+19725552222@gw1.example.net"),
        ("cparam02", b"sip:+19725552222@gw1.example.net;unknownparam"),
        ("regescrt", b"sip:user@example.com?Route=%3Csip:sip.example.com%3E"),
    ],
)
def test_a_binding_keeps_what_belongs_to_its_uri(name: str, uri: bytes, observed: Observations) -> None:
    """RFC 4475 3.3.12 to 3.3.14."""
    answer = observed[name, "UDP"].answer
    assert answer is not None
    assert [contact.raw_uri for contact in answer.contacts] == [uri]


# ---- the page


@pytest.mark.slow
def test_the_page_shows_what_the_run_shows(observed: Observations) -> None:
    assert PAGE.read_text() == render(observed), "run: make torture"
