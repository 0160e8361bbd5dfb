"""Counters: labels start at 0, and the table is bounded."""

from sipfsm import counters
from sipfsm.counters import MAX_LABELS, OVERFLOW, Counters


def test_a_label_starts_at_zero_and_reading_does_not_store_it() -> None:
    table = Counters()
    assert table["received.udp"] == 0
    assert dict(table) == {}


def test_counts_add_up() -> None:
    table = Counters()
    table.count("sent.udp")
    table.count("sent.udp", 2)
    assert table == {"sent.udp": 3}


def test_the_total_of_a_prefix_takes_whole_slugs() -> None:
    table = Counters()
    for label in ("dropped", "dropped.parse.no-colon", "dropped.via", "droppedx.y"):
        table.count(label)
    assert table.total("dropped") == 3
    assert table.total("dropped.parse") == 1


def test_the_table_ends_at_its_limit() -> None:
    table = Counters()
    for number in range(MAX_LABELS + 10):
        table.count(f"label.{number}")
    assert len(table) == MAX_LABELS + 1
    assert table[OVERFLOW] == 10
    table.count("label.0")
    assert table["label.0"] == 2
    assert counters.OVERFLOW in table
