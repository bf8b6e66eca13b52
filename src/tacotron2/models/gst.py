"""Global style tokens: how something is said, heard from a recording or guessed from its text.

Reference encoder and token layer: Wang et al. 2018, arXiv 1803.09017. The guess (TPSE-GST): Stanton et al.
2018, arXiv 1808.01410.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tacotron2.hparams import ModelParams
from tacotron2.models.encoder import reverse_within
from tacotron2.models.masking import MaskedBatchNorm, length_mask

WIDENING = (1, 1, 2, 2, 4, 4)
"""Channels of the reference encoder's convolutions, in multiples of the first one's."""


def last_states(outputs: Tensor, lengths: Tensor) -> Tensor:
    """`(B, T, C)` outputs of a recurrent layer to `(B, C)`: each at its own last step."""
    index = (lengths - 1).clamp_min(0)[:, None, None].expand(-1, 1, outputs.size(2))
    return outputs.gather(1, index).squeeze(1)


class ReferenceEncoder(nn.Module):
    """A spectrogram of any length to one vector."""

    def __init__(self, num_mels: int, filters: int) -> None:
        super().__init__()
        channels = [1] + [filters * wider for wider in WIDENING]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], 3, stride=2, padding=1) for i in range(len(WIDENING))
        )
        self.norms = nn.ModuleList(MaskedBatchNorm(n) for n in channels[1:])
        bands = num_mels
        for _ in WIDENING:
            bands = (bands + 1) // 2
        self.width = channels[-1]
        self.rnn = nn.GRU(channels[-1] * bands, self.width, batch_first=True)

    def forward(self, mel: Tensor, lengths: Tensor) -> Tensor:
        """Normalised `(B, T_mel, num_mels)` and true lengths to `(B, width)`."""
        x = mel[:, None]
        x = x * length_mask(lengths, x.size(2))[:, None, :, None].to(x.dtype)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = convolution(x)
            lengths = torch.div(lengths + 1, 2, rounding_mode="floor")
            mask = length_mask(lengths, x.size(2))
            cells = mask[:, :, None].expand(-1, -1, x.size(3)).flatten(1)
            x = torch.relu(norm(x.flatten(2), cells).view_as(x))
            x = x * mask[:, None, :, None].to(x.dtype)
        outputs, _ = self.rnn(x.transpose(1, 2).flatten(2))
        return last_states(outputs, lengths)


class StyleTokenLayer(nn.Module):
    """Attention of several heads over learned tokens; the style is what it reads, heads side by side."""

    def __init__(self, query_dim: int, model: ModelParams) -> None:
        super().__init__()
        self.num_heads, self.head_dim = model.gst_heads, model.gst_dim // model.gst_heads
        self.tokens = nn.Parameter(0.5 * torch.randn(model.gst_tokens, self.head_dim))
        self.query_layer = nn.Linear(query_dim, model.gst_dim, bias=False)
        self.key_layer = nn.Linear(self.head_dim, model.gst_dim, bias=False)
        self.value_layer = nn.Linear(self.head_dim, model.gst_dim, bias=False)

    def weights(self, query: Tensor) -> Tensor:
        """`(B, query_dim)` to `(B, heads, tokens)`, each row a distribution."""
        queries = self.query_layer(query).view(-1, self.num_heads, self.head_dim)
        keys = self.key_layer(torch.tanh(self.tokens)).view(-1, self.num_heads, self.head_dim)
        scores = torch.einsum("bhd,nhd->bhn", queries, keys) / math.sqrt(self.head_dim)
        return torch.softmax(scores, dim=2)

    def forward(self, weights: Tensor) -> Tensor:
        """`(B, heads, tokens)` to the style `(B, gst_dim)`."""
        values = self.value_layer(torch.tanh(self.tokens)).view(-1, self.num_heads, self.head_dim)
        return torch.einsum("bhn,nhd->bhd", weights.to(values.dtype), values).flatten(1)


class StyleTokens(nn.Module):
    """Reference encoder and token layer."""

    def __init__(self, num_mels: int, model: ModelParams) -> None:
        super().__init__()
        self.reference_encoder = ReferenceEncoder(num_mels, model.gst_reference_filters)
        self.token_layer = StyleTokenLayer(self.reference_encoder.width, model)

    def forward(self, mel: Tensor, lengths: Tensor) -> Tensor:
        """The style `(B, gst_dim)` of normalised spectrograms `(B, T_mel, num_mels)` of true `lengths`."""
        return self.token_layer(self.token_layer.weights(self.reference_encoder(mel, lengths)))

    def from_weights(self, weights: Tensor) -> Tensor:
        """The style `(B, gst_dim)` of given token weights.

        Args:
            weights: `(B, tokens)`, the same for every head, or `(B, heads, tokens)`; any numbers.
        """
        if weights.dim() == 2:
            weights = weights[:, None].expand(-1, self.token_layer.num_heads, -1)
        return self.token_layer(weights)


class StylePredictor(nn.Module):
    """The style that a text is likely to be said in. It learns beside the encoder and does not move it."""

    def __init__(self, memory_dim: int, model: ModelParams) -> None:
        super().__init__()
        width = model.gst_dim
        self.convolution = nn.Conv1d(memory_dim, width, 3, padding=1, bias=False)
        self.norm = MaskedBatchNorm(width)
        self.forward_rnn = nn.GRU(width, width // 2, batch_first=True)
        self.backward_rnn = nn.GRU(width, width // 2, batch_first=True)
        self.output_layer = nn.Linear(2 * (width // 2), width)

    def forward(self, memory: Tensor, lengths: Tensor) -> Tensor:
        """Zero padded `(B, T_text, memory_dim)` and true lengths to `(B, gst_dim)`."""
        mask = length_mask(lengths, memory.size(1))
        x = torch.relu(self.norm(self.convolution(memory.detach().transpose(1, 2)), mask)).transpose(1, 2)
        x = x * mask[:, :, None].to(x.dtype)
        ahead, _ = self.forward_rnn(x)
        behind, _ = self.backward_rnn(reverse_within(x, lengths))
        states = torch.cat((last_states(ahead, lengths), last_states(behind, lengths)), dim=1)
        return torch.tanh(self.output_layer(states))
