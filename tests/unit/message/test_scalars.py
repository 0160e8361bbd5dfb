"""Fields of one word or number."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sipfsm.message import MessageError
from sipfsm.message.scalars import (
    parse_call_id_untrusted,
    parse_content_length_untrusted,
    parse_expires_untrusted,
    parse_max_forwards_untrusted,
    parse_min_expires_untrusted,
)


@pytest.mark.parametrize(
    ("parser", "largest", "reason"),
    [
        (parse_max_forwards_untrusted, 255, "bad-max-forwards"),
        (parse_content_length_untrusted, 2**31 - 1, "bad-content-length"),
        (parse_expires_untrusted, 2**32 - 1, "bad-expires"),
        (parse_min_expires_untrusted, 2**32 - 1, "bad-min-expires"),
    ],
)
def test_numbers_up_to_their_largest(parser: Callable[[bytes], int], largest: int, reason: str) -> None:
    assert parser(b"0") == 0
    assert parser(str(largest).encode()) == largest
    for wrong in (str(largest + 1).encode(), b"-1", b"", b"1, 1", b"0x10", b"1e100"):
        with pytest.raises(MessageError) as caught:
            parser(wrong)
        assert caught.value.reason == reason
        assert caught.value.status == 400


@pytest.mark.parametrize(
    "raw",
    [
        b"f81d4fae-7dec-11d0-a765-00a0c91e6bf6@foo.bar.com",
        b"x",
        b"intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
    ],
)
def test_call_ids(raw: bytes) -> None:
    assert parse_call_id_untrusted(raw) == raw.decode()


@pytest.mark.parametrize("raw", [b"", b"a b", b"a,b", b"a\tb", b"\xc3\xa9", b"a\x00", b"a\x7f"])
def test_malformed_call_ids_are_refused(raw: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_call_id_untrusted(raw)
    assert caught.value.reason == "bad-call-id"
