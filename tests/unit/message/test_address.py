"""Addresses: RFC 3261 sections 20.10, 20.20, 20.30, 20.34 and 20.39, and its torture tests."""

from __future__ import annotations

import pytest

from sipfsm.message import MessageError, NameAddr, Params, parse_name_addr_untrusted, parse_uri_untrusted
from sipfsm.message.address import MAX_DELTA, parse_contacts_untrusted, parse_routes_untrusted


@pytest.mark.parametrize(
    ("raw", "display_name", "uri", "params"),
    [
        # section 20.20
        (
            b'"A. G. Bell" <sip:agb@bell-telephone.com> ;tag=a48s',
            "A. G. Bell",
            "sip:agb@bell-telephone.com",
            ";tag=a48s",
        ),
        (
            b"sip:+12125551212@server.phone2net.com;tag=887s",
            None,
            "sip:+12125551212@server.phone2net.com",
            ";tag=887s",
        ),
        (
            b"Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8",
            "Anonymous",
            "sip:c8oqz84zk7z@privacy.org",
            ";tag=hyh8",
        ),
        # RFC 4475
        (b"caller<sip:caller@example.com>;tag=323", "caller", "sip:caller@example.com", ";tag=323"),
        (
            b'"J Rosenberg \\\\\\""       <sip:jdrosen@example.com> ; tag = 98asjd8',
            'J Rosenberg \\"',
            "sip:jdrosen@example.com",
            ";tag=98asjd8",
        ),
        (
            b"sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n",
            None,
            "sip:vivekg@chair-dnrc.example.com",
            ";tag=1918181833n",
        ),
        (
            b"token1~` token2'+_ <sip:mundane@example.com>;fromParam''~+*_!.-%=x;tag=_token~1'+`*%!-.",
            "token1~` token2'+_",
            "sip:mundane@example.com",
            ";fromParam''~+*_!.-%=x;tag=_token~1'+`*%!-.",
        ),
        (b'"%Z%45" <sip:resource@example.com>', "%Z%45", "sip:resource@example.com", ""),
        (b'"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:a@b>', "BEL:\x07 NUL:\x00 DEL:\x7f", "sip:a@b", ""),
        # others
        (b"<sip:a@b;lr>", None, "sip:a@b;lr", ""),
        (b'"" <sip:a@b>', "", "sip:a@b", ""),
        (b"J\xc3\xbcrgen <sip:a@b>", "J\u00fcrgen", "sip:a@b", ""),
        (b'"J\xfcrgen" <sip:a@b>', "J\udcfcrgen", "sip:a@b", ""),
        (b"<tel:+12125551212>;x", None, "tel:+12125551212", ";x"),
        (b'"<sip:x@y>" <sip:a@b>', "<sip:x@y>", "sip:a@b", ""),
    ],
)
def test_valid_addresses(raw: bytes, display_name: str | None, uri: str, params: str) -> None:
    address = parse_name_addr_untrusted(raw)
    assert address.display_name == display_name
    assert address.raw_uri == uri.encode()
    assert address.uri == parse_uri_untrusted(uri.encode())
    assert str(address.params) == params
    assert parse_name_addr_untrusted(address.to_bytes()) == address


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "bad-address"),
        (b'"Watson, Thomas" < sip:t.watson@example.org >', "bad-address"),
        (b'"Mr. J. User <sip:j.user@example.com>', "bad-address"),
        (b"Bell, Alexander <sip:a.g.bell@example.com>;tag=43", "bad-address"),
        (b"sip:user@example.com?Route=%3Csip:sip.example.com%3E", "bad-address"),
        (b"sip:a@b,c", "bad-address"),
        (b"<sip:a@b", "bad-address"),
        (b"<>", "bad-address"),
        (b"<sip:a@b>tag=1", "bad-address"),
        (b"<sip:a@b> x", "bad-address"),
        (b"a <b> <sip:a@b>", "bad-address"),
        (b"<sip:\xc3\xa9@b>", "bad-address"),
        (b'"a" b <sip:a@b>', "bad-address"),
        (b"<sip:a@b>;tag", None),
        (b"<sip:a@b>;tag=", "bad-parameter"),
        (b'"Joe" <sip:joe@example.org>;;;;', "bad-parameter"),
        (b"<sip:a@b>;tag=1;tag=2", "duplicate-parameter"),
    ],
)
def test_malformed_addresses_are_refused(raw: bytes, reason: str | None) -> None:
    if reason is None:
        assert parse_name_addr_untrusted(raw).tag is None
        return
    with pytest.raises(MessageError) as caught:
        parse_name_addr_untrusted(raw)
    assert caught.value.reason == reason


def test_parameters_behind_a_bare_uri_belong_to_the_field() -> None:
    """RFC 3261 section 20.10, RFC 4475 sections 3.3.12 and 3.3.13 (cparam01, cparam02)."""
    bare = parse_name_addr_untrusted(b"sip:+19725552222@gw1.example.net;unknownparam")
    bracketed = parse_name_addr_untrusted(b"<sip:+19725552222@gw1.example.net;unknownparam>")
    assert bare.raw_uri == b"sip:+19725552222@gw1.example.net"
    assert bare.params.has("unknownparam")
    assert bracketed.raw_uri == b"sip:+19725552222@gw1.example.net;unknownparam"
    assert len(bracketed.params) == 0


