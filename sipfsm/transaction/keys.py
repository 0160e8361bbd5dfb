"""Transaction keys: which message belongs to which transaction (:rfc:`3261#section-17.1.3`, `17.2.3`)."""

import secrets
from collections.abc import Hashable

from sipfsm.message import Request, Response

MAGIC_COOKIE = "z9hg4bk"
"""What a branch begins with if it is unique (:rfc:`3261#section-8.1.1.7`); a token has no case."""

Key = Hashable
"""What transactions are found by. Client and server keys never meet: they live in tables of their own."""


def new_branch() -> str:
    """Return a branch that nobody can guess: who could, would be able to forge responses."""
    return "z9hG4bK" + secrets.token_hex(10)


def client_key(branch: str, method: str) -> Key:
    """Return the key of a client transaction: the branch of its top Via and the method of its CSeq."""
    return branch.lower(), method


def response_key(response: Response) -> Key | None:
    """Return the key of the client transaction that a response is for; None if it cannot match any."""
    branch = response.via.branch
    return None if branch is None else client_key(branch, response.cseq.method)


def server_key(request: Request, method: str | None = None) -> Key:
    """Return the key of the server transaction that a request belongs to, or creates.

    An ACK gets the key of its INVITE. Requests of an :rfc:`2543` element, whose branch is not unique, are
    told apart by what section 17.2.3 lists for them. The To tag is not in the key: an ACK has another one
    than its INVITE, so `ServerTransaction.matches` compares it.

    Args:
        request: the request.
        method: the method to look for instead of the request's own: a CANCEL looks for its INVITE.
    """
    if method is None:
        method = "INVITE" if request.method == "ACK" else request.method
    via = request.via
    branch = via.branch
    if branch is not None and branch[:7].lower() == MAGIC_COOKIE:
        return branch.lower(), via.sent_by, method
    # The port that a server transport may have added (RFC 3581) is the same for each retransmission.
    return request.raw_uri, request.from_.tag, request.call_id, request.cseq.number, via.to_bytes(), method


def is_rfc2543(request: Request) -> bool:
    """Say if the request's branch is not unique, so that it matches by the older rules."""
    branch = request.via.branch
    return branch is None or branch[:7].lower() != MAGIC_COOKIE
