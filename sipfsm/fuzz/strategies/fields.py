"""Every header field of :rfc:`3261#section-25.1`, from Accept to WWW-Authenticate, and any other."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from string import ascii_letters, digits
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sipfsm.fuzz.strategies.addresses import addresses, params, sip_name_addrs, tags
from sipfsm.fuzz.strategies.characters import comments, quoted_strings, texts, tokens, words
from sipfsm.fuzz.strategies.hosts import host_ports, hosts, ipv4_addresses, ipv6_addresses, ports
from sipfsm.fuzz.strategies.notation import (
    COLON,
    COMMA,
    EQUAL,
    LAQUOT,
    LDQUOT,
    LWS,
    RAQUOT,
    RDQUOT,
    SLASH,
    SWS,
    Construct,
    construct,
    drawn,
    either,
    letters,
    literal,
    numbers,
    optional,
    repeated,
    sequence,
)
from sipfsm.fuzz.strategies.uris import other_uris, parameter_lists, request_uris
from sipfsm.message import format_date

# ---- what several fields are made of

_METHODS = ("INVITE", "ACK", "OPTIONS", "BYE", "CANCEL", "REGISTER", "MESSAGE", "SUBSCRIBE")
_MAX_DELTA = 2**32 - 1


@construct("Method")
def methods() -> SearchStrategy[bytes]:
    """Methods: those of the RFCs, and any other token."""
    return either(st.sampled_from(_METHODS).map(str.encode), tokens)


@construct("qvalue")
def q_values() -> SearchStrategy[bytes]:
    """Preferences from 0 to 1 with at most three decimals."""
    return either(
        sequence(b"0", optional(b".", letters(digits, 0, 3))),
        sequence(b"1", optional(b".", letters("0", 0, 3))),
    )


@construct("delta-seconds")
def delta_seconds() -> SearchStrategy[bytes]:
    """Seconds from 0 to 2**32-1."""
    return either(st.sampled_from([b"0", b"60", b"3600"]), numbers(0, _MAX_DELTA), numbers(0, 99, digits=5))


@construct("callid")
def call_ids() -> SearchStrategy[bytes]:
    """Call-IDs."""
    return sequence(words, optional(b"@", words))


@construct("option-tag")
def option_tags() -> SearchStrategy[bytes]:
    """Option tags: names of extensions."""
    return either(st.sampled_from([b"100rel", b"path", b"timer", b"outbound"]), tokens)


_LANGUAGE = letters(ascii_letters, 1, 8)
_Q = sequence(literal("q"), EQUAL, q_values)


@construct("media-type")
def media_types() -> SearchStrategy[bytes]:
    """Media types with their parameters, such as application/sdp."""
    media = either(sequence(literal("application"), SLASH, literal("sdp")), sequence(tokens, SLASH, tokens))
    return sequence(media, parameter_lists(_media_parameters(), SWS + b";" + SWS))


def _media_parameters() -> SearchStrategy[bytes]:
    return sequence(tokens, EQUAL, either(tokens, quoted_strings))


def _info(*special: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    return sequence(
        LAQUOT, either(other_uris, b"http://www.example.com/sounds/moo.wav"), RAQUOT, params(*special)
    )


# ---- authentication (RFC 3261 sections 20.7, 20.27, 20.28 and 20.44, RFC 2617)

_LHEX = "0123456789abcdef"


def _pair(name: str, value: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    return sequence(literal(name), EQUAL, value)


def _in_quotes(value: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    return sequence(LDQUOT, value, RDQUOT)


_QOP = either(literal("auth", "auth-int"), tokens)
_NONCE_COUNT = _pair("nc", letters(_LHEX, 8, 8))
_ALGORITHM = _pair("algorithm", either(literal("MD5", "MD5-sess", "SHA-256"), tokens))
_AUTH_PARAM = sequence(tokens, EQUAL, either(tokens, quoted_strings))


def _auth_lists(*pairs: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    """At least one of the pairs in a comma list, none of them twice."""
    return parameter_lists(either(*pairs), COMMA, minimum=1).map(lambda joined: joined[len(COMMA) :])


def _quoted(name: str) -> SearchStrategy[bytes]:
    return _pair(name, drawn(quoted_strings))


@construct("credentials")
def credentials() -> SearchStrategy[bytes]:
    """Credentials of Digest and of any other scheme with parameters."""
    digest = _auth_lists(
        _quoted("username"),
        _quoted("realm"),
        _quoted("nonce"),
        _pair("uri", _in_quotes(drawn(request_uris))),
        _pair("response", _in_quotes(letters(_LHEX, 32, 32))),
        _ALGORITHM,
        _quoted("cnonce"),
        _quoted("opaque"),
        _pair("qop", _QOP),
        _NONCE_COUNT,
        _AUTH_PARAM,
    )
    return either(sequence(literal("Digest"), LWS, digest), sequence(tokens, LWS, _auth_lists(_AUTH_PARAM)))


@construct("challenge")
def challenges() -> SearchStrategy[bytes]:
    """Challenges of Digest and of any other scheme with parameters."""
    uri = either(other_uris, b"/private")
    digest = _auth_lists(
        _quoted("realm"),
        _pair("domain", _in_quotes(repeated(uri, 1, 2, b" "))),
        _quoted("nonce"),
        _quoted("opaque"),
        _pair("stale", literal("true", "false")),
        _ALGORITHM,
        _pair("qop", _in_quotes(repeated(_QOP, 1, 2, b","))),
        _AUTH_PARAM,
    )
    return either(sequence(literal("Digest"), LWS, digest), sequence(tokens, LWS, _auth_lists(_AUTH_PARAM)))


def _authentication_info() -> SearchStrategy[bytes]:
    return _auth_lists(
        _quoted("nextnonce"),
        _pair("qop", _QOP),
        _pair("rspauth", _in_quotes(letters(_LHEX, 0, 32))),
        _quoted("cnonce"),
        _NONCE_COUNT,
    )


# ---- single fields


@construct("via-parm")
def vias() -> SearchStrategy[bytes]:
    """Via values."""
    protocol = sequence(either(literal("SIP"), tokens), SLASH, either(b"2.0", tokens), SLASH)
    transport = either(literal("UDP", "TCP", "TLS", "SCTP", "WS"), tokens)
    return sequence(
        either(sequence(b"SIP", SLASH, b"2.0", SLASH), protocol),
        transport,
        LWS,
        hosts,
        optional(COLON, ports),
        params(
            sequence(literal("branch"), EQUAL, drawn(tokens).map(lambda token: b"z9hG4bK" + token)),
            sequence(literal("branch"), EQUAL, tokens),
            sequence(literal("received"), EQUAL, either(ipv4_addresses, ipv6_addresses)),
            sequence(literal("maddr"), EQUAL, hosts),
            sequence(literal("ttl"), EQUAL, numbers(0, 255)),
            sequence(literal("rport"), optional(EQUAL, numbers(1, 65_535))),
        ),
    )


@construct("contact-param")
def contacts() -> SearchStrategy[bytes]:
    """Contact values; never ``*``."""
    expires = sequence(literal("expires"), EQUAL, delta_seconds)
    return addresses(_Q, expires)


@construct("route-param")
def routes() -> SearchStrategy[bytes]:
    """Values of Route, Record-Route and Path."""
    return sequence(sip_name_addrs, params())


def _accept() -> SearchStrategy[bytes]:
    media = either(b"*/*", sequence(tokens, SLASH, either(b"*", tokens)))
    return sequence(media, params(_Q))


def _server() -> SearchStrategy[bytes]:
    product = sequence(tokens, optional(SLASH, tokens))
    return repeated(either(product, comments), 1, 3, LWS)


def _retry_after() -> SearchStrategy[bytes]:
    duration = sequence(literal("duration"), EQUAL, delta_seconds)
    return sequence(delta_seconds, optional(comments), params(duration))


def _warning() -> SearchStrategy[bytes]:
    return sequence(numbers(300, 399), b" ", either(host_ports, tokens), b" ", quoted_strings)


def _timestamp() -> SearchStrategy[bytes]:
    decimals = optional(b".", letters(digits, 0, 3))
    return sequence(letters(digits), decimals, optional(LWS, letters(digits, 0, 3), decimals))


def _addressee() -> SearchStrategy[bytes]:
    return addresses(drawn(tags))


def _date() -> SearchStrategy[bytes]:
    return st.integers(0, 4_102_444_799).map(format_date)  # the end of 2099


class Field(NamedTuple):
    """What a header field holds.

    Attributes:
        name: as it is usually written.
        values: makes the strategy of one value, with marks for white space.
        is_list: whether it may hold several values in a comma list, and likewise in several lines
            (:rfc:`3261#section-7.3.1`).
        compact: the compact form of its name, if there is one.
        minimum: how many values there are at least.
    """

    name: str
    values: Callable[[], SearchStrategy[bytes]]
    is_list: bool = False
    compact: str | None = None
    minimum: int = 1


def _marked(defined: Construct) -> Callable[[], SearchStrategy[bytes]]:
    return lambda: drawn(defined)


def _numbers(maximum: int) -> Callable[[], SearchStrategy[bytes]]:
    return lambda: either(numbers(0, maximum), numbers(0, maximum, digits=4))


def _optional_text() -> SearchStrategy[bytes]:
    return optional(texts)


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("Accept", _accept, is_list=True, minimum=0),
        Field(
            "Accept-Encoding",
            lambda: sequence(either(b"*", tokens), params(_Q)),
            is_list=True,
            minimum=0,
        ),
        Field(
            "Accept-Language",
            lambda: sequence(either(b"*", repeated(_LANGUAGE, 1, 3, b"-")), params(_Q)),
            is_list=True,
            minimum=0,
        ),
        Field("Alert-Info", _info, is_list=True),
        Field("Allow", _marked(methods), is_list=True, minimum=0),
        Field("Authentication-Info", _authentication_info),
        Field("Authorization", _marked(credentials)),
        Field("Call-ID", _marked(call_ids), compact="i"),
        Field(
            "Call-Info",
            lambda: _info(
                sequence(literal("purpose"), EQUAL, either(literal("icon", "info", "card"), tokens))
            ),
            is_list=True,
        ),
        Field("Contact", _marked(contacts), is_list=True, compact="m"),
        Field(
            "Content-Disposition",
            lambda: sequence(
                either(literal("render", "session", "icon", "alert"), tokens),
                params(sequence(literal("handling"), EQUAL, either(literal("optional", "required"), tokens))),
            ),
        ),
        Field("Content-Encoding", _marked(tokens), is_list=True, compact="e"),
        Field("Content-Language", lambda: repeated(_LANGUAGE, 1, 3, b"-"), is_list=True),
        Field("Content-Length", _numbers(9999), compact="l"),
        Field("Content-Type", _marked(media_types), compact="c"),
        Field("CSeq", lambda: sequence(numbers(0, 2**31 - 1), LWS, methods)),
        Field("Date", _date),
        Field("Error-Info", _info, is_list=True),
        Field("Expires", _marked(delta_seconds)),
        Field("From", _addressee, compact="f"),
        Field("In-Reply-To", _marked(call_ids), is_list=True),
        Field("Max-Forwards", _numbers(255)),
        Field("MIME-Version", lambda: sequence(numbers(0, 9), b".", numbers(0, 9))),
        Field("Min-Expires", _marked(delta_seconds)),
        Field("Organization", _optional_text),
        Field("Priority", lambda: either(literal("emergency", "urgent", "normal", "non-urgent"), tokens)),
        Field("Proxy-Authenticate", _marked(challenges)),
        Field("Proxy-Authorization", _marked(credentials)),
        Field("Proxy-Require", _marked(option_tags), is_list=True),
        Field("Record-Route", _marked(routes), is_list=True),
        Field("Reply-To", addresses),
        Field("Require", _marked(option_tags), is_list=True),
        Field("Retry-After", _retry_after),
        Field("Route", _marked(routes), is_list=True),
        Field("Server", _server),
        Field("Subject", _optional_text, compact="s"),
        Field("Supported", _marked(option_tags), is_list=True, compact="k", minimum=0),
        Field("Timestamp", _timestamp),
        Field("To", _addressee, compact="t"),
        Field("Unsupported", _marked(option_tags), is_list=True),
        Field("User-Agent", _server),
        Field("Via", _marked(vias), is_list=True, compact="v"),
        Field("Warning", _warning, is_list=True),
        Field("WWW-Authenticate", _marked(challenges)),
    )
}
"""The header fields of :rfc:`3261#section-20` by their names, as these are usually written."""


@cache
def marked_values(name: str) -> SearchStrategy[bytes]:
    """One value of the header field of that name, with marks for white space.

    Raises:
        KeyError: there is no header field of that name in the RFC.
    """
    return drawn(Construct(name, FIELDS[name].values))


@cache
def marked_lists(name: str) -> SearchStrategy[list[bytes]]:
    """The values of all lines of a header field together, with marks for white space.

    Raises:
        KeyError: there is no header field of that name in the RFC.
    """
    field = FIELDS[name]
    return st.lists(marked_values(name), min_size=field.minimum, max_size=3 if field.is_list else 1)


CONSTRUCTS: tuple[Construct, ...] = (
    methods,
    q_values,
    delta_seconds,
    call_ids,
    option_tags,
    media_types,
    credentials,
    challenges,
    vias,
    contacts,
    routes,
)
