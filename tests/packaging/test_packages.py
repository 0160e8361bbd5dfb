"""What is installed is what is in the tree: packages, models, and the map of the layers."""

import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _models() -> set[str]:
    """The TOML files of the tree, by their paths inside `models`."""
    return {str(path.relative_to(ROOT / "models")) for path in (ROOT / "models").rglob("*.toml")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of what git would commit, with the tools that are installed: no network."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
         "sipfsm", "models", "pyproject.toml", "README.md", "LICENSE"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
         "--wheel-dir", str(folder), str(source)],
        check=True, capture_output=True,
    )  # fmt: skip
    (built,) = folder.glob("sipfsm-*.whl")
    return built


def test_every_package_of_the_tree_is_named(project: dict[str, Any]) -> None:
    # Setuptools cannot both find packages and map the folder of the models to one: they are listed by hand.
    named = project["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "sipfsm").rglob("__init__.py")}

    assert named == sorted({*there, "sipfsm.models"})


def test_the_installation_finds_the_models_of_the_tree() -> None:
    models = files("sipfsm.models")

    for name in _models():
        assert models.joinpath(*name.split("/")).read_bytes() == (ROOT / "models" / name).read_bytes()


@pytest.mark.slow
def test_the_wheel_holds_the_code_and_the_models_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    assert {f"sipfsm/models/{name}" for name in _models()} <= names
    assert {"sipfsm/py.typed", "sipfsm/__main__.py", "sipfsm/models/__init__.py"} <= names
    code = {str(path.relative_to(ROOT)) for path in (ROOT / "sipfsm").rglob("*.py")}
    assert code <= names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"sipfsm"}
    assert not [name for name in names if "test" in name]


@pytest.mark.slow
def test_the_wheel_works_without_the_tree(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    program = (
        "import sipfsm; from importlib.resources import files;"
        "print(sipfsm.__file__);"
        "print(*sorted(each.name for each in files('sipfsm.models').iterdir()))"
    )

    done = subprocess.run(
        [str(tmp_path / "venv/bin/python"), "-I", "-c", program], capture_output=True, text=True, check=True
    )

    where, models = done.stdout.splitlines()
    assert where.startswith(str(site))
    assert {name for name in _models() if "/" not in name} <= set(models.split())
