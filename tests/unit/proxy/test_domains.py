"""Which URIs name this element, and which a user of a domain that it serves."""

import pytest

from sipfsm.message import SipUri, parse_uri_untrusted
from tests.unit.proxy.support import served


def sip(text: str) -> SipUri:
    uri = parse_uri_untrusted(text.encode())
    assert isinstance(uri, SipUri)
    return uri


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:bob@example.com", True),
        ("sip:bob@Example.COM:5060", True),
        ("sip:bob@example.com:5070", True),  # a port that is listened on, whatever the protocol
        ("sip:bob@example.com:5080", False),
        ("sip:bob@sub.example.com", False),
        ("sip:bob@192.0.2.10", True),
        ("sip:bob@192.0.2.10:5060", True),
        ("sip:bob@192.0.2.10:5070", False),
        ("sip:bob@[2001:db8::10]", False),
        ("sip:bob@office.example.net:5090", True),
        ("sip:bob@office.example.net", False),
    ],
)
def test_a_domain_is_served_at_its_port_or_at_all_that_are_listened_on(uri: str, expected: bool) -> None:
    domains = served(["example.com", "192.0.2.10:5060", "office.example.net:5090"])
    assert domains.serves(sip(uri)) is expected


@pytest.mark.parametrize("domain", ["2001:db8:0:0::10", "[2001:DB8::10]", "[2001:db8::10]:5060"])
def test_an_ipv6_address_is_the_same_however_it_is_written(domain: str) -> None:
    assert served([domain]).serves(sip("sip:bob@[2001:db8::0010]"))


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:192.0.2.10;lr", True),
        ("sip:192.0.2.10:5061;lr", False),
        ("sip:[2001:db8::10]:5070;transport=tcp;lr", True),
        ("sip:[2001:db8::10];lr", False),
        ("sip:example.com;lr", True),
        ("sip:sbc.example.net;lr", True),
        ("sip:sbc.example.net:5061;lr", False),
        ("sip:example.net;lr", False),
    ],
)
def test_what_names_this_element_is_its_addresses_its_aliases_and_its_domains(
    uri: str, expected: bool
) -> None:
    assert served(aliases=["sbc.example.net"]).is_own(sip(uri)) is expected


def test_the_hosts_of_all_domains_are_known_without_their_ports() -> None:
    assert served(["Example.com", "192.0.2.10:5060"]).hosts == {"example.com", "192.0.2.10"}


@pytest.mark.parametrize("domain", ["example.com:0", "example.com:x", "[::1", ""])
def test_a_malformed_domain_is_refused(domain: str) -> None:
    with pytest.raises(ValueError, match=r"port|host"):
        served([domain])
