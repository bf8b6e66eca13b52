"""Convolutions with weight normalisation, under the names of published checkpoints."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class NormedConvolution(nn.Module):
    """A convolution whose weight is `weight_g * weight_v / |weight_v|` (Salimans and Kingma 2016, eq. 2).

    The norm is taken over all dimensions but the first. `fold` makes one tensor `weight` of the two, for
    synthesis.
    """

    def __init__(self, shape: tuple[int, ...], num_out: int, fan_in: int, deviation: float | None) -> None:
        """
        Args:
            shape: of the weight.
            num_out: channels that come out.
            fan_in: what a uniform start is scaled by.
            deviation: of a normal start with mean 0; None: uniform, as torch starts its convolutions.
        """
        super().__init__()
        bound = 1.0 / math.sqrt(fan_in)
        self.bias = nn.Parameter(torch.empty(num_out))
        self.weight_g: nn.Parameter | None = nn.Parameter(torch.empty(shape[0], *(1 for _ in shape[1:])))
        self.weight_v: nn.Parameter | None = nn.Parameter(torch.empty(shape))
        self.weight: nn.Parameter | None = None
        if self.bias.is_meta:  # nothing to start, and torch would load its compiler for it
            return
        with torch.no_grad():
            self.bias.uniform_(-bound, bound)
            v = self.weight_v
            v.uniform_(-bound, bound) if deviation is None else v.normal_(0.0, deviation)
            self.weight_g.copy_(_norm(v))

    def effective_weight(self) -> Tensor:
        """The weight that the input is convolved with."""
        if self.weight is not None:
            return self.weight
        assert self.weight_v is not None and self.weight_g is not None
        return self.weight_v * (self.weight_g / _norm(self.weight_v))

    @torch.no_grad()
    def fold(self) -> None:
        """From now on one tensor `weight`; what is computed stays the same."""
        weight = nn.Parameter(self.effective_weight())
        self.weight_g = self.weight_v = None
        self.weight = weight


class Convolution1d(NormedConvolution):
    """Along time."""

    def __init__(
        self,
        channels: tuple[int, int],
        kernel: int,
        stride: int = 1,
        padding: int | None = None,
        dilation: int = 1,
        groups: int = 1,
        deviation: float | None = None,
    ) -> None:
        """`channels` in and out; without `padding` the length stays (odd kernels, stride 1)."""
        inward = channels[0] // groups
        super().__init__((channels[1], inward, kernel), channels[1], inward * kernel, deviation)
        self.stride, self.dilation, self.groups = stride, dilation, groups
        self.padding = dilation * (kernel - 1) // 2 if padding is None else padding

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, L)."""
        weight, how = self.effective_weight(), (self.stride, self.padding, self.dilation, self.groups)
        return functional.conv1d(x, weight, self.bias, *how)


class Convolution2d(NormedConvolution):
    """Kernels of width 1: along the first of two dimensions."""

    def __init__(self, channels: tuple[int, int], kernel: int, stride: int) -> None:
        super().__init__((channels[1], channels[0], kernel, 1), channels[1], channels[0] * kernel, None)
        self.stride, self.padding = (stride, 1), (kernel // 2, 0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, rows, columns)."""
        return functional.conv2d(x, self.effective_weight(), self.bias, self.stride, self.padding)


class Upsampling(NormedConvolution):
    """A transposed convolution: L samples become L * rate."""

    def __init__(self, channels: tuple[int, int], kernel: int, rate: int, deviation: float) -> None:
        super().__init__((channels[0], channels[1], kernel), channels[1], channels[1] * kernel, deviation)
        self.rate, self.padding = rate, (kernel - rate) // 2

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, L) to (B, half as many, L * rate)."""
        return functional.conv_transpose1d(x, self.effective_weight(), self.bias, self.rate, self.padding)


def _norm(weight: Tensor) -> Tensor:
    """Over all dimensions but the first, kept."""
    return torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.ndim)), keepdim=True)
