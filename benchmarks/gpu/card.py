"""What every part is given: the device, its clock, and the arithmetic of its matrix products."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from tacotron2.training.devices import multiplies_bf16

GIB = 2**30


@dataclass(frozen=True)
class Card:
    """`cuda`, or `cpu` where it is only to be seen that a part runs; `tiny` takes the smallest sizes."""

    device: str
    tiny: bool
    pairs: int

    @property
    def has_bf16(self) -> bool:
        """Whether rows in bf16 are worth their time; on a CPU they show that the script runs."""
        return self.device == "cpu" or multiplies_bf16(self.device)

    def clock(self) -> float:
        """Seconds, when everything that was launched is done."""
        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def release(self) -> None:
        """Gives back what nothing holds any more."""
        gc.collect()
        if self.device == "cuda":
            torch.cuda.empty_cache()


@contextmanager
def tf32(used: bool) -> Iterator[None]:
    """Whether a card rounds the operands of float32 products and convolutions to TF32 inside."""
    backends = torch.backends
    owners = (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)  # type: ignore[attr-defined]
    before = [owner.fp32_precision for owner in owners]
    try:
        for owner in owners:
            owner.fp32_precision = "tf32" if used else "ieee"
        yield
    finally:
        for owner, precision in zip(owners, before, strict=True):
            owner.fp32_precision = precision
