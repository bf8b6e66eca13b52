"""The figures of a set of utterances: what they are, and what they must not depend on."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from tacotron2.data.dataset import Item, TextMelCollate
from tacotron2.evaluation import free_running, teacher_forced
from tacotron2.losses import Tacotron2Loss
from tacotron2.models import Tacotron2

MakeModel = Callable[..., Tacotron2]
ORDERS = {"as listed": [0, 1, 2, 3, 4], "reversed": [4, 3, 2, 1, 0], "mixed": [2, 4, 0, 3, 1]}


@pytest.mark.parametrize("batch_size", [1, 2, 32])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_figures_do_not_depend_on_batches_or_order(
    stopping_model: Tacotron2, items: list[Item], batch_size: int, order: list[int]
) -> None:
    """With the pre-net's dropout off: what it draws is shared out among the rows of a batch."""
    model = stopping_model
    expected_forced, expected_free = teacher_forced(model, items, 3), free_running(model, items, 3)
    assert len({len(speech.mel) for speech in expected_free.speeches}) > 1
    shuffled = [items[index] for index in order]
    forced, free = teacher_forced(model, shuffled, batch_size), free_running(model, shuffled, batch_size)
    assert forced.figures == pytest.approx(expected_forced.figures, rel=1e-4)
    assert free.figures == pytest.approx(expected_free.figures, rel=1e-4)
    for place, index in enumerate(order):
        np.testing.assert_allclose(forced.alignments[place], expected_forced.alignments[index], atol=1e-5)
        speech, expected = free.speeches[place], expected_free.speeches[index]
        assert speech.stopped == expected.stopped
        np.testing.assert_allclose(speech.mel, expected.mel, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(speech.alignment, expected.alignment, atol=1e-4)
        assert free.utterances[place] == pytest.approx(expected_free.utterances[index], rel=1e-3)


def test_the_loss_is_the_reference_loss_of_training(make_model: MakeModel, items: list[Item]) -> None:
    """Two implementations, one formula: numpy sums over batches, and torch over one padded batch."""
    model = make_model(prenet_dropout_at_synthesis=False)
    batch = TextMelCollate(model.r)(items)
    with torch.no_grad():
        output = model(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths)
        losses = Tacotron2Loss(model.hparams)(output, batch, 0.0)
    figures = teacher_forced(model, items, 2).figures
    assert figures["val_loss"] == pytest.approx(losses.reference.item(), rel=1e-5)


def test_alignments_are_those_of_the_true_lengths(make_model: MakeModel, items: list[Item]) -> None:
    model = make_model()
    forced, free = teacher_forced(model, items, 32), free_running(model, items, 32)
    for item, alignment, speech in zip(items, forced.alignments, free.speeches, strict=True):
        assert alignment.shape == (-(-len(item.mel) // 3), len(item.ids))
        assert speech.alignment.shape == (len(speech.mel) / 3, len(item.ids))
        np.testing.assert_allclose(alignment.sum(axis=1), 1.0, atol=1e-5)
        np.testing.assert_allclose(speech.alignment.sum(axis=1), 1.0, atol=1e-5)


def test_figures_that_cannot_be_computed_are_absent(make_model: MakeModel, items: list[Item]) -> None:
    model = make_model()
    with torch.no_grad():
        model.embedding.weight.fill_(math.nan)
    assert teacher_forced(model, items, 2).figures == {}
    free = free_running(model, items, 2).figures
    assert not {name for name in free if name.startswith("attention")} and "mcd_dtw_db" not in free
    assert free["stop_score"] == 0.0 and all(map(math.isfinite, free.values()))


def test_stop_figures_are_absent_where_nothing_stopped(endless_model: Tacotron2, items: list[Item]) -> None:
    free = free_running(endless_model, items, 2).figures
    assert free["never_stopped_rate"] == 1.0 and "stop_error_steps" not in free
    assert teacher_forced(endless_model, items, 2).figures["gate_accuracy"] == 0.5
