"""The training loss and its terms, all of them means over valid positions only. Needs torch alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacotron2.hparams import HParams, LossParams
from tacotron2.models.masking import length_mask
from tacotron2.models.tacotron2 import TacotronOutput


class Targets(Protocol):
    """What the loss needs of a batch: mel `(B, T_mel, num_mels)`, gate `(B, T_dec)`, lengths `(B,)`."""

    @property
    def mel(self) -> Tensor: ...
    @property
    def mel_lengths(self) -> Tensor: ...
    @property
    def text_lengths(self) -> Tensor: ...
    @property
    def gate(self) -> Tensor: ...


@dataclass(frozen=True)
class Losses:
    """Scalars. `total` is what training minimises; `reference` is the untuned sum of docs/metrics.md."""

    total: Tensor
    reference: Tensor
    mel_before: Tensor
    mel_after: Tensor
    gate: Tensor
    guided_attention: Tensor

    def terms(self) -> dict[str, Tensor]:
        """The terms by the names under which they are recorded, detached."""
        names = ("total", "mel_before", "mel_after", "gate", "guided_attention")
        return {name: getattr(self, name).detach() for name in names}


@dataclass(frozen=True)
class ValidPositions:
    """How many positions the terms are means over: mel frames, decoder steps, cells of the alignments."""

    frames: int
    steps: int
    cells: int


def count_valid(text_lengths: Tensor, mel_lengths: Tensor, r: int) -> ValidPositions:
    """Those of utterances of these true lengths, each `(B,)` and on the host."""
    steps = decoder_steps(mel_lengths, r)
    return ValidPositions(int(mel_lengths.sum()), int(steps.sum()), int((steps * text_lengths).sum()))


def decoder_steps(mel_lengths: Tensor, r: int) -> Tensor:
    """Frames `(B,)` to the decoder steps that cover them: ceil(frames / r)."""
    return torch.div(mel_lengths + r - 1, r, rounding_mode="floor")


def guided_attention_weight(loss: LossParams, step: int) -> float:
    """The weight at a training step: full, then linearly down to its final share."""
    passed = (step - loss.guide_loss_decay_start) / loss.guide_loss_decay_steps
    share = 1.0 - min(max(passed, 0.0), 1.0) * (1.0 - loss.guide_loss_final_share)
    return loss.guided_attention_weight * share


def guided_attention_loss(
    alignments: Tensor, text_lengths: Tensor, steps: Tensor, sigma: float, num_cells: int | None = None
) -> Tensor:
    """Attention far from the diagonal, `W = 1 - exp(-(n/N - t/T)^2 / (2 g^2))`.

    Source: arXiv 1710.08969, section 4.1.

    Args:
        alignments: `(B, T_dec, T_text)`; text_lengths, steps: true `(B,)`; sigma: the width g.
        num_cells: what to divide by, if not by the valid cells of these utterances.

    Returns:
        the mean of `A * W` over the valid cells.
    """
    _, num_steps, num_symbols = alignments.shape
    device = alignments.device
    # A length of 0 stands where a process has no utterance of a batch; all of it is masked.
    t = torch.arange(num_steps, device=device)[None, :, None] / steps.clamp(min=1)[:, None, None]
    n = torch.arange(num_symbols, device=device)[None, None, :] / text_lengths.clamp(min=1)[:, None, None]
    penalty = 1.0 - torch.exp(-((n - t) ** 2) / (2.0 * sigma**2))
    valid = length_mask(steps, num_steps)[:, :, None] & length_mask(text_lengths, num_symbols)[:, None, :]
    return (alignments * penalty * valid).sum() / (valid.sum() if num_cells is None else num_cells)


class Tacotron2Loss(nn.Module):
    """Mel error before and after the post-net, stop token, guided attention."""

    def __init__(self, hparams: HParams) -> None:
        super().__init__()
        self.settings, self.r = hparams.loss, hparams.model.n_frames_per_step
        self.register_buffer("positive_weight", torch.tensor(self.settings.gate_positive_weight), False)

    def forward(
        self,
        output: TacotronOutput,
        targets: Targets,
        guide_weight: float,
        positions: ValidPositions | None = None,
    ) -> Losses:
        """Every term over the valid positions of the batch.

        Args:
            output: teacher-forced prediction.
            targets: the batch.
            guide_weight: `guided_attention_weight` at the training step; 0 outside training.
            positions: what to divide by, where these utterances are a part of a batch that several processes
                share: the terms of all of them add up to those of the whole.
        """
        settings = self.settings
        frames = length_mask(targets.mel_lengths, targets.mel.size(1))[:, :, None]
        values = (frames.sum() if positions is None else positions.frames) * targets.mel.size(2)
        mel_before = ((output.mel_before - targets.mel) ** 2 * frames).sum() / values
        mel_after = ((output.mel_after - targets.mel) ** 2 * frames).sum() / values
        steps = decoder_steps(targets.mel_lengths, self.r)
        valid = length_mask(steps, targets.gate.size(1))
        logits = output.gate_logits.float()
        entropy = functional.binary_cross_entropy_with_logits(logits, targets.gate, reduction="none")
        weights = torch.where(targets.gate > 0.5, self.get_buffer("positive_weight"), 1.0)
        num_steps = valid.sum() if positions is None else positions.steps
        gate = (entropy * weights * valid).sum() / num_steps
        guided = guided_attention_loss(
            output.alignments.float(),
            targets.text_lengths,
            steps,
            settings.guided_attention_sigma,
            None if positions is None else positions.cells,
        )
        total = mel_before + mel_after + settings.gate_loss_weight * gate + guide_weight * guided
        reference = mel_before + mel_after + (entropy * valid).sum() / num_steps
        return Losses(total, reference.detach(), mel_before, mel_after, gate, guided)
