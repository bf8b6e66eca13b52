"""Location-sensitive attention (Chorowski et al. 2015, arXiv 1506.07503, section 2.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacotron2.hparams import ModelParams

EXCLUDED = -1e4
"""Energy of a padding position: exp of it is 0 in every float type used, and it is finite in fp16."""


class LocationSensitiveAttention(nn.Module):
    """Energies from the query, the memory, and where attention has been (last and cumulative weights)."""

    def __init__(self, model: ModelParams, memory_dim: int) -> None:
        super().__init__()
        self.query_layer = nn.Linear(model.attention_rnn_dim, model.attention_dim, bias=False)
        self.memory_layer = nn.Linear(memory_dim, model.attention_dim, bias=False)
        self.v = nn.Linear(model.attention_dim, 1, bias=False)
        kernel_size = model.attention_location_kernel_size
        self.location_convolution = nn.Conv1d(
            2, model.attention_location_n_filters, kernel_size, padding=kernel_size // 2, bias=False
        )
        self.location_layer = nn.Linear(model.attention_location_n_filters, model.attention_dim, bias=False)
        for layer in (self.query_layer, self.memory_layer, self.location_layer):
            nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain("tanh"))

    def process_memory(self, memory: Tensor) -> Tensor:
        """`(B, T_text, memory_dim)` to `(B, T_text, attention_dim)`: the part that no step changes."""
        return self.memory_layer(memory)

    def initial_history(self, like: Tensor) -> Tensor:
        """`(B, 2, T_text)` of zeros: nothing of `like`, `(B, T_text, memory_dim)`, was attended yet."""
        return like.new_zeros(like.size(0), 2, like.size(1))

    def location_kernel(self) -> Tensor:
        """Location convolution and the dense layer behind it as one kernel `(attention_dim, 2, k)`.

        Both are linear with nothing between them, so that their product can be formed once a sequence.
        """
        return torch.einsum("df,fck->dck", self.location_layer.weight, self.location_convolution.weight)

    def forward(
        self, query: Tensor, memory: Tensor, processed_memory: Tensor, history: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One decoder step, as the paper writes it.

        Args:
            query: `(B, attention_rnn_dim)`.
            memory: `(B, T_text, memory_dim)`.
            processed_memory: `process_memory(memory)`.
            history: `(B, 2, T_text)`, the last weights and their sum over all steps so far.
            mask: `(B, T_text)`, true on valid symbols.

        Returns:
            context `(B, memory_dim)` and weights `(B, T_text)`.
        """
        location = self.location_layer(self.location_convolution(history).transpose(1, 2))
        energies = self.v(torch.tanh(self.query_layer(query)[:, None, :] + location + processed_memory))
        weights = functional.softmax(energies.squeeze(2).masked_fill(~mask, EXCLUDED), dim=1)
        return torch.bmm(weights[:, None, :], memory).squeeze(1), weights
