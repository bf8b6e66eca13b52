"""Losses count valid positions only, and their schedule belongs to training."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch.nn import functional

from tacotron2.data.dataset import Batch
from tacotron2.hparams import create_hparams
from tacotron2.losses import (
    Losses,
    Tacotron2Loss,
    consistency_loss,
    guided_attention_loss,
    guided_attention_weight,
    heard_classes,
    recogniser_loss,
)
from tacotron2.metrics import ReferenceLoss
from tacotron2.models import TacotronOutput
from tacotron2.models.tacotron2 import SecondaryOutput
from tacotron2.text import CTC_SYMBOLS, PADDING, PUNCTUATION, SYMBOLS, text_to_sequence

R, SECOND_R = 2, 3


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
        SecondaryOutput(
            mel + torch.randn(2, 12, 80, generator=generator),
            torch.randn(2, 4, generator=generator),
            torch.softmax(torch.randn(2, 4, 5, generator=generator), 2),
        ),
        recogniser_logits=torch.randn(2, 6, 49, generator=generator),
        style=torch.randn(2, 8, generator=generator),
        predicted_style=torch.randn(2, 8, generator=generator),
    )
    more_steps, second = extra_frames // R, output.secondary
    assert second is not None and output.recogniser_logits is not None
    garbage = 1e3
    output = TacotronOutput(
        functional.pad(output.mel_before, (0, 0, 0, extra_frames), value=garbage),
        functional.pad(output.mel_after, (0, 0, 0, extra_frames), value=garbage),
        functional.pad(output.gate_logits, (0, more_steps), value=garbage),
        functional.pad(
            functional.pad(output.alignments, (0, extra_symbols)), (0, 0, 0, more_steps), value=garbage
        ),
        SecondaryOutput(
            functional.pad(second.mel, (0, 0, 0, extra_frames), value=garbage),
            functional.pad(second.gate_logits, (0, -(-extra_frames // SECOND_R)), value=garbage),
            # On symbols that are not there attention has no weight.
            functional.pad(second.alignments, (0, extra_symbols, 0, -(-extra_frames // SECOND_R))),
        ),
        functional.pad(output.recogniser_logits, (0, 0, 0, more_steps), value=garbage),
        style=output.style,
        predicted_style=output.predicted_style,
    )
    gate = (torch.arange(6 + more_steps) >= steps[:, None] - 1).float()
    text = torch.full((2, 5 + extra_symbols), SYMBOLS.index("e"))
    text[:, :3] = torch.tensor([SYMBOLS.index(symbol) for symbol in "t!e"])
    padded = functional.pad(mel, (0, 0, 0, extra_frames), value=-garbage)
    return output, Batch(text, text_lengths, padded, mel_lengths, gate, ("a", "b"))


def losses(extra_frames: int = 0, extra_symbols: int = 0, guide: float = 3.0, overrides: str = "") -> Losses:
    criterion = Tacotron2Loss(
        create_hparams(f"n_frames_per_step={R},ddc_frames_per_step={SECOND_R},{overrides}")
    )
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


def test_what_is_heard_is_everything_but_padding_and_punctuation() -> None:
    classes = heard_classes(64)
    silent = [SYMBOLS.index(symbol) for symbol in (PADDING, *PUNCTUATION)]
    assert classes[silent].tolist() == [0] * 12 and classes[60:].tolist() == [0] * 4
    assert sorted(classes.tolist())[16:] == list(range(1, len(CTC_SYMBOLS) + 1))


def test_recogniser_loss_is_ctc_over_what_can_be_heard() -> None:
    torch.manual_seed(0)
    ids = torch.tensor(text_to_sequence("Well, a bee!").ids)
    classes, steps = heard_classes(60)[ids], torch.tensor([20])
    logits = torch.randn(1, 25, 49)
    loss, left_out = recogniser_loss(logits, steps, classes[None])
    heard = classes[classes > 0]
    log_probs = torch.log_softmax(logits, 2).transpose(0, 1)
    expected = functional.ctc_loss(log_probs, heard[None], (20,), (len(heard),), reduction="sum")
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert left_out == 0


@pytest.mark.parametrize(("steps", "left_out"), [(4, 0), (3, 1), (2, 2)])
def test_too_short_for_ctc_is_left_out_and_counted(steps: int, left_out: int) -> None:
    """`aab` needs a step between its equal letters, so four in all; `abc` needs three."""
    logits = torch.randn(2, 6, 49, requires_grad=True)
    classes = torch.tensor([[9, 9, 10, 0], [9, 10, 0, 11]])
    loss, count = recogniser_loss(logits, torch.tensor([steps, steps]), classes)
    loss.backward()
    assert logits.grad is not None and torch.isfinite(logits.grad).all()
    assert (logits.grad[0].abs().max() > 0) == (left_out == 0)
    assert count.item() == left_out and torch.isfinite(loss)


def test_consistency_compares_steps_of_different_length_frame_by_frame() -> None:
    walk = torch.eye(6)  # one frame a symbol
    for frames in (12, 11, 7):  # the last step of either may be only partly filled
        lengths = torch.tensor([frames])
        one, two = walk.repeat_interleave(2, 0)[None, :frames], walk[None, : (frames + 1) // 2]
        assert consistency_loss(one, two, 1, 2, lengths, lengths.sum()) == 0
        assert consistency_loss(one.roll(1, 2), two, 1, 2, lengths, lengths.sum()) == 1
    half = 0.5 * walk + 0.5 * walk.roll(1, 1)
    lengths = torch.tensor([12])
    half_way = consistency_loss(half[None], walk[None], 2, 2, lengths, lengths.sum())
    assert half_way.item() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("weight", "term"),
    [
        ("mmi_loss_weight", "mmi"),
        ("ddc_decoder_weight", "ddc_decoder"),
        ("ddc_loss_weight", "ddc"),
        ("tpse_loss_weight", "tpse"),
    ],
)
def test_every_weight_weighs_its_own_term(weight: str, term: str) -> None:
    without, triple = losses(overrides=f"{weight}=0"), losses(overrides=f"{weight}=3")
    assert without.auxiliary[term] == triple.auxiliary[term] > 0
    torch.testing.assert_close(triple.total - without.total, 3 * triple.auxiliary[term])
    assert without.reference == triple.reference
