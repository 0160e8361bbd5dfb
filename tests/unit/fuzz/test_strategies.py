"""The strategies of `sipfsm.fuzz`: what they give is valid, and it is as varied as they say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipfsm import fuzz
from sipfsm.fuzz import Outline, messages, request_outlines, requests, responses, spellings
from sipfsm.message import (
    Headers,
    Request,
    Response,
    check_untrusted,
    parse_message_untrusted,
)

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "use-the-strategies.md"

# Whole messages take a while to draw.
patient = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.slow
@patient
@given(messages())
def test_every_message_is_accepted(raw: bytes) -> None:
    message = parse_message_untrusted(raw)
    check_untrusted(message)
    assert message.to_bytes() == raw


@patient
@given(requests("INVITE", optional_fields=["Contact"]))
def test_a_request_is_of_the_method_that_was_asked_for(raw: bytes) -> None:
    message = parse_message_untrusted(raw)
    assert isinstance(message, Request)
    assert message.method == message.cseq.method == "INVITE"
    assert b"route" not in message.headers


@patient
@given(responses(486, method="BYE", optional_fields=[]))
def test_a_response_is_of_the_status_that_was_asked_for(raw: bytes) -> None:
    message = parse_message_untrusted(raw)
    assert isinstance(message, Response)
    assert message.status == 486
    assert message.cseq.method == "BYE"


def test_every_kind_of_spelling_comes() -> None:
    outline = Outline(
        b"INVITE sip:a@b SIP/2.0",
        (("CSeq", (b"1\xffINVITE",)), ("Via", (b"x",)), ("Route", (b"<sip:a>", b"<sip:b>"))),
        b"",
    )
    seen: list[bytes] = []

    @settings(max_examples=200, database=None, derandomize=True)
    @given(spellings(outline))
    def collect(raw: bytes) -> None:
        seen.append(raw)

    collect()
    kinds: dict[str, Callable[[bytes], bool]] = {
        "folded": lambda raw: b"\r\n " in raw,
        "compact": lambda raw: b"\r\nv" in raw.lower().replace(b"\r\nvia", b""),
        "case": lambda raw: b"\r\nROUTE" in raw,
        "lines": lambda raw: raw.lower().count(b"route") > 1,
        "list": lambda raw: b">,<" in raw,
        "space before colon": lambda raw: b" :" in raw,
        "order": lambda raw: raw.lower().endswith(b"invite\r\n\r\n"),
    }
    assert not [kind for kind, is_met in kinds.items() if not any(map(is_met, seen))]


@patient
@given(st.data())
def test_all_spellings_of_any_message_say_the_same(data: st.DataObject) -> None:
    headers = Headers(
        [
            (b"via", b"SIP/2.0/UDP h:5060;branch=z9hG4bK1;received=192.0.2.1"),
            (b"from", b'"a; b = c, \\" d" <sip:a@b;lr>;tag=1'),
            (b"to", b"sip:c@d;tag=2"),
            (b"contact", b'<sip:a@b>;q=0.5;x="y;z", sip:e@f'),
            (b"cseq", b"1 INVITE"),
            (b"x-own", b"a; b = c"),
        ]
    )
    message = Request("INVITE", b"sip:a@b", headers, b"body")
    other = parse_message_untrusted(data.draw(spellings(Outline.of(message))))
    assert other.vias == message.vias
    assert (other.from_, other.to, other.contacts) == (message.from_, message.to, message.contacts)
    assert other.cseq == message.cseq
    assert other.headers.first(b"x-own") == b"a; b = c"
    assert other.body == b"body"


@patient
@given(request_outlines("REGISTER", ["Contact", "Expires"]))
def test_the_usual_spelling_has_no_folded_lines(outline: Outline) -> None:
    raw = outline.plain()
    check_untrusted(parse_message_untrusted(raw))
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"\r\n " not in head
    assert b"\xfe" not in head


def test_what_is_public_has_a_docstring() -> None:
    for name in fuzz.__all__:
        assert getattr(fuzz, name).__doc__, name


def test_the_server_does_not_load_hypothesis() -> None:
    code = "import sys, sipfsm, sipfsm.cli, sipfsm.server; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_the_example_of_the_guide_runs(tmp_path: Path) -> None:
    example = GUIDE.read_text().partition("```python\n")[2].partition("```")[0]
    (tmp_path / "test_sip.py").write_text(example)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sip.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in ran.stdout, ran.stdout
