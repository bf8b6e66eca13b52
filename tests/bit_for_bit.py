"""What two trainings left, compared to the last bit; also for the child programs of tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tacotron2.checkpoint import read_checkpoint


def timeless(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, without the time it took."""
    found = read_checkpoint(path)
    found.pop("train_seconds", None)
    return found


def equal(one: Any, other: Any) -> bool:
    """To the last bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)
