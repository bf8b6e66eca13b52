"""What a training will cost, measured before it starts."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import torch

from tacotron2.data.dataset import TextMelCollate, TextMelLoader
from tacotron2.data.shares import BatchShares
from tacotron2.hparams import HParams
from tacotron2.losses import Tacotron2Loss
from tacotron2.models import Tacotron2
from tacotron2.training.devices import make_fabric
from tacotron2.training.gradients import backward
from tacotron2.training.ranks import Ranks

MEASURED_STEPS = 4
WARM_UP_STEPS = 1
STATE_BEING_WRITTEN = 1
"""Beside the full states kept: the oldest of them goes when the newest is complete."""
BYTES_PER_VALIDATION = 600_000
"""Two pictures and two sentences of audio."""


@dataclass(frozen=True)
class Estimate:
    """Seconds per update and for all that remain (without validation), and bytes the run folder will take."""

    step_seconds: float
    train_seconds: float
    disk_bytes: int


def estimate(
    hparams: HParams,
    train_set: TextMelLoader,
    device: str,
    ranks: Ranks | None = None,
    parts: int | None = None,
) -> Estimate:
    """Times updates of a throw-away model on batches of the data's own lengths, evenly drawn.

    The random generators are left as they were; `max_train_minutes` bounds the estimate. With several
    processes all of them take part. `parts`: micro-batches of a batch, if not those of the settings.
    """
    train, ranks = hparams.train, ranks or Ranks()
    parts = parts or train.accumulation_steps
    with torch.random.fork_rng():
        fabric, _ = make_fabric(hparams, device, ranks.device_index)
        model = Tacotron2(hparams)
        num_parameters = model.num_parameters()
        network, optimizer = fabric.setup(model, torch.optim.AdamW(model.parameters(), lr=1e-6))
        ranks.connect(model)
        criterion = Tacotron2Loss(hparams).to(fabric.device)
        shares = BatchShares(train_set, TextMelCollate(model.r), ranks.rank, ranks.count)
        by_length = sorted(range(len(train_set)), key=train_set.lengths.__getitem__)
        seconds = []
        for number in range(WARM_UP_STEPS + MEASURED_STEPS):
            middle = len(by_length) * (number % MEASURED_STEPS + 1) // (MEASURED_STEPS + 1)
            start = max(0, min(middle, len(by_length) - train.batch_size))
            batch = shares[by_length[start : start + train.batch_size]]
            began = time.perf_counter()
            backward(fabric, network, criterion, batch, parts, 1.0, ranks)
            optimizer.step()
            optimizer.zero_grad()
            next(model.parameters()).sum().item()  # waits for the device
            seconds.append(time.perf_counter() - began)
    step_seconds = statistics.mean(seconds[WARM_UP_STEPS:])
    limit = train.max_train_minutes * 60
    whole = step_seconds * train.max_steps
    weights = 4 * num_parameters
    validations = -(-train.max_steps // train.validate_every)
    states = (train.keep_states + STATE_BEING_WRITTEN) * 3 * weights
    disk = (train.keep_best + 1) * weights + states + validations * BYTES_PER_VALIDATION
    return Estimate(step_seconds, min(whole, limit) if limit else whole, disk)
