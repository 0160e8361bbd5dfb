"""The requests of the cases, as templates with words in braces."""

from __future__ import annotations

from collections.abc import Sequence

_SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


def request(
    method: str,
    uri: str = "{aor}",
    *,
    who: str = "caller",
    branch: str = "{branch}",
    number: int = 1,
    fields: Sequence[str] = (),
    replaced: dict[str, str | None] | None = None,
    sdp: bool = False,
    version: str = "SIP/2.0",
    dialog: bool = False,
) -> bytes:
    """Return the template of a request.

    Args:
        method: the method.
        uri: the Request-URI.
        who: the player that sends it.
        branch: the branch of its Via.
        number: the CSeq.
        fields: further lines.
        replaced: other values for the usual fields, by name; None leaves the field out.
        sdp: with an offer, as an INVITE has it.
        version: what the request line ends with.
        dialog: with the To tag and the route set of the call.
    """
    body = _SDP if sdp else ""
    usual = {
        "Via": f"SIP/2.0/{{transport}} {{{who}}};rport;branch={branch}",
        "Max-Forwards": "70",
        "From": f"<sip:{who}@{{{who}}}>;tag={{tag}}",
        "To": "<{aor}>" + ("{to_tag_param}" if dialog else ""),
        "Call-ID": "{call_id}",
        "CSeq": f"{number} {method}",
    }
    if method in {"INVITE", "SUBSCRIBE"}:
        usual["Contact"] = f"<{{{who}_uri}}>"
    changed: dict[str, str | None] = {**usual, **(replaced or {})}
    length = changed.pop("Content-Length", str(len(body)))
    lines = [
        f"{method} {uri} {version}",
        *(f"{name}: {value}" for name, value in changed.items() if value is not None),
    ]
    lines += fields
    if sdp:
        lines.append("Content-Type: application/sdp")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    head = "\r\n".join(lines) + "\r\n"
    if dialog:
        head = head.replace("Max-Forwards:", "{routes}Max-Forwards:", 1)
    return (head + "\r\n" + body).encode()


def invite(uri: str = "{aor}", **details: object) -> bytes:
    """Return an INVITE with an offer."""
    return request("INVITE", uri, sdp=True, **details)  # type: ignore[arg-type]


def ack_of_failure(uri: str = "{aor}", *, branch: str = "{branch}", fields: Sequence[str] = ()) -> bytes:
    """Return the ACK of a final response other than 2xx, in the transaction of its INVITE."""
    return request("ACK", uri, branch=branch, replaced={"To": "<{aor}>{to_tag_param}"}, fields=fields)


def ack_of_success() -> bytes:
    """Return the ACK of a 2xx, a request of its own."""
    return request("ACK", "{remote_uri}", branch="{branch_ack}", dialog=True)


def bye(number: int = 2) -> bytes:
    """Return the BYE of the caller."""
    return request("BYE", "{remote_uri}", branch=f"{{branch_bye{number}}}", number=number, dialog=True)


def cancel(uri: str = "{aor}") -> bytes:
    """Return the CANCEL of the INVITE."""
    return request("CANCEL", uri, replaced={"CSeq": "1 CANCEL"})


def register(
    *,
    contact: str | None = "<{callee_uri}>",
    who: str = "callee",
    number: int = 1,
    expires: str | None = "600",
    branch: str = "{branch_register}",
    call_id: str = "{call_id_register}",
    fields: Sequence[str] = (),
    aor: str = "sip:{user}@{target}",
) -> bytes:
    """Return a REGISTER for the user of the case."""
    lines = [] if contact is None else [f"Contact: {contact}"]
    lines += [] if expires is None else [f"Expires: {expires}"]
    return request(
        "REGISTER",
        "sip:{target}",
        who=who,
        branch=branch,
        number=number,
        replaced={"From": f"<{aor}>;tag={{tag_register}}", "To": f"<{aor}>", "Call-ID": call_id},
        fields=[*lines, *fields],
    )
