"""The log: one line per event, in two formats, without secrets."""

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from sipfsm.logs import LineLogger, configure_logging, mask_secrets, unfiltered_logger

Level = Literal["debug", "info", "warning", "error"]


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Give structlog and the standard library back the set-up they had."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers, root.level = handlers, level


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _log(level: Level = "info", log_format: Literal["console", "json"] = "json") -> tuple[Any, io.StringIO]:
    stream = io.StringIO()
    configure_logging(level, log_format, stream)
    return structlog.get_logger("sipfsm.transaction"), stream


def _events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("level", ["warning", "error"])
def test_what_a_person_asked_for_is_told_at_any_level(level: Level) -> None:
    log, stream = _log(level)
    log.info("not this")
    unfiltered_logger("sipfsm.server").info("this", timers=3)
    [event] = _events(stream)
    assert (event["event"], event["timers"]) == ("this", 3)
    assert (event["level"], event["logger"]) == ("info", "sipfsm.server")


def test_an_event_is_one_json_object_with_time_level_logger_and_its_fields() -> None:
    log, stream = _log()

    log.info("request received", key="z9hG4bK1", state="Proceeding", copies=2)

    (event,) = _events(stream)
    written = datetime.fromisoformat(event.pop("timestamp"))
    assert abs(written - datetime.now(UTC)) < timedelta(minutes=1)
    assert event == {
        "event": "request received",
        "level": "info",
        "logger": "sipfsm.transaction",
        "key": "z9hG4bK1",
        "state": "Proceeding",
        "copies": 2,
    }


def test_the_console_has_the_same_on_one_line() -> None:
    log, stream = _log(log_format="console")

    log.info("request received", key="z9hG4bK1", state="Proceeding")

    (line,) = stream.getvalue().splitlines()
    for part in ["request received", "info", "sipfsm.transaction", "key=z9hG4bK1", "state=Proceeding", "Z "]:
        assert part in line
    assert "\x1b" not in line


def test_colours_are_for_terminals_whose_person_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = []
    for no_color in ["", "1"]:
        monkeypatch.setenv("NO_COLOR", no_color)
        stream = _Terminal()
        configure_logging("info", "console", stream)
        structlog.get_logger("sipfsm").info("event")
        coloured.append("\x1b[" in stream.getvalue())

    assert coloured == [True, False]


@pytest.mark.parametrize(
    ("level", "logged"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_events_below_the_level_are_not_logged(level: Level, logged: list[str]) -> None:
    log, stream = _log(level)

    for method in ["debug", "info", "warning", "error"]:
        getattr(log, method)("event")

    assert [event["level"] for event in _events(stream)] == logged


def test_libraries_are_silent_below_warning_and_look_the_same_above() -> None:
    _, stream = _log("debug")
    library = logging.getLogger("transitions.core")

    library.info("Executed callback %s", "x")
    library.warning("Timeout %s: %s", "already", "running")

    (event,) = _events(stream)
    del event["timestamp"]
    assert event == {"event": "Timeout already: running", "level": "warning", "logger": "transitions.core"}


def test_a_warning_of_python_is_logged_too() -> None:
    _, stream = _log()

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # catch_warnings has put back Python's own way of showing a warning.
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("soon gone", DeprecationWarning, stacklevel=1)

    (event,) = _events(stream)
    assert "soon gone" in event["event"]


def test_an_exception_is_within_the_one_json_line() -> None:
    log, stream = _log()

    try:
        raise LookupError("not here")
    except LookupError:
        log.exception("failed")

    (event,) = _events(stream)
    assert event["exception"].splitlines()[-1] == "LookupError: not here"


@pytest.mark.parametrize("key", ["authorization", "Proxy_Authorization", "password", "cnonce", "auth_secret"])
def test_a_key_that_names_a_secret_has_its_value_masked(key: str) -> None:
    log, stream = _log()

    log.info("challenged", **{key: "geheim"})

    assert "geheim" not in stream.getvalue()
    assert _events(stream)[0][key] == "***"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Digest username=x, response=geheim", "Authorization:***"),
        ("a\r\nproxy-authorization :Basic geheim\r\nTo: b", "a\r\nproxy-authorization :***\nTo: b"),
        ('Digest nonce="geheim", uri="sip:b"', 'Digest nonce=***, uri="sip:b"'),
        ('response="geheim', "response=***"),
        ("cnonce=geheim;x=y", "cnonce=***;x=y"),
        ("<sip:alice:geheim@example.org>", "<sip:alice:***@example.org>"),
        ("sip:127.0.0.1:5060;transport=udp", "sip:127.0.0.1:5060;transport=udp"),
        ("To: <sip:bob@[::1]:5060>;tag=1", "To: <sip:bob@[::1]:5060>;tag=1"),
        ("response 200", "response 200"),
    ],
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_secret_inside_a_text_is_masked_and_nothing_else(text: str, shown: str, as_bytes: bool) -> None:
    event = mask_secrets(
        None, "info", {"event": "bad message", "offending": text.encode() if as_bytes else text}
    )

    assert event["offending"] == shown


@given(st.dictionaries(st.sampled_from(["offending", "detail", "x"]), st.text() | st.binary()))
def test_whatever_comes_from_the_network_stays_on_its_line(fields: dict[str, str | bytes]) -> None:
    for log_format in ["console", "json"]:
        stream = io.StringIO()
        configure_logging("info", log_format, stream)  # type: ignore[arg-type]

        structlog.get_logger("sipfsm").info("received", **fields)

        text = stream.getvalue()
        assert text.endswith("\n")
        assert text[:-1].isprintable() or log_format == "json"
        assert text.count("\n") == 1


def test_a_stream_that_is_gone_stops_nobody() -> None:
    stream = io.StringIO()
    logger = LineLogger("sipfsm", stream)
    stream.close()

    logger.info("event")


def test_the_log_goes_to_standard_error() -> None:
    program = (
        "import structlog, sipfsm.logs as logs; logs.configure_logging(); structlog.get_logger().info('up')"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == ""
    assert "up" in done.stderr
    assert "[sipfsm]" in done.stderr
