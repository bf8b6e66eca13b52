"""The same weights and batch give the same on a card as on the CPU, and by the fast path as by the oracle.

Compared are the spectrogram, the alignments, the loss and the gradient of all weights together, each as the
norm of the difference over the norm of what is right. The spectrogram is the decoder's: behind the post-net
batch normalisation would magnify the rounding of a model that has learned nothing. Against the CPU nothing
is dropped, because the devices draw differently; against the oracle the drawn masks are equal.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from corpus import noise_items
from measuring import size, table
from torch import Tensor
from train_step import follow

from gpu.card import Card, tf32
from tacotron2.data.dataset import Batch, TextMelCollate
from tacotron2.losses import Tacotron2Loss
from tacotron2.models import Tacotron2
from tacotron2.training.devices import make_fabric

NO_DROPOUT = {
    "p_prenet_dropout": 0.0, "p_attention_dropout": 0.0, "p_decoder_dropout": 0.0,
    "p_convolution_dropout": 0.0, "drop_frame_rate": 0.0,
}  # fmt: skip
TOLERANCES = {"fp32": (1e-4, 1e-3), "TF32": (1e-2, 5e-2), "fp16": (1e-2, 5e-2), "bf16": (2e-2, 2e-1)}
"""Of outputs and loss, and of the gradient. Mantissas of 24, 11, 11 and 8 bits. Rounding alone, on a
CPU, took the gradient of these models 0.02 away in fp16 and 0.06 in bf16."""
SCALE = 2.0**10
"""What the loss is multiplied by, so that fp16 does not lose small gradients; exact."""
HEAD = ("model, arithmetic, against", "mel", "alignments", "loss", "gradient", "allowed", "")


@dataclass(frozen=True)
class Outcome:
    """Of one forward and backward pass, on the CPU."""

    mel: Tensor
    alignments: Tensor
    loss: Tensor
    gradient: Tensor


def outcome(
    model: Tacotron2, batch: Batch, device: str, arithmetic: str = "fp32", naive: bool = False
) -> Outcome:
    """By a copy of the model on the device."""
    model, batch = copy.deepcopy(model).to(device), batch.to(device)
    criterion = Tacotron2Loss(model.hparams).to(device)
    precision = arithmetic if arithmetic in ("bf16", "fp16") else "fp32"
    fabric, _ = make_fabric(model.hparams.replace(precision=precision), device)
    follow(model, naive)
    torch.manual_seed(1)
    with tf32(arithmetic != "fp32"):
        with fabric.autocast():
            output = model(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths)
        loss = criterion(output, batch, 1.0).total
        (loss * SCALE).backward()
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    found = (output.mel_before, output.alignments, loss, torch.cat(gradients) / SCALE)
    return Outcome(*(value.detach().float().cpu() for value in found))


def distances(found: Outcome, right: Outcome) -> list[float]:
    """In the order of the fields; not finite where a value is not."""
    pairs = [(vars(found)[name], vars(right)[name]) for name in vars(right)]
    return [float((a - b).norm() / b.norm()) for a, b in pairs]


def judged(name: str, arithmetic: str, found: Outcome, right: Outcome) -> tuple[list[str], bool]:
    """A row of the table, and whether all is within the tolerances."""
    far, (allowed, allowed_gradient) = distances(found, right), TOLERANCES[arithmetic]
    near = all(value <= allowed for value in far[:3]) and far[3] <= allowed_gradient
    cells = [f"{value:.1e}" for value in far]
    return [name, *cells, f"{allowed:.0e}, {allowed_gradient:.0e}", "equal" if near else "FAR"], near


def results(card: Card) -> list[str]:
    """Every model in every arithmetic."""
    rows, failures = [], []
    shape = (2, 6, 8) if card.tiny else (4, 40, 60)
    for name in ("tiny", "tiny report") if card.tiny else ("tiny", "tiny report", "28 M"):
        whole = size(name)
        for hparams, naive in ((whole.replace(**NO_DROPOUT), False), (whole.replace(use_gaf=False), True)):
            torch.manual_seed(0)
            model = Tacotron2(hparams)
            batch = TextMelCollate(model.r)(noise_items(hparams, *shape))
            right = outcome(model, batch, card.device if naive else "cpu", naive=naive)
            for arithmetic in ("fp32",) if naive else TOLERANCES:
                if arithmetic == "bf16" and not card.has_bf16:
                    continue
                title = f"{name}, {arithmetic}, {'oracle on the same device' if naive else 'CPU'}"
                found = outcome(model, batch, card.device, arithmetic)
                row, near = judged(title, arithmetic, found, right)
                rows.append(row)
                failures += [] if near else [title]
    table(HEAD, rows, f"Results of {card.device}: relative distances")
    return failures
