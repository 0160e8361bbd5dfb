"""What the fuzzer begins with: messages of many shapes, and the words that it may put into them."""

from __future__ import annotations

from sipfsm.message.names import USUAL_SPELLINGS

_FIELDS = (
    b"Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\n"
    b"To: <sip:c@d>\r\nCall-ID: x@y\r\n"
)


def _request(method: bytes, more: bytes = b"", body: bytes = b"", uri: bytes = b"sip:c@d") -> bytes:
    return b"%b %b SIP/2.0\r\n%bCSeq: 1 %b\r\n%b\r\n%b" % (method, uri, _FIELDS, method, more, body)


SEEDS = (
    _request(b"OPTIONS"),
    _request(b"INVITE", b"Contact: <sip:a@b>\r\nContent-Length: 5\r\n", b"v=0\r\n"),
    _request(b"INVITE", b'Route: <sip:p;lr>, "P, 2" <sip:q;lr>;x="y;z"\r\nRecord-Route: <sip:r;lr>\r\n'),
    _request(
        b"REGISTER", b"m: sip:a@b;q=0.5;expires=60, <sip:[::1]:5060;transport=tcp>\r\nExpires: 3600\r\n"
    ),
    _request(b"REGISTER", b"Contact: *\r\nExpires: 0\r\n"),
    _request(b"ACK", b"l: 0\r\n"),
    _request(b"CANCEL", b'Reason: SIP;cause=200;text="done"\r\n'),
    _request(b"x~y", b"X-Own:\r\n folded\r\n\tlines\r\n", uri=b"tel:+1-212-555-0100;ext=1"),
    _request(
        b"BYE", b'Authorization: Digest username="a",realm="b\\"c",nonce="d",uri="sip:e",response="f"\r\n'
    ),
    _request(
        b"BYE", b"Proxy-Authorization: Bearer abc.def==\r\n", uri=b"sips:%61:p@h;maddr=192.0.2.1?s=x&p=y"
    ),
    _request(
        b"OPTIONS", b"Timestamp: 1.5 0.25\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT\r\nMin-Expires: 60\r\n"
    ),
    _request(b"OPTIONS", b"Require: 100rel, timer\r\nProxy-Require: x\r\nk:\r\nUnsupported: y\r\n"),
    b"SIP/2.0 200 OK\r\n" + _FIELDS + b"CSeq: 1 INVITE\r\nContact: <sip:c@d>\r\nContent-Length: 0\r\n\r\n",
    (
        b"SIP/2.0 401 \r\nv: SIP/2.0/TLS [::1]:5061 ;rport;received=::1\r\nv:SIP / 2.0 / UDP h\r\n"
        b't: "\xc3\xa9" <tel:1>\r\nf: sip:a@b;tag=2\r\ni: z\r\nCSeq: 4294967295 a\r\n'
        b'WWW-Authenticate: Digest realm="a", qop="auth,auth-int"\r\n\r\n'
    ),
    b"OPTIONS sip:c@d SIP/2.0\r\n folded\r\n" + _FIELDS + b"CSeq: 1 OPTIONS\r\n\r\n",
    b"\r\n\r\nINVITE sip:a SIP/3.0\r\nVia:x\r\nFrom\t: y\r\nTo: \r\n\r\n",
    b"",
)

_WORDS = (
    b"SIP/2.0",
    b"SIP/2.0/UDP ",
    b"INVITE",
    b"ACK",
    b"z9hG4bK",
    b"<sip:",
    b"sips:",
    b"tel:",
    b"\r\n",
    b"\r\n ",
    b"\r\n\r\n",
    b": ",
    b"[::1]",
    b";branch=",
    b";tag=",
    b";lr",
    b";rport",
    b";received=",
    b";expires=",
    b";q=",
    b'"',
    b"\\",
    b"%00",
    b"\x00",
    b"\xc0\x80",
    b"Digest ",
    b"4294967296",
)


def dictionary() -> str:
    """Write the words and the names of header fields the way libFuzzer reads them."""
    names = sorted({name + b":" for name in USUAL_SPELLINGS})
    return "".join(f'"{_escaped(word)}"\n' for word in (*_WORDS, *names))


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in word)
