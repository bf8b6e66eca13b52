"""How each utterance of a batch fares, from what a training step has computed anyway."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tacotron2.losses import Targets, decoder_steps
from tacotron2.metrics.alignment import COVERED
from tacotron2.models.masking import length_mask
from tacotron2.models.tacotron2 import TacotronOutput


@torch.no_grad()
def alignment_scores(alignments: Tensor, steps: Tensor, text_lengths: Tensor) -> Tensor:
    """An alignment score 0-1 of each utterance `(B,)`, without a loop over the steps.

    It is `attention_coverage` (docs/metrics.md) times the mean probability along the front of the reading:
    the furthest symbol that has had a row maximum so far. `attention_alignment` has the best monotone path
    in the front's place, which takes a dynamic programme over all steps; the front is one such path.

    Args:
        alignments: `(B, T_dec, T_text)`; steps, text_lengths: true ones `(B,)`.
    """
    valid = length_mask(steps, alignments.size(1))
    rows = alignments.float() * valid[:, :, None]
    front = rows.argmax(2).cummax(1).values
    path = rows.gather(2, front[:, :, None])[:, :, 0].sum(1) / steps
    symbols = length_mask(text_lengths, rows.size(2))
    coverage = ((rows.amax(1) / COVERED).clamp(max=1.0) * symbols).sum(1) / text_lengths
    return path * coverage


@torch.no_grad()
def reference_losses(output: TacotronOutput, targets: Targets, r: int) -> Tensor:
    """The reference loss (docs/metrics.md, `val_loss`) of each utterance `(B,)`."""
    lengths, steps = targets.mel_lengths, decoder_steps(targets.mel_lengths, r)
    frames = length_mask(lengths, targets.mel.size(1))
    errors = (output.mel_before.float() - targets.mel).square().mean(2)
    errors = errors + (output.mel_after.float() - targets.mel).square().mean(2)
    entropy = functional.binary_cross_entropy_with_logits(
        output.gate_logits.float(), targets.gate, reduction="none"
    )
    stops = (entropy * length_mask(steps, entropy.size(1))).sum(1) / steps
    return (errors * frames).sum(1) / lengths + stops
