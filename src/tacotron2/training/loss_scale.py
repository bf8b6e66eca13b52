"""What a loss is multiplied by in fp16, so that small gradients do not become 0 (arXiv 1710.03740, 3.2).

The scale halves after an update whose gradients overflowed, and doubles after 2,000 without: torch's scaler,
whose decision is taken on the device. The update itself is masked as any other that is not finite.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

LOWEST_SCALE = 1.0
"""Below it the scale explains no overflow any more: the gradients themselves are too large, or NaN."""


class LossScale:
    """That of a training; where its arithmetic needs none, nothing happens here."""

    def __init__(self, fabric: Fabric) -> None:
        self._scaler: torch.amp.GradScaler | None = getattr(fabric.strategy.precision, "scaler", None)

    def undo(self, optimizer: torch.optim.Optimizer) -> None:
        """Divides the gradients, on which `fabric.backward` left the scale."""
        if self._scaler is not None:
            self._scaler.unscale_(optimizer)

    def settle(self, masked: Tensor, total: Tensor) -> Tensor:
        """Adapts the scale to the update that `undo` was called for; nothing is read back.

        Args:
            masked: whether the update is not finite, a truth value on the device.
            total: its loss.

        Returns:
            the same, but false where it overflowed because of the scale: which is how the scale is found.
        """
        if self._scaler is None:
            return masked
        scale = self._scaler.scale(torch.ones_like(total))
        explained = total.isfinite() & (scale >= LOWEST_SCALE)
        self._scaler.update()
        return masked & explained.logical_not()

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for `load_state_dict`; none where there is no scale."""
        return {} if self._scaler is None else self._scaler.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """With nothing in it, as from a machine whose arithmetic needed no scale, it begins anew."""
        if self._scaler is not None and state:
            self._scaler.load_state_dict(dict(state))
