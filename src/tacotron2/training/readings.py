"""What every update leaves behind: kept on the device, and fetched together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tacotron2.data.dataset import Batch
from tacotron2.training.ranks import Ranks


@dataclass(frozen=True)
class Made:
    """What an update was made from, but for weights and random numbers."""

    batch: Batch
    r: int
    """Mel frames per decoder step."""
    micro_batches: int
    learning_rate: float
    guide_weight: float
    teacher_forcing: float = 1.0
    positive_scale: float = 1.0
    dropout_scale: float = 1.0
    """What the settings were multiplied by: the stop step's weight in the loss, and dropout."""


@dataclass(frozen=True)
class Reading:
    """One update: on the device `masked`, `norms` (one for each gradient tensor) and `terms`."""

    step: int
    """The step it led to."""
    made: Made
    masked: Tensor
    """Whether it was not finite, so that nothing was changed."""
    norms: Tensor
    """True ones: after unscaling, before clipping; over all processes."""
    terms: Mapping[str, Tensor]
    """Of this process's rows."""
    overflow: Tensor | None = None
    """Whether it was masked for an overflow that a loss scale explains; None where there is no such scale."""
    rng: Mapping[str, Any] = field(default_factory=dict)
    """The random state before it (`state.rng_state`, 5 kB on the host)."""


@dataclass(frozen=True)
class FetchedReading:
    """The same on the host, over all processes."""

    reading: Reading
    masked: bool
    overflow: bool
    norms: Sequence[float]
    terms: Mapping[str, float]

    @property
    def norm(self) -> float:
        """That of all gradients."""
        return math.sqrt(sum(norm * norm for norm in self.norms))


def fetch(readings: Sequence[Reading], ranks: Ranks) -> list[FetchedReading]:
    """All of them in one transfer."""
    if not readings:
        return []
    terms = ranks.summed(torch.stack([torch.stack(list(r.terms.values())).float() for r in readings]))
    nothing = torch.zeros((), dtype=torch.bool, device=readings[0].masked.device)
    flags = [torch.stack((r.masked, nothing if r.overflow is None else r.overflow)) for r in readings]
    norms = torch.stack([r.norms.float() for r in readings])
    rows = torch.cat((torch.stack(flags).float(), terms, norms), dim=1).tolist()
    fetched = []
    for reading, row in zip(readings, rows, strict=True):
        ends = 2 + len(reading.terms)
        values = dict(zip(reading.terms, row[2:ends], strict=True))
        fetched.append(FetchedReading(reading, bool(row[0]), bool(row[1]), row[ends:], values))
    return fetched


class RunningStatistics:
    """The statistics of batch normalisation, which a forward pass changes: kept, to be put back where the
    update is masked."""

    def __init__(self, model: nn.Module) -> None:
        self._values = [
            value
            for module in model.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm)
            for value in module.buffers(recurse=False)
        ]
        self._kept: list[Tensor] = []

    def keep(self) -> None:
        self._kept = [value.clone() for value in self._values]

    def put_back_where(self, masked: Tensor) -> None:
        """All of them, if the truth value on the device says so."""
        for value, kept in zip(self._values, self._kept, strict=True):
            torch.where(masked, kept, value, out=value)
