"""Padding must change nothing: masks from true lengths and the layers that honour them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional


def length_mask(lengths: Tensor, size: int) -> Tensor:
    """`(B,)` lengths to a `(B, size)` boolean mask, true on valid positions."""
    return torch.arange(size, device=lengths.device)[None, :] < lengths[:, None]


def dropout_factors(shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
    """Inverted dropout as factors: 0 with probability p, else 1 / (1 - p).

    Drawn as uniform numbers, in float32 whatever `like` is: `bernoulli_` takes four times as long on a CPU.
    """
    return torch.rand(shape, device=like.device).ge(p).to(like.dtype).div_(1 - p)


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation whose training statistics count valid positions only.

    With `nn.BatchNorm1d` a batch with more padding has smaller variances, so that the same utterance would be
    normalised differently according to its neighbours' lengths. At evaluation both are the same.

    Attributes:
        over_processes: sums a tensor over all processes that share a batch, gradients included, so that the
            statistics are those of the whole batch; None where one process has all of it.
        held: whether training too uses the statistics that are there, and leaves them so.
    """

    over_processes: Callable[[Tensor], Tensor] | None = None
    held = False

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:
        """`(B, C, T)` and a `(B, T)` mask to `(B, C, T)`."""
        if self.held and self.training:
            kept = (self.running_mean, self.running_var, self.weight, self.bias)
            return functional.batch_norm(input, *kept, training=False, eps=self.eps)
        if not self.training or mask is None:
            return super().forward(input)
        # Statistics in the precision of the weights, as torch's own batch norm keeps them under bf16.
        input = input.to(self.weight.dtype)
        weight = mask[:, None, :].to(input.dtype)
        count, total = weight.sum(), (input * weight).sum((0, 2))
        if self.over_processes is not None:
            total, count = self.over_processes(torch.cat((total, count[None]))).split((total.numel(), 1))
        mean = total / count
        centred = input - mean[None, :, None]
        squares = (centred * centred * weight).sum((0, 2))
        variance = (squares if self.over_processes is None else self.over_processes(squares)) / count
        with torch.no_grad():
            momentum = self.momentum or 0.0
            unbiased = variance * (count / (count - 1).clamp(min=1))
            if self.running_mean is not None and self.running_var is not None:
                self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
                self.running_var.lerp_(unbiased.to(self.running_var.dtype), momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale[None, :, None] + self.bias[None, :, None]


Activation = Literal["relu", "tanh", "linear"]


class ConvolutionBlock(nn.Module):
    """Convolution over time, batch normalisation, activation, dropout; padding stays zero."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, activation: Activation, p_dropout: float
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
        self.norm = MaskedBatchNorm(out_channels)
        self.activation = activation
        self.p_dropout = p_dropout
        nn.init.xavier_uniform_(self.convolution.weight, gain=nn.init.calculate_gain(activation))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Zero padded `(B, in_channels, T)` and a `(B, T)` mask to zero padded `(B, out_channels, T)`."""
        x = self.norm(self.convolution(x), mask)
        if self.activation == "relu":
            x = torch.relu(x)
        elif self.activation == "tanh":
            x = torch.tanh(x)
        factors = mask[:, None, :].to(x.dtype)
        if self.training and self.p_dropout:
            factors = dropout_factors(x.shape, self.p_dropout, x).mul_(factors)
        return x * factors
