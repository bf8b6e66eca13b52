"""Networks so small that a test trains them, and spectrograms for them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from tacotron2.vocoders.hifigan import Generator, HifiGanConfig

WIDE = HifiGanConfig(
    upsample_rates=(4, 4),
    upsample_kernel_sizes=(8, 8),
    upsample_initial_channel=16,
    resblock_kernel_sizes=(3, 5),
    resblock_dilation_sizes=((1, 3), (1, 3)),
    batch_size=2,
    segment_size=512,
    num_mels=14,
    n_fft=128,
    hop_size=16,
    win_size=96,
    sampling_rate=8000,
    fmax=None,
    discriminator_divisor=16,
)
NARROW = HifiGanConfig(
    resblock="2",
    upsample_rates=(4, 2, 2),
    upsample_kernel_sizes=(8, 4, 4),
    upsample_initial_channel=16,
    resblock_kernel_sizes=(3, 5),
    resblock_dilation_sizes=((1, 2), (2, 6)),
    segment_size=512,
    num_mels=14,
    n_fft=128,
    hop_size=16,
    win_size=96,
    sampling_rate=8000,
    discriminator_divisor=16,
    fmax=3000.0,
)


def loud_generator(config: HifiGanConfig, seed: int = 0) -> Generator:
    """Weights so large that every convolution is heard; those of a start are not."""
    torch.manual_seed(seed)
    generator = Generator(config)
    with torch.no_grad():
        for name, value in generator.named_parameters():
            if name.endswith("weight_g"):
                value.fill_(1.0)
            elif name.endswith("bias"):
                value.normal_(0.0, 0.1)
    return generator


def some_mel(config: HifiGanConfig, num_frames: int, seed: int = 1) -> NDArray[np.float32]:
    """(T_mel, num_mels)."""
    values = np.random.default_rng(seed).normal(-4.0, 2.0, (num_frames, config.num_mels))
    return values.astype(np.float32)
