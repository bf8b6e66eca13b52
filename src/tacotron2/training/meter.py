"""What a training says of its steps, summed where it arises and read back once a record."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from torch import Tensor

from tacotron2.training.ranks import Ranks


class Meter:
    """Sums on the device since the last record, read back once."""

    def __init__(self, ranks: Ranks | None = None) -> None:
        self.sums: dict[str, Tensor] = {}
        """Of this process's rows, but for `norms`; those of all processes add up to the whole."""
        self.norms = torch.zeros(())
        self.num_steps = self.num_frames = 0
        self.wait_seconds = 0.0
        self._began = time.perf_counter()
        self._ranks = ranks or Ranks()

    def add(self, terms: Mapping[str, Tensor]) -> None:
        for name, value in terms.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value

    def add_norm(self, norm: Tensor) -> None:
        """That of the gradients of all processes, which each of them knows."""
        self.norms = self.norms + norm

    @property
    def seconds(self) -> float:
        """Since the last record."""
        return time.perf_counter() - self._began

    def means(self) -> dict[str, float]:
        """A step's terms and `grad_norm`, over all processes; one transfer for all of them."""
        own = torch.stack([value.float() for value in self.sums.values()])
        everything = torch.cat((self._ranks.summed(own), self.norms.float()[None]))
        return dict(zip([*self.sums, "grad_norm"], (everything / self.num_steps).tolist(), strict=True))
