"""The torture messages of RFC 4475 and RFC 5118, as far as this layer decides about them.

The messages are data that nobody in this project wrote; where their folder is missing, the tests are skipped.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from sipfsm.message import MessageError, SipMessage, check_untrusted, parse_message_untrusted

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"

# Valid messages: accepted, routed or answered, and so read without an error.
HANDLED = [
    *(
        ("rfc4475", name)
        for name in ("wsinv", "intmeth", "esc01", "escnull", "esc02", "lwsdisp", "longreq", "dblreq")
    ),
    *(
        ("rfc4475", name)
        for name in ("semiuri", "transports", "mpart01", "unreason", "noreason", "badbranch")
    ),
    *(
        ("rfc4475", name)
        for name in ("invut", "sdp01", "cparam01", "cparam02", "regescrt", "inv2543", "bcast")
    ),
    # these are refused by whoever judges what this layer has read
    *(("rfc4475", name) for name in ("bext01", "zeromf", "unkscm", "novelsc")),
    *(
        ("rfc5118", name)
        for name in ("ipv4-mapped-ipv6", "ipv6-correct-abnf-2-colons", "ipv6-good", "ipv6-in-sdp")
    ),
    *(
        ("rfc5118", name)
        for name in ("mult-ip-in-header", "mult-ip-in-sdp", "port-ambiguous", "port-unambiguous")
    ),
    *(("rfc5118", name) for name in ("via-received-param-no-delim", "via-received-param-with-delim")),
]

REFUSED = {
    ("rfc4475", "badvers"): 505,
    ("rfc4475", "clerr"): 400,
    ("rfc4475", "ncl"): 400,
    ("rfc4475", "scalar02"): 400,
    ("rfc4475", "mismatch01"): 400,
    ("rfc4475", "mismatch02"): 400,
    ("rfc4475", "badaspec"): 400,
    ("rfc4475", "quotbal"): 400,
    ("rfc4475", "ltgtruri"): 400,
    ("rfc4475", "lwsruri"): 400,
    ("rfc4475", "baddn"): 400,
    ("rfc4475", "insuf"): 400,
    ("rfc4475", "multi01"): 400,
    ("rfc4475", "mcl01"): 400,
    ("rfc5118", "ipv6-bad"): 400,
    # dropped, for they are responses
    ("rfc4475", "scalarlg"): None,
    ("rfc4475", "bigcode"): None,
}


def read(folder: str, name: str) -> bytes:
    path = CORPUS / folder / f"{name}.dat"
    if not path.exists():
        pytest.skip(f"the corpus of torture messages is not here: {path.parent}")
    return path.read_bytes()


def judge(raw: bytes) -> SipMessage:
    message = parse_message_untrusted(raw)
    check_untrusted(message)
    return message


@pytest.mark.parametrize(("folder", "name"), HANDLED)
def test_a_valid_message_is_read_and_leaves_as_it_came(folder: str, name: str) -> None:
    raw = read(folder, name)
    message = judge(raw)
    assert raw.startswith(message.to_bytes())
    lists = message.vias, message.routes, message.record_routes, message.contacts, message.require
    assert all(isinstance(values, list) for values in lists)


@pytest.mark.parametrize(("folder", "name", "status"), [(*key, status) for key, status in REFUSED.items()])
def test_a_malformed_message_is_refused(folder: str, name: str, status: int | None) -> None:
    raw = read(folder, name)
    with pytest.raises(MessageError) as caught:
        judge(raw)
    assert caught.value.status == status


def test_each_message_is_read_or_refused_and_nothing_else() -> None:
    for folder, name in (HANDLED[0], HANDLED[-1]):
        read(folder, name)
        for path in sorted((CORPUS / folder).glob("*.dat")):
            with suppress(MessageError):
                judge(path.read_bytes())
