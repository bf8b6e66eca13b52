"""One training of a HiFi-GAN: its parts, the update that advances them, and its states on disk.

No update reads anything back from the device: losses are added up there, and read when they are told.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacotron2.files import write_atomically
from tacotron2.vocoders.contract import VocoderError
from tacotron2.vocoders.hifigan.config import HifiGanConfig, read_config
from tacotron2.vocoders.hifigan.discriminators import MultiPeriodDiscriminator, MultiScaleDiscriminator
from tacotron2.vocoders.hifigan.files import (
    CONFIG_FILE,
    numbered,
    read_generator,
    read_tensors,
    write_hifigan,
    write_tensors,
)
from tacotron2.vocoders.hifigan.generator import Generator
from tacotron2.vocoders.hifigan.losses import (
    FEATURE_WEIGHT,
    MEL_WEIGHT,
    LossSpectrogram,
    adversarial_loss,
    discriminator_loss,
    feature_loss,
)
from tacotron2.vocoders.hifigan.weights import load_module

KEPT_STATES = 2
"""Newest states that stay; a state of V1 is about 1 GB."""
LOSSES = ("discriminators", "adversarial", "features", "mel")
"""What is told, each without its weight."""


class NonFiniteError(ArithmeticError):
    """Losses or weights are no finite numbers any more."""


@dataclass(frozen=True)
class Segment:
    """A batch: (B, num_mels, frames) log-mels, (B, frames * hop_size) samples, and its learning rate."""

    mel: Tensor
    samples: Tensor
    rate: float


class Training:
    """Generator, both discriminators, their optimisers, and the step they stand at."""

    def __init__(self, config: HifiGanConfig, folder: Path, device: torch.device) -> None:
        """New networks, the same for the same seed; `folder` is where states are written and found."""
        self.config, self.folder, self.device, self.step = config, folder, device, 0
        torch.manual_seed(config.seed)
        self.generator = Generator(config).to(device)
        self.mpd = MultiPeriodDiscriminator(config.discriminator_divisor).to(device)
        self.msd = MultiScaleDiscriminator(config.discriminator_divisor).to(device)
        self.spectrogram = LossSpectrogram(config).to(device)
        rates: dict[str, Any] = {"lr": config.learning_rate, "betas": (config.adam_b1, config.adam_b2)}
        self.optim_g = torch.optim.AdamW(self.generator.parameters(), fused=True, **rates)
        # In this order the moments of published states belong to their weights.
        judged = itertools.chain(self.msd.parameters(), self.mpd.parameters())
        self.optim_d = torch.optim.AdamW(judged, fused=True, **rates)
        self._sums = torch.zeros(len(LOSSES), device=device)
        self._summed = 0

    def resume(self) -> bool:
        """Takes up the newest state of the folder; False where there is none.

        Raises:
            VocoderError: its newest state does not fit.
        """
        step = max(complete_states(self.folder), default=None)
        if step is None:
            return False
        generator, _, _ = read_generator(self.folder / f"g_{step:08d}")
        self.generator.load_state_dict(generator.state_dict())
        path = self.folder / f"do_{step:08d}"
        content = self._load_discriminators(path)
        try:
            self.optim_g.load_state_dict(content["optim_g"])
            self.optim_d.load_state_dict(content["optim_d"])
            self.step = int(content["steps"])
        except (KeyError, ValueError, TypeError) as error:
            raise VocoderError(f"{path}: its optimisers do not fit ({error})") from None
        return True

    def begin_with(self, path: Path) -> bool:
        """Weights of a published file or folder; True where discriminators lie beside the generator's."""
        generator, _, file = read_generator(path)
        self.generator.load_state_dict(generator.state_dict())
        judges = file.with_name(file.name.replace("g_", "do_", 1))
        if not file.name.startswith("g_") or not judges.is_file():
            return False
        self._load_discriminators(judges)
        return True

    def _load_discriminators(self, path: Path) -> dict[str, Any]:
        content = read_tensors(path)
        for name, module in (("mpd", self.mpd), ("msd", self.msd)):
            load_module(module, content.get(name, {}), path, name)
        return content

    def update(self, segment: Segment) -> None:
        """The discriminators' update, then the generator's (section 2.4)."""
        recorded = segment.samples[:, None]
        made = self.generator(segment.mel)
        for group in (*self.optim_g.param_groups, *self.optim_d.param_groups):
            group["lr"] = segment.rate

        self.optim_d.zero_grad(set_to_none=True)
        fixed = made.detach()
        judged = discriminator_loss(self.mpd(recorded), self.mpd(fixed))
        judged = judged + discriminator_loss(self.msd(recorded), self.msd(fixed))
        judged.backward()
        self.optim_d.step()

        self.optim_g.zero_grad(set_to_none=True)
        error = functional.l1_loss(self.spectrogram(made[:, 0]), self.spectrogram(segment.samples))
        with without_gradient(self.mpd, self.msd):
            with torch.no_grad():
                truth = [*self.mpd(recorded), *self.msd(recorded)]
            judgements = [*self.mpd(made), *self.msd(made)]
        adversarial, features = adversarial_loss(judgements), feature_loss(truth, judgements)
        (adversarial + FEATURE_WEIGHT * features + MEL_WEIGHT * error).backward()
        self.optim_g.step()

        self._sums += torch.stack([judged, adversarial, features, error]).detach()
        self._summed += 1
        self.step += 1

    def losses(self) -> dict[str, float]:
        """Means since the last call; waits for the device.

        Raises:
            NonFiniteError: they are not finite.
        """
        means = (self._sums / max(1, self._summed)).tolist()
        first = self.step - self._summed + 1
        self._sums.zero_()
        self._summed = 0
        if not all(torch.isfinite(torch.tensor(means))):
            raise NonFiniteError(f"a loss of the steps {first} to {self.step} is not a finite number")
        return dict(zip(LOSSES, means, strict=True))

    def save(self, epoch: int) -> Path:
        """Writes a state: first `do_STEP`, then `g_STEP`, which makes it count; older ones go.

        Raises:
            NonFiniteError: weights are not finite; nothing is written.
            StorageError: it cannot be written; older states are as they were.
        """
        modules: dict[str, nn.Module] = {"mpd": self.mpd, "msd": self.msd}
        for name, module in (modules | {"generator": self.generator}).items():
            if not all(bool(torch.isfinite(value).all()) for value in module.state_dict().values()):
                raise NonFiniteError(f"a weight of {name} is not a finite number after step {self.step}")
        content: dict[str, Any] = {name: module.state_dict() for name, module in modules.items()}
        content |= {"optim_g": self.optim_g.state_dict(), "optim_d": self.optim_d.state_dict()}
        content |= {"steps": self.step, "epoch": epoch}
        write_tensors(self.folder / f"do_{self.step:08d}", content)
        path = write_hifigan(self.folder, self.generator, self.config, self.step)
        self._tidy()
        return path

    def _tidy(self) -> None:
        judges, generators = numbered(self.folder, "do"), numbered(self.folder, "g")
        kept = sorted(complete_states(self.folder))[-KEPT_STATES:]
        for step in judges.keys() - kept:
            judges[step].unlink(missing_ok=True)
            if step in generators:
                generators[step].unlink(missing_ok=True)


