"""The grammar of RFC 3261 section 25 as the judge: what it accepts the parser accepts, or says why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv6Address
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings

from sipfsm.fuzz import FIELDS, Construct, header_fields, messages
from sipfsm.fuzz.strategies import addresses, characters, fields, hosts, uris
from sipfsm.fuzz.strategies import messages as whole
from sipfsm.message import (
    Message,
    MessageError,
    NameAddr,
    Request,
    parse_auth_params_untrusted,
    parse_message_untrusted,
    parse_uri_untrusted,
)
from tests.properties import grammar

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not grammar.RFC_3261.exists(), reason="the text of RFC 3261 is not there"),
]

# The grammar's own reader takes its time, so there are few examples of each of the many constructs. They are
# the same in each run: a new one would be a discovery about the grammar, not about the change at hand.
some = settings(
    max_examples=10,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


# ---- what sipfsm refuses although the grammar allows it


class Strictness(NamedTuple):
    """A refusal on purpose: its reason, when it is right, and why."""

    reason: str
    is_right: Callable[[bytes], bool]
    why: str


def _bare(raw: bytes) -> bytes:
    """What is outside quoted strings and angle brackets."""
    return re.sub(rb'"(?:[^"\\]|\\.)*"|<[^>]*>', b"", raw, flags=re.DOTALL)


def _is_no_ipv6_address(address: str) -> bool:
    try:
        IPv6Address(address)
    except ValueError:
        return True
    return False


def has_bad_ipv6(raw: bytes) -> bool:
    return any(_is_no_ipv6_address(found.decode()) for found in re.findall(rb"\[([0-9A-Fa-f:.]*)\]", raw))


def has_bad_port(raw: bytes) -> bool:
    ports = re.findall(rb":\s*([0-9]+)", raw)
    return any(not 0 < int(port) <= 65_535 for port in ports)


def repeats_a_name(raw: bytes) -> bool:
    names = re.findall(rb"[;,:? \t\n]\s*([^\s:;=,<>\"?]+)", raw)
    plain = [re.sub(rb"%(..)", lambda code: _character(code[1]), name).lower() for name in names]
    return len(set(plain)) < len(plain)


def _character(digits: bytes) -> bytes:
    try:
        return bytes.fromhex(digits.decode("latin-1"))
    except ValueError:
        return b"%" + digits


def has_stray_percent(raw: bytes) -> bool:
    return re.search(rb"%(?![0-9A-Fa-f]{2})", raw) is not None


def is_bare_with_separator(raw: bytes) -> bool:
    return re.search(rb"[A-Za-z][A-Za-z0-9+.\-]*:.*[,;?<>\"]", _bare(raw), re.DOTALL) is not None


def names_a_known_scheme(raw: bytes) -> bool:
    """A URI of a scheme with a syntax of its own, which that syntax does not allow."""
    found = re.findall(rb"(?i)(sips?|tel):([^\s<>\"]*)", raw)
    return any(
        scheme.lower() == b"tel"
        or not grammar.accepts("SIPS-URI" if len(scheme) == 4 else "SIP-URI", scheme + b":" + rest)
        for scheme, rest in found
    )


def _number(raw: bytes) -> int:
    found = re.search(rb":\s*([0-9]+)", raw)
    return int(found[1]) if found else 0


def _length(raw: bytes) -> int:
    """What the first Content-Length says, of a field alone or of a whole message."""
    found = re.search(rb"(?im)^(?:content-length|l)[ \t]*:\s*([0-9]+)", raw)
    return int(found[1]) if found else 0


STRICT = (
    Strictness("bad-port", has_bad_port, "a port is a number from 1 to 65535 (RFC 1122 section 4.1.3)"),
    Strictness("bad-host", has_bad_ipv6, "section 25 allows what is no IPv6 address (RFC 5954 section 4.1)"),
    Strictness("bad-uri", has_bad_ipv6, "as bad-host, where the brackets hold too much to be looked into"),
    Strictness("bad-via", has_bad_ipv6, "as bad-host, where the brackets hold too much to be looked into"),
    Strictness(
        "bad-uri", names_a_known_scheme, "absoluteURI allows sip: and tel: with any rest; those have rules"
    ),
    Strictness("bad-escape", has_stray_percent, "token allows a lone % where a URI's escapes are (19.1.2)"),
    Strictness(
        "duplicate-parameter", repeats_a_name, "a name MUST NOT appear more than once (7.3.1, 19.1.1)"
    ),
    Strictness("bad-address", is_bare_with_separator, "a URI with , ? or ; needs angle brackets (20, 20.10)"),
    Strictness("bad-parameter", is_bare_with_separator, "as bad-address: what is behind ; are parameters"),
    Strictness("bad-max-forwards", lambda raw: _number(raw) > 255, "it is 0 to 255 (20.22)"),
    Strictness("bad-expires", lambda raw: _number(raw) >= 2**32, "it is 0 to 2**32-1 (20.19)"),
    Strictness("bad-min-expires", lambda raw: _number(raw) >= 2**32, "it is 0 to 2**32-1 (20.23)"),
    Strictness("cseq-too-large", lambda raw: _number(raw) >= 2**31, "it MUST be below 2**31 (8.1.1.5)"),
    Strictness("bad-date", lambda raw: True, "a date is case-sensitive and in the calendar (20.17)"),
    Strictness(
        "nul", lambda raw: b"\\\x00" in _bare(raw), "no escaped NUL in a comment, where others stop reading"
    ),
    Strictness(
        "control-character",
        lambda raw: re.search(rb"\\[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", _bare(raw)) is not None,
        "no escaped control character in a comment, which few programs know to be escaped",
    ),
    Strictness(
        "bad-status-line",
        lambda raw: re.match(rb"(?i)SIP/[0-9.]+ [1-6]", raw) is None,
        "a status code is 100 to 699 (7.2)",
    ),
    Strictness("bad-content-length", lambda raw: _length(raw) >= 2**31, "no message is so long"),
    Strictness("body-too-large", lambda raw: _length(raw) > 65_535, "a limit, which is configured"),
    Strictness(
        "body-too-short", lambda raw: _length(raw) > 0, "Content-Length says more than there is (18.3)"
    ),
)


def judge(raw: bytes, read: Callable[[bytes], object]) -> None:
    """Read what the grammar accepts; a refusal has to be in the table, and right."""
    try:
        read(raw)
    except MessageError as error:
        if not any(error.reason == strict.reason and strict.is_right(raw) for strict in STRICT):
            raise


# ---- how each construct is read

# By which property a field is read; of the other fields sipfsm looks at the bytes only.
READERS = {
    "Via": "vias",
    "From": "from_",
    "To": "to",
    "Call-ID": "call_id",
    "CSeq": "cseq",
    "Max-Forwards": "max_forwards",
    "Content-Length": "content_length",
    "Expires": "expires",
    "Min-Expires": "min_expires",
    "Date": "date",
    "Timestamp": "timestamp",
    "Route": "routes",
    "Record-Route": "record_routes",
    "Contact": "contacts",
    "Require": "require",
    "Proxy-Require": "proxy_require",
    "Supported": "supported",
    "Unsupported": "unsupported",
    "Authorization": "authorization",
    "Proxy-Authorization": "proxy_authorization",
    "WWW-Authenticate": "www_authenticate",
    "Proxy-Authenticate": "proxy_authenticate",
}
_HEAD = b"OPTIONS sip:a SIP/2.0\r\n"


def read_field(name: str) -> Callable[[bytes], object]:
    def read(line: bytes) -> None:
        body = bytes(min(_number(line), 20_000) if name == "Content-Length" else 0)
        message = parse_message_untrusted(_HEAD + line + b"\r\n\r\n" + body)
        assert message.headers.names() == [name.lower().encode()]
        assert message.headers.to_bytes() == line + b"\r\n"
        if name == "Authentication-Info":
            parse_auth_params_untrusted(message.headers.first(b"authentication-info") or b"")
        for value in _read(message, name):
            if isinstance(value, NameAddr):
                _ = value.uri

    return read


def _read(message: Message, name: str) -> Iterator[object]:
    if name in READERS:
        value = getattr(message, READERS[name])
        yield from value if isinstance(value, list) else [value]


def read_whole(raw: bytes) -> None:
    message = parse_message_untrusted(raw)
    if isinstance(message, Request):
        _ = message.uri
    # The version is sent in upper case, and what is behind the announced length is no part of the message.
    assert raw.lower().startswith(message.start_line().lower())
    assert message.headers.to_bytes() in raw


def read_start_line(raw: bytes) -> None:
    read_whole(raw + b"\r\n")


READ: dict[str, Callable[[bytes], object]] = {
    "SIP-URI": parse_uri_untrusted,
    "SIPS-URI": parse_uri_untrusted,
    "absoluteURI": parse_uri_untrusted,
    "Request-URI": parse_uri_untrusted,
    "Request-Line": read_start_line,
    "Status-Line": read_start_line,
    "SIP-message": read_whole,
    **{name: read_field(name) for name in FIELDS},
}


# ---- the tests


@pytest.mark.parametrize("rule", READ)
def test_what_the_grammar_allows_is_read(rule: str) -> None:
    @some
    @given(grammar.generated(rule))
    def check(raw: bytes) -> None:
        judge(raw, READ[rule])

    check()


CONSTRUCTS = [
    construct
    for module in (characters, hosts, uris, addresses, fields, whole)
    for construct in module.CONSTRUCTS
]


@pytest.mark.parametrize("construct", CONSTRUCTS, ids=repr)
def test_a_strategy_gives_what_the_grammar_allows(construct: Construct) -> None:
    @some
    @given(construct())
    def check(raw: bytes) -> None:
        assert grammar.accepts(construct.rule, raw), raw

    check()


@pytest.mark.parametrize("name", FIELDS)
def test_a_header_field_is_what_the_grammar_allows_and_is_read(name: str) -> None:
    @some
    @given(header_fields(name))
    def check(line: bytes) -> None:
        assert grammar.accepts(name, line), line
        read_field(name)(line)

    check()


@some
@given(messages())
def test_a_message_is_what_the_grammar_allows(raw: bytes) -> None:
    assert grammar.accepts("SIP-message", raw), raw


def test_the_grammar_is_all_there() -> None:
    for rule in ("SIP-message", "quoted-pair", "Via", "IPv6address", "message-body", "extension-header"):
        assert grammar.load().get(rule) is not None, rule
    assert grammar.accepts("SIP-URI", b"sip:alice@atlanta.com")
    assert not grammar.accepts("SIP-URI", b"sip:alice@atlanta.com;")
    assert not grammar.accepts("extension-header", b"Via: x")