def test_a_bad_uri_shows_when_it_is_asked_for() -> None:
    address = parse_name_addr_untrusted(b"<sip:@>;tag=1")
    assert address.tag == "1"
    for _ in range(2):
        with pytest.raises(MessageError):
            address.uri  # noqa: B018


def test_an_address_of_our_own() -> None:
    uri = parse_uri_untrusted(b"sip:p1.example.com;lr")
    address = NameAddr('The "proxy"', uri, Params([("x", None)]))
    assert address.to_bytes() == b'"The \\"proxy\\"" <sip:p1.example.com;lr>;x'
    assert address.uri is uri
    assert NameAddr(None, uri).to_bytes() == b"<sip:p1.example.com;lr>"


def test_copies_with_other_parameters() -> None:
    address = parse_name_addr_untrusted(b"Bob <sip:bob@biloxi.com>")
    tagged = address.with_params(address.params.with_("tag", "a6c85cf"))
    assert tagged.tag == "a6c85cf"
    assert tagged.uri == address.uri
    assert address.tag is None


def test_equal_are_addresses_of_equal_parts() -> None:
    one, other = (
        parse_name_addr_untrusted(b'"Bob"<sip:a@b>;x'),
        parse_name_addr_untrusted(b"Bob <sip:a@b> ; x"),
    )
    assert one == other
    assert hash(one) == hash(other)
    assert one != parse_name_addr_untrusted(b"Bob <sip:a@b>")
    assert one != "Bob"
    assert repr(other) == "NameAddr('Bob', b'sip:a@b', Params([('x', None)]))"


# ---- Contact


@pytest.mark.parametrize(
    ("raw", "q"),
    [("", None), (";q=0", 0.0), (";q=0.7", 0.7), (";Q = 0.333", 0.333), (";q=1.000", 1.0), (";q=1.", 1.0)],
)
def test_q(raw: str, q: float | None) -> None:
    assert parse_name_addr_untrusted(b"<sip:a@b>" + raw.encode()).q == q


@pytest.mark.parametrize("q", ["2", "1.001", "0.1234", ".5", "-1", "x", '"0.5"'])
def test_a_malformed_q_is_refused(q: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_name_addr_untrusted(f"<sip:a@b>;q={q}".encode()).q  # noqa: B018
    assert caught.value.reason == "bad-q"


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("", None),
        (";expires=0", 0),
        (";expires=0060", 60),
        (";expires=4294967295", MAX_DELTA),
        (";expires=4294967296", MAX_DELTA),
        (f";expires={'9' * 9999}", MAX_DELTA),
        # RFC 3261 section 10.2: malformed values SHOULD be treated as equivalent to 3600
        (";expires", 3600),
        (";expires=-1", 3600),
        (";expires=soon", 3600),
        (';expires="Wed, 01 Jan 2003 00:00:00 GMT"', 3600),
    ],
)
def test_expires(raw: str, seconds: int | None) -> None:
    assert parse_name_addr_untrusted(b"<sip:a@b>" + raw.encode()).expires == seconds


def test_contacts_of_all_lines() -> None:
    contacts = parse_contacts_untrusted(
        [b'"Mr. Watson" <sip:watson@a.com>;q=0.7, "x" <mailto:w@b.com> ;q=0.1', b"sip:c@d"]
    )
    assert contacts is not None
    assert [contact.raw_uri for contact in contacts] == [b"sip:watson@a.com", b"mailto:w@b.com", b"sip:c@d"]
    assert parse_contacts_untrusted([]) == ()


def test_the_star_stands_for_all_bindings() -> None:
    assert parse_contacts_untrusted([b"*"]) is None


@pytest.mark.parametrize(
    "lines", [[b"*", b"<sip:a@b>"], [b"*, <sip:a@b>"], [b"<sip:a@b>,*"], [b"*", b"*"], [b"* ;expires=0"]]
)
def test_the_star_is_alone(lines: list[bytes]) -> None:
    with pytest.raises(MessageError) as caught:
        parse_contacts_untrusted(lines)
    assert caught.value.reason == "bad-contact-star"


def test_a_display_name_may_begin_with_a_star() -> None:
    contacts = parse_contacts_untrusted([b"*star* <sip:a@b>"])
    assert contacts is not None
    assert contacts[0].display_name == "*star*"


# ---- Route


def test_routes_of_all_lines() -> None:
    """RFC 3261 section 7.3.1: any combination of lines and commas is the same list."""
    expected = [b"sip:alice@atlanta.com", b"sip:bob@biloxi.com", b"sip:carol@chicago.com"]
    for lines in (
        [b"<sip:alice@atlanta.com>", b"<sip:bob@biloxi.com>", b"<sip:carol@chicago.com>"],
        [b"<sip:alice@atlanta.com>, <sip:bob@biloxi.com>", b"<sip:carol@chicago.com>"],
        [b"<sip:alice@atlanta.com>, <sip:bob@biloxi.com>, <sip:carol@chicago.com>"],
    ):
        assert [route.raw_uri for route in parse_routes_untrusted(lines)] == expected


@pytest.mark.parametrize("line", [b"sip:a@b;lr", b"", b"<sip:a@b>,", b"<sip:a@b>, sip:c@d"])
def test_a_route_stands_in_angle_brackets(line: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_routes_untrusted([line])
    assert caught.value.reason == "bad-route"
