"""Weights of a generator under published names: what must be there, and the forms it may have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from tacotron2.vocoders.contract import VocoderError
from tacotron2.vocoders.hifigan.config import HifiGanConfig
from tacotron2.vocoders.hifigan.generator import Generator

_PARAMETRISED = {
    ".parametrizations.weight.original0": ".weight_g",
    ".parametrizations.weight.original1": ".weight_v",
}
"""How newer versions of torch name the two parts of a weight."""


def expected_shapes(config: HifiGanConfig) -> dict[str, tuple[int, ...]]:
    """Every tensor of such a generator; nothing of it is allocated."""
    with torch.device("meta"):
        generator = Generator(config)
    return {name: tuple(value.shape) for name, value in generator.state_dict().items()}


def load_generator(weights: Mapping[str, Tensor], config: HifiGanConfig, path: Path) -> Generator:
    """A generator with these weights, weight normalisation in place; `path` is named in what is wrong.

    Names may have the prefix `module.`, weight normalisation may be taken out, or named as by newer versions
    of torch.

    Raises:
        VocoderError: a tensor is missing, unknown, of another shape than the settings say, or not finite.
    """
    shapes = expected_shapes(config)
    given = _normed(_published_names(weights), shapes)
    for name in sorted(shapes.keys() ^ given.keys()):
        what = "lacks" if name in shapes else "holds, beside what such a generator has,"
        raise VocoderError(
            f"{path}: {what} {name}; is the config.json beside it the one it was trained with?"
        )
    for name, shape in shapes.items():
        if tuple(given[name].shape) != shape:
            raise VocoderError(
                f"{path}: {name} has the shape {tuple(given[name].shape)}, by config.json it must be {shape}"
            )
        if not bool(torch.isfinite(given[name]).all()):
            raise VocoderError(f"{path}: {name} holds values that are not finite; take an earlier checkpoint")
    generator = Generator(config)
    generator.load_state_dict({name: value.float() for name, value in given.items()})
    return generator


def load_module(module: nn.Module, weights: Mapping[str, Tensor], path: Path, part: str) -> None:
    """Loads a discriminator.

    Raises:
        VocoderError: its tensors are not those of `part`.
    """
    try:
        module.load_state_dict({name.removeprefix("module."): value for name, value in weights.items()})
    except (RuntimeError, AttributeError) as error:
        raise VocoderError(
            f"{path}: {part} does not fit its settings ({' '.join(str(error).split())})"
        ) from None


def _published_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, value in weights.items():
        name = name.removeprefix("module.")
        for theirs, ours in _PARAMETRISED.items():
            if name.endswith(theirs):
                name = name.removesuffix(theirs) + ours
        renamed[name] = value
    return renamed


def _normed(weights: dict[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The same weights with weight normalisation, where it had been taken out."""
    normed = {}
    for name, value in weights.items():
        if name.endswith(".weight") and f"{name}_v" in shapes and value.ndim == 3:
            norm = torch.linalg.vector_norm(value, dim=(1, 2), keepdim=True)
            normed[f"{name}_g"] = norm
            # A row of zeros has no direction; any will do, as its length is 0.
            normed[f"{name}_v"] = torch.where(norm > 0, value, torch.ones_like(value))
        else:
            normed[name] = value
    return normed
