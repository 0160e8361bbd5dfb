"""The lock files: exact versions with hashes, within the bounds of pyproject.toml, naming no machine."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.lock", "requirements-test.lock"]
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?: ; .*)? \\$", re.MULTILINE)


def _pins(lock: str) -> dict[str, Version]:
    text = (ROOT / lock).read_text()
    return {canonicalize_name(found["name"]): Version(found["version"]) for found in _PIN.finditer(text)}


def _bounds(*, test: bool) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    bounds = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    if test:
        bounds += project["project"]["optional-dependencies"]["test"]
    return [Requirement(bound) for bound in bounds]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_bounded_and_locked_within_its_bounds(lock: str) -> None:
    pins = _pins(lock)

    for requirement in _bounds(test="test" in lock):
        operators = {bound.operator for bound in requirement.specifier}
        assert operators == {">=", "<"}, f"{requirement} has no lower or no upper bound"
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text())

    for entry in entries:
        if not entry.startswith("#"):
            assert _PIN.match(entry), entry
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("lock", LOCKS)
def test_no_registry_and_no_machine_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text()

    assert not re.search(r"https?:|index-url|find-links|trusted-host|^-|/", text, re.MULTILINE)


def test_both_locks_agree() -> None:
    assert _pins("requirements.lock").items() <= _pins("requirements-test.lock").items()


def test_what_is_installed_is_what_is_locked() -> None:
    for name, locked in _pins("requirements-test.lock").items():
        assert Version(version(name)) == locked, f"{name}: run make test, which installs what is locked"
