"""What the documentation says is compared with the code, so that it cannot rot."""

import ast
import importlib
import inspect
import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from sipfsm.cli.commands import app, dispatch, run
from sipfsm.cli.draw import draw
from sipfsm.cli.verify import verify
from sipfsm.config import LimitSettings, RegistrarSettings, Settings
from sipfsm.config import settings as settings_module
from sipfsm.fsm import load_model
from sipfsm.statechart import RECIPES, Format, compare, make_chart

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
MADE_BY_PROGRAMS = {DOCS / "bench.md", DOCS / "bench-messages.md", REFERENCE / "torture.md"}
PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        ROOT / "models/README.md",
        ROOT / "statecharts/README.md",
    }
    - MADE_BY_PROGRAMS
)
WIDTH = {ROOT / "models/README.md": 130, ROOT / "statecharts/README.md": 180}
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^(?: {4}.*\n)+", re.MULTILINE)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def blocks(page: Path, language: str) -> list[str]:
    return [found["text"] for found in FENCE.finditer(page.read_text()) if found["language"] == language]


def prose(page: Path) -> str:
    """The page without its fenced code."""
    return FENCE.sub("", page.read_text())


def table_rows(page: Path) -> Iterator[list[str]]:
    """The cells of all table rows of a page, headings and rules too; an escaped bar parts nothing."""
    for line in page.read_text().splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


