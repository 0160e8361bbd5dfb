"""Where the torture messages are, if they are: data that nobody in this project wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"


def read(rfc: int, name: str) -> bytes:
    """Return a message as it stands in the RFC."""
    return (CORPUS / f"rfc{rfc}" / f"{name}.dat").read_bytes()


def skip_without_corpus() -> None:
    """Skip a test, saying why, where the messages are missing."""
    if not CORPUS.is_dir():
        pytest.skip(f"the torture messages of RFC 4475 and RFC 5118 are not here: {CORPUS}")
