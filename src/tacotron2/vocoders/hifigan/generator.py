"""The generator of HiFi-GAN (Kong, Kim, Bae 2020, section 2.2 and appendix A.1)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacotron2.vocoders.hifigan.config import HifiGanConfig
from tacotron2.vocoders.hifigan.layers import Convolution1d, NormedConvolution, Upsampling

SLOPE = 0.1
"""Of the leaky rectifiers, but for the last one, which has torch's 0.01 in the published networks."""
LAST_SLOPE = 0.01
EDGE_KERNEL = 7
"""Of the first and the last convolution."""
DEVIATION = 0.01
"""Of the normal start of upsamplings, residual blocks and the last convolution."""


class WideBlock(nn.Module):
    """Residual block "1": pairs of a dilated and a plain convolution."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        same = (channels, channels)
        self.convs1 = nn.ModuleList(
            Convolution1d(same, kernel, dilation=d, deviation=DEVIATION) for d in dilations
        )
        self.convs2 = nn.ModuleList(Convolution1d(same, kernel, deviation=DEVIATION) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, L), the same shape."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            inner = dilated(functional.leaky_relu(x, SLOPE))
            x = x + plain(functional.leaky_relu(inner, SLOPE))
        return x


class NarrowBlock(nn.Module):
    """Residual block "2": dilated convolutions one by one."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        same = (channels, channels)
        self.convs = nn.ModuleList(
            Convolution1d(same, kernel, dilation=d, deviation=DEVIATION) for d in dilations
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, L), the same shape."""
        for dilated in self.convs:
            x = x + dilated(functional.leaky_relu(x, SLOPE))
        return x


class Generator(nn.Module):
    """Log-mels to samples: transposed convolutions, each followed by the mean of several residual blocks."""

    def __init__(self, config: HifiGanConfig) -> None:
        super().__init__()
        self.config = config
        width = config.upsample_initial_channel
        self.conv_pre = Convolution1d((config.num_mels, width), EDGE_KERNEL)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        block = WideBlock if config.resblock == "1" else NarrowBlock
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
            self.ups.append(Upsampling((width, width // 2), kernel, rate, DEVIATION))
            width //= 2
            sizes = zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True)
            self.resblocks.extend(block(width, size, dilations) for size, dilations in sizes)
        self.conv_post = Convolution1d((width, 1), EDGE_KERNEL, deviation=DEVIATION)

    def forward(self, mel: Tensor) -> Tensor:
        """(B, num_mels, T_mel) log-mels to (B, 1, T_mel * hop_size) samples within +-1."""
        count = self.config.num_kernels
        x = self.conv_pre(mel)
        for place, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, SLOPE))
            blocks = list(self.resblocks)[place * count : (place + 1) * count]
            x = torch.stack([block(x) for block in blocks]).mean(dim=0)
        return torch.tanh(self.conv_post(functional.leaky_relu(x, LAST_SLOPE)))

    def fold(self) -> Generator:
        """Weight normalisation taken out, for synthesis; in place."""
        for module in self.modules():
            if isinstance(module, NormedConvolution) and module.weight is None:
                module.fold()
        return self


def context_frames(config: HifiGanConfig) -> int:
    """Mel frames on either side of a frame that its samples depend on at most.

    The reach of every convolution in its own rate, counted in frames: half a kernel times its dilation; of a
    transposed one with kernel k and rate u, (k - 1 - (k - u) / 2) / u input values, rounded up.
    """
    reach = EDGE_KERNEL // 2 * 1.0
    samples = 1  # a frame, at this depth
    for rate, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
        reach += math.ceil((kernel - 1 - (kernel - rate) // 2) / rate) / samples
        samples *= rate
        plain = 1 if config.resblock == "1" else 0
        reach += max(
            sum((size // 2) * (dilation + plain) for dilation in dilations) / samples
            for size, dilations in zip(
                config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True
            )
        )
    return math.ceil(reach + EDGE_KERNEL // 2 / samples)
