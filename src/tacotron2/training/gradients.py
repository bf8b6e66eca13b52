"""The gradients of one update, over all micro-batches and all processes."""

from __future__ import annotations

from collections.abc import Callable

from lightning_fabric import Fabric
from torch import Tensor, nn

from tacotron2.data.dataset import Batch
from tacotron2.losses import Losses, Tacotron2Loss, count_valid
from tacotron2.models.tacotron2 import TacotronOutput
from tacotron2.training.micro_batches import split
from tacotron2.training.ranks import Ranks


def backward(
    fabric: Fabric,
    network: nn.Module,
    criterion: Tacotron2Loss,
    batch: Batch,
    parts: int,
    guide_weight: float,
    ranks: Ranks,
    teacher_forcing: float = 1.0,
    note: Callable[[TacotronOutput, Batch], None] = lambda output, batch: None,
) -> dict[str, Tensor]:
    """Forward and backward of every micro-batch; the parameters are left with the gradients of the batch.

    The losses of the parts are weighted by their frames.

    Args:
        note: is shown what each micro-batch, on the device, has led to; must not fetch anything.

    Returns:
        the terms of the loss over the batch, of this process's rows only: those of all processes add up to
        the terms of the batch.
    """
    frames = batch.num_frames
    sums: dict[str, Tensor] = {}
    for part in split(batch, parts, criterion.r):
        share = part.num_frames / frames
        whole = part.whole
        positions = whole and count_valid(
            whole.text_lengths, whole.mel_lengths, criterion.r, criterion.second_r
        )
        part = part.to(fabric.device)
        texts, mels = (part.text, part.text_lengths), (part.mel, part.mel_lengths)
        output = network(*texts, *mels, part.speakers, teacher_forcing=teacher_forcing)
        losses: Losses = criterion(output, part, guide_weight, positions)
        note(output, part)
        fabric.backward(losses.total * share)
        for name, value in (losses.terms() | {"reference": losses.reference}).items():
            sums[name] = sums[name] + value * share if name in sums else value * share
    ranks.sum_gradients(network)
    return sums
