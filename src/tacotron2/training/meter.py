"""What a training says of its steps, summed where it arises and read back once a record."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from torch import Tensor

from tacotron2.training.ranks import Ranks


class Meter:
    """Sums on the device since the last record, read back once. An update that was masked counts for nothing
    but its time."""

    def __init__(self, ranks: Ranks | None = None) -> None:
        self.sums: dict[str, Tensor] = {}
        """Of this process's rows, but for `norms`; those of all processes add up to the whole."""
        self.norms = torch.zeros(())
        self.made = torch.zeros(())
        """Updates that were made, on the device."""
        self.num_steps = self.num_frames = 0
        self.wait_seconds = 0.0
        self._began = time.perf_counter()
        self._ranks = ranks or Ranks()

    def add(self, terms: Mapping[str, Tensor], norm: Tensor, masked: Tensor, num_frames: int) -> None:
        """One update.

        Args:
            terms: of the loss, over this process's rows.
            norm: that of the gradients of all processes, which each of them knows.
            masked: whether the update was not made, a truth value on the device.
            num_frames: valid frames of the whole batch.
        """
        for name, value in terms.items():
            value = torch.where(masked, 0.0, value)
            self.sums[name] = self.sums[name] + value if name in self.sums else value
        self.norms = self.norms + torch.where(masked, 0.0, norm)
        self.made = self.made + masked.logical_not()
        self.num_steps += 1
        self.num_frames += num_frames

    @property
    def seconds(self) -> float:
        """Since the last record."""
        return time.perf_counter() - self._began

    def means(self) -> dict[str, float]:
        """A step's terms and `grad_norm`, over all processes; one transfer for all of them.

        NaN where no update was made.
        """
        own = torch.stack([value.float() for value in self.sums.values()])
        everything = torch.cat((self._ranks.summed(own), self.norms.float()[None])) / self.made
        return dict(zip([*self.sums, "grad_norm"], everything.tolist(), strict=True))
