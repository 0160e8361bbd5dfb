"""Reading what was written gives the same value, and no bytes break a parser."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sipfsm.fuzz import built_name_addrs, built_sip_uris, built_uris, built_vias
from sipfsm.fuzz.strategies.values import quotable_texts, token_texts, user_texts
from sipfsm.message import (
    CSeq,
    MessageError,
    NameAddr,
    SipUri,
    Uri,
    Via,
    parse_auth_params_untrusted,
    parse_auth_untrusted,
    parse_cseq_untrusted,
    parse_date_untrusted,
    parse_name_addr_untrusted,
    parse_timestamp_untrusted,
    parse_uri_untrusted,
    parse_via_untrusted,
    quote,
    unquote,
)
from sipfsm.message.address import parse_contacts_untrusted, parse_routes_untrusted
from sipfsm.message.scalars import (
    parse_call_id_untrusted,
    parse_content_length_untrusted,
    parse_expires_untrusted,
    parse_max_forwards_untrusted,
)
from sipfsm.message.values import parse_tokens_untrusted, split_values_untrusted
from sipfsm.message.via import parse_vias_untrusted

ONE_VALUE: tuple[Callable[[bytes], object], ...] = (
    parse_via_untrusted,
    parse_name_addr_untrusted,
    parse_uri_untrusted,
    parse_cseq_untrusted,
    parse_call_id_untrusted,
    parse_content_length_untrusted,
    parse_expires_untrusted,
    parse_max_forwards_untrusted,
    parse_auth_untrusted,
    parse_auth_params_untrusted,
    parse_date_untrusted,
    parse_timestamp_untrusted,
    split_values_untrusted,
)
ALL_LINES: tuple[Callable[[list[bytes]], object], ...] = (
    parse_vias_untrusted,
    parse_routes_untrusted,
    parse_contacts_untrusted,
    parse_tokens_untrusted,
)
# Bytes of which many make sense to one parser or the other.
PIECES = (
    *(
        b"SIP/2.0/UDP host",
        b"sip:",
        b"tel:+1",
        b"a@b",
        b"<",
        b">",
        b'"',
        b"\\",
        b";",
        b"=",
        b",",
        b":",
        b"@",
        b"?",
    ),
    *(
        b"&",
        b"%",
        b"%41",
        b"[",
        b"]",
        b"[::1]",
        b"[:::1]",
        b"tag",
        b"branch",
        b"q",
        b"expires",
        b"0",
        b"99999999999",
    ),
    *(
        b"*",
        b" ",
        b"\t",
        b"\r\n ",
        b"\r",
        b"\n",
        b"\x00",
        b"\x7f",
        b"\xc3\xa9",
        b"\xff",
        b"INVITE",
        b"Digest ",
        b"GMT",
    ),
)
almost = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=12).map(b"".join)


@given(built_vias())
def test_a_via_is_read_as_it_was_written(via: Via) -> None:
    assert parse_via_untrusted(via.to_bytes()) == via


@given(built_name_addrs())
def test_an_address_is_read_as_it_was_written(address: NameAddr) -> None:
    again = parse_name_addr_untrusted(address.to_bytes())
    assert again == address
    assert again.uri == address.uri


@given(built_uris())
def test_a_uri_is_read_as_it_was_written(uri: Uri) -> None:
    assert parse_uri_untrusted(uri.to_bytes()) == uri
    assert uri.equivalent(parse_uri_untrusted(uri.to_bytes()))


@given(st.integers(0, 2**31 - 1), token_texts)
def test_a_cseq_is_read_as_it_was_written(number: int, method: str) -> None:
    assert parse_cseq_untrusted(CSeq(number, method).to_bytes()) == CSeq(number, method)


@given(quotable_texts)
def test_a_quoted_string_says_what_was_quoted(content: str) -> None:
    assert unquote(quote(content)) == content


@given(built_sip_uris(), st.randoms(use_true_random=False))
def test_neither_order_nor_case_makes_a_uri_another(uri: SipUri, random: Random) -> None:
    shuffled = list(uri.params.items())
    random.shuffle(shuffled)
    headers = list(uri.headers)
    random.shuffle(headers)
    other = uri._replace(
        host=uri.host.upper(),
        params=type(uri.params)([(name.upper(), value) for name, value in shuffled]),
        headers=tuple(headers),
    )
    assert uri.equivalent(other)
    assert uri.aor() == other.aor()


@given(built_sip_uris())
def test_an_address_of_record_is_its_own_address_of_record(uri: SipUri) -> None:
    aor = parse_uri_untrusted(uri.aor().encode("ascii"))
    assert isinstance(aor, SipUri)
    assert aor.aor() == uri.aor()


@given(user_texts, user_texts)
def test_two_users_share_an_address_of_record_only_if_their_names_are_one(one: str, other: str) -> None:
    def name(user: str) -> bytes:
        raw, octets = user.encode("ascii"), bytearray()
        at = 0
        while at < len(raw):
            escaped = raw[at : at + 1] == b"%"
            octets += bytes.fromhex(raw[at + 1 : at + 3].decode()) if escaped else raw[at : at + 1]
            at += 3 if escaped else 1
        return bytes(octets)

    assume(one != other)
    same = SipUri("sip", one, None, "h").aor() == SipUri("sip", other, None, "h").aor()
    assert same == (name(one) == name(other))


@settings(max_examples=300)
@given(st.sampled_from(ONE_VALUE), almost)
def test_no_bytes_break_the_parser_of_a_value(parse: Callable[[bytes], object], raw: bytes) -> None:
    with suppress(MessageError):
        parse(raw)


@given(st.sampled_from(ALL_LINES), st.lists(almost, max_size=3))
def test_no_bytes_break_the_parser_of_a_list(
    parse: Callable[[list[bytes]], object], lines: list[bytes]
) -> None:
    with suppress(MessageError):
        parse(lines)


@given(almost)
def test_what_is_read_can_be_written_and_read_again(raw: bytes) -> None:
    with suppress(MessageError):
        via = parse_via_untrusted(raw)
        assert parse_via_untrusted(via.to_bytes()) == via
    with suppress(MessageError):
        address = parse_name_addr_untrusted(raw)
        assert parse_name_addr_untrusted(address.to_bytes()) == address
    with suppress(MessageError):
        uri = parse_uri_untrusted(raw)
        assert parse_uri_untrusted(uri.to_bytes()) == uri
