"""Dynamic convolution attention (Battenberg et al. 2020, arXiv 1910.10288).

It moves along the text by place alone: content is not compared, so that it cannot jump, whatever the length.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacotron2.hparams import ModelParams
from tacotron2.models.attention import EXCLUDED

NUM_FILTERS, FILTER_LENGTH = 8, 21
"""Static filters, and as many dynamic ones, which the query makes anew at every step."""
PRIOR_LENGTH, PRIOR_ALPHA, PRIOR_BETA = 11, 0.1, 0.9
"""The beta-binomial prior: a step goes forward by 0 to 10 symbols, by one on average."""
PRIOR_FLOOR = 1e-6


def beta_binomial(length: int, alpha: float, beta: float) -> Tensor:
    """The probabilities `(length,)` of 0 .. length - 1 successes."""
    n = length - 1

    def log_beta(a: float, b: float) -> float:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    return torch.tensor(
        [
            math.comb(n, k) * math.exp(log_beta(k + alpha, n - k + beta) - log_beta(alpha, beta))
            for k in range(length)
        ]
    )


class LocationRelativeAttention(nn.Module):
    """Energies from the last weights alone: static and dynamic filters over them, and a prior that moves."""

    prior: Tensor

    def __init__(self, model: ModelParams) -> None:
        super().__init__()
        width = model.attention_dim
        self.query_layer = nn.Linear(model.attention_rnn_dim, width)
        self.filter_layer = nn.Linear(width, NUM_FILTERS * FILTER_LENGTH, bias=False)
        self.static_layer = nn.Linear(FILTER_LENGTH, NUM_FILTERS, bias=False)
        self.static_projection = nn.Linear(NUM_FILTERS, width, bias=False)
        self.dynamic_projection = nn.Linear(NUM_FILTERS, width)
        self.v = nn.Linear(width, 1, bias=False)
        # The filter that is to look k symbols back comes first.
        prior = beta_binomial(PRIOR_LENGTH, PRIOR_ALPHA, PRIOR_BETA).flip(0)
        self.register_buffer("prior", prior, persistent=False)

    def process_memory(self, memory: Tensor) -> Tensor:
        """Nothing of the memory enters the energies: `(B, T_text, 0)`."""
        return memory[:, :, :0]

    def initial_history(self, like: Tensor) -> Tensor:
        """`(B, 2, T_text)`: attention begins on the first symbol of `like`, `(B, T_text, memory_dim)`."""
        history = like.new_zeros(like.size(0), 2, like.size(1))
        history[:, :, 0] = 1.0
        return history

    def forward(
        self, query: Tensor, memory: Tensor, processed_memory: Tensor, history: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One decoder step; shapes as in `LocationSensitiveAttention.forward`."""
        last = history[:, 0]
        around = functional.pad(last, (FILTER_LENGTH // 2, FILTER_LENGTH // 2)).unfold(1, FILTER_LENGTH, 1)
        filters = self.filter_layer(torch.tanh(self.query_layer(query)))
        dynamic = torch.bmm(around, filters.view(-1, NUM_FILTERS, FILTER_LENGTH).transpose(1, 2))
        sums = self.static_projection(self.static_layer(around)) + self.dynamic_projection(dynamic)
        behind = functional.pad(last, (PRIOR_LENGTH - 1, 0)).unfold(1, PRIOR_LENGTH, 1)
        prior = (behind @ self.prior.to(behind.dtype)).clamp_min(PRIOR_FLOOR).log()
        energies = self.v(torch.tanh(sums)).squeeze(2) + prior
        weights = functional.softmax(energies.masked_fill(~mask, EXCLUDED), dim=1)
        return torch.bmm(weights[:, None, :], memory).squeeze(1), weights
