"""The published files of HiFi-GAN: `config.json`, `g_STEP` (or `generator_v1`), `do_STEP`.

Read without running code in them, written whole or not at all.
"""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tacotron2.files import write_atomically
from tacotron2.vocoders.contract import VocoderError
from tacotron2.vocoders.hifigan.config import HifiGanConfig, read_config
from tacotron2.vocoders.hifigan.generator import Generator
from tacotron2.vocoders.hifigan.weights import load_generator

CONFIG_FILE = "config.json"
_TRAINING_PARTS = ("mpd", "msd", "optim_g", "optim_d")


def write_hifigan(folder: Path, generator: Generator, config: HifiGanConfig, step: int) -> Path:
    """Writes `config.json` and `g_STEP`, the step in eight digits; returns the latter's path.

    Raises:
        VocoderError: the folder belongs to another network: its `config.json` says something else.
        StorageError: it cannot be written.
    """
    described = folder / CONFIG_FILE
    if not described.exists():
        write_atomically(described, config.to_json())
    elif read_config(described) != config:
        raise VocoderError(f"{described}: belongs to a HiFi-GAN of other settings; take another folder")
    path = folder / f"g_{step:08d}"
    weights = {name: value.detach().cpu() for name, value in generator.state_dict().items()}
    write_tensors(path, {"generator": weights})
    return path


def read_generator(path: Path) -> tuple[Generator, HifiGanConfig, Path]:
    """The generator of a file or folder, weight normalisation in place, its settings, and the file.

    Raises:
        VocoderError: a file is missing, not readable without running code, or does not fit `config.json`.
    """
    file = generator_file(path)
    config = read_config(file.parent / CONFIG_FILE)
    content = read_tensors(file)
    if any(part in content for part in _TRAINING_PARTS):
        raise VocoderError(f"{file}: holds the discriminators; name the generator's file (g_...) beside it")
    weights = content.get("generator", content)
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise VocoderError(f"{file}: holds no `generator`, so it is no HiFi-GAN of the published form")
    return load_generator(weights, config, file), config, file


def generator_file(path: Path) -> Path:
    """The file itself, or the newest `g_STEP` of a folder, else its only `generator*`.

    Raises:
        VocoderError: there is none.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise VocoderError(f"{path}: no such file or folder")
    steps = numbered(path, "g")
    if steps:
        return steps[max(steps)]
    others = sorted(each for each in path.glob("generator*") if each.is_file())
    if len(others) == 1:
        return others[0]
    found = f"several: {', '.join(each.name for each in others)}; name one of them" if others else "none"
    raise VocoderError(f"{path}: a folder of a HiFi-GAN holds config.json and a file g_STEP, found {found}")


def numbered(folder: Path, prefix: str) -> dict[int, Path]:
    """The files PREFIX_STEP of a folder by their steps."""
    return {
        int(each.name[len(prefix) + 1 :]): each
        for each in folder.glob(f"{prefix}_*")
        if re.fullmatch(r"\d+", each.name[len(prefix) + 1 :]) and each.is_file()
    }


def write_tensors(path: Path, content: Mapping[str, Any]) -> None:
    """Tensors and plain values, whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    write_atomically(path, buffer.getvalue())


def read_tensors(path: Path) -> dict[str, Any]:
    """What such a file holds; tensors come on the CPU.

    Raises:
        VocoderError: missing, damaged, or only loadable by running code in it.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise VocoderError(f"{path}: no such file") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise VocoderError(f"{path}: cannot be loaded without running code in it ({reason})") from None
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise VocoderError(f"{path}: must hold a table of tensors, holds a {type(content).__name__}")
    return content
