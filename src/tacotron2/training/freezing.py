"""Parts of the model that a training leaves as they are, for all of it or for its first updates.

The parameters of such a part get no update, neither by their gradient nor by weight decay, and the batch
normalisation in it uses and keeps the statistics it has. Gradients still pass through it to what learns.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from tacotron2.hparams import FREEZABLE, TrainParams, frozen_parts
from tacotron2.models import Tacotron2
from tacotron2.models.masking import MaskedBatchNorm

DECODERS = ("decoder", "decoder_secondary")
ATTENDING = ("attention", "attention_rnn")
"""Of a decoder: the energies, and the LSTM that asks them."""


def part_of(name: str) -> str | None:
    """Which of `FREEZABLE` a parameter or module belongs to, by its name in the model; None: to none."""
    first, _, rest = name.partition(".")
    if first in DECODERS:
        return "attention" if rest.partition(".")[0] in ATTENDING else "decoder"
    return first if first in FREEZABLE else None


class Freezing:
    """What `train.freeze` and `train.freeze_steps` ask for, done before and after each backward pass."""

    def __init__(self, settings: TrainParams, model: Tacotron2) -> None:
        self._parts = frozen_parts(settings.freeze)
        self._steps = settings.freeze_steps
        named = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
        self._frozen = [value for name, value in named if part_of(name) in self._parts]
        held = [part_of(name) in self._parts for name, _ in named]
        self._rows = torch.tensor(held, device=model.mel_mean.device)
        self._model = model
        self._now = False

    def begin(self, step: int) -> None:
        """Before the update after `step` updates."""
        self._now = bool(self._parts) and (self._steps == 0 or step < self._steps)
        hold_statistics(self._model, self._parts if self._now else ())

    def without(self, norms: Tensor) -> Tensor:
        """Takes the frozen gradients out of the update; of the norms, one a parameter, theirs become 0."""
        if not self._now:
            return norms
        for value in self._frozen:
            value.grad = None
        return norms.masked_fill(self._rows, 0.0)


def hold_statistics(model: Tacotron2, parts: Collection[str]) -> None:
    """Lets the batch normalisation of these parts, and of no others, use and keep the statistics it has."""
    for name, module in model.named_modules():
        if isinstance(module, MaskedBatchNorm):
            module.held = part_of(name) in parts
