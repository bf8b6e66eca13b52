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

Function = TypeVar("Function", bound=Callable[..., Any])


def by_onednn(x: Tensor) -> bool:
    """Whether `product` leaves the usual way for this operand."""
    mkldnn = torch.backends.mkldnn
    return (
        x.device.type == "cpu" and x.dtype == torch.float32 and mkldnn.is_available() and bool(mkldnn.enabled)
    )


def packed(weight: Tensor, rows: int) -> Tensor:
    """A weight that `product` will meet many times, in the library's own order; opaque to everything else."""
    return torch.ops.mkldnn._reorder_linear_weight(weight, rows) if by_onednn(weight) else weight


def product(x: Tensor, weight: Tensor) -> Tensor:
    """`(N, I)` and `(O, I)` to `x weight^T`, `(N, O)`; no gradient. `weight` may be `packed`."""
    if not by_onednn(x):
        return x @ weight.t()
    return torch.ops.mkldnn._linear_pointwise(_whole(x), _whole(weight), None, "none", [], "")


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
