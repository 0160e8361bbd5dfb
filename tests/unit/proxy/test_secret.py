"""The secret of the tokens: made once, kept, seen by nobody else."""

import os
import stat
from pathlib import Path

import pytest

from sipfsm.proxy import SECRET_BYTES, SecretError, kept_secret


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "location.db.key"
    secret = kept_secret(path)
    assert len(secret) == SECRET_BYTES
    assert kept_secret(path) == secret
    assert list(tmp_path.iterdir()) == [path]
    assert kept_secret(tmp_path / "other") != secret


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    kept_secret(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "0" * 64, "0" * 63 + "\n", "g" * 64 + "\n", "\xe9" * 64 + "\n"])
def test_a_file_that_is_something_else_is_not_touched(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(SecretError, match=f"{path} is damaged .* move it away"):
        kept_secret(path)
    assert path.read_text() == text


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match=r"missing/key cannot be used \(No such file or directory\)"):
        kept_secret(tmp_path / "missing" / "key")


def test_a_secret_that_could_not_be_written_whole_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SecretError, match="No space left on device"):
        kept_secret(tmp_path / "key")
    assert list(tmp_path.iterdir()) == []
