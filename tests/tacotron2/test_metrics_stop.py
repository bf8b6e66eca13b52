"""The stop decision and the reference loss: neither padding nor batching may move them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tacotron2.metrics import (
    GateAccuracy,
    MetricsError,
    ReferenceLoss,
    StopMetrics,
    length_error_frames,
    stop_metrics,
    stop_score,
)

LENGTHS = np.array([7, 2, 5, 9])


def gate_accuracy(probabilities: np.ndarray, lengths: np.ndarray) -> float | None:
    gate = GateAccuracy()
    gate.add(probabilities, lengths)
    return gate.value


def stopping_at(steps: list[int], longest: int) -> np.ndarray:
    return (np.arange(longest) >= np.array(steps)[:, None]).astype(float)


def test_balanced_gate_accuracy_of_the_plain_cases() -> None:
    assert gate_accuracy(np.zeros((4, 9)), LENGTHS) == 0.5  # never stops; raw accuracy would be 0.83
    assert gate_accuracy(np.ones((4, 9)), LENGTHS) == 0.5
    assert gate_accuracy(np.full((4, 9), 0.5), LENGTHS) == 0.5  # the threshold itself goes on
    assert gate_accuracy(stopping_at([6, 1, 4, 8], 9), LENGTHS) == 1.0
    # two of four stops missed; 19 go-on steps all right
    assert gate_accuracy(stopping_at([6, 1, 9, 9], 9), LENGTHS) == 0.75


def test_gate_accuracy_sums_counts_over_batches_and_ignores_padding() -> None:
    probabilities = np.random.default_rng(0).random((4, 9))
    whole = gate_accuracy(probabilities, LENGTHS)
    parts = GateAccuracy()
    parts.add(probabilities[:1, :7], LENGTHS[:1])
    rest = np.pad(probabilities[1:], ((0, 0), (0, 6)), constant_values=np.nan)
    parts.add(torch.from_numpy(rest), torch.from_numpy(LENGTHS[1:]))
    assert parts.value == whole
    means = [gate_accuracy(probabilities[:1], LENGTHS[:1]), gate_accuracy(probabilities[1:], LENGTHS[1:])]
    assert whole != pytest.approx(np.mean([mean for mean in means if mean is not None]))


def test_gate_accuracy_is_absent_where_it_cannot_be_known() -> None:
    assert GateAccuracy().value is None
    assert gate_accuracy(np.ones((1, 1)), np.array([1])) is None  # no go-on step
    assert gate_accuracy(np.array([[0.1, np.nan]]), np.array([2])) is None


@pytest.mark.parametrize(
    ("arrival", "num_steps", "stopped", "expected"),
    [
        (7, 10, True, StopMetrics(2, premature=False, never_stopped=False)),
        (9, 10, True, StopMetrics(0, premature=False, never_stopped=False)),
        (None, 10, True, StopMetrics(None, premature=True, never_stopped=False)),
        (7, 90, False, StopMetrics(None, premature=False, never_stopped=True)),
        (None, 90, False, StopMetrics(None, premature=False, never_stopped=True)),
    ],
)
def test_how_a_synthesis_ended(
    arrival: int | None, num_steps: int, stopped: bool, expected: StopMetrics
) -> None:
    assert stop_metrics(arrival, num_steps, stopped) == expected
    assert ("stop_error_steps" in expected.to_dict()) == (expected.error_steps is not None)


def test_an_arrival_after_the_end_is_refused() -> None:
    with pytest.raises(MetricsError, match="arrival_step"):
        stop_metrics(10, 10, stopped=True)


def test_length_error_and_stop_score() -> None:
    assert length_error_frames(90, 100) == length_error_frames(110, 100) == 10
    assert stop_score(90, 100, stopped=True) == pytest.approx(0.9)
    assert stop_score(350, 100, stopped=True) == 0.0
    assert stop_score(100, 100, stopped=False) == 0.0


def reference_loss(mels: list[np.ndarray], logits: np.ndarray, lengths: np.ndarray) -> ReferenceLoss:
    loss = ReferenceLoss()
    loss.add_mels(*mels, lengths)
    loss.add_stops(logits, lengths)
    return loss


def test_reference_loss_agrees_with_torch() -> None:
    rng = np.random.default_rng(1)
    mels = [rng.normal(size=(4, 9, 5)) for _ in range(3)]
    logits = rng.normal(size=(4, 9)) * 30
    loss = reference_loss(mels, logits, LENGTHS)
    valid = torch.from_numpy(np.arange(9) < LENGTHS[:, None])
    before, after, target = (torch.from_numpy(mel)[valid] for mel in mels)
    stops = torch.from_numpy((np.arange(9) == LENGTHS[:, None] - 1).astype(float))[valid]
    functional = torch.nn.functional
    bce = functional.binary_cross_entropy_with_logits(torch.from_numpy(logits)[valid], stops)
    assert loss.mel_before == pytest.approx(float(functional.mse_loss(before, target)))
    assert loss.mel_after == pytest.approx(float(functional.mse_loss(after, target)))
    assert loss.gate == pytest.approx(float(bce))
    assert loss.value == pytest.approx((loss.mel_before or 0) + (loss.mel_after or 0) + float(bce))


def test_reference_loss_depends_on_neither_batching_nor_padding() -> None:
    rng = np.random.default_rng(2)
    mels = [rng.normal(size=(4, 9, 5)) for _ in range(3)]
    logits = rng.normal(size=(4, 9))
    parts = ReferenceLoss()
    for rows in (slice(0, 1), slice(1, 4)):
        longer = [np.pad(mel[rows], ((0, 0), (0, 4), (0, 0)), constant_values=np.nan) for mel in mels]
        parts.add_mels(*longer, LENGTHS[rows])
        parts.add_stops(np.pad(logits[rows], ((0, 0), (0, 4)), constant_values=np.inf), LENGTHS[rows])
    assert parts.value == pytest.approx(reference_loss(mels, logits, LENGTHS).value, rel=1e-12)


def test_reference_loss_is_absent_when_not_finite_and_refuses_other_shapes() -> None:
    mel = np.full((1, 2, 5), np.nan)
    assert reference_loss([mel, mel, np.zeros((1, 2, 5))], np.zeros((1, 2)), np.array([2])).value is None
    assert ReferenceLoss().value is None
    with pytest.raises(MetricsError, match="mel_after"):
        ReferenceLoss().add_mels(np.zeros((1, 2, 5)), np.zeros((1, 3, 5)), np.zeros((1, 2, 5)), [2])
