"""Discriminators and losses against the paper's formulas written out once more."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tacotron2.audio import log_mel
from tacotron2.vocoders.hifigan.discriminators import (
    Judgement,
    MultiPeriodDiscriminator,
    MultiScaleDiscriminator,
)
from tacotron2.vocoders.hifigan.losses import (
    LossSpectrogram,
    adversarial_loss,
    discriminator_loss,
    feature_loss,
)
from tests.tiny_hifigan import WIDE

DIVISOR = 16


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.1 * x)


def normed(weights: dict[str, Tensor], name: str) -> Tensor:
    v, g = weights[f"{name}.weight_v"], weights[f"{name}.weight_g"]
    return torch.stack([length * row / row.square().sum().sqrt() for length, row in zip(g, v, strict=True)])


def assert_same(found: Judgement, score: Tensor, features: list[Tensor]) -> None:
    torch.testing.assert_close(found[0], score.flatten(1), rtol=1e-10, atol=1e-10)
    assert len(found[1]) == len(features)
    for one, other in zip(found[1], features, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def loud(module: torch.nn.Module) -> dict[str, Tensor]:
    """Its weights, made so large that every layer is heard."""
    with torch.no_grad():
        for name, value in module.named_parameters():
            if name.endswith("weight_g"):
                value.fill_(1.0)
    return {name: value.detach() for name, value in module.state_dict().items()}


def test_every_period_sees_its_own_samples() -> None:
    torch.manual_seed(0)
    module = MultiPeriodDiscriminator(DIVISOR).double()
    weights, samples = loud(module), torch.randn(2, 1, 331, dtype=torch.float64)
    for place, (period, found) in enumerate(zip((2, 3, 5, 7, 11), module(samples), strict=True)):
        rows = -(-331 // period)
        whole = samples
        for back in range(rows * period - 331):  # mirrored at the end
            whole = torch.cat([whole, samples[..., 331 - 2 - back : 331 - 1 - back]], dim=-1)
        # The columns of the folded waveform never meet: each is a sequence of its own.
        columns = torch.stack([whole[..., start::period] for start in range(period)], dim=1).flatten(0, 1)
        features, x = [], columns
        for layer in range(5):
            name, stride = f"discriminators.{place}.convs.{layer}", 1 if layer == 4 else 3
            kernel = normed(weights, name)[..., 0]
            x = leaky(F.conv1d(x, kernel, weights[f"{name}.bias"], stride=stride, padding=2))
            features.append(x)
        name = f"discriminators.{place}.conv_post"
        score = F.conv1d(x, normed(weights, name)[..., 0], weights[f"{name}.bias"], padding=1)
        features.append(score)
        folded = [part.unflatten(0, (2, period)).permute(0, 2, 3, 1) for part in features]
        assert_same(found, folded[-1], folded)


def test_every_scale_sees_its_own_rate() -> None:
    torch.manual_seed(0)
    module = MultiScaleDiscriminator(DIVISOR).double()
    samples = torch.randn(2, 1, 512, dtype=torch.float64)
    module(samples)  # in training, every pass makes the estimate of the singular value better
    weights = loud(module.eval())
    strides, kernels = (1, 2, 2, 4, 4, 1, 1), (15, 41, 41, 41, 41, 41, 5)
    judgements = module(samples)
    x = samples
    for scale, found in enumerate(judgements):
        if scale:  # means over 4 at every second sample, zeros beyond the ends
            padded = F.pad(x, (2, 2))
            x = sum(padded[..., shift : shift + 2 * (x.shape[-1] // 2) + 1 : 2] for shift in range(4)) / 4
        features, y = [], x
        for layer, (stride, size) in enumerate(zip((*strides, 1), (*kernels, 3), strict=True)):
            name = f"discriminators.{scale}." + ("conv_post" if layer == 7 else f"convs.{layer}")
            if scale == 0:
                weight = weights[f"{name}.weight_orig"]
                # In evaluation the estimate of the largest singular value stands as it was left.
                flat = weight.flatten(1)
                kernel = weight / (weights[f"{name}.weight_u"] @ flat @ weights[f"{name}.weight_v"])
            else:
                kernel = normed(weights, name)
            groups = y.shape[1] // kernel.shape[1]
            y = F.conv1d(y, kernel, weights[f"{name}.bias"], stride, size // 2, 1, groups)
            y = y if layer == 7 else leaky(y)
            features.append(y)
        assert_same(found, y, features)


def test_full_sizes_and_published_names() -> None:
    with torch.device("meta"):
        periods = MultiPeriodDiscriminator().state_dict()
    scales = MultiScaleDiscriminator().state_dict()
    assert periods["discriminators.4.convs.3.weight_v"].shape == (1024, 512, 5, 1)
    assert scales["discriminators.0.convs.2.weight_orig"].shape == (256, 8, 41)
    assert scales["discriminators.2.convs.6.weight_g"].shape == (1024, 1, 1)
    # Every count follows from channels, kernels and groups of the published networks.
    widths, total = (1, 32, 128, 512, 1024, 1024), 0
    for before, after in itertools.pairwise(widths):
        total += before * after * 5 + 2 * after
    total += 1024 * 3 + 2
    assert sum(value.numel() for value in periods.values()) == 5 * total


def judged(*values: float) -> list[Judgement]:
    return [
        (torch.tensor([[value, value]]), [torch.tensor([value]), torch.tensor([2 * value])])
        for value in values
    ]


def test_the_losses_are_those_of_the_equations() -> None:
    real, fake = judged(0.9, 0.5), judged(0.2, -0.4)
    expected = (0.1**2 + 0.2**2) + (0.5**2 + 0.4**2)
    torch.testing.assert_close(discriminator_loss(real, fake), torch.tensor(expected))
    torch.testing.assert_close(adversarial_loss(fake), torch.tensor(0.8**2 + 1.4**2))
    torch.testing.assert_close(feature_loss(real, fake), torch.tensor(0.7 + 1.4 + 0.9 + 1.8))


def test_recordings_get_no_gradient_from_feature_matching() -> None:
    real, fake = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    feature_loss([(real, [real])], [(fake, [fake])]).backward()
    assert real.grad is None and fake.grad is not None


def test_the_loss_spectrogram_is_ours_half_a_hop_later() -> None:
    samples = np.random.default_rng(0).normal(0.0, 0.1, 40 * WIDE.hop_size).astype(np.float32)
    found = LossSpectrogram(WIDE)(torch.from_numpy(samples)[None])[0].T.numpy()
    assert found.shape == (40, WIDE.num_mels)
    ours = log_mel(samples[WIDE.hop_size // 2 :], WIDE.audio())
    inner = slice(6, 34)  # nothing of the mirrored ends, which differ
    np.testing.assert_allclose(found[inner], ours[inner], atol=1e-3)
