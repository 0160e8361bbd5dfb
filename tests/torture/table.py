"""What sipfsm owes each of the torture messages: typed from RFC 4475 and RFC 5118, one row a message.

An outcome is one of these:

- ``forwarded``: the message leaves for the next hop, and what that answers comes back;
- a number: the status that sipfsm itself answers with;
- ``dropped``: nothing leaves, and a counter says why;
- ``closed``: nothing leaves, and the connection is closed once the deadline of a message has passed.
"""

from __future__ import annotations

from typing import NamedTuple

FORWARDED = "forwarded"
DROPPED = "dropped"
CLOSED = "closed"

Outcome = str | int


class Row(NamedTuple):
    """One message.

    Attributes:
        rfc: the RFC that has it.
        name: what the RFC calls it.
        clause: the section.
        asks: what the RFC asks for: ``accept``, ``refuse``, ``discard``, or ``either``.
        reason: the slug of the `MessageError` that parser and check raise; None where they raise none.
        udp: the outcome over UDP.
        tcp: the outcome over TCP; None where it is the same.
        why: the text that the outcome rests on; for an ``either`` it is what defends the choice.
    """

    rfc: int
    name: str
    clause: str
    asks: str
    reason: str | None
    udp: Outcome
    why: str
    tcp: Outcome | None = None

    @property
    def over_tcp(self) -> Outcome:
        """The outcome over TCP."""
        return self.udp if self.tcp is None else self.tcp


