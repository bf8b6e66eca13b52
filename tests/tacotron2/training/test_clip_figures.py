"""The figures of single utterances agree with what they stand for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tacotron2.data.dataset import Item, TextMelCollate
from tacotron2.hparams import HParams
from tacotron2.losses import Tacotron2Loss, decoder_steps
from tacotron2.metrics import alignment_metrics
from tacotron2.models import Tacotron2
from tacotron2.training.clip_figures import alignment_scores, reference_losses


def naive_score(rows: Tensor) -> float:
    """Letter by letter; `(T_dec, T_text)` of one utterance."""
    front, along = 0, 0.0
    for row in rows:
        front = max(front, int(row.argmax()))
        along += float(row[front])
    coverage = sum(min(1.0, float(column.max()) / 0.5) for column in rows.T) / rows.size(1)
    return along / len(rows) * coverage


def diagonal(steps: int, symbols: int, width: float) -> Tensor:
    place = torch.arange(steps)[:, None] * (symbols - 1) / (steps - 1)
    return torch.softmax(-((torch.arange(symbols) - place) ** 2) / (2 * width**2), 1)


def test_the_score_is_that_of_a_plain_loop_and_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    utterances = [diagonal(40, 12, 0.6), torch.softmax(3 * torch.randn(25, 9), 1), diagonal(30, 15, 1.5)]
    batch = torch.rand(3, 40, 15)
    for row, rows in zip(batch, utterances, strict=True):
        row[: len(rows)] = (
            0.0  # the model's attention gives padded symbols nothing; padded steps hold anything
        )
        row[: len(rows), : rows.size(1)] = rows
    steps, symbols = torch.tensor([40, 25, 30]), torch.tensor([12, 9, 15])
    scores = alignment_scores(batch, steps, symbols)
    assert scores.tolist() == pytest.approx([naive_score(rows) for rows in utterances], abs=1e-6)


@pytest.mark.parametrize("width", [0.4, 0.6, 0.9, 1.5])
def test_on_readings_it_is_close_to_the_headline_metric(width: float) -> None:
    rows = diagonal(80, 30, width)
    (score,) = alignment_scores(rows[None], torch.tensor([80]), torch.tensor([30])).tolist()
    expected = alignment_metrics(rows.numpy()).alignment
    assert expected is not None and score == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    "rows",
    [
        torch.full((60, 20), 1 / 20),
        torch.eye(20)[torch.zeros(60, dtype=torch.long)],  # stuck
        torch.eye(20)[torch.arange(60).flip(0) // 3],  # read backwards
    ],
)
def test_what_is_no_reading_scores_low(rows: Tensor) -> None:
    (score,) = alignment_scores(rows[None], torch.tensor([60]), torch.tensor([20])).tolist()
    assert score <= 0.1


def test_the_loss_of_an_utterance_is_the_reference_loss_of_it_alone(tiny: HParams, items: list[Item]) -> None:
    torch.manual_seed(0)
    model = Tacotron2(tiny).eval()
    criterion, batch = Tacotron2Loss(tiny), TextMelCollate(model.r)(items[:4])
    with torch.no_grad():
        output = model(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths)
        losses = reference_losses(output, batch, model.r)
        whole = criterion(output, batch, 0.0).reference
    frames, steps = batch.mel_lengths, decoder_steps(batch.mel_lengths, model.r)
    assert len({*losses.tolist()}) == 4
    one = TextMelCollate(model.r)(items[:1])
    with torch.no_grad():
        alone = model(one.text, one.text_lengths, one.mel, one.mel_lengths)
    cut = reference_losses(alone, one, model.r)
    assert cut.item() == pytest.approx(criterion(alone, one, 0.0).reference.item(), rel=1e-5)
    # Over the batch it is the mean by frames, but for the stop token, whose mean is by steps.
    low, high = (losses * frames).sum() / frames.sum(), (losses * steps).sum() / steps.sum()
    assert whole.item() == pytest.approx(low.item(), abs=2 * abs(low - high).item() + 1e-4)
