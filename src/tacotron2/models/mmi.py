"""Maximising the mutual information of text and speech by a recogniser (Liu et al. 2019, arXiv 1909.01145).

The decoder must say the text in a way that a small CTC recogniser understands, which it cannot do without
attending to it. How strongly the recogniser may pull is set by the gradients themselves.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Recogniser(nn.Module):
    """The projection of each decoder step to the symbols that can be heard in it; class 0 is CTC's blank."""

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.hidden_layer = nn.Linear(width, width)
        self.class_layer = nn.Linear(width, num_classes)

    def forward(self, projection: Tensor) -> Tensor:
        """`(B, T_dec, width)` to logits `(B, T_dec, num_classes)`."""
        return self.class_layer(torch.relu(self.hidden_layer(projection)))


def gradient_adaptive_factor(d_speech: Tensor, d_recogniser: Tensor, cap: float) -> Tensor:
    """How much of the recogniser's gradient may join: at its largest entry no more than the speech's largest.

    Source: arXiv 1909.01145, there the least ratio over all parameters; here the ratio on the output that
    both share, through which every gradient below has to pass.

    Args:
        d_speech, d_recogniser: gradients of the mel and stop losses, and of the CTC loss, on that output.
        cap: the factor's upper bound.

    Returns:
        a scalar in 0 .. cap; cap where the recogniser has no gradient.
    """
    ratio = d_speech.abs().amax() / d_recogniser.abs().amax()
    return torch.nan_to_num(ratio.float(), nan=cap, posinf=cap).clamp(max=cap)


def balanced(projection: Tensor, cap: float) -> tuple[Tensor, Tensor, Tensor]:
    """The shared projection twice, for the spectrogram and for the recogniser.

    Forward both are the projection. Backward their gradients are added, the second one scaled by
    `gradient_adaptive_factor`: it needs no pass of its own, because both are at hand at that moment.

    Returns:
        the two, and a scalar that backward sets to the factor (0 until then).
    """
    factor = torch.zeros((), device=projection.device)
    speech, recogniser = _Balanced.apply(projection, factor, cap)
    return speech, recogniser, factor


class _Balanced(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projection: Tensor, factor: Tensor, cap: float) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.factor, ctx.cap = factor, cap
        return projection.view_as(projection), projection.view_as(projection)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_speech: Tensor | None, d_recogniser: Tensor | None) -> tuple[Any, None, None]:
        if d_speech is None or d_recogniser is None:
            return d_speech if d_recogniser is None else d_recogniser, None, None
        factor = gradient_adaptive_factor(d_speech, d_recogniser, ctx.cap)
        ctx.factor.copy_(factor)
        return d_speech + factor.to(d_recogniser.dtype) * d_recogniser, None, None
