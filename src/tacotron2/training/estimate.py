"""What a training will cost, measured before it starts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from lightning_fabric import Fabric

from tacotron2.data.dataset import TextMelCollate, TextMelLoader
from tacotron2.data.shares import BatchShares
from tacotron2.hparams import HParams, TrainParams
from tacotron2.losses import Tacotron2Loss
from tacotron2.models import Tacotron2
from tacotron2.reduction import stage_at
from tacotron2.training.devices import make_fabric
from tacotron2.training.gradients import backward
from tacotron2.training.ranks import Ranks
from tacotron2.training.schedule import teacher_forcing

MEASURED_STEPS = 4
WARM_UP_STEPS = 1
STATE_BEING_WRITTEN = 1
"""Beside the full states kept: the oldest of them goes when the newest is complete."""
BYTES_PER_VALIDATION = 600_000
"""Two pictures and two sentences of audio."""


@dataclass(frozen=True)
class Estimate:
    """Seconds per update (mean over the training) and for all that remain (without validation), and bytes the
    run folder will take. `seconds_by_r`: seconds per update at each r, where it changes."""

    step_seconds: float
    train_seconds: float
    disk_bytes: int
    seconds_by_r: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Stretch:
    """Successive updates that take equally long: how many, their r, and the share of the
    decoder's steps that read the recording at the first of them."""

    num_updates: int
    r: int
    forced: float


def stretches(hparams: HParams) -> list[Stretch]:
    """A whole training, cut where r changes and where teacher forcing goes over to its plain path."""
    train, stages = hparams.train, hparams.reduction_stages
    cuts = {0, train.max_steps, *(stage.step for stage in stages)}
    if train.teacher_forcing_final < 1.0:
        cuts.add(train.teacher_forcing_decay_start + 1)
    ordered = sorted(cut for cut in cuts if cut <= train.max_steps)
    return [
        Stretch(end - begin, stage_at(stages, begin).r, teacher_forcing(train, begin))
        for begin, end in pairwise(ordered)
    ]


class Stopwatch:
    """Times updates of a throw-away model on batches of the data's own lengths, evenly drawn."""

    def __init__(self, hparams: HParams, train_set: TextMelLoader, device: str, ranks: Ranks) -> None:
        self.hparams, self.train_set, self.ranks = hparams, train_set, ranks
        self.micro_batches = hparams.train.accumulation_steps
        self.fabric: Fabric
        self.fabric, _ = make_fabric(hparams, device, ranks.device_index)
        self.model = Tacotron2(hparams)
        adamw = torch.optim.AdamW(self.model.parameters(), lr=1e-6)
        self.network, self.optimizer = self.fabric.setup(self.model, adamw)
        ranks.connect(self.model)
        self.by_length = sorted(range(len(train_set)), key=train_set.lengths.__getitem__)

    def measure(self, r: int, forced: float) -> float:
        """Seconds per update."""
        train, ranks = self.hparams.train, self.ranks
        self.model.decoder.set_r(r)
        criterion = Tacotron2Loss(self.hparams, r).to(self.fabric.device)
        shares = BatchShares(self.train_set, TextMelCollate(r), ranks.rank, ranks.count)
        seconds = []
        for number in range(WARM_UP_STEPS + MEASURED_STEPS):
            middle = len(self.by_length) * (number % MEASURED_STEPS + 1) // (MEASURED_STEPS + 1)
            start = max(0, min(middle, len(self.by_length) - train.batch_size))
            batch = shares[self.by_length[start : start + train.batch_size]]
            began = time.perf_counter()
            backward(self.fabric, self.network, criterion, batch, self.micro_batches, 1.0, ranks, forced)
            self.optimizer.step()
            self.optimizer.zero_grad()
            next(self.model.parameters()).sum().item()  # waits for the device
            seconds.append(time.perf_counter() - began)
        return statistics.mean(seconds[WARM_UP_STEPS:])


def estimate(
    hparams: HParams,
    train_set: TextMelLoader,
    device: str,
    ranks: Ranks | None = None,
    micro_batches: int | None = None,
) -> Estimate:
    """Times every stretch of the training.

    The random generators are left as they were; `max_train_minutes` bounds the estimate. With several
    processes all of them take part. `micro_batches`: those of a batch, if not those of the settings.
    """
    train, parts = hparams.train, stretches(hparams)
    with torch.random.fork_rng():
        watch = Stopwatch(hparams, train_set, device, ranks or Ranks())
        watch.micro_batches = micro_batches or train.accumulation_steps
        took = [part.num_updates * watch.measure(part.r, part.forced) for part in parts]
        num_parameters = watch.model.num_parameters()
    limit = train.max_train_minutes * 60
    whole = sum(took)
    disk = disk_bytes(train, num_parameters)
    by_r = _seconds_by_r(parts, took) if len(hparams.reduction_stages) > 1 else {}
    return Estimate(whole / train.max_steps, min(whole, limit) if limit else whole, disk, by_r)


def disk_bytes(train: TrainParams, num_parameters: int) -> int:
    """What the run folder will take: weights, full states, what every validation leaves."""
    weights = 4 * num_parameters
    validations = -(-train.max_steps // train.validate_every)
    states = (train.keep_states + STATE_BEING_WRITTEN) * 3 * weights
    return (train.keep_best + 1) * weights + states + validations * BYTES_PER_VALIDATION


def _seconds_by_r(parts: Sequence[Stretch], took: Sequence[float]) -> dict[str, float]:
    """Seconds per update, each r over all of its stretches."""
    seconds: dict[str, float] = {}
    for r in dict.fromkeys(part.r for part in parts):
        updates = sum(part.num_updates for part in parts if part.r == r)
        total = sum(spent for part, spent in zip(parts, took, strict=True) if part.r == r)
        seconds[str(r)] = total / updates
    return seconds
