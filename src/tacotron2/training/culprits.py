"""Which utterances of a batch are not finite by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from tacotron2.data.dataset import Batch
from tacotron2.losses import Tacotron2Loss
from tacotron2.models import Tacotron2
from tacotron2.training.micro_batches import split
from tacotron2.training.readings import Made


@torch.no_grad()
def find_culprits(model: Tacotron2, network: nn.Module, made: Made) -> tuple[str, ...]:
    """The utterances, of this process's rows, whose recording or loss is not finite when each is alone.

    Where all are so although their recordings are finite, the weights are at fault, and none is named. The
    model is left in the mode it was in, and the random generators as they were. One forward pass for each
    utterance: a backward pass that alone is not finite has no culprit.

    Args:
        network: the model as it is called, in the training's arithmetic.
    """
    batch, device = made.batch, model.mel_mean.device
    if not batch.ids:
        return ()
    criterion = Tacotron2Loss(model.hparams, made.r).to(device)
    unreadable: list[str] = []
    silent: list[str] = []
    with _listening(model, made.r), torch.random.fork_rng([device] if device.type == "cuda" else []):
        for part in split(replace(batch, whole=None), len(batch.ids), made.r):
            if not bool(part.mel.isfinite().all()):
                unreadable += part.ids
            elif not _is_finite(network, criterion, part.to(device)):
                silent += part.ids
    if len(unreadable) + len(silent) == len(batch.ids):
        silent = []
    return tuple(name for name in batch.ids if name in {*unreadable, *silent})


@contextmanager
def _listening(model: Tacotron2, r: int) -> Iterator[None]:
    """In evaluation mode, with the r of an update that may lie before a change of it."""
    was_training, now = model.training, model.r
    model.eval()
    model.decoder.set_r(r)
    try:
        yield
    finally:
        model.train(was_training)
        model.decoder.set_r(now)


def _is_finite(network: nn.Module, criterion: Tacotron2Loss, part: Batch) -> bool:
    output = network(part.text, part.text_lengths, part.mel, part.mel_lengths, part.speakers)
    losses = criterion(output, part, 0.0)
    figures = torch.stack([*losses.terms().values(), losses.reference])
    return bool(figures.isfinite().all())
