"""Loop detection (:rfc:`5393#section-4`): a request that forks must not come back to fork again.

Without it two contacts that lead back to their own address-of-record turn one request into 2 to the power of
its Max-Forwards. A request that goes to one place only needs none: Max-Forwards ends it.
"""

import secrets
from collections.abc import Callable
from hashlib import blake2b

from sipfsm.location import address_of_record
from sipfsm.message import Request, SipUri
from sipfsm.message.refusal import RefusedError


class LoopDetector:
    """Marks the branches of requests that fork, and knows them again."""

    def __init__(self, token_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """Choose a secret, so that no mark is like that of another proxy or can be forged."""
        self._secret = token_bytes(16)

    def mark(self, request: Request) -> str:
        """Return the second part of the branches of a request (:rfc:`5393#section-4.2.1`).

        It follows from what decides where the request goes. Contacts are found by the address-of-record, so
        a parameter of the Request-URI makes no difference; nor does the method.

        Args:
            request: after route preprocessing.

        Raises:
            RefusedError: 482, the request has this mark already (:rfc:`5393#section-4.2.2`).
        """
        uri = request.uri
        aor = address_of_record(uri) if isinstance(uri, SipUri) else str(uri)
        routes = request.headers.lines(b"route")
        decisive = repr((aor, routes, request.call_id, request.cseq.number))
        digest = blake2b(decisive.encode("ascii", "backslashreplace"), digest_size=8, key=self._secret)
        mark = "." + digest.hexdigest()
        if any(via.branch is not None and via.branch.endswith(mark) for via in request.vias):
            raise RefusedError(482)
        return mark
