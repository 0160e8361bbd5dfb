"""Parameters: order, case, quoted values, duplicates."""

from __future__ import annotations

import pytest

from sipfsm.message import MessageError, Params, UriParams
from sipfsm.message.params import NO_PARAMS, parse_params_untrusted


def test_names_are_found_without_regard_to_case() -> None:
    params = parse_params_untrusted(";ExPiReS=3600;Audio")
    assert params.get("expires") == "3600"
    assert params.get("EXPIRES") == "3600"
    assert params.has("audio")
    assert params.has("AUDIO")
    assert params.get("audio") is None
    assert params.get("other") is None
    assert not params.has("other")
    assert len(params) == 2


def test_order_case_and_values_are_kept_as_written() -> None:
    raw = ';B=2;a;C="x;y\\"=,<>";tag=a=b;received=2001:db8::1'
    params = parse_params_untrusted(raw)
    assert list(params.items()) == [
        ("B", "2"),
        ("a", None),
        ("C", '"x;y\\"=,<>"'),
        ("tag", "a=b"),
        ("received", "2001:db8::1"),
    ]
    assert str(params) == raw
    assert params.to_bytes() == raw.encode()


def test_white_space_around_the_signs_is_no_part_of_them() -> None:
    """RFC 3261 section 25.1: SEMI and EQUAL have white space on both sides."""
    assert parse_params_untrusted(" ; \t tag    = 98asjd8 ;\tx ").to_bytes() == b";tag=98asjd8;x"


@pytest.mark.parametrize(
    "raw",
    [
        ";",
        ";;",
        ";a;;b",
        ";=b",
        ";a=",
        ";a= ;b",
        ";a b",
        "a",
        ";a=b c",
        ';a="b',
        ';a="b"c',
        ";a=<b>",
        ";a=b,c",
        ";\xe9=1",
        ";a=\xe9",
    ],
)
def test_malformed_parameters_are_refused(raw: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_params_untrusted(raw)
    assert caught.value.reason == "bad-parameter"
    assert caught.value.status == 400


def test_a_parameter_that_is_there_twice_is_refused() -> None:
    """RFC 3261 section 7.3.1: any given parameter-name MUST NOT appear more than once."""
    with pytest.raises(MessageError) as caught:
        parse_params_untrusted(";tag=1;TAG=2")
    assert caught.value.reason == "duplicate-parameter"
    with pytest.raises(MessageError):
        Params([("tag", "1"), ("Tag", "2")])


def test_a_changed_parameter_keeps_its_place_and_spelling() -> None:
    params = Params([("RPort", None), ("branch", "z9hG4bK1")])
    assert str(params.with_("rport", "5060").with_("received", "192.0.2.1")) == (
        ";RPort=5060;branch=z9hG4bK1;received=192.0.2.1"
    )
    assert str(params.without("RPORT", "absent")) == ";branch=z9hG4bK1"
    assert str(params) == ";RPort;branch=z9hG4bK1"


def test_equal_are_parameters_of_equal_text() -> None:
    assert Params([("a", "1")]) == parse_params_untrusted(";a=1")
    assert hash(Params([("a", "1")])) == hash(parse_params_untrusted(";a=1"))
    assert Params([("a", "1")]) != Params([("A", "1")])
    assert Params([("a", "1"), ("b", None)]) != Params([("b", None), ("a", "1")])
    assert Params() != ()
    assert parse_params_untrusted(None) == parse_params_untrusted("") == NO_PARAMS


def test_the_representation_shows_the_parameters() -> None:
    assert repr(Params([("a", None)])) == "Params([('a', None)])"


def test_copies_of_uri_parameters_are_uri_parameters() -> None:
    params = UriParams([("%6C%72", None)])
    assert params.has("lr")
    assert params.with_("x", None).has("lr")
    assert params.without("lr") == UriParams()
