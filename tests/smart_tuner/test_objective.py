"""The objective: its arithmetic, its range, its order, and what it refuses to judge."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_tuner.objective import ObjectiveError, Score, judge
from smart_tuner.tuning.settings import GateSettings, TuningSettings
from tacotron2.events import ValidationEvent

FREE = {"attention_alignment": 0.5, "mel_quality_score": 0.8, "stop_score": 0.6}
FORCED = {"val_loss": 3.0, "gate_accuracy": 0.9}
GOOD = FREE | FORCED


def judged(figures: dict[str, float], gate: GateSettings | None = None) -> Score:
    forced = {name: value for name, value in figures.items() if name in FORCED}
    free = {name: value for name, value in figures.items() if name not in FORCED}
    event = ValidationEvent(step=50, teacher_forced=forced, free_running=free, seconds=1.0)
    return judge(event, TuningSettings(), gate or GateSettings())


def test_it_is_the_weighted_sum_of_its_parts() -> None:
    score = judged(GOOD)
    assert score.value == pytest.approx(0.4 * 0.5 + 0.3 * 0.8 + 0.2 * 0.6 + 0.1 * 0.25)
    assert score.parts == {"alignment": 0.5, "mel_quality": 0.8, "stop_score": 0.6, "val_loss": 0.25}
    assert (score.step, score.gate_failures) == (50, ())


def test_the_shares_are_those_of_the_settings() -> None:
    event = ValidationEvent(step=1, teacher_forced=FORCED, free_running=FREE, seconds=1.0)
    tuning = replace(
        TuningSettings(), alignment_share=0.0, mel_quality_share=0.0, stop_score_share=0.0, val_loss_share=1.0
    )
    assert judge(event, tuning, GateSettings()).value == 0.25


UNIT = st.floats(0, 1)
FIGURES = st.fixed_dictionaries(
    dict.fromkeys([*FREE, "gate_accuracy"], UNIT) | {"val_loss": st.floats(0, allow_infinity=False)}
)


@settings(deadline=None)
@given(FIGURES, st.sampled_from(sorted(GOOD)), st.data())
def test_it_is_monotone_in_each_part_and_within_0_and_1(
    figures: dict[str, float], name: str, data: st.DataObject
) -> None:
    other = figures | {name: data.draw(st.floats(0, 1e6) if name == "val_loss" else UNIT)}
    low, high = sorted([figures, other], key=lambda each: each[name], reverse=name == "val_loss")
    assert 0.0 <= judged(low).value <= judged(high).value <= 1.0


@pytest.mark.parametrize("name", [*FREE, "val_loss"])
def test_each_part_counts(name: str) -> None:
    worse = GOOD | {name: 4.0 if name == "val_loss" else 0.4}
    assert judged(worse).value < judged(GOOD).value


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "missing"), (math.nan, "not a finite number"), (math.inf, "not a finite number"), (-0.1, "")],
)
def test_what_cannot_be_judged_is_named(name: str, value: float | None, words: str) -> None:
    figures = {key: figure for key, figure in GOOD.items() if key != name}
    if value is not None:
        figures[name] = value
    with pytest.raises(ObjectiveError, match=f"step 50.*{name} is .*{words}"):
        judged(figures)


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(ObjectiveError) as caught:
        judged({})
    assert all(f"{name} is missing" in str(caught.value) for name in GOOD)


@pytest.mark.parametrize(
    ("name", "value", "failure"),
    [
        ("attention_alignment", 0.31, "attention_alignment 0.31 < 0.4"),
        ("attention_alignment", 0.4, None),
        ("gate_accuracy", 0.5, "gate_accuracy 0.5 < 0.6"),
        ("gate_accuracy", 0.6, None),
        ("val_loss", 31.25, "val_loss 31.25 > 30"),
        ("val_loss", 30.0, None),
    ],
)
def test_the_gate_says_which_threshold_was_missed(name: str, value: float, failure: str | None) -> None:
    assert judged(GOOD | {name: value}).gate_failures == ((failure,) if failure else ())


def test_the_gate_does_not_move_the_score() -> None:
    strict = GateSettings(min_attention_alignment=1.0, min_gate_accuracy=1.0, max_validation_loss=0.1)
    assert judged(GOOD, strict).value == judged(GOOD).value
    assert len(judged(GOOD, strict).gate_failures) == 3
