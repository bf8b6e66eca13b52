"""Which utterances of a batch are not finite by themselves."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from tacotron2.data.dataset import Batch
from tacotron2.losses import Tacotron2Loss
from tacotron2.training.micro_batches import split


@torch.no_grad()
def find_culprits(
    network: nn.Module, criterion: Tacotron2Loss, batch: Batch, device: torch.device
) -> tuple[str, ...]:
    """The utterances, of this process's rows, whose recording or loss is not finite when each is alone.

    Where all are so although their recordings are finite, the weights are at fault, and none is named. The
    model is left in the mode it was in, and the random generators as they were. One forward pass for each
    utterance: a backward pass that alone is not finite has no culprit.
    """
    if not batch.ids:
        return ()
    was_training = network.training
    network.eval()
    unreadable: list[str] = []
    silent: list[str] = []
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            for part in split(replace(batch, whole=None), len(batch.ids), criterion.r):
                if not bool(part.mel.isfinite().all()):
                    unreadable += part.ids
                elif not _is_finite(network, criterion, part.to(device)):
                    silent += part.ids
    finally:
        network.train(was_training)
    if len(unreadable) + len(silent) == len(batch.ids):
        silent = []
    return tuple(name for name in batch.ids if name in {*unreadable, *silent})


def _is_finite(network: nn.Module, criterion: Tacotron2Loss, part: Batch) -> bool:
    output = network(part.text, part.text_lengths, part.mel, part.mel_lengths)
    losses = criterion(output, part, 0.0)
    figures = torch.stack([*losses.terms().values(), losses.reference])
    return bool(figures.isfinite().all())
