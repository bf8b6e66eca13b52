"""Who stays among the k best, and who is first."""

from __future__ import annotations

import math

import pytest

from smart_tuner.registry.ranking import Entry, place_of, ranked, superfluous


def entry(number: int, quality: float, r: int = 1, passed: bool = True, run: str = "") -> Entry:
    return Entry(number, run or f"run-{number}", passed, r, quality)


TABLE = [
    # what is there, how many stay, in production: the order, what leaves
    ([(1, 0.5)], 3, None, [1], []),
    ([(1, 0.5), (2, 0.7), (3, 0.6), (4, 0.4)], 3, None, [2, 3, 1, 4], [4]),
    ([(1, 0.5), (2, 0.7), (3, 0.6), (4, 0.4)], 3, 4, [2, 3, 1, 4], []),
    ([(1, 0.5), (2, 0.7)], 1, 1, [2, 1], []),
    ([(1, 0.5), (2, 0.7), (3, 0.6)], 1, 2, [2, 3, 1], [1, 3]),
    ([(1, 0.5), (2, 0.5)], 1, None, [1, 2], [2]),  # the older one
    ([(1, 0.5, 2), (2, 0.4, 1)], 1, None, [2, 1], [1]),  # the smaller r, whatever the qualities
    ([(1, 0.5, 2), (2, 0.9, 1, False)], 1, None, [1, 2], [2]),  # but not before a voice that passes
    ([(1, 0.9, 1, False), (2, 0.1, 5)], 2, None, [2, 1], []),
    ([(1, 0.9, 1, True, "a"), (2, 0.5, 1, True, "a")], 3, None, [2], [1]),  # of a run the newest
    ([(1, 0.9, 1, True, "a"), (2, 0.5, 1, True, "a")], 3, 1, [2], []),
    ([(1, math.nan), (2, 0.1), (3, math.inf)], 3, None, [2], [1, 3]),
    ([], 3, None, [], []),
]


@pytest.mark.parametrize(("there", "keep", "production", "order", "leaving"), TABLE)
def test_the_order_and_who_leaves(
    there: list[tuple], keep: int, production: int | None, order: list[int], leaving: list[int]
) -> None:
    entries = [entry(*each) for each in there]
    assert [each.number for each in ranked(entries)] == order
    assert [each.number for each in ranked(entries[::-1])] == order
    assert [each.number for each in superfluous(entries, keep, production)] == leaving


def test_the_place_of_a_newcomer() -> None:
    others = [entry(1, 0.5), entry(2, 0.7)]
    assert place_of(entry(3, 0.6), others) == 2
    assert place_of(entry(3, 0.1), others) == 3
    assert place_of(entry(3, math.nan), others) is None
