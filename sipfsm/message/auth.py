"""Challenges and credentials: the syntax of the authentication header fields (:rfc:`3261#section-20.44`).

What the parameters mean, and whether a response is right, is for the layers above.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from sipfsm.message.errors import MessageError
from sipfsm.message.params import NO_PARAMS, Params
from sipfsm.message.values import octets, text, unquote

_WS = r"[ \t]*+"
_TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]++"
# Values without quotes that should have them are met on the network: anything is taken that does not separate
# the list and does not look like the end of a token (RFC 7235 section 2.1).
_VALUE = r'(?:"[^"\\]*+(?>(?:\\.[^"\\]*+)*)"|(?!=)[!#-+\--~]++)'
_PAIR = rf"{_TOKEN}{_WS}={_WS}{_VALUE}"

_PAIRS = re.compile(rf"{_PAIR}{_WS}(?>(?:,{_WS}{_PAIR}{_WS})*)", re.DOTALL)
_ONE_PAIR = re.compile(rf"({_TOKEN}){_WS}={_WS}({_VALUE})", re.DOTALL)
_SCHEME = re.compile(rf"({_TOKEN})(?>(?:[ \t]++(.*+))?)", re.DOTALL)
_TOKEN68 = re.compile(r"[A-Za-z0-9\-._~+/]++=*+")


class AuthValue(NamedTuple):
    """A challenge of a server or the credentials of a client: a scheme and its parameters.

    Attributes:
        scheme: such as ``Digest``, as sent; compared without case.
        params: the parameters, quoted strings with their quotes; `get` takes these off.
        token: what stands in place of parameters, as after ``Bearer``; None if there are parameters.
    """

    scheme: str
    params: Params = NO_PARAMS
    token: str | None = None

    def get(self, name: str) -> str | None:
        """Return the value of a parameter without quotes and escapes; None if it is absent."""
        value = self.params.get(name)
        return None if value is None else unquote(value)

    def __str__(self) -> str:
        rest = self.token if self.token is not None else write_auth_params(self.params)
        return f"{self.scheme} {rest}"

    def to_bytes(self) -> bytes:
        """Write the value."""
        return octets(str(self))


Challenge: TypeAlias = AuthValue
Credentials: TypeAlias = AuthValue


def parse_auth_untrusted(raw: bytes) -> AuthValue:
    """Read one line of WWW-Authenticate, Proxy-Authenticate, Authorization or Proxy-Authorization.

    Raises:
        MessageError: ``bad-auth``, ``duplicate-parameter``.
    """
    found = _SCHEME.fullmatch(text(raw))
    if found is None or not found[2]:
        raise MessageError("bad-auth", "Malformed authentication", raw)
    scheme, rest = found.groups()
    if _PAIRS.fullmatch(rest) is None and _TOKEN68.fullmatch(rest) is not None:
        return AuthValue(scheme, NO_PARAMS, rest)
    return AuthValue(scheme, _params_untrusted(rest, raw))


def parse_auths_untrusted(lines: list[bytes]) -> tuple[AuthValue, ...]:
    """Read all lines of such a field, which are never joined into one (:rfc:`3261#section-7.3.1`).

    Raises:
        MessageError: as `parse_auth_untrusted`.
    """
    return tuple([parse_auth_untrusted(line) for line in lines])


def parse_auth_params_untrusted(raw: bytes) -> Params:
    """Read the value of Authentication-Info: parameters without a scheme (:rfc:`3261#section-20.6`).

    Raises:
        MessageError: ``bad-auth``, ``duplicate-parameter``.
    """
    return _params_untrusted(text(raw), raw)


def write_auth_params(params: Params) -> str:
    """Write parameters as a comma list."""
    return ", ".join(f"{name}={value}" for name, value in params.items())


def _params_untrusted(pairs: str, raw: bytes) -> Params:
    if _PAIRS.fullmatch(pairs) is None:
        raise MessageError("bad-auth", "Malformed authentication", raw)
    return Params([(name, value) for name, value in _ONE_PAIR.findall(pairs)])
