"""The pre-net: two small layers whose dropout is never off (section 2.2 of arXiv 1712.05884)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tacotron2.hparams import ModelParams


class Prenet(nn.Module):
    """An information bottleneck in front of the decoder: without it, attention need not be learned."""

    def __init__(self, num_inputs: int, model: ModelParams) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Linear(n, model.prenet_dim, bias=False) for n in (num_inputs, model.prenet_dim)
        )
        for weight in self.parameters():
            nn.init.xavier_uniform_(weight, gain=nn.init.calculate_gain("relu"))

    def forward(self, x: Tensor, masks: tuple[Tensor, Tensor] | None) -> Tensor:
        """`(..., num_inputs)` to `(..., prenet_dim)`; `masks` are dropout factors of the two layers."""
        for index, layer in enumerate(self.layers):
            x = torch.relu(layer(x))
            if masks is not None:
                x = x * masks[index]
        return x
