"""The decoder's layer for frames, of which a smaller reduction factor uses the first outputs alone."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class FrameLayer(nn.Linear):
    """A linear layer, cut to its first `num_used` outputs."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features)
        self.num_used = out_features

    def used(self) -> tuple[Tensor, Tensor]:
        """Weight `(num_used, in_features)` and bias `(num_used,)`."""
        if self.num_used == self.out_features:
            return self.weight, self.bias
        return self.weight[: self.num_used], self.bias[: self.num_used]

    def forward(self, input: Tensor) -> Tensor:
        """`(..., in_features)` to `(..., num_used)`."""
        return functional.linear(input, *self.used())
