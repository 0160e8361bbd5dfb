"""SIP, SIPS, tel and other URIs (:rfc:`3261#section-25.1`, :rfc:`3966#section-3`)."""

from __future__ import annotations

from string import digits

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sipfsm.fuzz.strategies.characters import TOKEN, UNRESERVED, escapable
from sipfsm.fuzz.strategies.hosts import host_names, host_ports, hosts
from sipfsm.fuzz.strategies.notation import (
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

_PARAM_CHARACTERS = UNRESERVED + "[]/:&+$"
_HEADER_CHARACTERS = UNRESERVED + "[]/?:+$"
_USER_CHARACTERS = UNRESERVED + "&=+$,;?/"
# A percent sign is in the grammar's token, but in a URI it begins an escape.
_TOKENS = letters(TOKEN.replace("%", ""))
_URIC = UNRESERVED + ";/?:@&=+$,"
_OTHER_SCHEMES = ("http", "https", "mailto", "urn", "im", "soap.beep", "x-own+1")


@construct("user")
def users() -> SearchStrategy[bytes]:
    """User parts: names, telephone numbers, any characters that may stand there, escapes."""
    usual = st.sampled_from(
        [b"alice", b"Bob", b"+1-212-555-0100", b"%61lice", b"*21*5#".replace(b"#", b"%23")]
    )
    return usual | escapable(_USER_CHARACTERS)


_PASSWORDS = escapable(UNRESERVED + "&=+$,", 0)


@construct("uri-parameter")
def uri_parameters() -> SearchStrategy[bytes]:
    """URI parameters without their semicolon."""
    return either(
        sequence(literal("transport"), b"=", either(literal("udp", "tcp", "sctp", "tls", "ws"), _TOKENS)),
        sequence(literal("user"), b"=", either(literal("phone", "ip"), _TOKENS)),
        sequence(literal("method"), b"=", either(st.sampled_from([b"INVITE", b"REGISTER"]), _TOKENS)),
        sequence(literal("ttl"), b"=", numbers(0, 255)),
        sequence(literal("maddr"), b"=", hosts),
        literal("lr"),
        sequence(escapable(_PARAM_CHARACTERS), optional(b"=", escapable(_PARAM_CHARACTERS))),
    )


def parameter_lists(
    parameter: SearchStrategy[bytes], separator: bytes, minimum: int = 0
) -> SearchStrategy[bytes]:
    """Parameters, each with the separator before it and none of them twice."""
    return st.lists(parameter, min_size=minimum, max_size=3, unique_by=_name).map(
        lambda items: b"".join(separator + item for item in items)
    )


def _name(parameter: bytes) -> str:
    """Return what tells parameters apart: the name without regard to case, escapes undone."""
    raw = parameter.strip(b"\xfe").partition(b"=")[0].strip(b"\xfe").decode("latin-1")
    head, *escapes = raw.split("%")
    # A token that is no URI's may hold a percent sign that begins no escape.
    return "".join([head, *map(_unescaped, escapes)]).lower()


def _unescaped(rest: str) -> str:
    try:
        return chr(int(rest[:2], 16)) + rest[2:]
    except ValueError:
        return "%" + rest


_URI_HEADERS = sequence(escapable(_HEADER_CHARACTERS), b"=", escapable(_HEADER_CHARACTERS, 0))
_HEADERS = optional(b"?", repeated(_URI_HEADERS, 1, 3, b"&"))


def _sip_uris(scheme: str) -> SearchStrategy[bytes]:
    return sequence(
        literal(scheme),
        b":",
        optional(users, optional(b":", _PASSWORDS), b"@"),
        host_ports,
        parameter_lists(drawn(uri_parameters), b";"),
        _HEADERS,
    )


@construct("SIP-URI")
def sip_uris() -> SearchStrategy[bytes]:
    """SIP URIs of all their parts."""
    return _sip_uris("sip")


@construct("SIPS-URI")
def sips_uris() -> SearchStrategy[bytes]:
    """SIPS URIs of all their parts."""
    return _sip_uris("sips")


@construct("absoluteURI")
def tel_uris() -> SearchStrategy[bytes]:
    """Telephone numbers, global and local, with parameters (:rfc:`3966#section-3`)."""
    number = sequence(letters(digits, 1, 3), letters(digits + "-.()", 0, 8))
    parameter = either(
        sequence(literal("ext", "isub"), b"=", letters(digits)),
        sequence(literal("phone-context"), b"=", either(b"example.com", b"+1-914-555")),
        sequence(letters("abcxyz-"), optional(b"=", escapable(UNRESERVED + "/:&+$"))),
    )
    return sequence(
        literal("tel"), b":", st.sampled_from([b"+", b""]), number, parameter_lists(parameter, b";")
    )


@construct("absoluteURI")
def other_uris() -> SearchStrategy[bytes]:
    """URIs of schemes that sipfsm knows nothing about: hierarchical ones and opaque ones."""
    segments = repeated(either(b"/", escapable(UNRESERVED + ":@&=+$,;")), 0, 3)
    query = optional(b"?", escapable(_URIC, 0))
    authority = either(host_ports, escapable(UNRESERVED + "$,;:@&=+"), b"")
    opaque = sequence(escapable(_URIC.replace("/", ""), 1, 1), escapable(_URIC, 0))
    rest = either(
        sequence(b"//", authority, optional(b"/", segments), query),
        sequence(b"/", escapable(UNRESERVED + ":@&=+$,;", 1), query),
        opaque,
    )
    return sequence(literal(*_OTHER_SCHEMES), b":", rest)


_USUAL_URIS = st.sampled_from(
    [
        b"sip:bob@example.com",
        b"sip:alice@192.0.2.1:5062;transport=tcp",
        b"sip:p1.example.com;lr",
        b"sips:[2001:db8::1]",
        b"tel:+1-212-555-0100",
    ]
)


@construct("Request-URI")
def request_uris() -> SearchStrategy[bytes]:
    """What a request can be sent to: mostly SIP URIs."""
    return either(_USUAL_URIS, sip_uris, sips_uris, tel_uris, other_uris)


@construct("Request-URI")
def bare_uris() -> SearchStrategy[bytes]:
    """URIs that need no angle brackets around them: without comma, semicolon and question mark."""
    user = escapable(UNRESERVED + "&=+$/")
    usual = st.sampled_from([b"sip:alice@example.com", b"sip:192.0.2.1:5060", b"tel:110"])
    sip = sequence(
        literal("sip", "sips"), b":", optional(user, optional(b":", letters(UNRESERVED)), b"@"), host_ports
    )
    tel = sequence(b"tel:", letters(digits), letters(digits + "-."))
    return either(
        usual, sip, tel, sequence(b"mailto:", letters(UNRESERVED.replace("(", "")), b"@", host_names)
    )


CONSTRUCTS: tuple[Construct, ...] = (
    users,
    uri_parameters,
    sip_uris,
    sips_uris,
    tel_uris,
    other_uris,
    request_uris,
    bare_uris,
)
