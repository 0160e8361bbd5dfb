"""URIs: every example of RFC 3261 section 19.1, and what is met beyond them."""

from __future__ import annotations

import pytest

from sipfsm.message import MessageError, OtherUri, Params, SipUri, TelUri, parse_uri_untrusted


def sip(raw: str) -> SipUri:
    uri = parse_uri_untrusted(raw.encode())
    assert isinstance(uri, SipUri)
    return uri


# ---- 19.1.1 and 19.1.3


def test_the_general_form() -> None:
    uri = sip("sip:user:password@host:5070;transport=TCP;lr;maddr=192.0.2.1?subject=x&priority=urgent")
    assert uri.scheme == "sip"
    assert (uri.user, uri.password) == ("user", "password")
    assert (uri.host, uri.port) == ("host", 5070)
    assert list(uri.params.items()) == [("transport", "TCP"), ("lr", None), ("maddr", "192.0.2.1")]
    assert uri.headers == (("subject", "x"), ("priority", "urgent"))
    assert (uri.transport, uri.lr, uri.maddr) == ("tcp", True, "192.0.2.1")


def test_what_is_absent_is_none() -> None:
    uri = sip("SIPS:example.com")
    assert uri == SipUri("sips", None, None, "example.com")
    assert (uri.transport, uri.lr, uri.maddr) == (None, False, None)


@pytest.mark.parametrize(
    "raw",
    [
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com",
        "sip:alice@192.0.2.4",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        # further ones, of RFC 4475, RFC 5118 and of the network
        "sip:sips%3Auser%40example.com@example.net",
        "sip:null-%00-null@example.com",
        "sip:user;par=u%40example.net@example.com",
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
        "sip:user@[2001:db8::10]:5070;maddr=[2001:db8::1]",
        "sip:a:@b",
        "sip:under_score.example",
        "sip:example.com.",
        "sip:a@b;line=sr-N6IAzBSzMBl+ob==",
        "sip:a@b;empty?h=",
        "tel:+1-201-555-0123;ext=12",
        "tel:1;isub=%41",
        "tel:7042;phone-context=example.com",
        "mailto:alice@example.com",
        "soap.beep://192.0.2.103:3002",
        "urn:service:sos",
    ],
)
def test_what_is_read_is_written_as_it_was(raw: str) -> None:
    uri = parse_uri_untrusted(raw.encode())
    assert uri.to_bytes() == raw.encode()
    assert str(uri) == raw
    assert parse_uri_untrusted(uri.to_bytes()) == uri


def test_the_user_may_hold_what_elsewhere_separates() -> None:
    assert sip("sip:alice;day=tuesday@atlanta.com").user == "alice;day=tuesday"
    assert sip("sip:a,b?c/d@atlanta.com").user == "a,b?c/d"


def test_an_ipv6_reference_is_a_host_and_its_port_stands_outside() -> None:
    """RFC 5118 section 4.3: only the brackets tell the port from the address."""
    assert (sip("sip:[2001:db8::10]:5070").host, sip("sip:[2001:db8::10]:5070").port) == (
        "2001:db8::10",
        5070,
    )
    assert (sip("sip:[2001:db8::10:5070]").host, sip("sip:[2001:db8::10:5070]").port) == (
        "2001:db8::10:5070",
        None,
    )
    assert sip("sip:a@b;maddr=[2001:db8::1]").maddr == "2001:db8::1"


