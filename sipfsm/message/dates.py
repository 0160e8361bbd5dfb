"""Date and Timestamp (:rfc:`3261#section-20.17`, :rfc:`3261#section-20.38`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from sipfsm.message.errors import MessageError

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), "
    rb"([0-9]{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4}) "
    rb"([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_TIMESTAMP = re.compile(rb"([0-9]{1,20}+(?>(?:\.[0-9]*+)?))(?>(?:[ \t]++([0-9]{0,20}+(?>(?:\.[0-9]*+)?)))?)")


def parse_date_untrusted(raw: bytes) -> datetime:
    """Read a Date, which is always in GMT and never localised.

    Raises:
        MessageError: ``bad-date``: another zone, format, or a day that is in no calendar. The day of the week
            is not compared with the date.
    """
    found = _DATE.fullmatch(raw)
    if found is not None:
        day, month, year, hour, minute, second = found.groups()
        try:
            return datetime(
                int(year),
                _MONTHS.index(month.decode()) + 1,
                int(day),
                int(hour),
                int(minute),
                int(second),
                tzinfo=UTC,
            )
        except ValueError:
            pass  # such as 30 Feb: no pattern knows the calendar
    raise MessageError("bad-date", "Malformed Date", raw)


def format_date(seconds: float) -> bytes:
    """Write seconds since 1970 (UTC) as a Date."""
    when = datetime.fromtimestamp(seconds, UTC)
    day, month = _DAYS[when.weekday()], _MONTHS[when.month - 1]
    return f"{day}, {when.day:02} {month} {when.year:04} {when:%H:%M:%S} GMT".encode()


class Timestamp(NamedTuple):
    """When a client sent a request, in seconds on its own clock, and how long the server took, in seconds."""

    seconds: float
    delay: float | None = None


def parse_timestamp_untrusted(raw: bytes) -> Timestamp:
    """Read a Timestamp.

    Raises:
        MessageError: ``bad-timestamp``.
    """
    found = _TIMESTAMP.fullmatch(raw)
    if found is None:
        raise MessageError("bad-timestamp", "Malformed Timestamp", raw)
    seconds, delay = found.groups()
    return Timestamp(float(seconds), None if delay is None else float(b"0" + delay))
