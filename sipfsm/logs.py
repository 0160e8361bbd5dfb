"""The log: one line per event on standard error, for people (`console`) or for programs (`json`).

Modules write `log = structlog.get_logger("sipfsm.transaction")` and `log.info("event", key=value)`. What
libraries log through the standard library comes out in the same form, from warnings upwards: `transitions`
tells every step at INFO.

An event below the level in force costs about 2 us through a module's logger and 0.3 us through one that was
bound, as in `self._log = log.bind(key=...)`; a line costs 40 to 60 us. What happens for each message is for
`debug`.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

if TYPE_CHECKING:
    from sipfsm.fsm import Driver, Event

_steps = structlog.get_logger("sipfsm.fsm")

_SECRET_KEYS = ("authorization", "password", "nonce", "secret", "credential")
_MASK = "***"
# What can hold a secret inside a text from the network: a field of the Authorization family, a parameter of a
# digest, the password of a URI.
_SECRETS_IN_TEXT = re.compile(
    r"(?P<field>authorization\s*:).*"
    r"|(?P<parameter>\b(?:response|c?nonce|password|opaque)\s*=)\s*(?:\"[^\"]*\"?|[^\s,;]*)"
    r"|(?P<user>\bsips?:[^\s:@<>\"]*:)[^\s@<>\"]*(?=@)",
    re.IGNORECASE,
)


class LineLogger:
    """Writes finished lines to a stream; what structlog calls a wrapped logger."""

    __slots__ = ("_stream", "name")

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name = name
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line. A stream that is gone (a closed pipe, say) must not stop the server."""
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = log = msg


def configure_logging(
    level: Literal["debug", "info", "warning", "error"] = "info",
    log_format: Literal["console", "json"] = "console",
    stream: TextIO | None = None,
) -> None:
    """Set up the log of the whole process. Loggers that were used before keep the set-up they had.

    Args:
        level: events below it are not logged.
        log_format: `console` has colours on a terminal unless ``NO_COLOR`` is set, and tracebacks below their
            line; `json` is one object a line, with a traceback in its `exception`.
        stream: where to write to; None is standard error.
    """
    stream = sys.stderr if stream is None else stream
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    structlog.configure(
        processors=[_add_logger_name, *shared, *_render(log_format, stream)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda name="sipfsm", *_: LineLogger(name, stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_render(log_format, stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)


def unfiltered_logger(name: str) -> Any:
    """Give a logger for what a person has asked for: it is told whatever the level in force."""
    make = structlog.get_config()["logger_factory"]
    return structlog.wrap_logger(make(name), wrapper_class=structlog.make_filtering_bound_logger("debug"))


def log_step(driver: Driver[Any], key: Hashable, event: Event, before: str) -> None:
    """Log a step at level debug; only if every event is wanted, for a line costs more than the step.

    Args:
        driver: the machine, after the step.
        key: what it is the machine of: the key of a transaction, the ends of a connection.
        event: what happened.
        before: the state that the step began in.
    """
    parts = key if isinstance(key, tuple) else (key,)
    texts = [part.decode("ascii", "replace") if isinstance(part, bytes) else str(part) for part in parts]
    model = driver.instance.engine.model.name
    _steps.debug(
        "event", key=" ".join(texts), model=model, trigger=str(event), state=driver.state, was=before
    )


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace what could be a secret by ``***``: by the name of its key, and inside texts and bytes."""
    for key, value in event.items():
        if any(part in key.lower() for part in _SECRET_KEYS):
            event[key] = _MASK
        elif isinstance(value, str):
            event[key] = _masked(value)
        elif isinstance(value, bytes):
            # Shown as a text; a byte that is no ASCII character as \xNN.
            event[key] = _masked(value.decode("ascii", "backslashreplace"))
    return event


def _masked(text: str) -> str:
    if ":" not in text and "=" not in text:  # most texts: spare them the search
        return text
    return _SECRETS_IN_TEXT.sub(lambda found: found[found.lastgroup or 0] + _MASK, text)


def _render(log_format: str, stream: TextIO) -> list[Processor]:
    """Return the processors that make the line."""
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    colors = stream.isatty() and not os.environ.get("NO_COLOR")
    return [
        _escape_control_characters,
        structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback),
    ]


def _escape_control_characters(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep an event on its line, and bytes from the network from steering the terminal."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = "".join(
                character if character.isprintable() else character.encode("unicode_escape").decode()
                for character in value
            )
    return event


def _add_logger_name(logger: Any, _method: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event
