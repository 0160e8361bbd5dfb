"""The table of defects, the code and the messages that show it: each compared with the other two."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import trio

from sipfsm.message import MessageError, Response, parse_message_untrusted
from sipfsm.message.check import LISTS, MANDATORY, ROUTES, SINGLETONS
from sipfsm.message.controls import REASONS
from sipfsm.message.names import usual_name
from sipfsm.simulation import Packet, Scene, simulated
from sipfsm.simulation.scene import parsed
from tests.conformance.defects import ANSWERS, DROPS, FORWARDS, HOST, LIMITS, REPAIRS, SAMPLES, Sample

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "defects.md"


def rows() -> dict[str, str]:
    """What the page says of each defect; a cell with two reasons counts as two."""
    found: dict[str, str] = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[0] not in {"defect", "---"}:
            slugs = re.fullmatch(r"`[a-z0-9<>-]+`(, `[a-z0-9<>-]+`)*", cells[0])
            for defect in cells[0].split(", ") if slugs else [cells[0]]:
                assert defect.replace("`", "") not in found
                found[defect.replace("`", "")] = cells[1]
            assert cells[2], f"{cells[0]} says no reason"
    return found


def test_every_row_is_shown_by_a_message_and_says_what_that_shows() -> None:
    shown = {(sample.row, sample.outcome) for sample in SAMPLES}
    assert shown == set(rows().items())


# ---- the reasons that the code can raise


@cache
def reasons() -> frozenset[str]:
    """Every reason that the code can give, as it stands there; families expanded."""
    found = {reason for reason, _ in REASONS.values()}
    found |= {f"missing-{name.decode()}" for name in (*MANDATORY, b"content-length")}
    found |= {f"duplicate-{name.decode()}" for name in SINGLETONS}
    found |= {f"too-many-{name.decode()}" for name in (b"via", *ROUTES, *LISTS)}
    places = {"MessageError": 0, "parse_number_untrusted": 2}
    for file in sorted((ROOT / "sipfsm").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in places:
                reason = node.args[places[node.func.id]]
                if isinstance(reason, ast.Constant):
                    found.add(str(reason.value))
                else:  # in a helper, whose callers are counted above
                    where = f"{file.name}: {ast.unparse(reason)}"
                    assert where in {
                        "controls.py: reason",
                        "values.py: reason",
                        "errors.py: f'missing-{usual.lower()}'",
                        "errors.py: f'duplicate-{usual.lower()}'",
                        "errors.py: f'too-many-{usual.lower()}'",
                    }, where
    return frozenset(found)


def test_every_reason_is_in_the_table_and_no_other() -> None:
    documented = {row for row in rows() if re.fullmatch(r"[a-z0-9-]+", row)}
    families = {"missing-<field>", "duplicate-<field>", "too-many-<field>"}
    in_families = {reason for reason in reasons() if _family(reason) in families and reason not in documented}
    assert documented == reasons() - in_families
    assert families <= rows().keys()


def test_every_reason_is_shown_by_a_message() -> None:
    shown = {sample.reason for sample in SAMPLES} | {sample.row for sample in SAMPLES}
    assert reasons() <= shown


def _family(reason: str) -> str:
    return re.sub(r"^(missing|duplicate|too-many)-.*", r"\1-<field>", reason)


def test_what_is_read_by_nobody_is_malformed_all_the_same() -> None:
    readers = {"bad-date": "date", "bad-timestamp": "timestamp", "bad-min-expires": "min_expires"}
    readers["bad-auth"] = "authorization"
    for sample in SAMPLES:
        if sample.row in readers:
            with pytest.raises(MessageError) as caught:
                getattr(parse_message_untrusted(sample.data), readers[sample.row])
            assert caught.value.reason == sample.row


# ---- what the server does


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@simulated(limits=LIMITS)
async def test_the_server_does_what_the_table_says(scene: Scene, sample: Sample) -> None:
    alice = await scene.phone("alice")
    users = [await scene.phone(name) for name in ("bob", "carol", "carol")]
    for user in users:
        await user.register()
    await alice.send_raw(sample.data.replace(HOST, alice.host.encode()), protocol=sample.protocol)
    await trio.sleep(1)
    left = [packet.data for user in users for packet in scene.forwarded("INVITE", to=user)]
    for user in users:
        for invite in user.got("INVITE")[:1]:
            user.answer(invite, 486)
    await trio.sleep(1)
    counted = Counter(
        {
            label: count
            for label, count in scene.server.counters.items()
            if label.startswith(("refused.", "dropped.parse."))
        }
    )
    if sample.outcome == DROPS:
        assert scene.forwarded(to=alice) == []
        assert left == []
        assert counted == {f"dropped.parse.{sample.reason}": 1}
    elif sample.outcome.startswith(ANSWERS):
        assert left == []
        assert counted == {f"refused.{sample.reason}": 1}
        _check_answer(sample, scene.forwarded(to=alice))
    else:
        assert sample.outcome in {FORWARDS, REPAIRS}
        assert counted == {}
        if sample.data.startswith(b"REGISTER"):
            left = [packet.data for packet in scene.forwarded("SIP/2.0 200", to=alice)]
        assert left
        assert all(sample.leaves in data and sample.never_leaves not in data for data in left)


def _check_answer(sample: Sample, answers: list[Packet]) -> None:
    """Look at the bytes: an answer to what lacks From lacks it, too, and no phone would take it."""
    [response] = {packet.start_line: parsed(packet) for packet in answers}.values()
    assert isinstance(response, Response)
    assert response.status == int(sample.outcome.removeprefix(ANSWERS))
    if response.status == 400:
        assert response.reason == sample.phrase
    assert response.via.branch == "z9hG4bK-defect"


def test_a_phrase_names_the_place_once() -> None:
    assert all(usual_name(name) for name in SINGLETONS)
    for sample in SAMPLES:
        words = sample.phrase.split()
        assert len(words) == len(set(words)) or "URI" in words or "header" in words, sample.phrase
