"""The comparison of URIs (RFC 3261 section 19.1.4) is an equivalence, as far as the RFC makes it one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sipfsm.fuzz import built_sip_uris, built_uris
from sipfsm.message import SipUri, Uri, UriParams, parse_uri_untrusted

# So few parts that two URIs are often equivalent, in another spelling.
_VALUES = st.sampled_from([None, "x", "X", "%78", "y"])


@st.composite
def similar(draw: st.DrawFn, names: tuple[str, ...] | None = None) -> SipUri:
    """URIs of which many are equivalent; with `names`, exactly these parameters."""
    if names is None:
        names = tuple(draw(st.lists(st.sampled_from(["a", "b", "user", "maddr"]), max_size=2, unique=True)))
    items = [(draw(st.sampled_from([name, name.upper()])), draw(_VALUES)) for name in names]
    return SipUri(
        "sip",
        draw(st.sampled_from([None, "u", "%75", "U"])),
        None,
        draw(st.sampled_from(["h", "H", "::1", "0:0::1"])),
        draw(st.sampled_from([None, 5060])),
        UriParams(draw(st.permutations(items))),
        draw(st.sampled_from([(), (("s", "1"),), (("S", "%31"),)])),
    )


@given(built_uris())
def test_a_uri_is_equivalent_to_itself(uri: Uri) -> None:
    assert uri.equivalent(uri)
    assert uri.equivalent(parse_uri_untrusted(uri.to_bytes()))


@settings(max_examples=200)
@given(similar() | built_sip_uris(), similar())
def test_the_order_does_not_matter(one: SipUri, other: SipUri) -> None:
    assert one.equivalent(other) == other.equivalent(one)


@settings(max_examples=200)
@given(st.data())
def test_it_is_transitive_where_the_parameters_are_the_same(data: st.DataObject) -> None:
    """Section 19.1.4 says that it is not in general: a parameter in one URI only is ignored."""
    names = tuple(data.draw(st.sets(st.sampled_from(["a", "user"]))))
    one, two, three = (data.draw(similar(names)) for _ in range(3))
    if one.equivalent(two) and two.equivalent(three):
        assert one.equivalent(three)


@given(built_uris(), built_uris())
def test_uris_that_are_equal_have_one_hash_and_are_equivalent(one: Uri, other: Uri) -> None:
    again = parse_uri_untrusted(one.to_bytes())
    assert again == one
    assert hash(again) == hash(one)
    if one == other:
        assert one.equivalent(other)
