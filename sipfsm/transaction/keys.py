"""Transaction keys: which message belongs to which transaction (:rfc:`3261#section-17.1.3`, `17.2.3`)."""

import secrets
from collections.abc import Callable, Hashable
from typing import TypeGuard

from sipfsm.message import Request, Response

MAGIC_COOKIE = "z9hg4bk"
"""What a branch begins with if it is unique (:rfc:`3261#section-8.1.1.7`); a token has no case."""

Key = Hashable
"""What transactions are found by. Client and server keys never meet: they live in tables of their own."""

TokenBytes = Callable[[int], bytes]
"""Gives so many bytes that nobody can guess; in a simulation, bytes that follow from its seed."""


def new_branch(token_bytes: TokenBytes = secrets.token_bytes) -> str:
    """Return a branch that nobody can guess: who could, would be able to forge responses."""
    return "z9hG4bK" + token_bytes(10).hex()


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
    told apart by what section 17.2.3 lists for them; the key of their ACK is that of `rfc2543_ack_key`.

    Args:
        request: the request.
        method: the method to look for instead of the request's own: a CANCEL looks for its INVITE.
    """
    via = request.via
    branch = via.branch
    if is_unique(branch):
        if method is None:
            method = "INVITE" if request.method == "ACK" else request.method
        return branch.lower(), via.sent_by, method
    if request.method == "ACK":
        return rfc2543_ack_key(request, request.to.tag)
    return *_rfc2543_fields(request), request.to.tag, method or request.method


def methodless_key(request: Request) -> Key:
    """Return what all requests but ACK that differ in nothing but their method have in common.

    A CANCEL has it from the request that it is for, whatever the method of that one
    (:rfc:`3261#section-9.2`).
    """
    via = request.via
    if is_unique(via.branch):
        return via.branch.lower(), via.sent_by
    return *_rfc2543_fields(request), request.to.tag


def rfc2543_ack_key(request: Request, to_tag: str | None) -> Key:
    """Return the key that the ACK of an :rfc:`2543` element has; the To tag of its INVITE is not in it.

    Args:
        request: the INVITE or the ACK.
        to_tag: the To tag of the response that is acknowledged.
    """
    return *_rfc2543_fields(request), to_tag, "ACK"


def _rfc2543_fields(request: Request) -> tuple[Hashable, ...]:
    # The port that a server transport may have added (RFC 3581) is the same for each retransmission.
    via = request.via.to_bytes()
    return request.raw_uri, request.from_.tag, request.call_id, request.cseq.number, via


def is_unique(branch: str | None) -> TypeGuard[str]:
    """Say if a branch is of no other transaction of its client; if not, the rules for :rfc:`2543` apply.

    The cookie with nothing behind it promises what it does not keep (:rfc:`4475#section-3.2.1`).
    """
    return branch is not None and len(branch) > len(MAGIC_COOKIE) and branch[:7].lower() == MAGIC_COOKIE