ROWS: tuple[Row, ...] = (
    # ---- RFC 4475 section 3.1.1: valid messages
    Row(
        4475,
        "wsinv",
        "3.1.1.1",
        "accept",
        None,
        FORWARDED,
        '"All elements should treat this as [...] well-formed"',
    ),
    Row(
        4475,
        "intmeth",
        "3.1.1.2",
        "accept",
        None,
        FORWARDED,
        "the user is registered, so the proxy forwards it",
    ),
    Row(
        4475,
        "esc01",
        "3.1.1.3",
        "accept",
        None,
        FORWARDED,
        "escapes are part of the user, and leave as they came",
    ),
    Row(
        4475,
        "escnull",
        "3.1.1.4",
        "accept",
        None,
        200,
        "two different contacts are registered",
    ),
    Row(
        4475,
        "esc02",
        "3.1.1.5",
        "accept",
        None,
        FORWARDED,
        "% is no escape in a method: it is no REGISTER",
    ),
    Row(
        4475,
        "lwsdisp",
        "3.1.1.6",
        "accept",
        None,
        FORWARDED,
        '"Elements should accept this request"',
    ),
    Row(
        4475,
        "longreq",
        "3.1.1.7",
        "accept",
        None,
        FORWARDED,
        "well-formed, and within every limit",
    ),
    Row(
        4475,
        "dblreq",
        "3.1.1.8",
        "accept",
        None,
        200,
        'extra octets of a datagram are "noise that must be ignored"; in a stream they are the next message',
    ),
    Row(
        4475,
        "semiuri",
        "3.1.1.9",
        "accept",
        None,
        FORWARDED,
        "the semicolon belongs to the user",
    ),
    Row(
        4475,
        "transports",
        "3.1.1.10",
        "accept",
        None,
        FORWARDED,
        "Via values below the top one are not judged",
    ),
    Row(
        4475,
        "mpart01",
        "3.1.1.11",
        "accept",
        None,
        FORWARDED,
        "the body is octets, NUL among them",
    ),
    Row(
        4475,
        "unreason",
        "3.1.1.12",
        "accept",
        None,
        DROPPED,
        "read, and then dropped: its top Via is not ours (18.1.2)",
    ),
    Row(
        4475,
        "noreason",
        "3.1.1.13",
        "accept",
        None,
        DROPPED,
        "read, and then dropped: its top Via is not ours (18.1.2)",
    ),
    # ---- RFC 4475 section 3.1.2: invalid messages
    Row(
        4475,
        "badinv01",
        "3.1.2.1",
        "either",
        "bad-parameter",
        DROPPED,
        'a 400 "should" be sent, but the way of an answer and its transaction are read from the top '
        "Via alone (18.2.2, 17.1.3), and that is what cannot be read",
    ),
    Row(
        4475,
        "clerr",
        "3.1.2.2",
        "refuse",
        "body-too-short",
        400,
        "18.3; on a stream more may come, until the deadline",
        tcp=CLOSED,
    ),
    Row(
        4475,
        "ncl",
        "3.1.2.3",
        "refuse",
        "bad-content-length",
        400,
        '"should respond with an error"; over TCP the length is all that parts messages (18.3), so '
        "the connection is closed",
    ),
    Row(
        4475,
        "scalar02",
        "3.1.2.4",
        "refuse",
        "cseq-too-large",
        400,
        '"400 [...] due to the CSeq error"',
    ),
    Row(
        4475,
        "scalarlg",
        "3.1.2.5",
        "discard",
        "cseq-too-large",
        DROPPED,
        '"will simply discard it"',
    ),
    Row(
        4475,
        "quotbal",
        "3.1.2.6",
        "refuse",
        "bad-address",
        400,
        '"should return a 400"; no quote is guessed',
    ),
    Row(
        4475,
        "ltgtruri",
        "3.1.2.7",
        "refuse",
        "bad-uri",
        400,
        '"reasonable always to reject"',
    ),
    Row(
        4475,
        "lwsruri",
        "3.1.2.8",
        "refuse",
        "bad-request-line",
        400,
        '"should respond with a 400"',
    ),
    Row(
        4475,
        "lwsstart",
        "3.1.2.9",
        "either",
        "bad-request-line",
        400,
        '"acceptable to reject"; 7.1 has exactly one SP, and whoever splits elsewhere reads another '
        "Request-URI",
    ),
    Row(
        4475,
        "trws",
        "3.1.2.10",
        "either",
        "bad-request-line",
        400,
        '"acceptable to reject"; 7.1 allows no LWS but the two SP',
    ),
    Row(
        4475,
        "escruri",
        "3.1.2.11",
        "either",
        None,
        400,
        '"acceptable [...] to reject"; the parser reads it, the proxy refuses it: a next hop must '
        "never turn the escaped header into a real one",
    ),
    Row(
        4475,
        "baddate",
        "3.1.2.12",
        "either",
        None,
        FORWARDED,
        '"shouldn\'t [reject] unless the contents of the Date header field were actually important", '
        "and to a proxy they are not",
    ),
    Row(
        4475,
        "regbadct",
        "3.1.2.13",
        "either",
        None,
        400,
        '"reasonable [...] to respond with a 400"; "in general" the brackets cannot be guessed',
    ),
    Row(
        4475,
        "badaspec",
        "3.1.2.14",
        "refuse",
        "bad-address",
        400,
        '"reasonable to reject"',
    ),
    Row(
        4475,
        "baddn",
        "3.1.2.15",
        "refuse",
        "no-empty-line",
        400,
        '"reasonable always to reject"; the archive of the RFC has it without its empty line, so that '
        "over TCP its header never ends",
        tcp=CLOSED,
    ),
    Row(
        4475,
        "badvers",
        "3.1.2.16",
        "refuse",
        "version",
        505,
        '"should respond [...] with a 505"',
    ),
    Row(
        4475,
        "mismatch01",
        "3.1.2.17",
        "refuse",
        "cseq-method-mismatch",
        400,
        '"will respond with a 400"',
    ),
    Row(
        4475,
        "mismatch02",
        "3.1.2.18",
        "refuse",
        "cseq-method-mismatch",
        400,
        '501 "should" be sent and 400 "is also acceptable"; a proxy knows no list of methods (16.3), '
        "so that 501 would say what is not so",
    ),
    Row(
        4475,
        "bigcode",
        "3.1.2.19",
        "discard",
        "bad-status-line",
        DROPPED,
        '"should simply drop it"',
    ),
    # ---- RFC 4475 sections 3.2 to 3.4
    Row(
        4475,
        "badbranch",
        "3.2.1",
        "accept",
        None,
        FORWARDED,
        "it falls back to the transaction identifier of RFC 2543",
    ),
    Row(
        4475,
        "insuf",
        "3.3.1",
        "refuse",
        "missing-from",
        400,
        '"Ideally, it will respond with a 400"',
    ),
    Row(
        4475,
        "unkscm",
        "3.3.2",
        "refuse",
        None,
        416,
        '"will reject it with a 416"',
    ),
    Row(
        4475,
        "novelsc",
        "3.3.3",
        "refuse",
        None,
        416,
        "no URI of this scheme is ever taken",
    ),
    Row(
        4475,
        "unksm2",
        "3.3.4",
        "either",
        None,
        400,
        '"A registrar would reject this request with a 400", and to the registrar of its domain it comes',
    ),
    Row(
        4475,
        "bext01",
        "3.3.5",
        "refuse",
        None,
        420,
        "Unsupported lists what Proxy-Require asks for",
    ),
    Row(
        4475,
        "invut",
        "3.3.6",
        "accept",
        None,
        FORWARDED,
        "a proxy does not look at the body",
    ),
    Row(
        4475,
        "regaut01",
        "3.3.7",
        "either",
        None,
        200,
        '"A registrar that does not care about [...] authentication will simply ignore" the field',
    ),
    Row(
        4475,
        "multi01",
        "3.3.8",
        "refuse",
        "duplicate-max-forwards",
        400,
        '"would respond with a 400"',
    ),
    Row(
        4475,
        "mcl01",
        "3.3.9",
        "refuse",
        "duplicate-content-length",
        400,
        '"should respond with an error"; over TCP the length is all that parts messages (18.3), so '
        "the connection is closed",
    ),
    Row(
        4475,
        "bcast",
        "3.3.10",
        "discard",
        None,
        DROPPED,
        '"proxies should drop such responses": its top Via is not ours (18.1.2)',
    ),
    Row(
        4475,
        "zeromf",
        "3.3.11",
        "refuse",
        None,
        483,
        '"should respond 483"',
    ),
    Row(
        4475,
        "cparam01",
        "3.3.12",
        "accept",
        None,
        200,
        '"should succeed"',
    ),
    Row(
        4475,
        "cparam02",
        "3.3.13",
        "accept",
        None,
        200,
        '"should succeed"',
    ),
    Row(
        4475,
        "regescrt",
        "3.3.14",
        "accept",
        None,
        200,
        '"should succeed"',
    ),
    Row(
        4475,
        "sdp01",
        "3.3.15",
        "accept",
        None,
        FORWARDED,
        "what the answer may hold is for the user agent to decide",
    ),
    Row(
        4475,
        "inv2543",
        "3.4.1",
        "accept",
        None,
        FORWARDED,
        "no branch, no From tag, no Max-Forwards; no Content-Length either, and over TCP the length "
        "is all that parts messages (18.3), so the connection is closed",
        tcp=400,
    ),
    # ---- RFC 5118 section 4
    Row(
        5118,
        "ipv6-good",
        "4.1",
        "accept",
        None,
        200,
        "valid, and the server's own domain",
    ),
    Row(
        5118,
        "ipv6-bad",
        "4.2",
        "refuse",
        "bad-uri",
        400,
        "an IPv6 address without brackets",
    ),
    Row(
        5118,
        "port-ambiguous",
        "4.3",
        "accept",
        None,
        FORWARDED,
        "well-formed, though not what was meant: another address",
    ),
    Row(
        5118,
        "port-unambiguous",
        "4.4",
        "accept",
        None,
        FORWARDED,
        "a port that is none of the server's: another element",
    ),
    Row(
        5118,
        "via-received-param-with-delim",
        "4.5",
        "accept",
        None,
        404,
        '"robust implementations must [...] parse"; it names the server itself, which has no dialog',
    ),
    Row(
        5118,
        "via-received-param-no-delim",
        "4.5",
        "accept",
        None,
        200,
        "valid; the server itself answers OPTIONS",
    ),
    Row(
        5118,
        "ipv6-in-sdp",
        "4.6",
        "accept",
        None,
        FORWARDED,
        "a proxy does not look at the body",
    ),
    Row(
        5118,
        "mult-ip-in-header",
        "4.7",
        "accept",
        None,
        FORWARDED,
        "valid",
    ),
    Row(
        5118,
        "mult-ip-in-sdp",
        "4.8",
        "accept",
        None,
        FORWARDED,
        "a proxy does not look at the body",
    ),
    Row(
        5118,
        "ipv4-mapped-ipv6",
        "4.9",
        "accept",
        None,
        FORWARDED,
        "valid",
    ),
    Row(
        5118,
        "ipv6-bug-abnf-3-colons",
        "4.10",
        "either",
        None,
        FORWARDED,
        '"an implementation must tolerate both of the above constructs"',
    ),
    Row(
        5118,
        "ipv6-correct-abnf-2-colons",
        "4.10",
        "accept",
        None,
        FORWARDED,
        "valid",
    ),
)
