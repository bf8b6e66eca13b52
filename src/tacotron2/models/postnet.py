"""The post-net: convolutions that predict what the decoder's spectrogram lacks (section 2.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tacotron2.hparams import ModelParams
from tacotron2.models.checkpointing import recomputed
from tacotron2.models.masking import ConvolutionBlock

INITIAL_RESIDUAL = 0.1


class Postnet(nn.Module):
    """tanh convolutions, the last one linear."""

    def __init__(self, num_mels: int, model: ModelParams, recompute: bool = False) -> None:
        super().__init__()
        self.recompute = recompute
        layers, width = model.postnet_n_convolutions, model.postnet_embedding_dim
        widths = [num_mels] + [width] * (layers - 1) + [num_mels]
        blocks = [
            ConvolutionBlock(
                widths[i],
                widths[i + 1],
                model.postnet_kernel_size,
                "tanh" if i < layers - 1 else "linear",
                model.p_convolution_dropout,
            )
            for i in range(layers)
        ]

        # Starts close to the identity: a residual of unit size would be louder than what it is to mend.
        nn.init.constant_(blocks[-1].norm.weight, INITIAL_RESIDUAL)
        self.convolutions = nn.ModuleList(blocks)

    def forward(self, mel: Tensor, mask: Tensor) -> Tensor:
        """`(B, T_mel, num_mels)` and a `(B, T_mel)` mask to the residual `(B, T_mel, num_mels)`."""
        x = mel.transpose(1, 2) * mask[:, None, :].to(mel.dtype)
        for block in self.convolutions:
            x = recomputed(block, x, mask) if self.recompute and torch.is_grad_enabled() else block(x, mask)
        return x.transpose(1, 2)
