"""Challenges and credentials: RFC 3261 sections 20.7, 20.27, 20.44; RFC 7616; RFC 8898."""

from __future__ import annotations

import pytest

from sipfsm.message import AuthValue, MessageError, Params, parse_auth_params_untrusted, parse_auth_untrusted
from sipfsm.message.auth import parse_auths_untrusted, write_auth_params


def test_credentials() -> None:
    """The example of RFC 3261 section 20.7."""
    value = parse_auth_untrusted(
        b'Digest username="Alice", realm="atlanta.com", nonce="84a4cc6f3082121f32b42a2187831a9e",'
        b' response="7587245234b3434cc3412213e5f113a5432"'
    )
    assert value.scheme == "Digest"
    assert value.get("username") == "Alice"
    assert value.get("REALM") == "atlanta.com"
    assert value.get("opaque") is None
    assert value.token is None


def test_a_challenge_with_lists_and_escapes_in_quotes() -> None:
    value = parse_auth_untrusted(
        b'digest realm="a \\"b\\", c" ,qop="auth,auth-int", stale=FALSE,algorithm=SHA-256'
    )
    assert value.get("realm") == 'a "b", c'
    assert value.get("qop") == "auth,auth-int"
    assert value.get("stale") == "FALSE"
    assert value.params.get("algorithm") == "SHA-256"
    assert value.params.get("qop") == '"auth,auth-int"'


def test_a_scheme_nobody_knows() -> None:
    """RFC 4475 section 3.3.7 (regaut01)."""
    value = parse_auth_untrusted(b"NoOneKnowsThisScheme opaque-data=here")
    assert (value.scheme, value.get("opaque-data")) == ("NoOneKnowsThisScheme", "here")


@pytest.mark.parametrize("token", [b"abc", b"eyJ0.eyJ-._~+/9", b"YWxpY2U6cHc==", b"abc="])
def test_a_token_in_place_of_parameters(token: bytes) -> None:
    value = parse_auth_untrusted(b"Bearer  " + token)
    assert value == AuthValue("Bearer", Params(), token.decode())
    assert value.to_bytes() == b"Bearer " + token


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Digest",
        b"Digest ",
        b'Digest realm="a" nonce="b"',
        b'Digest realm="a',
        b'Digest realm="a",',
        b'Digest ,realm="a"',
        b'Digest realm="a",,nonce="b"',
        b"Digest =a, b=c",
        b'"Digest" a=b',
        b'Digest realm="a", token68==',
    ],
)
def test_malformed_values_are_refused(raw: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_auth_untrusted(raw)
    assert caught.value.reason == "bad-auth"


def test_a_parameter_that_is_there_twice_is_refused() -> None:
    with pytest.raises(MessageError) as caught:
        parse_auth_untrusted(b'Digest nonce="a", Nonce="b"')
    assert caught.value.reason == "duplicate-parameter"


def test_writing_what_was_read() -> None:
    raw = b'Digest realm="atlanta.com", nonce="8\\"4", stale=FALSE'
    assert parse_auth_untrusted(raw).to_bytes() == raw


def test_each_line_is_a_value_of_its_own() -> None:
    """RFC 3261 section 7.3.1: these lines MUST NOT be combined."""
    values = parse_auths_untrusted([b'Digest realm="a", nonce="1"', b'Digest realm="b", nonce="2"'])
    assert [value.get("realm") for value in values] == ["a", "b"]


def test_authentication_info_has_parameters_only() -> None:
    """The example of RFC 3261 section 20.6."""
    params = parse_auth_params_untrusted(b'nextnonce="47364c23432d2e131a5fb210812c"')
    assert params.get("nextnonce") == '"47364c23432d2e131a5fb210812c"'
    assert write_auth_params(params) == 'nextnonce="47364c23432d2e131a5fb210812c"'
    with pytest.raises(MessageError):
        parse_auth_params_untrusted(b"Digest")
