"""Ladders are text: every character of a small one."""

from sipfsm.ladder import Arrow, Note, draw_ladder


def test_arrows_point_where_messages_went() -> None:
    drawn = draw_ladder(
        [
            Arrow(0, "alice", "proxy", "INVITE"),
            Note(0, "IST-01 Absent to Proceeding: 3261 17.2.1 MUST"),
            Arrow(0.2, "proxy", "alice", "100 Trying", lost=True),
            Arrow(0.5, "proxy", "bob", "INVITE"),
            Arrow(1, "alice", "bob", "ACK"),
        ]
    )
    assert drawn.splitlines() == [
        "     time  alice              proxy               bob",
        "    0.000    |---- INVITE ----->|                  |",
        "    0.000    |  IST-01 Absent to Proceeding: 3261 17.2.1 MUST",
        "    0.200    |X--- 100 Trying --|                  |",
        "    0.500    |                  |---- INVITE ----->|",
        "    1.000    |---- ACK --------------------------->|",
    ]


def test_columns_stand_as_told_and_who_is_not_named_behind() -> None:
    drawn = draw_ladder([Arrow(0, "carol", "bob", "BYE")], columns=["alice", "bob"])
    assert drawn.splitlines()[0].split() == ["time", "alice", "bob", "carol"]
    assert drawn.splitlines()[1].split() == ["0.000", "|", "|<---", "BYE", "----|"]


def test_a_label_that_is_too_long_is_cut_and_all_columns_stay_in_line() -> None:
    lines = draw_ladder([Arrow(0, "a", "b", "x" * 100), Arrow(1, "b", "a", "y")]).splitlines()
    assert "x~" in lines[1]
    assert len(lines[1]) == len(lines[2])


def test_what_one_sends_to_itself_is_told() -> None:
    assert "OPTIONS (to itself)" in draw_ladder([Arrow(0, "a", "a", "OPTIONS")])


def test_nothing_happened() -> None:
    assert draw_ladder([]).strip() == "time"
