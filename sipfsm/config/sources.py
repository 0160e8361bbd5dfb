"""Where a configuration comes from, and how its faults are told.

A fault is one line: where the value was written, its key, the value, the reason. All faults are told at once.
"""

import difflib
import json
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from sipfsm.config.settings import Settings, known_keys

_PREFIX = "SIPFSM_"
_DELIMITER = "__"
_OPTIONS = {"domains": "--domain"}  # where an option is not called like its setting
_SHOWN = 80  # characters of a value
_REASONS = {  # where pydantic's own words speak of Python
    "model_type": "a table belongs here",
    "too_short": "at least one belongs here",
    "tuple_type": "a list belongs here",
}

_Path: TypeAlias = tuple[str | int, ...]


class ConfigError(Exception):
    """The configuration cannot be used.

    Attributes:
        problems: one line each, in the order of the configuration's keys.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class _Source(NamedTuple):
    """What one place says, and how a person wrote it there."""

    name: str
    values: dict[str, Any]

    def spelling(self, path: _Path) -> str:
        """Write the path of a value the way it is written in this source."""
        names = [part for part in path if isinstance(part, str)]
        if self.name == "environment":
            return _PREFIX + _DELIMITER.join(names).upper()
        if self.name == "command line":
            return _OPTIONS.get(names[0], "--" + names[0].replace("_", "-"))
        return ".".join(names) + "".join(f"[{part}]" for part in path if isinstance(part, int))

    def find(self, path: _Path, value: object) -> tuple[_Path, Any]:
        """Follow a path as far as this source has it; return that part and what is written there.

        A step into a list is a search for the value: the list in force may be joined from several sources.
        """
        found: list[str | int] = []
        at: Any = self.values
        for part in path:
            if isinstance(at, dict) and part in at:
                at = at[part]
                found.append(part)
            elif isinstance(at, list) and isinstance(part, int):
                if value not in at:
                    return (), None
                found.append(at.index(value))
                at = value
            else:
                # Pydantic's paths have steps of its own behind the last key; and a text can stand for a list.
                break
        if isinstance(at, str) and isinstance(value, str) and value not in at:
            return (), None
        return tuple(found), at


def load_settings(path: Path | None = None, options: Mapping[str, Any] | None = None) -> Settings:
    """Read the configuration: command line over environment (``SIPFSM_...``) over file over defaults.

    Args:
        path: a TOML file; None is no file. A relative location in it is relative to the file's folder.
        options: values of the command line by the names of `Settings`, only those that were given. Its
            domains are added to those of file and environment; every other value replaces.

    Raises:
        ConfigError: a source cannot be read, a key is unknown, a value cannot be used, or the default
            location is needed and the user has no home folder.
    """
    sources = [_Source("command line", dict(options or {})), _from_environment()]
    if path is not None:
        sources.append(_from_file(path))
    merged: dict[str, Any] = {}
    for source in reversed(sources):
        merged = _merge(merged, source.values)
    if "domains" in merged:
        merged["domains"] = [item for source in reversed(sources) for item in _domains(source)]
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise ConfigError([_describe(details, sources) for details in _first_faults(error)]) from None
    except RuntimeError as error:  # no home folder
        raise ConfigError(
            [f"location: {str(error).rstrip('.')}; say where: memory, or sqlite:PATH"]
        ) from None


def _merge(lower: dict[str, Any], higher: dict[str, Any]) -> dict[str, Any]:
    merged = dict(lower)
    for key, value in higher.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _domains(source: _Source) -> list[Any]:
    written = source.values.get("domains", [])
    if isinstance(written, str):
        return written.split(",")
    return written if isinstance(written, list) else [written]  # which is refused where it is read


def _from_file(path: Path) -> _Source:
    try:
        with path.open("rb"):
            pass  # pydantic's source takes a missing file for an empty one
        values = TomlConfigSettingsSource(Settings, path)()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: this is not TOML: {error}"]) from None
    location = values.get("location")
    if isinstance(location, str) and location.startswith("sqlite:") and location != "sqlite::memory:":
        relative = Path(location.removeprefix("sqlite:"))
        if relative.name and not str(relative).startswith("~"):
            values["location"] = f"sqlite:{path.absolute().parent / relative}"
    return _Source(str(path), values)


def _from_environment() -> _Source:
    faults = []
    for name, value in sorted(os.environ.items()):
        if value and name.upper().startswith(_PREFIX):
            path = tuple(name[len(_PREFIX) :].lower().split(_DELIMITER))
            if path[0] not in known_keys():
                reason = _no_such_setting(path[:1], lambda names: _PREFIX + names[-1].upper())
                faults.append(f"environment: {name} = {_show(value)}: {reason}")
    if faults:
        raise ConfigError(faults)
    return _Source("environment", EnvSettingsSource(Settings)())


def _first_faults(error: ValidationError) -> list[ErrorDetails]:
    """Leave out what follows from another fault: a list is not too short because an item of it is wrong."""
    faults = error.errors()
    faulty = {each["loc"][:-1] for each in faults}
    return [each for each in faults if each["type"] != "too_short" or each["loc"] not in faulty]


def _describe(details: ErrorDetails, sources: list[_Source]) -> str:
    """Make the one line of a fault."""
    reason = _REASONS.get(
        details["type"], details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    )
    paths: list[_Path] = [details["loc"]]
    value = details["input"]
    if details["type"] == "settings":  # from `_refuse`
        paths = [tuple(key.split(".")) for key in details["ctx"]["keys"]]
        value = None
    elif details["type"] == "extra_forbidden":
        reason = _no_such_setting(details["loc"], ".".join)
    for path in paths:
        places = [(source, *source.find(path, value)) for source in sources]
        source, written, value_there = max(places, key=lambda place: len(place[1]))
        if written and (len(written) == len(path) or len(paths) == 1):
            return f"{source.name}: {source.spelling(written)} = {_show(value_there)}: {reason}"
    return f"{'.'.join(map(str, paths[0]))}: {reason}"


def _no_such_setting(path: _Path, spell: Callable[[list[str]], str]) -> str:
    *table, key = map(str, path)
    known = known_keys(tuple(table))
    close = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1)
    if close:
        return f"there is no such setting; did you mean {spell([*table, close[0]])}?"
    return f"there is no such setting; there are {', '.join(known)}"


def _show(value: object) -> str:
    """Write a value about as its source has it, on one line and not endlessly."""
    text = json.dumps(value, ensure_ascii=False, default=str).encode(errors="backslashreplace").decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