def complete_states(folder: Path) -> set[int]:
    """Steps of which both files are there."""
    return numbered(folder, "do").keys() & numbered(folder, "g").keys()


def settle_config(folder: Path, wanted: HifiGanConfig | None, rate: float | None) -> HifiGanConfig:
    """The settings of a training in `folder`, written there: those that lie there, else those wanted.

    Args:
        rate: a learning rate in place of theirs.

    Raises:
        VocoderError: other settings than those that lie there are wanted.
    """
    path = folder / CONFIG_FILE
    if path.exists():
        config = read_config(path)
        if wanted is not None and replace(wanted, learning_rate=config.learning_rate) != config:
            raise VocoderError(f"{path}: belongs to a HiFi-GAN of other settings; take another --output")
    elif wanted is None:
        raise VocoderError(f"{path}: no such file, and no other settings are given")
    else:
        config = wanted
    if rate is not None:
        config = replace(config, learning_rate=rate)
    write_atomically(path, config.to_json())
    return config


@contextmanager
def without_gradient(*modules: nn.Module) -> Iterator[None]:
    """Weights of the modules are constants inside: what passes through keeps its gradient."""
    parameters = [value for module in modules for value in module.parameters()]
    for value in parameters:
        value.requires_grad_(False)
    try:
        yield
    finally:
        for value in parameters:
            value.requires_grad_(True)
