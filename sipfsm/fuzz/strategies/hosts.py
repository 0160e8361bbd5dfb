"""Hosts and ports (:rfc:`3261#section-25.1`), as names, IPv4 and IPv6 addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from string import ascii_letters, digits

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sipfsm.fuzz.strategies.characters import each
from sipfsm.fuzz.strategies.notation import (
    Construct,
    construct,
    either,
    glyphs,
    numbers,
    optional,
    sequence,
)

_USUAL_NAMES = ["example.com", "Example.COM", "atlanta.example.com.", "localhost", "a", "xn--caf-dma.example"]


def _label(first: str) -> list[bytes]:
    """Labels of a name that begin with one of these letters."""
    return [letter + rest for letter in each(first) for rest in (b"", b"0", b"a-b", b"--9", b"xYZ")]


@construct("hostname")
def host_names() -> SearchStrategy[bytes]:
    """Names of hosts."""
    lower = [label + b"." for label in _label(ascii_letters + digits)]
    top = [label + end for label in _label(ascii_letters) for end in (b"", b"", b".")]
    names = sequence(glyphs(*lower, minimum=0, maximum=3), st.sampled_from(top))
    return either(st.sampled_from(_USUAL_NAMES).map(str.encode), names)


@construct("IPv4address")
def ipv4_addresses() -> SearchStrategy[bytes]:
    """IPv4 addresses."""
    return st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number)).encode())


_IPV6_USUAL = ["::", "::1", "2001:db8::1", "fe80::", "::ffff:192.0.2.1", "2001:DB8:0:0:0:0:192.0.2.1"]


@construct("IPv6address")
def ipv6_addresses() -> SearchStrategy[bytes]:
    """IPv6 addresses without brackets, shortened or not, with an IPv4 address at the end or not."""
    addresses = st.integers(0, 2**128 - 1).map(IPv6Address)
    return st.one_of(
        st.sampled_from(_IPV6_USUAL),
        addresses.map(str),
        addresses.map(lambda address: address.exploded.upper()),
    ).map(str.encode)


@construct("host")
def hosts() -> SearchStrategy[bytes]:
    """Names, IPv4 addresses, and IPv6 addresses in brackets."""
    usual = st.sampled_from([b"example.com", b"192.0.2.1", b"[2001:db8::1]"])
    return either(usual, host_names, ipv4_addresses, sequence(b"[", ipv6_addresses, b"]"))


@construct("port")
def ports() -> SearchStrategy[bytes]:
    """Ports from 1 to 65535, with zeros before them or not."""
    return either(st.sampled_from([b"5060", b"5061"]), numbers(1, 65_535), numbers(1, 65_535, digits=6))


@construct("hostport")
def host_ports() -> SearchStrategy[bytes]:
    """Hosts with or without a port."""
    return sequence(hosts, optional(b":", ports))


CONSTRUCTS: tuple[Construct, ...] = (host_names, ipv4_addresses, ipv6_addresses, hosts, ports, host_ports)
