"""The best response is the same whatever the order, and its class is never worse than another's."""

from hypothesis import given
from hypothesis import strategies as st

from sipfsm.message import Response
from sipfsm.proxy.best import choose_best

statuses = st.lists(st.integers(300, 699), min_size=1, max_size=6)


def best(numbers: list[int]) -> int:
    return choose_best([Response(status, "") for status in numbers]).status


@given(statuses)
def test_the_order_makes_no_difference_to_the_class(numbers: list[int]) -> None:
    chosen = {best(numbers) // 100, best(numbers[::-1]) // 100, best(sorted(numbers)) // 100}
    assert len(chosen) == 1


@given(statuses)
def test_a_6xx_is_above_all_and_then_the_lowest_class_counts(numbers: list[int]) -> None:
    classes = {status // 100 for status in numbers}
    assert best(numbers) // 100 == (6 if 6 in classes else min(classes))


@given(statuses)
def test_a_503_never_leaves(numbers: list[int]) -> None:
    assert best(numbers) != 503
    assert best(numbers) in {*numbers, 500}


@given(statuses)
def test_what_helps_the_caller_is_preferred(numbers: list[int]) -> None:
    helpful = {401, 407, 415, 420, 484}
    if helpful.intersection(numbers) and all(400 <= status < 600 for status in numbers):
        assert best(numbers) in helpful
