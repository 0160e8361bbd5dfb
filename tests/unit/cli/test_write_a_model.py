"""The page that explains how to write and verify a model, done step by step as it says."""

import re
from pathlib import Path

import pytest

from sipfsm.cli import main

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-model.md"

Printed = pytest.CaptureFixture[str]


def blocks(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pager.toml"


def test_a_mistake_is_told_as_the_page_says(here: Path, capsys: Printed) -> None:
    first, _mended = blocks("toml")
    here.write_text(first.replace("send_response", "send_answer"))
    assert main(["verify", "pager.toml"]) == 2
    assert capsys.readouterr().err == blocks("text")[0]


def test_the_first_model_fails_as_the_page_says(here: Path, capsys: Printed) -> None:
    first, _mended = blocks("toml")
    here.write_text(first)
    assert main(["verify", "pager.toml"]) == 1
    out = capsys.readouterr().out
    _mistake, alone, run, _holds = blocks("text")
    assert alone in out
    assert run in re.sub("^ {7}", "", out, flags=re.MULTILINE)


def test_the_mended_model_holds_is_drawn_and_reported(here: Path, capsys: Printed) -> None:
    _first, mended = blocks("toml")
    here.write_text(mended)
    assert main(["verify", "pager.toml"]) == 0
    out = capsys.readouterr().out
    assert blocks("text")[-1] in out
    assert out.splitlines()[-1].startswith("Everything holds")
    assert main(["draw", "pager.toml"]) == 0
    assert here.with_suffix(".svg").exists()
    assert main(["verify", "pager.toml", "--report", "pager.md"]) == 0
    assert "| pager | yes | yes | yes | yes | yes | - |" in here.with_suffix(".md").read_text()


def test_it_holds_within_the_wider_bounds_of_the_page(here: Path) -> None:
    here.write_text(blocks("toml")[1])
    (line,) = re.findall(r"^    sipfsm (verify .*--losses.*)$", PAGE.read_text(), re.MULTILINE)
    assert main(line.split()) == 0
