"""The names of header fields: compact forms, case, and the way they are usually written."""

from __future__ import annotations

import re

_USUAL = """
Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authentication-Info
Authorization Call-ID Call-Info Contact Content-Disposition Content-Encoding Content-Language Content-Length
Content-Type CSeq Date Error-Info Event Expires From Identity Identity-Info In-Reply-To Max-Breadth
Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Access-Network-Info P-Asserted-Identity
P-Preferred-Identity Path Priority Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason
Record-Route Refer-To Referred-By Reject-Contact Replaces Reply-To Request-Disposition Require Retry-After
Route RSeq Server Service-Route Session-Expires SIP-ETag SIP-If-Match Subject Subscription-State Supported
Timestamp To Unsupported User-Agent Via Warning WWW-Authenticate
"""

_COMPACT = {
    # RFC 3261 section 20
    b"c": b"content-type",
    b"e": b"content-encoding",
    b"f": b"from",
    b"i": b"call-id",
    b"k": b"supported",
    b"l": b"content-length",
    b"m": b"contact",
    b"s": b"subject",
    b"t": b"to",
    b"v": b"via",
    # RFC 3841 section 10, RFC 3515 section 2.1, RFC 3892 section 2, RFC 4028 section 4, RFC 6665 section 8.2,
    # RFC 8224 section 4 (y), RFC 4474 section 14 (n)
    b"a": b"accept-contact",
    b"b": b"referred-by",
    b"d": b"request-disposition",
    b"j": b"reject-contact",
    b"n": b"identity-info",
    b"o": b"event",
    b"r": b"refer-to",
    b"u": b"allow-events",
    b"x": b"session-expires",
    b"y": b"identity",
}

KNOWN_NAMES = {name.lower(): name for name in _USUAL.encode().split()}
"""The fields that are known: the lower-case long form of the name, and how it is usually written."""

# Every spelling that is met often, so that one look-up settles a field's name. The keys are few and fixed:
# nothing is ever added from the network.
USUAL_SPELLINGS = {
    spelling: name
    for name, usual in KNOWN_NAMES.items()
    for spelling in (usual, usual.title(), usual.upper(), usual.lower())
} | {spelling: name for compact, name in _COMPACT.items() for spelling in (compact, compact.upper())}
"""The lower-case long form of each name by the ways it is usually written."""

_TOKEN = re.compile(rb"[A-Za-z0-9\-.!%*_+`'~]+")


def field_name_untrusted(line: bytes) -> bytes | None:
    """Return the name of a header field line in its lower-case long form; None if that is malformed.

    White space may stand before the colon (:rfc:`3261#section-7.3.1`), never within or before the name.
    """
    raw, colon, _ = line.partition(b":")
    name = raw.rstrip(b" \t").lower()
    if not colon or _TOKEN.fullmatch(name) is None:
        return None
    return _COMPACT.get(name, name)


def usual_name(name: bytes) -> bytes:
    """Return `name`, a lower-case long form, the way it is usually written: ``b"call-id"`` as ``b"Call-ID"``.

    Raises:
        ValueError: `name` is no lower-case long form.
    """
    usual = KNOWN_NAMES.get(name)
    if usual is not None:
        return usual
    if name in _COMPACT or name != name.lower() or _TOKEN.fullmatch(name) is None:
        raise ValueError(f"not the lower-case long form of a header field name: {name!r}")
    return name.title()
