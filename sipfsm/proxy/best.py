"""Choosing the best response (:rfc:`3261#section-16.7` steps 6 and 7)."""

from collections.abc import Sequence

from sipfsm.message import REASON_PHRASES, Response

_INFORMATIVE = (401, 407, 415, 420, 484)
"""Within 4xx those that tell the client how to do better; step 6 prefers them."""

_LEAST = (408, 487)
"""Within 4xx those that only say that a branch came to nothing."""


def choose_best(responses: Sequence[Response]) -> Response:
    """Choose among final responses, none of them 2xx; at least one.

    The challenges of all 401 and 407 are put together in the one that is chosen. A 503 becomes 500: it says
    that one server is overloaded, not that this proxy is.
    """
    best = min(responses, key=_rank)
    if best.status in {401, 407}:
        _aggregate_challenges(best, responses)
    elif best.status == 503:
        best = Response(500, REASON_PHRASES[500], best.headers, best.body)
        best.headers.remove(b"retry-after")
    return best


def _rank(response: Response) -> tuple[int, int]:
    status = response.status
    if status >= 600:
        return (0, 0)
    if status in _INFORMATIVE:
        return (status // 100, 0)
    if status in _LEAST or status == 503:
        return (status // 100, 2)
    return (status // 100, 1)


def _aggregate_challenges(best: Response, responses: Sequence[Response]) -> None:
    for response in responses:
        if response is not best and response.status in {401, 407}:
            for name in (b"www-authenticate", b"proxy-authenticate"):
                best.headers.copy_lines(name, response.headers)
