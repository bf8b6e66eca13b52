"""Losses count valid positions only, and their schedule belongs to training."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch.nn import functional

from tacotron2.data.dataset import Batch
from tacotron2.hparams import create_hparams
from tacotron2.losses import Losses, Tacotron2Loss, guided_attention_loss, guided_attention_weight
from tacotron2.metrics import ReferenceLoss
from tacotron2.models import TacotronOutput

R = 2


def sample(extra_frames: int = 0, extra_symbols: int = 0) -> tuple[TacotronOutput, Batch]:
    generator = torch.Generator().manual_seed(0)
    mel_lengths, text_lengths = torch.tensor([12, 7]), torch.tensor([5, 3])
    steps = (mel_lengths + 1) // 2
    mel = torch.randn(2, 12, 80, generator=generator)
    output = TacotronOutput(
        mel + torch.randn(2, 12, 80, generator=generator),
        mel + 0.5 * torch.randn(2, 12, 80, generator=generator),
        torch.randn(2, 6, generator=generator),
        torch.softmax(torch.randn(2, 6, 5, generator=generator), 2),
    )
    more_steps = extra_frames // R
    garbage = 1e3
    output = TacotronOutput(
        functional.pad(output.mel_before, (0, 0, 0, extra_frames), value=garbage),
        functional.pad(output.mel_after, (0, 0, 0, extra_frames), value=garbage),
        functional.pad(output.gate_logits, (0, more_steps), value=garbage),
        functional.pad(output.alignments, (0, extra_symbols, 0, more_steps), value=garbage),
    )
    gate = (torch.arange(6 + more_steps) >= steps[:, None] - 1).float()
    text = torch.ones(2, 5 + extra_symbols, dtype=torch.long)
    padded = functional.pad(mel, (0, 0, 0, extra_frames), value=-garbage)
    return output, Batch(text, text_lengths, padded, mel_lengths, gate, ("a", "b"))


def losses(extra_frames: int = 0, extra_symbols: int = 0, guide: float = 3.0, overrides: str = "") -> Losses:
    criterion = Tacotron2Loss(create_hparams(f"n_frames_per_step={R},{overrides}"))
    return criterion(*sample(extra_frames, extra_symbols), guide)


def test_padding_changes_no_term() -> None:
    plain, padded = losses(), losses(extra_frames=8, extra_symbols=4)
    for leaf in dataclasses.fields(plain):
        torch.testing.assert_close(getattr(plain, leaf.name), getattr(padded, leaf.name))


def test_reference_loss_equals_the_metric_of_the_same_name() -> None:
    output, batch = sample()
    metric = ReferenceLoss()
    metric.add_mels(output.mel_before, output.mel_after, batch.mel, batch.mel_lengths)
    metric.add_stops(output.gate_logits, (batch.mel_lengths + 1) // 2)
    assert losses().reference.item() == pytest.approx(metric.value, rel=1e-5)


def test_reference_loss_ignores_every_weight_of_the_training_loss() -> None:
    other = losses(guide=0.0, overrides="gate_loss_weight=7,gate_positive_weight=30")
    assert other.reference == losses().reference
    assert other.total != losses().total


def test_stop_steps_weigh_as_much_as_they_are_said_to() -> None:
    output, batch = sample()
    logits = torch.where(batch.gate > 0.5, 50.0, -50.0)
    blind = TacotronOutput(
        output.mel_before, output.mel_after, torch.full_like(logits, -2.0), output.alignments
    )
    knows = TacotronOutput(output.mel_before, output.mel_after, logits, output.alignments)
    hparams = create_hparams(f"n_frames_per_step={R},gate_positive_weight=10")
    assert Tacotron2Loss(hparams)(knows, batch, 0.0).gate < 1e-6
    per_stop = 10 * math.log1p(math.exp(2.0))
    per_go_on = math.log1p(math.exp(-2.0))
    expected = (2 * per_stop + 8 * per_go_on) / 10
    assert Tacotron2Loss(hparams)(blind, batch, 0.0).gate.item() == pytest.approx(expected, rel=1e-5)


def test_guided_attention_prefers_the_diagonal() -> None:
    lengths, steps = torch.tensor([20]), torch.tensor([40])
    diagonal = torch.zeros(1, 40, 20)
    diagonal[0, torch.arange(40), torch.arange(40) // 2] = 1.0
    uniform = torch.full((1, 40, 20), 1 / 20)
    stuck = torch.zeros(1, 40, 20)
    stuck[0, :, 0] = 1.0
    scores = [guided_attention_loss(a, lengths, steps, 0.2).item() for a in (diagonal, uniform, stuck)]
    assert scores == sorted(scores) and scores[0] < 1e-3
    reversed_score = guided_attention_loss(diagonal.flip(1), lengths, steps, 0.2).item()
    assert reversed_score > scores[1]


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 20.0), (1000, 20.0), (13_500, 10.0), (26_000, 0.0), (99_000, 0.0)]
)
def test_guide_weight_of_the_report(step: int, expected: float) -> None:
    assert guided_attention_weight(create_hparams().loss, step) == pytest.approx(expected)


def test_guide_weight_keeps_its_final_share() -> None:
    loss = create_hparams("guide_loss_final_share=0.25").loss
    assert guided_attention_weight(loss, 10**6) == pytest.approx(5.0)
