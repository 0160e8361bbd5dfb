"""What the oldest supported Python does otherwise than the one at hand."""

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_POSSESSIVE = re.compile(r"(?<!\\)\)(?:[?*+]|\{[0-9,]*\})\+")


@pytest.mark.parametrize("path", sorted((ROOT / "sipfsm").rglob("*.py")), ids=lambda path: path.name)
def test_no_pattern_has_a_possessive_group(path: Path) -> None:
    # Up to Python 3.11.4, and so in Debian 12, a group with a possessive quantifier that fails half-way moves
    # the position: (?:xy++z)?+xyt does not match xyt, (?>(?:xy++z)?)xyt does. Characters and sets are fine.
    literal = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)

    assert [each.string for each in tokens if each.type in literal and _POSSESSIVE.search(each.string)] == []
