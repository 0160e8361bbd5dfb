"""The grammar of RFC 3261 section 25 as the RFC prints it: a judge of what is SIP, and a source of it.

It is read from the text of the RFC when the tests run. `accepts` asks it; `generated` walks its rules and
makes what they allow, which knows nothing of the strategies in `sipfsm.fuzz`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar

from abnf import ParseError, Rule
from abnf.parser import Alternation, Concatenation, Literal, Match, Option, Parser, Repetition
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sipfsm.fuzz import FIELDS

RFC_3261 = Path(__file__).parents[3] / "shared" / "rfc" / "rfc3261.txt"

# What stands between two pages.
_PAGE_BREAK = re.compile(r"\n+Rosenberg, et\. al\..*\[Page \d+\]\n\f?\n*RFC 3261 .*\n")
# Prose is indented by three spaces, rules by none or six, what continues them by more.
_PROSE = re.compile(r"^ {3}\S.*\n?", re.MULTILINE)
_RULE = re.compile(r"^(?: {6})?(?=[A-Za-z][\w-]* +=)", re.MULTILINE)

# What has to be changed before the text can be read as ABNF, and why.
FIXES = (
    # A comment goes on in the next line without a semicolon, and the rule that it explains is in HTTP/1.1.
    # In SIP a Request-URI stands there (RFC 3261 section 22.4).
    (
        r"^digest-uri-value  =  rquest-uri ; Equal to request-uri as specified\n +by HTTP/1\.1",
        "digest-uri-value  =  Request-URI",
    ),
    # The rule is in RFC 2806; what it allows and a user does not has to be escaped, so it adds nothing.
    (r"\( user / telephone-subscriber \)", "user"),
    # As it stands, a field with a name of the RFC could hold anything at all.
    (r"^extension-header  =  header-name", "extension-header  =  extension-name"),
    (r"^header-name       =  token", "header-name  =  token\nextension-name  =  token"),
)


class Grammar(Rule):
    """The rules of RFC 3261 section 25 by their names.

    What a rule matches at a place is remembered while one source is read: the grammar has many ways to part
    white space, and without a memory reading takes exponential time.
    """

    matches: ClassVar[dict[tuple[str, str, int], list[Match]]] = {}

    def lparse(self, source: str, start: int) -> Iterator[Match]:
        """Find the ends of all that the rule matches here, the longest first."""
        place = (source, self.name, start)
        found = self.matches.get(place)
        if found is None:
            try:
                found = list(super().lparse(source, start))
            except ParseError:
                found = []
            self.matches[place] = found
        if not found:
            raise ParseError(self, start)
        yield from found


def section_25(text: str) -> str:
    """Take the rules out of the text of the RFC."""
    text = _PAGE_BREAK.sub("\n", text)
    start = text.index("\n25.1 Basic Rules\n")
    text = _PROSE.sub("", text[start : text.index("\n26 Security Considerations", start)])
    rules = _RULE.sub("", text.partition("\n25.1 Basic Rules\n")[2])
    for pattern, replacement in FIXES:
        rules, count = re.subn(pattern, replacement, rules, flags=re.MULTILINE)
        assert count == 1, f"not in the RFC: {pattern}"
    return re.sub(r"\n(?:[ ]*\n)+", "\n", rules).strip("\n") + "\n"


@cache
def load() -> type[Rule]:
    """Read the grammar."""
    Grammar.load_grammar(section_25(RFC_3261.read_text(encoding="latin-1").replace("\r\n", "\n")))
    # The names and compact forms that have a rule of their own are no extensions.
    Grammar.create("known-name = " + " / ".join(f'"{name}"' for name in _field_names()))
    Grammar("extension-name").exclude_rule(Grammar("known-name"))
    return Grammar


def _field_names() -> list[str]:
    return [name for rule in FIELDS for name in _literals_before_colon(Grammar(rule).definition)]


def _literals_before_colon(definition: Parser) -> list[str]:
    """The names that the first part of a header field's rule has."""
    assert isinstance(definition, Concatenation)
    first = definition.parsers[0]
    parts = first.parsers if isinstance(first, Alternation) else [first]
    return [str(part.value) for part in parts if isinstance(part, Literal)]


def accepts(rule: str, raw: bytes) -> bool:
    """Say whether bytes are what a rule allows."""
    grammar = load()
    Grammar.matches.clear()
    try:
        grammar(rule).parse_all(raw.decode("latin-1"))
    except ParseError:
        return False
    return True


# ---- what the grammar allows

# White space comes so often that most of it has to be short; each of these is what the rule allows.
_WHITE_SPACE = {
    "SWS": st.sampled_from(["", "", "", "", "", " ", "\t", "\r\n ", " \r\n\t"]),
    "LWS": st.sampled_from([" ", " ", " ", "  ", "\t", "\r\n ", " \r\n\t "]),
}
_MOST = 3
"""So many times more than it has to come what may be repeated without end comes at most."""


def generated(rule: str) -> SearchStrategy[bytes]:
    """Bytes that a rule allows."""
    load()
    return _of_rule(rule.lower()).map(lambda text: text.encode("latin-1"))


@cache
def _of_rule(name: str) -> SearchStrategy[str]:
    if name.upper() in _WHITE_SPACE:
        return _WHITE_SPACE[name.upper()]
    if name == "extension-name":
        return _of_rule("token").filter(lambda drawn: not accepts("known-name", drawn.encode("latin-1")))
    return st.deferred(lambda: _of(Grammar(name).definition))


def _of(parser: Parser) -> SearchStrategy[str]:
    characters = _characters(parser)
    if characters:
        return st.sampled_from(characters)
    match parser:
        case Rule():
            return _of_rule(parser.name.lower())
        case Literal():
            return _of_literal(parser)
        case Alternation():
            return st.one_of(*map(_of, parser.parsers))
        case Concatenation():
            return st.tuples(*map(_of, parser.parsers)).map("".join)
        case Option():
            return st.just("") | _of(parser.alternation)
        case Repetition():
            return _of_repetition(parser)
        case _:
            raise TypeError(f"no ABNF operator: {parser}")


def _of_literal(literal: Literal) -> SearchStrategy[str]:
    spelled = literal.value
    return st.sampled_from(
        [spelled] if literal.case_sensitive else [spelled, spelled.upper(), spelled.lower()]
    )


def _of_repetition(repetition: Repetition) -> SearchStrategy[str]:
    least = repetition.repeat.min
    most = least + _MOST if repetition.repeat.max is None else repetition.repeat.max
    characters = _characters(repetition.element)
    if characters:
        return st.text(characters, min_size=least, max_size=most + _MOST * (repetition.repeat.max is None))
    return st.lists(_of(repetition.element), min_size=least, max_size=most).map("".join)


def _characters(parser: Parser) -> str:
    """The characters of which a construct is always one; none if it can be anything else."""
    if isinstance(parser, Rule):
        return _characters(Grammar(parser.name).definition) if parser.name not in {"SWS", "LWS"} else ""
    if isinstance(parser, Literal):
        value = parser.value
        if isinstance(value, tuple):
            return "".join(map(chr, range(ord(value[0]), ord(value[1]) + 1)))
        return value.lower() + value.upper() * (value.lower() != value.upper()) if len(value) == 1 else ""
    if isinstance(parser, Alternation):
        parts = [_characters(part) for part in parser.parsers]
        return "".join(dict.fromkeys("".join(parts))) if all(parts) else ""
    return ""
