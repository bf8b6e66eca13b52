"""The encoder: three convolutions and a bidirectional LSTM (section 2.2 of arXiv 1712.05884)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tacotron2.hparams import ModelParams
from tacotron2.models.masking import ConvolutionBlock, length_mask


def reverse_within(x: Tensor, lengths: Tensor) -> Tensor:
    """Each `(T, C)` of `(B, T, C)` read backwards inside its own length; padding stays where it is."""
    position = torch.arange(x.size(1), device=x.device)[None, :]
    mirrored = torch.where(position < lengths[:, None], lengths[:, None] - 1 - position, position)
    return x.gather(1, mirrored[:, :, None].expand_as(x))


class Encoder(nn.Module):
    """Embedded symbols to the memory that attention reads."""

    def __init__(self, model: ModelParams) -> None:
        super().__init__()
        width = model.encoder_embedding_dim
        inputs = [model.symbols_embedding_dim] + [width] * (model.encoder_n_convolutions - 1)
        self.convolutions = nn.ModuleList(
            ConvolutionBlock(n, width, model.encoder_kernel_size, "relu", model.p_convolution_dropout)
            for n in inputs
        )
        # Two plain LSTMs instead of a bidirectional one over packed sequences: the same numbers, but no
        # lengths have to be read back from the device and no time step runs with a shrinking batch.
        self.forward_lstm = nn.LSTM(width, width // 2, batch_first=True)
        self.backward_lstm = nn.LSTM(width, width // 2, batch_first=True)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """`(B, T_text, symbols_embedding_dim)` to `(B, T_text, encoder_embedding_dim)`, zero padded."""
        mask = length_mask(lengths, embedded.size(1))
        x = (embedded * mask[:, :, None].to(embedded.dtype)).transpose(1, 2)
        for block in self.convolutions:
            x = block(x, mask)
        x = x.transpose(1, 2)
        ahead, _ = self.forward_lstm(x)
        behind, _ = self.backward_lstm(reverse_within(x, lengths))
        memory = torch.cat((ahead, reverse_within(behind, lengths)), dim=2)
        return memory * mask[:, :, None].to(memory.dtype)