# ---- links and form


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get where Markdown is shown."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """What the links of a page lead to: `[text](target)` and `[name]: target`."""
    text = prose(page)
    return re.findall(r"\]\(([^)]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.MULTILINE)


@every_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link}: there is no such heading"


@every_page
def test_every_file_that_is_named_exists(page: Path) -> None:
    pattern = r"`((?:sipfsm|models|tests|docs|statecharts)/[\w./-]*)`"
    missing = [path for path in re.findall(pattern, prose(page)) if not (ROOT / path).exists()]
    assert not missing


@every_page
def test_lines_are_short_and_tables_whole(page: Path) -> None:
    columns = 0
    for line in prose(page).splitlines():
        assert len(line) <= WIDTH.get(page, 120), f"{len(line)} characters: {line}"
        if line.startswith("|"):
            cells = len(re.split(r"(?<!\\)\|", line))
            assert columns in {0, cells}, f"another number of cells: {line}"
            columns = cells
        else:
            columns = 0


def test_every_page_is_in_the_index() -> None:
    index = set(links(DOCS / "README.md"))
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"README.md"}
    assert not sorted(pages - index)


# ---- configuration


class Documented(NamedTuple):
    """One row of a table of settings."""

    option: str
    default: str
    range: str


def documented_settings() -> dict[str, Documented]:
    return {
        cells[0].strip("`"): Documented(cells[1].strip("`"), cells[2].strip("`"), cells[3])
        for cells in table_rows(REFERENCE / "configuration.md")
        if len(cells) == 5 and cells[0].startswith("`")
    }


def fields(model: type[BaseModel]) -> dict[str, Any]:
    return {name: field for name, field in model.model_fields.items() if name not in {"limits", "registrar"}}


def limits(field: Any, which: str) -> list[int]:
    """The bounds of one kind that a field has: `ge`, `gt` or `le`."""
    return [getattr(bound, which) for bound in field.metadata if hasattr(bound, which)]


MODELS: list[type[BaseModel]] = [Settings, RegistrarSettings, LimitSettings]


def test_every_setting_is_documented_and_no_other() -> None:
    assert set(documented_settings()) == {name for model in MODELS for name in fields(model)}


@pytest.mark.parametrize("model", MODELS)
def test_the_documented_defaults_are_those_of_the_code(
    model: type[BaseModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_module, "has_ipv6_loopback", lambda: True)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    defaults = model()
    for name in fields(model):
        written = documented_settings()[name].default
        value = None if written == "-" else tomllib.loads(f"value = {written}")["value"]
        assert getattr(model(**{name: value}), name) == getattr(defaults, name), name


@pytest.mark.parametrize("model", MODELS)
def test_the_documented_ranges_are_those_of_the_code(model: type[BaseModel]) -> None:
    for name, field in fields(model).items():
        least, above, most = (limits(field, which) for which in ("ge", "gt", "le"))
        if above:
            assert documented_settings()[name].range == f"above {max(above)}", name
        elif least:
            expected = f"{max(least)} and up" if not most else f"{max(least)} to {min(most)}"
            assert documented_settings()[name].range == expected, name


def documented_options(command: str) -> set[str]:
    """The options that the section of a command has in its table."""
    text = (REFERENCE / "command-line.md").read_text()
    section = re.search(rf"^## sipfsm {command}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, f"sipfsm {command} has no section"
    return set(re.findall(r"^\| `(--[a-z0-9-]+)", section[1], re.MULTILINE))


@pytest.mark.parametrize("command", ["simulate"])
def test_every_option_of_a_command_is_documented_and_no_other(command: str) -> None:
    function = app[command].default_command
    assert function is not None
    options = [each.name for each in inspect.signature(function).parameters.values()]
    assert documented_options(command) == {"--" + option.replace("_", "-") for option in options}


def test_the_documented_options_are_those_of_the_command() -> None:
    parameters = inspect.signature(run).parameters.values()
    options = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
    spelled = {"--" + option.replace("_", "-") for option in options}

    by_setting = {row.option for row in documented_settings().values()} - {"-"}
    by_option = documented_options("run")
    summary = set(re.findall(r"--[a-z0-9-]+", " ".join(blocks(ROOT / "README.md", "text"))))

    assert by_setting == by_option == spelled
    assert spelled <= summary


def test_the_documented_options_are_those_of_draw() -> None:
    parameters = inspect.signature(draw, eval_str=True).parameters.values()
    named = [each for each in parameters if each.kind is each.KEYWORD_ONLY]
    names = {each.name: each.annotation.__metadata__[0].name for each in named}
    section = (REFERENCE / "command-line.md").read_text().split("## sipfsm draw")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(--\w+)", section, re.MULTILINE)) == {
        *(given[0] if given else f"--{name}" for name, given in names.items())
    }


def test_the_documented_options_are_those_of_verify() -> None:
    parameters = inspect.signature(verify, eval_str=True).parameters.values()
    named = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    assert documented_options("verify") == {"--" + name.replace("_", "-").rstrip("-") for name in named}


def test_the_documented_keys_of_a_statechart_are_those_of_its_json() -> None:
    compared = compare(
        make_chart(load_model("invite-server")), make_chart(load_model("rfc3261/invite-server"))
    )
    data = json.loads(str(RECIPES[Format.JSON].render(compared)))
    found = set(data) | {key for part in ("states", "rows", "timers") for each in data[part] for key in each}
    found |= {key for row in data["rows"] for key in row["citation"]}
    found |= {key for row in data["rows"] for clause in row["citation"]["clauses"] for key in clause}
    page = REFERENCE / "statechart-json.md"
    documented = {key for cells in table_rows(page) for key in re.findall(r"`(\w+)`", cells[0])}
    in_text = set(re.findall(r"`(\w+)`", page.read_text()))
    assert documented <= found <= in_text


# ---- examples


def toml_blocks() -> list[Any]:
    return [
        pytest.param(text, id=f"{name_of(page)}-{number}")
        for page in PAGES
        if page.name != "write-a-model.md"  # whose models tests/unit/cli/test_write_a_model.py tries
        for number, text in enumerate(blocks(page, "toml"))
    ]


def rows_of_models() -> set[str]:
    files = (ROOT / "models").rglob("*.toml")
    return {" ".join(line.rstrip(",").split()) for file in files for line in file.read_text().splitlines()}


@pytest.mark.parametrize("text", toml_blocks())
def test_every_toml_example_is_in_order(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "rfc = " in text or "[timers]" in text or "[states." in text:  # a part of a model, not a configuration
        assert {" ".join(line.rstrip(",").split()) for line in text.splitlines()} <= rows_of_models()
        return
    for name in [name for name in os.environ if name.upper().startswith("SIPFSM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = tmp_path / "example.toml"
    path.write_text(text)
    code = dispatch(["check", str(path)])
    assert code == 0, capsys.readouterr().err


def commands(page: Path) -> list[list[str]]:
    """The arguments of every `sipfsm run` and `sipfsm check` in the code of a page, and of `make run`."""
    text = prose(page)
    code = [found["text"] for found in FENCE.finditer(page.read_text())]
    code += [*INDENTED.findall(text), *re.findall(r"`((?:sipfsm|make) run [^`]+|sipfsm check [^`]+)`", text)]
    found = []
    for line in "\n".join(code).replace("\\\n", " ").splitlines():
        line = re.sub(r"^[$#>] |^(ExecStart=)", "", line.strip())
        words = shlex.split(line, comments=True) if re.match(r"(\S*/)?sipfsm |make run", line) else []
        if words[:2] == ["make", "run"]:
            arguments = [word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=")]
            found.append(["run", *shlex.split(" ".join(arguments))])
        elif words[1:2] in (["run"], ["check"]) and "[" not in line:
            redirected = next((n for n, word in enumerate(words) if re.match(r"2?>|\||&", word)), len(words))
            found.append(words[1:redirected])
    return found


@every_page
def test_every_command_shown_can_be_given(page: Path) -> None:
    for arguments in commands(page):
        app.parse_args(arguments, exit_on_error=False, print_error=False)


def test_there_are_commands_to_check() -> None:
    assert sum(len(commands(page)) for page in PAGES) > 10


# ---- names of the code


def calls(names: set[str], argument: int = 0) -> Iterator[ast.expr]:
    """That argument, counted from 0, of every call of a function or method so named in the package."""
    for file in sorted((ROOT / "sipfsm").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and len(node.args) > argument:
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                if name in names:
                    yield node.args[argument]


def words(names: set[str]) -> set[str]:
    """Those of these arguments that are written out."""
    return {
        first.value
        for first in calls(names)
        if isinstance(first, ast.Constant) and isinstance(first.value, str)
    }


def test_every_counter_is_documented() -> None:
    text = (REFERENCE / "counters.md").read_text()
    labels = {label for label in words({"count", "_count"}) if label[:1].isalpha()}
    for first in calls({"count", "_count"}):
        if isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
            labels.add(f"{first.values[0].value!s}<")
    assert len(labels) > 20
    assert not sorted(label for label in labels if f"`{label}" not in text)


def test_every_reason_of_an_error_is_documented() -> None:
    text = (REFERENCE / "counters.md").read_text() + (REFERENCE / "defects.md").read_text()
    reasons = words({"MessageError", "TransportError", "_abort", "_finish"})
    assert len(reasons) > 50
    assert not sorted(reason for reason in reasons if f"`{reason}`" not in text)


def test_every_status_that_is_sent_is_documented() -> None:
    documented = {cells[0] for cells in table_rows(REFERENCE / "status-codes.md")}
    sent = [*calls({"RefusedError"}), *calls({"make_response"}, 1)]
    statuses = {str(each.value) for each in sent if isinstance(each, ast.Constant)}
    assert len(statuses) > 10
    assert not statuses - documented


def test_every_event_of_the_log_is_documented() -> None:
    documented = {cells[0].strip("`") for cells in table_rows(REFERENCE / "log.md")}
    written = set()
    for file in sorted((ROOT / "sipfsm").rglob("*.py")):
        text = file.read_text()
        found = re.findall(r"\blog\.(?:debug|info|warning|error|exception)\(\s*\"([^\"]+)\"", text)
        written |= set(found) if "structlog.get_logger" in text else set()
    assert len(written) > 10
    assert not written - documented


def test_the_functions_on_the_way_of_an_invite_exist() -> None:
    steps = []
    for cells in table_rows(DOCS / "explanation/architecture.md"):
        file = re.fullmatch(r"`(sipfsm/[\w/]+)\.py`", cells[-1])
        if file is None:
            continue
        module = importlib.import_module(file[1].replace("/", "."))
        for name in re.findall(r"`([\w.]+)`", cells[-2]):
            value: Any = module
            for part in name.split("."):
                value = getattr(value, part)
            steps.append(value)
    assert len(steps) > 20


@every_page
def test_rows_of_models_are_as_shown(page: Path) -> None:
    rows = {
        row.id: row for path in (ROOT / "models").glob("*.toml") for row in load_model(path.stem).transitions
    }
    for number, source, trigger, dest, before in (cells for cells in table_rows(page) if len(cells) == 5):
        if re.fullmatch(r"`[A-Z]+-\d+`", number):
            row = rows[number.strip("`")]
            shown = (source.strip("`"), dest.strip("`"), tuple(re.findall(r"`(\w+)`", before)))
            assert shown == (row.source, row.dest or "stays", tuple(map(str, row.before))), number
            assert trigger.strip("`") in row.trigger, number


def test_the_numbers_of_rows_are_those_of_the_models() -> None:
    page = DOCS / "explanation/conformance.md"
    counted = {
        cells[0].strip("`"): int(cells[1])
        for cells in table_rows(page)
        if re.fullmatch(r"`[\w-]+`", cells[0]) and cells[1].isdigit()
    }
    assert counted == {name: len(load_model(name).transitions) for name in counted}
    assert {f"{name}.toml" for name in counted} == {file.name for file in (ROOT / "models").glob("*.toml")}
