"""Whatever a request says, as long as it is a request, the registrar answers, and its answer can be read."""

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from sipfsm.location import LocationLimits, MemoryLocation
from sipfsm.message import MessageError, Request, Response, check_untrusted, parse_message_untrusted
from sipfsm.registrar import Registrar

HEAD = (
    b"REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: <sip:b@h>\r\n"
    b"From: <sip:b@h>;tag=1\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"
)
NAMES = [
    b"Contact",
    b"m",
    b"Path",
    b"Expires",
    b"Supported",
    b"Require",
    b"Content-Disposition",
    b"Record-Route",
]

PIECES = (
    b"<sip:a@h>|sip:b@h|tel:+1|mailto:c@h|<sip:p;lr>|path|expires|q|0|60|0.5|-1|99999999999|"
    b'*|,|;|=|"|<|>|\\|%|?|\xff| '
).split(b"|")
pieces = st.sampled_from(PIECES)
values = st.lists(pieces, max_size=8).map(b"".join) | st.binary(max_size=20)
fields = st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=4)


@settings(max_examples=300)
@given(st.lists(fields, min_size=1, max_size=3), st.sampled_from([b"", b"body"]))
def test_every_request_gets_a_response_that_can_be_read(
    script: list[list[tuple[bytes, bytes]]], body: bytes
) -> None:
    async def main() -> None:
        registrar = Registrar(
            MemoryLocation(limits=LocationLimits(bindings_per_aor=3)), domains=["h"], path_needs_support=False
        )
        for fields in script:
            lines = b"".join(b"%b: %b\r\n" % field for field in fields)
            try:
                request = parse_message_untrusted(HEAD + lines + b"\r\n" + body)
                check_untrusted(request)
            except MessageError:
                continue  # answered elsewhere
            assert isinstance(request, Request)
            read_again(await registrar.answer(request))

    trio.run(main)


def read_again(response: Response) -> None:
    assert 200 <= response.status < 600  # no 6xx (RFC 3261 10.3)
    again = parse_message_untrusted(response.to_bytes())
    check_untrusted(again)
    assert (
        again.headers.names() == response.headers.names()
    )  # nothing from the request became a field of its own
    for contact in again.contacts:
        assert contact.uri
        assert contact.expires
        assert contact.q is None or 0 <= contact.q < 1
    assert all(hop.uri for hop in again.paths)
