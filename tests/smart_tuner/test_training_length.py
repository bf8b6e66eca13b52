"""How long to train: examples, bounds, and in which direction each thing pushes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from smart_tuner.messages import Language, render
from smart_tuner.preset_choice import LARGE, SMALL
from smart_tuner.training_length import ANCHORS, ENOUGH_PAIRS, MOST_EPOCHS, Speech, recommend_length

KERSTIN = Speech(hours=1.7, clips=1228, letter_pairs=664)
BATCH = {SMALL: 16, LARGE: 32}


@pytest.mark.parametrize(
    ("preset", "hours", "clips", "steps", "low", "high"),
    [
        (SMALL, 0.06, 32, 1_500, 1_500, 1_500),  # as few as attention needs to form
        (SMALL, 0.5, 350, 1_750, 1_500, 2_750),
        (SMALL, 1.7, 1_228, 3_000, 2_000, 5_000),  # the German reader: gained until 2,000, planned 4,800
        (SMALL, 24.0, 13_100, 11_500, 7_750, 18_250),
        (LARGE, 2.0, 1_100, 40_000, 40_000, 40_000),
        (LARGE, 24.0, 13_100, 100_000, 50_000, 410_000),  # 250 epochs, to 1,000
    ],
)
def test_examples(preset: str, hours: float, clips: int, steps: int, low: int, high: int) -> None:
    validate_every = 250 if preset == SMALL else 1_000
    found = recommend_length(Speech(hours, clips), preset, BATCH[preset], 2, validate_every)
    assert (found.steps, found.low, found.high) == (steps, low, high)
    assert found.epochs == pytest.approx(steps * BATCH[preset] / clips)


@pytest.mark.parametrize("preset", ANCHORS)
def test_more_speech_means_not_fewer_steps_and_not_more_epochs(preset: str) -> None:
    hours = [0.02, 0.1, 0.5, 1, 1.7, 3, 6, 12, 24, 60, 200]
    found = [recommend_length(Speech(each, round(700 * each)), preset, 16) for each in hours]
    for less, more in pairwise(found):
        assert more.steps >= less.steps and more.epochs <= less.epochs
    for each, length in zip(hours, found, strict=True):
        assert length.low <= length.steps <= length.high
        read = length.high * 16
        assert read >= ANCHORS[preset].fewest
        assert read <= max(ANCHORS[preset].fewest, MOST_EPOCHS * 700 * each) + 16


@pytest.mark.parametrize(
    ("change", "longer"),
    [
        ({"left_out_share": 0.3}, True),
        ({"speakers": 4}, True),
        ({"letter_pairs": ENOUGH_PAIRS // 2}, False),
        ({"letter_pairs": None}, None),
        ({"letter_pairs": 2 * ENOUGH_PAIRS}, None),
    ],
)
def test_what_else_counts(change: dict[str, float], longer: bool | None) -> None:
    usual, other = (
        recommend_length(speech, SMALL, 16).steps for speech in (KERSTIN, replace(KERSTIN, **change))
    )
    assert (other > usual, other < usual) == (longer is True, longer is False)


def test_a_smaller_batch_takes_more_steps_and_r_of_1_too() -> None:
    usual = recommend_length(KERSTIN, SMALL, 16).steps
    assert recommend_length(KERSTIN, SMALL, 8).steps == 2 * usual
    assert (
        recommend_length(KERSTIN, SMALL, 16, r=1).steps
        > usual
        == recommend_length(KERSTIN, SMALL, 16, 5).steps
    )


def test_the_reasons_name_their_figures_in_both_languages() -> None:
    speech = Speech(1.7, 1228, left_out_share=0.06, letter_pairs=250, speakers=3)
    found = recommend_length(speech, SMALL, 16)
    for language, words in (
        (Language.EN, ("1.7 hours", "250", "3 speakers", "6%")),
        (Language.RU, ("1,7 ч",)),
    ):
        told = render(found.reasoning, language)
        assert all(word in told for word in words), told
