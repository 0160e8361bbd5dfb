"""What a proxy does to a message, done by sipfsm's message layer and by sipmessage on the same bytes.

Each message has its own branch, tags and Call-ID, as on the network, so that nothing is only ever looked up
that was parsed before. Neither does more than it has to: sipmessage's header fields are edited as text where
that is enough.
"""

from __future__ import annotations

from collections.abc import Callable

import sipmessage

from sipfsm.message import NameAddr, Request, SipUri, parse_message_untrusted

SDP = (
    b"v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\n"
    b"m=audio 49172 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n"
)

INVITE = (
    b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK-%(n)d;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b"Route: <sip:proxy.atlanta.example.com;lr>\r\n"
    b"Route: <sip:gateway.biloxi.example.com:5061;transport=tcp;lr>\r\n"
    b'From: "Alice Liddell" <sip:alice@atlanta.example.com>;tag=f%(n)d\r\n'
    b"To: Bob <sip:bob@biloxi.example.com>\r\n"
    b"Call-ID: c%(n)d@192.0.2.101\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:alice@192.0.2.101:5060;transport=udp>\r\n"
    b"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, UPDATE\r\n"
    b"Supported: replaces, timer\r\n"
    b"User-Agent: Desk Phone/1.2\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: " + b"%d" % len(SDP) + b"\r\n\r\n" + SDP
)

OK = (
    b"SIP/2.0 200 OK\r\n"
    b"Via: SIP/2.0/UDP proxy5.example.com;branch=z9hG4bK-5-%(n)d;received=192.0.2.5\r\n"
    b"Via: SIP/2.0/UDP proxy4.example.com;branch=z9hG4bK-4-%(n)d;received=192.0.2.4\r\n"
    b"Via: SIP/2.0/TCP proxy3.example.com:5061;branch=z9hG4bK-3-%(n)d;received=192.0.2.3\r\n"
    b"Via: SIP/2.0/UDP proxy2.example.com;branch=z9hG4bK-2-%(n)d;received=192.0.2.2\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK-1-%(n)d;rport=5060;received=192.0.2.101\r\n"
    b"Record-Route: <sip:proxy5.example.com;lr>\r\n"
    b"Record-Route: <sip:proxy2.example.com;lr>\r\n"
    b'From: "Alice Liddell" <sip:alice@atlanta.example.com>;tag=f%(n)d\r\n'
    b"To: Bob <sip:bob@biloxi.example.com>;tag=t%(n)d\r\n"
    b"Call-ID: c%(n)d@192.0.2.101\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:bob@192.0.2.202:5060>\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: " + b"%d" % len(SDP) + b"\r\n\r\n" + SDP
)

REGISTER = (
    b"REGISTER sip:biloxi.example.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.202:5060;branch=z9hG4bK-%(n)d;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b"Route: <sip:proxy.biloxi.example.com;lr>\r\n"
    b"From: <sip:bob@biloxi.example.com>;tag=f%(n)d\r\n"
    b"To: <sip:bob@biloxi.example.com>\r\n"
    b"Call-ID: c%(n)d@192.0.2.202\r\n"
    b"CSeq: 1 REGISTER\r\n"
    b"Contact: <sip:bob@192.0.2.202:5060>;expires=3600\r\n"
    b"Expires: 3600\r\n"
    b"User-Agent: Desk Phone/1.2\r\n"
    b"Content-Length: 0\r\n\r\n"
)

MESSAGES = {"INVITE with SDP": INVITE, "200 with five Vias": OK, "REGISTER": REGISTER}


def different(template: bytes, count: int, first: int = 0) -> list[bytes]:
    """Make messages that differ in branch, tags and Call-ID."""
    return [template % {b"n": 1_000_000 + n} for n in range(first, first + count)]


def own_via(branch: str | None) -> str:
    """Write the Via that a proxy puts on top: as text, like `sipfsm.transaction.sending`.

    Its branch follows from the one received, so that both sides write the same.
    """
    return f"SIP/2.0/UDP proxy.example.com;branch={branch}-own"


# ---- sipfsm


def our_parse(raw: bytes) -> object:
    """From bytes to a message."""
    return parse_message_untrusted(raw)


def our_access(raw: bytes) -> object:
    """Parse and read what decides where a message goes."""
    message = parse_message_untrusted(raw)
    read = (message.via.branch, message.from_.tag, message.to.tag, message.call_id, message.cseq.number)
    if isinstance(message, Request):
        uri = message.uri
        assert isinstance(uri, SipUri)
        return (*read, uri.host, message.max_forwards, [route.uri for route in message.routes])
    return (*read, message.status)


def our_proxy(raw: bytes) -> bytes:
    """All that a proxy does to a message."""
    message = parse_message_untrusted(raw)
    branch = message.via.branch
    _ = (message.from_.tag, message.to.tag, message.call_id, message.cseq.number)
    if not isinstance(message, Request):
        message.headers.pop_first_value(b"via")
        return message.to_bytes()
    _ = message.uri
    routes: list[NameAddr] = message.routes
    if routes:
        _ = routes[0].uri
        message.headers.pop_first_value(b"route")
    hops = message.max_forwards
    assert hops is not None
    message.headers.set(b"max-forwards", b"%d" % (hops - 1))
    message.headers.prepend(b"via", own_via(branch).encode("ascii"))
    return message.to_bytes()


# ---- sipmessage


def their_parse(raw: bytes) -> object:
    """From bytes to a message."""
    return sipmessage.Message.parse(raw)


def their_access(raw: bytes) -> object:
    """Parse and read what decides where a message goes."""
    message = sipmessage.Message.parse(raw)
    read = (
        message.via[0].parameters.get("branch"),
        message.from_address.parameters.get("tag"),
        message.to_address.parameters.get("tag"),
        message.call_id,
        message.cseq.sequence,
    )
    if isinstance(message, sipmessage.Request):
        return (*read, message.uri.host, message.max_forwards, [route.uri for route in message.route])
    return (*read, message.code)


def their_proxy(raw: bytes) -> bytes:
    """All that a proxy does to a message."""
    message = sipmessage.Message.parse(raw)
    branch = message.via[0].parameters.get("branch")
    _ = (
        message.from_address.parameters.get("tag"),
        message.to_address.parameters.get("tag"),
        message.call_id,
        message.cseq.sequence,
    )
    vias = message.headers.getlist("Via")
    if not isinstance(message, sipmessage.Request):
        message.headers.setlist("Via", vias[1:])
        return bytes(message)
    _ = message.uri
    routes = message.route
    if routes:
        _ = routes[0].uri
        rest = message.headers.getlist("Route")[1:]
        if rest:
            message.headers.setlist("Route", rest)
        else:
            message.headers.remove("Route")
    hops = message.max_forwards
    assert hops is not None
    message.max_forwards = hops - 1
    message.headers.setlist("Via", [own_via(branch), *vias])
    return bytes(message)


Work = Callable[[bytes], object]

WORK: dict[str, tuple[Work, Work]] = {
    "parse": (our_parse, their_parse),
    "parse and read": (our_access, their_access),
    "all a proxy does": (our_proxy, their_proxy),
}
"""What is measured: sipfsm's way and sipmessage's way."""
