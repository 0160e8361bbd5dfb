"""Names of header fields: RFC 3261 sections 7.3.1 and 7.3.3."""

from __future__ import annotations

import pytest

from sipfsm.message.names import USUAL_SPELLINGS, field_name_untrusted, usual_name


@pytest.mark.parametrize(
    ("compact", "name"),
    [
        (b"c", b"content-type"),
        (b"e", b"content-encoding"),
        (b"f", b"from"),
        (b"i", b"call-id"),
        (b"k", b"supported"),
        (b"l", b"content-length"),
        (b"m", b"contact"),
        (b"s", b"subject"),
        (b"t", b"to"),
        (b"v", b"via"),
    ],
)
def test_every_compact_form_of_section_20_is_the_long_form(compact: bytes, name: bytes) -> None:
    assert USUAL_SPELLINGS[compact] == name
    assert USUAL_SPELLINGS[compact.upper()] == name
    assert field_name_untrusted(compact + b" :x") == name


@pytest.mark.parametrize("line", [b"Call-ID: x", b"CALL-ID:x", b"cALL-iD : x", b"call-id\t: x", b"I:x"])
def test_case_and_white_space_before_the_colon_do_not_matter(line: bytes) -> None:
    assert field_name_untrusted(line) == b"call-id"


def test_an_unknown_name_is_its_lower_case() -> None:
    assert field_name_untrusted(b"NewFangledHeader: x") == b"newfangledheader"
    assert field_name_untrusted(b"extensionHeader-!.%*+_`'~: x") == b"extensionheader-!.%*+_`'~"


@pytest.mark.parametrize(
    "line", [b"", b":", b": x", b"no colon", b"To", b" To: x", b"T o: x", b"T\xc3\xb6: x", b"To\x00: x"]
)
def test_what_is_no_name_has_none(line: bytes) -> None:
    assert field_name_untrusted(line) is None


def test_names_are_written_the_usual_way() -> None:
    assert usual_name(b"cseq") == b"CSeq"
    assert usual_name(b"www-authenticate") == b"WWW-Authenticate"
    assert usual_name(b"x-own-field") == b"X-Own-Field"


@pytest.mark.parametrize("name", [b"Via", b"v", b"", b"a b", b"a:b", b"a\r\nb"])
def test_code_that_uses_anything_but_a_lower_case_long_form_is_told(name: bytes) -> None:
    with pytest.raises(ValueError, match="not the lower-case long form"):
        usual_name(name)
