"""Date and Timestamp."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sipfsm.message import (
    MessageError,
    Timestamp,
    format_date,
    parse_date_untrusted,
    parse_timestamp_untrusted,
)


def test_the_example_of_section_20_17() -> None:
    assert parse_date_untrusted(b"Sat, 13 Nov 2010 23:29:00 GMT") == datetime(
        2010, 11, 13, 23, 29, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Fri, 01 Jan 2010 16:00:00 EST",  # RFC 4475 section 3.1.2.12 (baddate)
        b"Fri, 32 Jan 2010 16:00:00 GMT",
        b"Tue, 30 Feb 2010 16:00:00 GMT",
        b"Fri, 01 Jan 0000 16:00:00 GMT",
        b"Fri, 01 Jan 2010 25:00:00 GMT",
        b"Fri, 1 Jan 2010 16:00:00 GMT",
        b"Friday, 01-Jan-10 16:00:00 GMT",
        b"3600",
    ],
)
def test_malformed_dates_are_refused(raw: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_date_untrusted(raw)
    assert caught.value.reason == "bad-date"


def test_writing_a_date() -> None:
    when = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert format_date(when.timestamp()) == b"Tue, 03 Feb 2026 04:05:06 GMT"
    assert parse_date_untrusted(format_date(when.timestamp() + 0.9)) == when


@pytest.mark.parametrize(
    ("raw", "timestamp"),
    [
        (b"54", Timestamp(54.0)),
        (b"54.21", Timestamp(54.21)),
        (b"54. 0.5", Timestamp(54.0, 0.5)),
        (b"54 .5", Timestamp(54.0, 0.5)),
        (b"54\t1.", Timestamp(54.0, 1.0)),
    ],
)
def test_timestamps(raw: bytes, timestamp: Timestamp) -> None:
    assert parse_timestamp_untrusted(raw) == timestamp


@pytest.mark.parametrize("raw", [b"", b"-1", b"x", b"1 2 3", b".5", b"1e9", b"nan", b"9" * 400])
def test_malformed_timestamps_are_refused(raw: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_timestamp_untrusted(raw)
    assert caught.value.reason == "bad-timestamp"
