"""Decision tables: what of an update or a validation is out of the ordinary."""

from __future__ import annotations

import json
import math
import random

import pytest

from tacotron2.detectors import (
    FEWEST,
    QUIET_STEPS,
    QUIET_VALIDATIONS,
    RunningScale,
    UpdateWatch,
    ValidationWatch,
    attention_collapsed,
    exceeds_gate,
    gate_collapsed,
    running_scale,
    update_incidents,
)

STEADY, NOISY = RunningScale(1.0, 0.1), RunningScale(1.0, 2.0)


@pytest.mark.parametrize(
    ("norm", "loss", "norms", "large_before", "small_before", "expected"),
    [
        (1.0, 1.0, STEADY, 0, 0, ()),
        (300.0, 1.0, STEADY, 0, 0, ()),  # clipping bears one
        (300.0, 1.0, STEADY, 1, 0, ()),
        (300.0, 1.0, STEADY, 2, 0, ("exploding_norm",)),
        (9.9, 1.0, STEADY, 2, 0, ()),
        (10.1, 1.0, STEADY, 2, 0, ("exploding_norm",)),
        (10.1, 1.0, NOISY, 2, 0, ()),  # that far is no rarity here
        (17.1, 1.0, NOISY, 2, 0, ("exploding_norm",)),
        (1001.0, 1.0, STEADY, 0, 0, ("exploding_norm",)),
        (0.009, 1.0, STEADY, 0, 3, ()),
        (0.009, 1.0, STEADY, 0, 4, ("vanishing_norm",)),
        (0.011, 1.0, STEADY, 0, 9, ()),
        (1.0, 1.9, STEADY, 0, 0, ()),
        (1.0, 2.1, STEADY, 0, 0, ("loss_spike",)),
        (1001.0, 99.0, STEADY, 0, 0, ("exploding_norm", "loss_spike")),
        (1e9, 1.0, None, 9, 9, ()),  # nothing is known yet
    ],
)
def test_updates(
    norm: float,
    loss: float,
    norms: RunningScale | None,
    large_before: int,
    small_before: int,
    expected: tuple[str, ...],
) -> None:
    assert update_incidents(norm, loss, norms, STEADY, large_before, small_before) == expected


@pytest.mark.parametrize(
    ("alignments", "collapsed"),
    [
        ([], False),
        ([0.1], False),
        ([0.7, 0.2], False),  # one validation
        ([0.7, 0.2, 0.3], True),
        ([0.7, 0.2, 0.4], False),
        ([0.39, 0.1, 0.1], False),  # it never formed
        ([0.41, 0.1, 0.1], True),
        ([0.1, 0.7, 0.6, 0.34, 0.34], True),
        ([0.7, 0.1, 0.7, 0.1], False),
    ],
)
def test_attention(alignments: list[float], collapsed: bool) -> None:
    assert attention_collapsed(alignments) is collapsed


@pytest.mark.parametrize(
    ("accuracies", "collapsed"),
    [
        ([0.5], False),
        ([0.5, 0.5], False),  # it has not been learned yet
        ([0.74, 0.5], False),
        ([0.75, 0.55], True),
        ([0.9, 0.56], False),
        ([0.9, 0.5, 0.8], False),
    ],
)
def test_stop_token(accuracies: list[float], collapsed: bool) -> None:
    assert gate_collapsed(accuracies) is collapsed


@pytest.mark.parametrize(
    ("val_loss", "exceeded"),
    [(0.5, False), (30.0, False), (30.1, True), (math.inf, True), (math.nan, True)],
)
def test_validation_loss(val_loss: float, exceeded: bool) -> None:
    assert exceeds_gate(val_loss) is exceeded


def test_the_scale_is_robust() -> None:
    values = [random.Random(3).gauss(5.0, 1.0) for _ in range(FEWEST)]
    assert running_scale(values[1:]) is None
    values = [random.Random(index).gauss(5.0, 1.0) for index in range(100)]
    clean, dirty = running_scale(values), running_scale([*values[:80], *[1e6] * 20])
    assert clean is not None and dirty is not None
    assert clean.median == pytest.approx(5.0, abs=0.3) and clean.deviation == pytest.approx(1.0, abs=0.3)
    assert dirty.median < 6 and dirty.deviation < 2


def told(watch: UpdateWatch, norms: list[float], first: int) -> list[tuple[int, str]]:
    return [
        (step, kind)
        for step, norm in enumerate(norms, first)
        for kind in watch.judge(step, norm, 1.0).incidents
    ]


def test_a_kind_is_told_once_in_a_while_and_what_stays_is_usual() -> None:
    watch = UpdateWatch()
    assert told(watch, [1.0] * 30, 1) == []
    # Large from step 31 on: told at the third, and when the median has followed, never again.
    assert told(watch, [20.0] * 3 * QUIET_STEPS, 31) == [(33, "exploding_norm")]
    assert told(watch, [1e9], 331) == [(331, "exploding_norm")]
    assert told(watch, [1e9] * 10, 332) == []


def test_going_on_from_a_saved_state_tells_the_same() -> None:
    generator = random.Random(5)
    norms = [math.exp(generator.gauss(0, 0.3)) * (50 if step % 60 > 55 else 1) for step in range(400)]
    norms[200:210] = [1e-4] * 10
    whole = told(UpdateWatch(), norms, 1)
    assert {kind for _, kind in whole} == {"exploding_norm", "vanishing_norm"}
    for cut in (57, 58, 118, 203, 260):
        first, second = UpdateWatch(), UpdateWatch()
        begun = told(first, norms[:cut], 1)
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
        assert begun + told(second, norms[cut:], cut + 1) == whole


def test_validations_are_judged_with_those_before_them() -> None:
    watch = ValidationWatch()

    def judge(alignment: float, gate: float, loss: float) -> list[str]:
        nonlocal watch
        again = ValidationWatch()
        again.load_state_dict(json.loads(json.dumps(watch.state_dict())))
        watch = again
        figures = {"gate_accuracy": gate, "val_loss": loss}
        return list(watch.judge(figures, {"attention_alignment": alignment}))

    assert watch.judge({}, {}) == {}
    assert judge(0.1, 0.6, 3.0) == []
    assert judge(0.6, 0.9, 2.0) == []
    assert judge(0.2, 0.5, 31.0) == ["gate_collapse", "validation_loss"]
    assert judge(0.2, 0.5, 31.0) == ["attention_collapse"]
    for _ in range(QUIET_VALIDATIONS - 2):
        assert judge(0.2, 0.5, 31.0) == []
    assert judge(0.2, 0.5, 31.0) == ["gate_collapse", "validation_loss"]