def test_an_escaped_parameter_name_is_the_same_name() -> None:
    """RFC 4475 section 3.1.1.3 (esc01)."""
    uri = sip("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31")
    assert uri.lr
    assert uri.params.get("name") == "v%61lue%25%34%31"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "bad-uri"),
        ("*", "bad-uri"),
        ("alice@atlanta.com", "bad-uri"),
        ("<sip:user@example.com>", "bad-uri"),
        ("sip:", "bad-uri"),
        ("sip:@host", "bad-uri"),
        ("sip:;:929<>64@", "bad-uri"),
        ("sip:a@", "bad-uri"),
        ("sip:a@b@c", "bad-uri"),
        ("sip:a@b c", "bad-uri"),
        ("sip:a@b; lr", "bad-uri"),
        ("sip:a@b;", "bad-uri"),
        ("sip:a@b?", "bad-uri"),
        ("sip:a@b?x", "bad-uri"),
        ("sip:a@b:", "bad-uri"),
        ("sip:a@b:port", "bad-uri"),
        ("sip:2001:db8::10", "bad-uri"),
        ("sip:a@[2001:db8::1", "bad-uri"),
        ("sip:a@b..c", "bad-uri"),
        ("sip:a@b%41", "bad-uri"),
        ("sip:\u00e9@b", "bad-uri"),
        ("sip:a@b\u00e9", "bad-uri"),
        ("sip:a\x00@b", "bad-uri"),
        ("tel:", "bad-uri"),
        ("tel:---", "bad-uri"),
        ("tel:alice", "bad-uri"),
        ("a b:c", "bad-uri"),
        ("http:", "bad-uri"),
        ("sip:50%@b", "bad-escape"),
        ("sip:a@b;p=%4", "bad-escape"),
        ("tel:1;ext=%zz", "bad-escape"),
        ("sip:a@b:0", "bad-port"),
        ("sip:a@b:65536", "bad-port"),
        ("sip:a@[2001:db8:::1]", "bad-host"),
        ("sip:a@b;=x", "bad-parameter"),
        ("sip:a@b;x=", "bad-parameter"),
        ("sip:a@b;lr;LR", "duplicate-parameter"),
        ("sip:a@b;lr;%6cr", "duplicate-parameter"),
    ],
)
def test_malformed_uris_are_refused(raw: str, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_uri_untrusted(raw.encode())
    assert caught.value.reason == reason
    assert caught.value.status == 400


def test_a_uri_longer_than_what_is_remembered_is_read_too() -> None:
    assert sip("sip:" + "a" * 9000 + "@example.com").user == "a" * 9000


def test_other_schemes_are_kept_apart_by_their_name() -> None:
    """RFC 4475 section 3.3.2 (unkscm): the scheme is unknown, the syntax is right."""
    uri = parse_uri_untrusted(b"nobodyKnowsThisScheme:totallyopaquecontent")
    assert uri == OtherUri("nobodyknowsthisscheme", "totallyopaquecontent")
    assert uri.equivalent(parse_uri_untrusted(b"NOBODYKnowsThisScheme:totallyopaquecontent"))
    assert not uri.equivalent(parse_uri_untrusted(b"nobodyKnowsThisScheme:TotallyOpaqueContent"))


# ---- 19.1.4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        # the two sides of the example that the relation is not transitive
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=off"),
        # further ones
        ("sip:alice:p%61ss@atlanta.com", "sip:alice:pass@atlanta.com"),
        ("sip:a@b;p=%61", "sip:a@b;P=A"),
        ("sip:a@b;x", "sip:a@b;X"),
        ("sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0:0::1]"),
        ("sip:a%2fb@c", "sip:a%2Fb@c"),
    ],
)
def test_equivalent_uris(one: str, other: str) -> None:
    assert sip(one).equivalent(sip(other))
    assert sip(other).equivalent(sip(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        # the rules that have no example
        ("sip:a@b", "sips:a@b"),
        ("sip:a@b", "sip:b"),
        ("sip:a@b", "sip:a:@b"),
        ("sip:a:p@b", "sip:a:P@b"),
        ("sip:a@b;user=phone", "sip:a@b"),
        ("sip:a@b", "sip:a@b;ttl=1"),
        ("sip:a@b", "sip:a@b;method=INVITE"),
        ("sip:a@b", "sip:a@b;maddr=192.0.2.1"),
        ("sip:a@b;x", "sip:a@b;x=1"),
        ("sip:%2B1@b", "sip:+1@b"),  # + is reserved: its escape is another character
        ("sip:a@b?x=1", "sip:a@b?x=2"),
        ("sip:a@b?x=1", "sip:a@b?x=1&x=1"),
        ("sip:a@b", "tel:123"),
    ],
)
def test_uris_that_are_not_equivalent(one: str, other: str) -> None:
    first, second = parse_uri_untrusted(one.encode()), parse_uri_untrusted(other.encode())
    assert not first.equivalent(second)
    assert not second.equivalent(first)


# ---- RFC 3966 section 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+1-201-555-0123", "tel:+12015550123"),
        ("TEL:+1(201)555.0123", "tel:+12015550123"),
        ("tel:7042;ext=1-2;phone-context=Example.COM", "tel:7042;phone-context=example.com;ext=12"),
        ("tel:863-1234;phone-context=+1-914-555", "tel:8631234;phone-context=+1914555"),
        ("tel:a1;x", "tel:A1;X"),
    ],
)
def test_equivalent_telephone_numbers(one: str, other: str) -> None:
    first, second = parse_uri_untrusted(one.encode()), parse_uri_untrusted(other.encode())
    assert first.equivalent(second)
    assert second.equivalent(first)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+12015550123", "tel:12015550123"),
        ("tel:7042", "tel:7042;ext=1"),
        ("tel:7042;phone-context=a.example", "tel:7042;phone-context=b.example"),
        ("tel:7042;phone-context=a-b.example", "tel:7042;phone-context=ab.example"),
        ("tel:7042", "sip:7042@example.com"),
    ],
)
def test_telephone_numbers_that_are_not_equivalent(one: str, other: str) -> None:
    assert not parse_uri_untrusted(one.encode()).equivalent(parse_uri_untrusted(other.encode()))


def test_a_telephone_number_and_its_parts() -> None:
    uri = parse_uri_untrusted(b"tel:+1-201;ext=5")
    assert uri == TelUri("+1-201", Params([("ext", "5")]))
    assert uri.scheme == "tel"


# ---- 10.3 step 5


@pytest.mark.parametrize(
    ("raw", "aor"),
    [
        ("sip:alice@Atlanta.COM", "sip:alice@atlanta.com"),
        ("sip:%61lice:secret@atlanta.com;user=phone;transport=tcp?x=y", "sip:alice@atlanta.com"),
        ("sip:alice@atlanta.com:5070", "sip:alice@atlanta.com:5070"),
        ("sip:atlanta.com", "sip:atlanta.com"),
        ("sips:bob@[2001:DB8::0:1]", "sips:bob@[2001:db8::1]"),
        ("sip:%2b1555@b", "sip:+1555@b"),
        ("sip:j%40s0n@b", "sip:j%40s0n@b"),
        ("sip:a%3ab@b", "sip:a%3Ab@b"),
        ("sip:null-%00-null@b", "sip:null-%00-null@b"),
        ("sip:%c3%A9@b", "sip:%C3%A9@b"),
        ("sip:50%25@b", "sip:50%25@b"),
    ],
)
def test_the_address_of_record(raw: str, aor: str) -> None:
    assert sip(raw).aor() == aor


def test_escaped_names_and_their_bare_form_are_different_users() -> None:
    """RFC 4475 section 3.1.1.4 (escnull): %00 is a character of the name, not its end."""
    assert sip("sip:%00@b").aor() != sip("sip:%00%00@b").aor()
