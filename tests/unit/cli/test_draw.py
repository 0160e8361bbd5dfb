"""``sipfsm draw``: what it prints, what it writes, and how it says no."""

import io
import sys
from pathlib import Path

import pytest

from sipfsm.cli import main
from sipfsm.fsm import load_model, model_names
from sipfsm.statechart import RECIPES, Format, make_chart
from tests.unit.statechart.samples import TEXT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_picture_is_written_where_one_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "invite-server"]) == 0
    written = (folder / "invite-server.svg").read_text(encoding="utf-8")
    assert written == RECIPES[Format.SVG].render(make_chart(load_model("invite-server")))
    assert capsys.readouterr().out == "wrote invite-server.svg\n"


def test_without_a_name_all_are_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "--format", "mermaid", "--format", "json", "--output", "new/pictures"]) == 0
    names = {load_model(name).name for name in model_names()}
    written = {path.name for path in (folder / "new/pictures").iterdir()}
    assert written == {name + suffix for name in names for suffix in (".mmd", ".json")}
    assert capsys.readouterr().out.count("wrote new/pictures/") == len(written)


def test_one_text_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "rfc3261/invite-client", "--format", "scxml"]) == 0
    expected = RECIPES[Format.SCXML].render(make_chart(load_model("rfc3261/invite-client")))
    assert capsys.readouterr().out == expected
    assert not list(folder.iterdir())


def test_a_picture_is_printed_if_that_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw))
    assert main(["draw", "branch", "--format", "png", "--output", "-"]) == 0
    assert raw.getvalue().startswith(b"\x89PNG")


def test_a_machine_of_ones_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.toml").write_text(TEXT)
    assert main(["draw", "mine.toml", "--format", "dot"]) == 0
    assert 'digraph "sample"' in capsys.readouterr().out


def test_a_page_shows_the_picture_that_is_made_with_it(folder: Path) -> None:
    assert main(["draw", "branch", "--format", "svg", "--format", "markdown", "--format", "svg"]) == 0
    assert "](branch.svg)" in (folder / "branch.md").read_text()
    assert main(["draw", "branch", "--format", "markdown", "--output", "other"]) == 0
    assert "](branch.svg)" not in (folder / "other/branch.md").read_text()


def test_two_machines_are_compared_in_words_and_in_a_picture(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "invite-server", "--diff", "rfc3261/invite-server"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "INVITE server transaction against INVITE server transaction of RFC 3261: 11 differences"
    assert "changed row IST-04: dest Terminated -> Accepted" in out
    assert out[-1] == "wrote invite-server-against-invite-server-rfc3261.svg"
    assert (folder / out[-1].removeprefix("wrote ")).is_file()


@pytest.mark.parametrize("format_", [each for each in Format if RECIPES[each].compares])
def test_two_machines_are_compared_in_every_format_but_scxml(folder: Path, format_: Format) -> None:
    assert main(["draw", "branch", "--diff", "response-context", "--format", format_, "--output", "x"]) == 0
    assert (folder / f"x/branch-against-response-context{RECIPES[format_].suffix}").stat().st_size > 1000


def test_what_was_generated_is_replaced_and_what_somebody_wrote_is_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "branch", "--format", "png"]) == 0
    assert main(["draw", "branch", "--format", "png"]) == 0
    (folder / "invite-client.svg").write_text("by hand")
    capsys.readouterr()
    assert main(["draw", "invite-client", "invite-server"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("sipfsm draw: invite-client.svg was not made by sipfsm draw")
    assert (folder / "invite-client.svg").read_text() == "by hand"
    assert not (folder / "invite-server.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["invite-serve"], "invite-serve: no built-in model has this name. Did you mean invite-server"),
        (["invite-serve"], "rfc3261/invite-server; a model of your own is given by its file, NAME.toml"),
        (["x"], "x: no built-in model has this name.\n"),
        (["none.toml"], "none.toml: cannot be read: No such file or directory"),
        (["bad.toml"], "bad.toml: row SMP-01: unknown action 'sned_request'"),
        (["broken.toml"], "broken.toml: is not valid TOML: "),
        (["branch", "good.toml", "copy.toml"], "copy.toml: its name, sample, is also that of good.toml"),
        (["--format", "gif"], 'sipfsm: Invalid value "gif" for --format'),
        (["--diff", "branch"], "sipfsm draw: --diff compares one MODEL with OTHER"),
        (["branch", "invite-client", "--diff", "branch"], "sipfsm draw: --diff compares one MODEL"),
        (["branch", "--diff", "bransh"], "bransh: no built-in model has this name. Did you mean branch?"),
        (["branch", "--diff", "branch", "--format", "scxml"], "sipfsm draw: --format scxml: two machines"),
        (
            ["--output", "-"],
            f"--output - prints one file, and these would be {len(model_names())}: ",
        ),
    ],
)
def test_what_a_person_did_wrong_is_told_with_exit_code_2(
    arguments: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "good.toml").write_text(TEXT)
    (folder / "copy.toml").write_text(TEXT)
    (folder / "bad.toml").write_text(TEXT.replace('["send_request"]', '["sned_request"]'))
    (folder / "broken.toml").write_text("name =")
    assert main(["draw", *arguments]) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert "Traceback" not in err
    assert out == ""
    assert len(list(folder.iterdir())) == 4


def test_a_folder_that_cannot_be_made_is_told_with_exit_code_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "taken").write_text("a file")
    assert main(["draw", "branch", "--output", "taken/below"]) == 1
    assert capsys.readouterr().err == "sipfsm draw: taken/below: cannot be written: Not a directory\n"


def test_a_model_that_is_named_twice_is_drawn_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "branch", "branch", "--output", "."]) == 0
    assert capsys.readouterr().out == "wrote branch.svg\n"
