"""Transaction keys: what is in them, and what is not."""

import re

import pytest

from sipfsm.message import Request, Response, make_response, parse_message_untrusted
from sipfsm.transaction.keys import (
    client_key,
    is_unique,
    new_branch,
    response_key,
    rfc2543_ack_key,
    server_key,
)
from tests.simulation.elements import text

VIA = "SIP/2.0/UDP PC33.atlanta.com:5070;branch=z9hG4bKkjshDYFF"
OLD = "SIP/2.0/UDP pc33.atlanta.com;branch=1"


def request(method: str = "INVITE", *, via: str = VIA, to: str = "<sip:bob@example.com>") -> Request:
    message = parse_message_untrusted(text(method, via=via, to=to))
    assert isinstance(message, Request)
    return message


def test_branches_are_unique_and_say_so() -> None:
    branches = {new_branch() for _ in range(1000)}
    assert len(branches) == 1000
    for branch in branches:
        assert re.fullmatch("z9hG4bK[0-9a-f]{20}", branch), "80 bits that nobody can guess"
        assert is_unique(branch)


@pytest.mark.parametrize("branch", [None, "", "1", "z9hG4b", "z9hG4bK", "Z9HG4BK", "xz9hG4bK1"])
def test_a_branch_without_cookie_or_with_nothing_but_the_cookie_is_not_unique(branch: str | None) -> None:
    assert not is_unique(branch)


def test_the_case_of_the_cookie_does_not_matter() -> None:
    assert is_unique("Z9HG4bk1")


def test_a_response_has_the_key_of_its_request() -> None:
    response = make_response(request("OPTIONS"), 200)
    assert response_key(response) == client_key("Z9hg4bkKJSHdyff", "OPTIONS")
    assert response_key(response) != client_key("z9hG4bKkjshdyff", "options"), "methods have case"


def test_a_response_without_branch_has_no_key() -> None:
    message = parse_message_untrusted(
        text().replace(b"INVITE sip:bob@example.com SIP/2.0", b"SIP/2.0 200 OK")
    )
    assert isinstance(message, Response)
    assert response_key(message) is not None
    message.via = message.via._replace(params=message.via.params.without("branch"))
    assert response_key(message) is None


def test_the_key_of_a_server_transaction_is_branch_sent_by_and_method() -> None:
    assert server_key(request()) == ("z9hg4bkkjshdyff", "pc33.atlanta.com:5070", "INVITE")
    assert server_key(request("OPTIONS"))[-1:] == ("OPTIONS",)  # type: ignore[index]


@pytest.mark.parametrize("via", [VIA, OLD])
def test_an_ack_and_a_cancel_find_their_invite(via: str) -> None:
    invite, ack, cancel = (request(method, via=via) for method in ("INVITE", "ACK", "CANCEL"))
    assert server_key(cancel) != server_key(invite)
    assert server_key(cancel, "INVITE") == server_key(invite)
    expected = server_key(invite) if via == VIA else rfc2543_ack_key(invite, None)
    assert server_key(ack) == expected


def test_the_ack_of_an_old_client_is_found_by_the_to_tag_of_the_response() -> None:
    invite = request(via=OLD)
    ack = request("ACK", via=OLD, to="<sip:bob@example.com>;tag=314159")
    assert server_key(ack) == rfc2543_ack_key(invite, "314159")
    assert server_key(ack) != rfc2543_ack_key(invite, "other")
    assert server_key(ack) != server_key(invite)


def test_old_and_new_keys_never_meet() -> None:
    keys = {server_key(request(method, via=via)) for method in ("INVITE", "CANCEL") for via in (VIA, OLD)}
    assert len(keys) == 4
