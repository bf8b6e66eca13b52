"""The generator against the paper's formulas written out once more, and against the paper's sizes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tacotron2.vocoders.hifigan import VARIANTS, Generator, HifiGanConfig
from tacotron2.vocoders.hifigan.generator import context_frames
from tests.tiny_hifigan import NARROW, WIDE, loud_generator, some_mel


def written_out(weights: dict[str, Tensor], config: HifiGanConfig, mel: Tensor) -> Tensor:
    """The same network from its tensors alone, by the names of published files."""

    def weight(name: str) -> Tensor:
        v = weights[f"{name}.weight_v"]
        return torch.stack(
            [
                g * row / row.square().sum().sqrt()
                for g, row in zip(weights[f"{name}.weight_g"], v, strict=True)
            ]
        )

    def conv(name: str, x: Tensor, dilation: int = 1) -> Tensor:
        kernel = weight(name)
        reach = dilation * (kernel.shape[-1] // 2)
        return F.conv1d(F.pad(x, (reach, reach)), kernel, weights[f"{name}.bias"], dilation=dilation)

    def up(name: str, x: Tensor, rate: int) -> Tensor:
        kernel = weight(name)
        length = x.shape[-1]
        # Every input value lays its kernel into the output; what sticks out is cut evenly.
        out = torch.zeros(1, kernel.shape[1], (length - 1) * rate + kernel.shape[2])
        for place in range(length):
            laid = torch.einsum("bi,iok->bok", x[..., place], kernel)
            out[..., place * rate : place * rate + kernel.shape[2]] += laid
        cut = (kernel.shape[2] - rate) // 2
        return out[..., cut : cut + length * rate] + weights[f"{name}.bias"][:, None]

    def leaky(x: Tensor, slope: float) -> Tensor:
        return torch.where(x > 0, x, slope * x)

    def block(number: int, x: Tensor, dilations: tuple[int, ...]) -> Tensor:
        for place, dilation in enumerate(dilations):
            if config.resblock == "1":
                inner = conv(f"resblocks.{number}.convs1.{place}", leaky(x, 0.1), dilation)
                x = x + conv(f"resblocks.{number}.convs2.{place}", leaky(inner, 0.1))
            else:
                x = x + conv(f"resblocks.{number}.convs.{place}", leaky(x, 0.1), dilation)
        return x

    x = conv("conv_pre", mel)
    number = 0
    for stage, rate in enumerate(config.upsample_rates):
        x = up(f"ups.{stage}", leaky(x, 0.1), rate)
        total = torch.zeros_like(x)
        for dilations in config.resblock_dilation_sizes:
            total = total + block(number, x, dilations)
            number += 1
        x = total / len(config.resblock_dilation_sizes)
    return torch.tanh(conv("conv_post", leaky(x, 0.01)))


@pytest.mark.parametrize("config", [WIDE, NARROW], ids=["resblock 1", "resblock 2"])
def test_the_generator_is_that_of_the_paper(config: HifiGanConfig) -> None:
    generator = loud_generator(config).double()
    mel = torch.from_numpy(some_mel(config, 9).T)[None].double()
    weights = {name: value.detach() for name, value in generator.state_dict().items()}
    torch.set_default_dtype(torch.float64)
    try:
        expected = written_out(weights, config, mel)
    finally:
        torch.set_default_dtype(torch.float32)
    samples = generator(mel).detach()
    assert samples.shape == (1, 1, 9 * config.hop_size)
    assert expected.std() > 0.1  # a silent network would agree with anything
    torch.testing.assert_close(samples, expected, rtol=0.0, atol=1e-12)
    torch.testing.assert_close(generator.fold()(mel).detach(), expected, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize(("variant", "millions"), [("v1", 13.92), ("v2", 0.92), ("v3", 1.46)])
def test_the_variants_have_the_sizes_of_the_papers_table(variant: str, millions: float) -> None:
    with torch.device("meta"):
        weights = Generator(VARIANTS[variant]).state_dict()
    # For synthesis, where the lengths of weight normalisation are folded in.
    count = sum(value.numel() for name, value in weights.items() if not name.endswith("weight_g"))
    assert int(count / 1e4) / 100 == millions  # the paper cuts off


def test_published_names() -> None:
    with torch.device("meta"):
        first, third = Generator(VARIANTS["v1"]).state_dict(), Generator(VARIANTS["v3"]).state_dict()
    assert first["conv_pre.weight_v"].shape == (512, 80, 7)
    assert first["ups.3.weight_g"].shape == (64, 1, 1)
    assert first["resblocks.11.convs2.2.weight_v"].shape == (32, 32, 11)
    assert third["resblocks.8.convs.1.bias"].shape == (32,)
    assert first["conv_post.weight_v"].shape == (1, 32, 7)


@pytest.mark.parametrize("config", [WIDE, NARROW], ids=["resblock 1", "resblock 2"])
def test_nothing_beyond_the_context_is_heard(config: HifiGanConfig) -> None:
    generator, context = loud_generator(config).double(), context_frames(config)
    mel = torch.from_numpy(some_mel(config, 2 * context + 5).T)[None].double().requires_grad_()
    hop, middle = config.hop_size, context + 2
    generator(mel)[..., middle * hop : (middle + 1) * hop].sum().backward()
    assert mel.grad is not None
    heard = mel.grad.abs().sum(dim=(0, 1)).nonzero().flatten()
    assert middle - context <= int(heard.min()) and int(heard.max()) <= middle + context
    assert int(heard.max()) - int(heard.min()) >= 2 * context - 4  # nor is it wasteful
