"""The `config.json` beside a published HiFi-GAN: what the generator is made of, how it is trained, and which
spectrograms it reads."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacotron2.hparams import AudioParams
from tacotron2.vocoders.contract import VocoderError

PUBLISHED_FLOOR = 1e-5
"""Smallest magnitude before the natural logarithm; the published files do not name it, none has another."""
MAX_CHANNELS = 2**14
MAX_SAMPLES = 2**24
_MEL_KEYS = {
    "sampling_rate": "sampling_rate",
    "n_fft": "filter_length",
    "hop_size": "hop_length",
    "win_size": "win_length",
    "num_mels": "n_mel_channels",
    "fmin": "mel_fmin",
    "fmax": "mel_fmax",
    "mel_floor": "mel_floor",
}
"""Keys of the file, and ours of the same meaning."""


@dataclass(frozen=True)
class HifiGanConfig:
    """Keys of `config.json` by their published names, V1 of the paper where nothing else is said.

    `discriminator_divisor` and `mel_floor` are our own: published readers pass over them. The first divides
    the channels of all discriminators, for trainings at a small scale.
    """

    resblock: str = "1"
    upsample_rates: tuple[int, ...] = (8, 8, 2, 2)
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 4, 4)
    upsample_initial_channel: int = 512
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    batch_size: int = 16
    learning_rate: float = 0.0002
    adam_b1: float = 0.8
    adam_b2: float = 0.99
    lr_decay: float = 0.999
    seed: int = 1234
    segment_size: int = 8192
    num_mels: int = 80
    n_fft: int = 1024
    hop_size: int = 256
    win_size: int = 1024
    sampling_rate: int = 22050
    fmin: float = 0.0
    fmax: float | None = 8000.0
    fmax_for_loss: float | None = None
    mel_floor: float = PUBLISHED_FLOOR
    discriminator_divisor: int = 1

    @property
    def num_kernels(self) -> int:
        """Residual blocks behind each upsampling, whose mean goes on."""
        return len(self.resblock_kernel_sizes)

    def mel_settings(self) -> dict[str, float]:
        """The settings of the spectrogram by the file's names; no `fmax` is half the rate."""
        fmax = self.sampling_rate / 2 if self.fmax is None else self.fmax
        values = {key: getattr(self, key) for key in _MEL_KEYS} | {"fmax": fmax}
        return {key: float(value) for key, value in values.items()}

    def audio(self) -> AudioParams:
        """The same settings as ours; those of trimming at their defaults."""
        values = self.mel_settings()
        ours = {
            own: values[key] if key.startswith(("f", "mel")) else int(values[key])
            for key, own in _MEL_KEYS.items()
        }
        return AudioParams(**ours)  # type: ignore[arg-type]

    def to_json(self) -> bytes:
        """The published file, with `num_gpus`, `num_workers` and `dist_config`, which its readers ask for."""
        distributed = {"dist_backend": "nccl", "dist_url": "tcp://localhost:54321", "world_size": 1}
        published = {"num_gpus": 0, "num_freq": 1025, "num_workers": 4, "dist_config": distributed}
        return (json.dumps(dataclasses.asdict(self) | published, indent=4) + "\n").encode()


V1 = HifiGanConfig()
V2 = HifiGanConfig(upsample_initial_channel=128)
V3 = HifiGanConfig(
    resblock="2",
    upsample_rates=(8, 8, 4),
    upsample_kernel_sizes=(16, 16, 8),
    upsample_initial_channel=256,
    resblock_kernel_sizes=(3, 5, 7),
    resblock_dilation_sizes=((1, 2), (2, 6), (3, 12)),
)
VARIANTS = {"v1": V1, "v2": V2, "v3": V3}
"""The three generators of the paper (Kong, Kim, Bae 2020, appendix A.1)."""


def read_config(path: Path) -> HifiGanConfig:
    """A `config.json`; keys that it lacks have the values of V1, keys that are not known are passed over.

    Raises:
        VocoderError: missing, no JSON object, or a value that no such network can have.
    """
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise VocoderError(f"{path}: no such file; it lies beside the weights of a HiFi-GAN") from None
    except (OSError, ValueError) as error:
        raise VocoderError(f"{path}: not a readable JSON file ({error})") from None
    if not isinstance(found, dict):
        raise VocoderError(f"{path}: must hold an object with the keys of a HiFi-GAN")
    for key in ("resblock", "upsample_rates", "upsample_initial_channel", "sampling_rate", "hop_size"):
        if key not in found:
            raise VocoderError(f"{path}: lacks the key {key}, so it describes no HiFi-GAN")
    return config_from(found, path)


