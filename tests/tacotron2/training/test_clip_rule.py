"""Which recordings are bad: a decision table, and the same for all at once."""

from __future__ import annotations

import pytest
import torch

from tacotron2.training.clip_rule import Usual, Why, are_bad, reasons, severity

FORMED = Usual(alignment=0.7, alignment_deviation=0.05, loss=1.0, loss_deviation=0.1)


@pytest.mark.parametrize(
    ("alignment", "loss", "expected"),
    [
        (0.7, 1.0, []),
        (0.53, 1.3, []),
        (0.52, 1.0, [Why.MISALIGNED]),  # below 0.7 - 3.5 x 0.05 and below 0.75 x 0.7
        (0.95, 0.8, []),  # better than the others is not bad
        (0.7, 2.1, [Why.UNPREDICTED]),
        (0.7, 1.9, []),  # far, but not twice
        (0.7, 0.4, [Why.EMPTY]),
        (0.1, 5.0, [Why.MISALIGNED, Why.UNPREDICTED]),
    ],
)
def test_reasons(alignment: float, loss: float, expected: list[Why]) -> None:
    assert reasons(alignment, loss, FORMED) == expected
    (bad,) = are_bad(torch.tensor([alignment]), torch.tensor([loss]), FORMED).tolist()
    assert bad == bool(expected)


def test_a_difference_of_chance_is_not_bad_though_all_are_nearly_equal() -> None:
    equal = Usual(alignment=0.7, alignment_deviation=0.001, loss=1.0, loss_deviation=0.001)
    assert reasons(0.6, 1.5, equal) == []


def test_a_wide_spread_makes_low_figures_usual() -> None:
    wide = Usual(alignment=0.6, alignment_deviation=0.15, loss=1.0, loss_deviation=0.5)
    assert reasons(0.2, 2.5, wide) == []


def test_nothing_is_bad_before_attention_has_formed() -> None:
    unformed = Usual(alignment=0.3, alignment_deviation=0.01, loss=3.0, loss_deviation=0.1)
    assert are_bad(torch.tensor([0.0, 0.3]), torch.tensor([9.0, 0.1]), unformed).tolist() == [False, False]


def test_the_usual_one_is_not_moved_by_a_few() -> None:
    alignment = torch.tensor([0.68, 0.7, 0.72, 0.7, 0.71, 0.69, 0.7, 0.0, 0.1])
    usual = Usual.of(alignment, torch.ones(9))
    assert usual.alignment == pytest.approx(0.7) and usual.alignment_deviation < 0.03
    assert usual.loss == 1.0 and usual.loss_deviation == 0.0


def test_the_worst_comes_first() -> None:
    alignment, loss = torch.tensor([0.4, 0.7, 0.2]), torch.tensor([1.0, 3.0, 1.0])
    assert severity(alignment, loss, FORMED).argsort(descending=True).tolist() == [1, 2, 0]
