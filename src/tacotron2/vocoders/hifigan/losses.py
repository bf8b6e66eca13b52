"""What HiFi-GAN is trained for (Kong, Kim, Bae 2020, section 2.4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacotron2.audio import hann_window, mel_filterbank
from tacotron2.vocoders.hifigan.config import HifiGanConfig
from tacotron2.vocoders.hifigan.discriminators import Judgement

FEATURE_WEIGHT = 2.0
MEL_WEIGHT = 45.0
POWER_FLOOR = 1e-9
"""Added to the power of every bin, so that the gradient of its root is finite in silence."""


def discriminator_loss(recorded: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """Least squares (equation 1): of recordings to 1, of what was made to 0; over all discriminators."""
    pairs = zip(recorded, made, strict=True)
    terms = [(1.0 - real).square().mean() + fake.square().mean() for (real, _), (fake, _) in pairs]
    return torch.stack(terms).sum()


def adversarial_loss(made: Sequence[Judgement]) -> Tensor:
    """Least squares (equation 2): scores of what was made to 1."""
    return torch.stack([(1.0 - fake).square().mean() for fake, _ in made]).sum()


def feature_loss(recorded: Sequence[Judgement], made: Sequence[Judgement]) -> Tensor:
    """Feature matching (equation 4), without its weight: mean absolute difference in every layer, summed."""
    terms = [
        functional.l1_loss(fake, real.detach())
        for (_, reals), (_, fakes) in zip(recorded, made, strict=True)
        for real, fake in zip(reals, fakes, strict=True)
    ]
    return torch.stack(terms).sum()


class LossSpectrogram(nn.Module):
    """Log-mels for the spectrogram loss (equation 3), with a gradient.

    Up to `fmax_for_loss`, in most published settings half the rate. Frame t is centred on sample
    (t + 1/2) * hop_size, as the published networks count, so that a segment of whole frames needs no others.
    """

    window: Tensor
    filterbank: Tensor

    def __init__(self, config: HifiGanConfig) -> None:
        super().__init__()
        self.config = config
        fmax = config.sampling_rate / 2 if config.fmax_for_loss is None else config.fmax_for_loss
        audio = dataclasses.replace(config.audio(), mel_fmax=fmax)
        # Buffers, to go to the device with the rest; no part of any state.
        window, filterbank = hann_window(audio), mel_filterbank(audio)
        self.register_buffer("window", torch.from_numpy(window).float(), persistent=False)
        self.register_buffer("filterbank", torch.from_numpy(filterbank).float(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """(B, L) to (B, num_mels, L / hop_size)."""
        config = self.config
        reach = (config.n_fft - config.hop_size) // 2
        padded = functional.pad(samples[:, None], (reach, reach), "reflect")[:, 0]
        spectrum = torch.stft(
            padded, config.n_fft, config.hop_size, window=self.window, center=False, return_complex=True
        )
        power = spectrum.real.square() + spectrum.imag.square() + POWER_FLOOR
        return (self.filterbank @ power.sqrt()).clamp_min(config.mel_floor).log()