def config_from(found: Mapping[str, Any], path: Path) -> HifiGanConfig:
    """The settings in a mapping; `path` is named in what is wrong with them.

    Raises:
        VocoderError: a value that no such network can have.
    """
    known: dict[str, Any] = {}
    for field in dataclasses.fields(HifiGanConfig):
        if field.name in found:
            known[field.name] = _value(field.name, found[field.name], field.default, path)
    config = HifiGanConfig(**known)
    _check(config, path)
    return config


def foreign_settings(config: HifiGanConfig, audio: AudioParams) -> list[str]:
    """Every setting of the spectrogram in which the two differ, with both values."""
    theirs = config.mel_settings()
    return [
        f"{key} {theirs[key]:g} there, audio.{own} {getattr(audio, own):g} here"
        for key, own in _MEL_KEYS.items()
        if not math.isclose(theirs[key], float(getattr(audio, own)), rel_tol=1e-9)
    ]


def require_same_mels(config: HifiGanConfig, audio: AudioParams, path: Path) -> None:
    """Refuses a vocoder of other spectrograms.

    Raises:
        VocoderError: naming every setting that differs, with both values.
    """
    differing = foreign_settings(config, audio)
    if differing:
        raise VocoderError(
            f"{path}: reads other spectrograms: {'; '.join(differing)}; take a vocoder of the same settings, "
            "or train the voice with those of this one"
        )


def _value(key: str, value: Any, default: Any, path: Path) -> Any:
    """The value in the type of its default."""
    if key == "resblock":
        return str(value)
    if isinstance(default, tuple):
        return _numbers(key, value, isinstance(default[0], tuple), path)
    if key in ("fmax", "fmax_for_loss") and value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise VocoderError(f"{path}: {key} must be a number, got {value!r}")
    if isinstance(default, int) and not isinstance(value, int):
        raise VocoderError(f"{path}: {key} must be a whole number, got {value!r}")
    return value if isinstance(default, int) else float(value)


def _numbers(key: str, value: Any, nested: bool, path: Path) -> Any:
    if isinstance(value, list | tuple) and value:
        if nested:
            return tuple(_numbers(key, each, False, path) for each in value)
        if all(type(each) is int and 0 < each <= 4096 for each in value):
            return tuple(value)
    what = "lists of whole numbers" if nested else "a list of whole numbers"
    raise VocoderError(f"{path}: {key} must be {what} from 1 to 4096, got {value!r}")


def _check(config: HifiGanConfig, path: Path) -> None:
    c = config
    sizes = (c.num_mels, c.n_fft, c.hop_size, c.win_size, c.sampling_rate, c.segment_size, c.batch_size)
    halvings = 2 ** len(c.upsample_rates)
    problems = {
        "resblock must be 1 or 2": c.resblock not in ("1", "2"),
        f"upsample_rates must have hop_size {c.hop_size} as their product": math.prod(c.upsample_rates)
        != c.hop_size,
        "upsample_kernel_sizes must have one size for each rate, not smaller and of the same parity": len(
            c.upsample_kernel_sizes
        )
        != len(c.upsample_rates)
        or any(k < u or (k - u) % 2 for k, u in zip(c.upsample_kernel_sizes, c.upsample_rates, strict=False)),
        f"upsample_initial_channel must be a multiple of {halvings}, at most {MAX_CHANNELS}": (
            c.upsample_initial_channel % halvings != 0 or not 0 < c.upsample_initial_channel <= MAX_CHANNELS
        ),
        "resblock_kernel_sizes must be odd": any(k % 2 == 0 for k in c.resblock_kernel_sizes),
        "resblock_dilation_sizes must have one list for each kernel size": len(c.resblock_dilation_sizes)
        != c.num_kernels,
        f"sizes must lie between 1 and {MAX_SAMPLES}": not all(0 < size <= MAX_SAMPLES for size in sizes),
        "segment_size must be a multiple of hop_size and above n_fft": c.hop_size > 0
        and (c.segment_size % c.hop_size != 0 or c.segment_size <= c.n_fft),
        "win_size must not be above n_fft, nor hop_size above win_size": not c.hop_size
        <= c.win_size
        <= c.n_fft,
        "n_fft - hop_size must be even": (c.n_fft - c.hop_size) % 2 != 0,
        "fmin must lie below fmax": c.fmin < 0 or c.fmin >= c.mel_settings()["fmax"],
        "fmax must not be above half of sampling_rate": c.mel_settings()["fmax"] > c.sampling_rate / 2,
        "mel_floor must lie between 0 and 1": not 0.0 < c.mel_floor < 1.0,
        "learning_rate, adam_b1, adam_b2 and lr_decay must lie between 0 and 1": not all(
            0.0 < value <= 1.0 for value in (c.learning_rate, c.adam_b1, c.adam_b2, c.lr_decay)
        ),
        "discriminator_divisor must be 1, 2, 4, 8 or 16": c.discriminator_divisor not in (1, 2, 4, 8, 16),
    }
    for problem, holds in problems.items():
        if holds:
            raise VocoderError(f"{path}: {problem}")
