"""Addresses and the parameters behind them: name-addr, addr-spec, generic-param."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sipfsm.fuzz.strategies.characters import quoted_strings, tokens
from sipfsm.fuzz.strategies.hosts import hosts
from sipfsm.fuzz.strategies.notation import (
    EQUAL,
    FOLD,
    LAQUOT,
    LWS,
    RAQUOT,
    SEMI,
    Construct,
    construct,
    either,
    literal,
    optional,
    repeated,
    sequence,
)
from sipfsm.fuzz.strategies.uris import bare_uris, parameter_lists, request_uris, sip_uris, sips_uris


@construct("generic-param")
def generic_params() -> SearchStrategy[bytes]:
    """Parameters of any name, without a value or with a token, a host or a quoted string."""
    return sequence(tokens, optional(EQUAL, either(tokens, hosts, quoted_strings)))


def params(*special: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    """Parameters, each with its semicolon: those that the field gives a meaning, and any others."""
    return parameter_lists(either(*special, generic_params), SEMI)


@construct("tag-param")
def tags() -> SearchStrategy[bytes]:
    """The tag parameter of From and To."""
    return sequence(literal("tag"), EQUAL, tokens)


@construct("name-addr")
def name_addrs() -> SearchStrategy[bytes]:
    """URIs in angle brackets, with or without a display name."""
    display_name = either(
        b"", st.just(b"Alice" + LWS), sequence(repeated(tokens, 1, 3, FOLD), LWS), quoted_strings
    )
    return sequence(display_name, LAQUOT, request_uris, RAQUOT)


@construct("name-addr")
def sip_name_addrs() -> SearchStrategy[bytes]:
    """SIP and SIPS URIs in angle brackets, as Route, Record-Route and Path have to hold them."""
    return sequence(LAQUOT, either(sip_uris, sip_uris, sips_uris), RAQUOT)


def addresses(*special: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
    """Addresses with and without angle brackets and with parameters, as From, To and Contact hold them."""
    return sequence(either(name_addrs, name_addrs, bare_uris), params(*special))


CONSTRUCTS: tuple[Construct, ...] = (generic_params, tags, name_addrs, sip_name_addrs)
