"""Matrix products by the faster of the two CPU libraries inside torch.

In float32 on a CPU torch calls MKL, which takes slower kernels on other makers' processors; oneDNN, in the
same torch, was measured 1.6 to 2.7 times as fast at this model's shapes (AMD Zen 5, one core). torch offers
it only as operators of its compiler: their names are private, but torch is pinned to an exact release.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

CACHED_BYTES = 4 * 2**20
"""Weights up to this size are not worth rounding: they stay near the core."""
Function = TypeVar("Function", bound=Callable[..., Any])


def by_onednn(x: Tensor) -> bool:
    """Whether `product` leaves the usual way for this operand."""
    mkldnn = torch.backends.mkldnn
    kind = x.dtype == torch.float32 or (x.dtype == torch.bfloat16 and multiplies_bf16())
    return x.device.type == "cpu" and kind and mkldnn.is_available() and bool(mkldnn.enabled)


def multiplies_bf16() -> bool:
    """Whether this CPU has instructions for products of bf16 (AVX-512 BF16 or AMX)."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def packed(weight: Tensor, rows: int) -> Tensor:
    """A weight that `product` will meet many times, in the library's own order; opaque to everything else."""
    return torch.ops.mkldnn._reorder_linear_weight(weight, rows) if by_onednn(weight) else weight


def product(x: Tensor, weight: Tensor) -> Tensor:
    """`(N, I)` and `(O, I)` to `x weight^T`, `(N, O)`; no gradient. `weight` may be `packed`."""
    if not by_onednn(x):
        return x @ weight.t()
    return torch.ops.mkldnn._linear_pointwise(_whole(x), _whole(weight), None, "none", [], "")


class Layer:
    """A linear layer that many small batches meet one after the other, put in order once; no gradient.

    With a few rows a product takes as long as reading its weights. `rounded` lets a CPU keep them in bf16,
    half the bytes, where it multiplies that and float32 would not stay in its cache; what comes in and what
    goes out is then rounded too, the sum in between and the bias are not.
    """

    def __init__(self, weight: Tensor, bias: Tensor, rounded: bool) -> None:
        halved = rounded and weight.dtype == torch.float32 and weight.device.type == "cpu"
        halved = halved and multiplies_bf16() and weight.nbytes > CACHED_BYTES
        self.dtype, self.bias = torch.bfloat16 if halved else weight.dtype, bias
        # The order for one row was measured 1.6 times as slow, with one row, as that for eight.
        self.weight = packed(weight.to(self.dtype), 8)

    def __call__(self, x: Tensor) -> Tensor:
        """`(B, I)` to `(B, O)`."""
        return product(x.to(self.dtype), self.weight).to(x.dtype).add_(self.bias)


def _whole(x: Tensor) -> Tensor:
    """A copy of a part of a wider matrix: oneDNN multiplies those a thousand times more slowly."""
    if x.layout != torch.strided or x.is_contiguous() or x.t().is_contiguous():
        return x
    return x.contiguous()


def over_steps(d_outputs: Tensor, inputs: Tensor) -> Tensor:
    """A weight's gradient from all steps at once: `(..., O)` and `(..., I)` to `(O, I)`."""
    return product(d_outputs.flatten(0, -2).t(), inputs.flatten(0, -2).t())


def without_autocast(backward: Function) -> Function:
    """For a backward of a forward that ran without: `(ctx, gradient, ...)`, also inside a user's autocast."""

    @wraps(backward)
    def run(ctx: Any, gradient: Tensor, *others: Tensor) -> Any:
        with torch.autocast(gradient.device.type, enabled=False):
            return backward(ctx, gradient, *others)

    return cast(Function, run)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight).add_(bias)

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        return (
            product(grad, weight.t()) if ctx.needs_input_grad[0] else None,
            over_steps(grad, x) if ctx.needs_input_grad[1] else None,
            grad.sum(0) if ctx.needs_input_grad[2] else None,
        )


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`functional.linear` for `(..., I)`, with gradients."""
    if torch.is_autocast_enabled(x.device.type) or not by_onednn(x):
        return functional.linear(x, weight, bias)
    return _Linear.apply(x.flatten(0, -2), weight, bias).unflatten(0, x.shape[:-1])
