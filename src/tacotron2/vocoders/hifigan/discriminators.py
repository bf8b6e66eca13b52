"""The discriminators of HiFi-GAN (Kong, Kim, Bae 2020, section 2.3), under the names of published files."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import spectral_norm

from tacotron2.vocoders.hifigan.generator import SLOPE
from tacotron2.vocoders.hifigan.layers import Convolution1d, Convolution2d

PERIODS = (2, 3, 5, 7, 11)
PERIOD_CHANNELS = (32, 128, 512, 1024, 1024)
SCALE_LAYERS = (  # channels, kernel, stride, groups (section 2.3 after MelGAN)
    (128, 15, 1, 1),
    (128, 41, 2, 4),
    (256, 41, 2, 16),
    (512, 41, 4, 16),
    (1024, 41, 4, 16),
    (1024, 41, 1, 16),
    (1024, 5, 1, 1),
)
SCALES = 3

Judgement = tuple[Tensor, list[Tensor]]
"""(B, places) scores, 1 for recorded and 0 for made; and what every layer gave, the last one included."""


class PeriodDiscriminator(nn.Module):
    """Looks at every `period`-th sample: the waveform as rows of that many columns."""

    def __init__(self, period: int, divisor: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, *(width // divisor for width in PERIOD_CHANNELS)]
        last = len(PERIOD_CHANNELS) - 1
        self.convs = nn.ModuleList(
            Convolution2d((widths[place], widths[place + 1]), 5, 1 if place == last else 3)
            for place in range(last + 1)
        )
        self.conv_post = Convolution2d((widths[-1], 1), 3, 1)

    def forward(self, samples: Tensor) -> Judgement:
        """Of (B, 1, L) samples."""
        missing = -samples.shape[-1] % self.period
        x = functional.pad(samples, (0, missing), "reflect") if missing else samples
        return _judge(x.unflatten(2, (-1, self.period)), self.convs, self.conv_post)


class ScaleDiscriminator(nn.Module):
    """Looks at the waveform in grouped strided convolutions, with spectral norm in place of weight norm where
    it sees the raw one."""

    def __init__(self, raw: bool, divisor: int) -> None:
        super().__init__()
        layers, width = [], 1
        for channels, kernel, stride, groups in SCALE_LAYERS:
            sizes = ((width, channels // divisor), kernel, stride, max(1, groups // divisor))
            layers.append(_scale_layer(raw, *sizes))
            width = channels // divisor
        self.convs = nn.ModuleList(layers)
        self.conv_post = _scale_layer(raw, (width, 1), 3, 1, 1)

    def forward(self, samples: Tensor) -> Judgement:
        """Of (B, 1, L) samples."""
        return _judge(samples, self.convs, self.conv_post)


class MultiPeriodDiscriminator(nn.Module):
    """One discriminator for each of five periods, primes, so that they overlap little."""

    def __init__(self, divisor: int = 1) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(PeriodDiscriminator(period, divisor) for period in PERIODS)

    def forward(self, samples: Tensor) -> list[Judgement]:
        """Of (B, 1, L) samples."""
        return [discriminator(samples) for discriminator in self.discriminators]


class MultiScaleDiscriminator(nn.Module):
    """The raw waveform, and its means over 4 samples at half and at a quarter of the rate."""

    def __init__(self, divisor: int = 1) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(
            ScaleDiscriminator(scale == 0, divisor) for scale in range(SCALES)
        )

    def forward(self, samples: Tensor) -> list[Judgement]:
        """Of (B, 1, L) samples."""
        judgements = []
        for scale, discriminator in enumerate(self.discriminators):
            if scale:
                samples = functional.avg_pool1d(samples, 4, 2, 2)
            judgements.append(discriminator(samples))
        return judgements


def _scale_layer(raw: bool, channels: tuple[int, int], kernel: int, stride: int, groups: int) -> nn.Module:
    if not raw:
        return Convolution1d(channels, kernel, stride, kernel // 2, groups=groups)
    plain = nn.Conv1d(*channels, kernel, stride, kernel // 2, groups=groups)
    normed: nn.Module = spectral_norm(plain)
    return normed


def _judge(x: Tensor, convs: nn.ModuleList, conv_post: nn.Module) -> Judgement:
    features = []
    for convolution in convs:
        x = functional.leaky_relu(convolution(x), SLOPE)
        features.append(x)
    x = conv_post(x)
    features.append(x)
    return x.flatten(1), features
