"""A vocoder by what a person calls it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tacotron2.audio import AudioError
from tacotron2.hparams import AudioParams
from tacotron2.vocoders.contract import Vocoder, VocoderError
from tacotron2.vocoders.griffin_lim import GriffinLim

GRIFFIN_LIM = "griffin-lim"
"""The default: no file, no training."""
HIFIGAN = "hifigan"
TRIED_FRAMES = 4
KNOWN = f"{GRIFFIN_LIM}, {HIFIGAN}:PATH, or MODULE:FUNCTION of an installed package"


def open_vocoder(name: str, audio: AudioParams, device: torch.device) -> Vocoder:
    """The vocoder of that name, for spectrograms with these settings.

    Args:
        name: `griffin-lim`; `hifigan:PATH`, a generator's file or its folder; or `module:function`. That
            function is called with `audio` and `device` and returns a `Vocoder`, or raises `VocoderError`.

    Raises:
        VocoderError: no such vocoder, or one that is not for these spectrograms.
    """
    kind, colon, rest = name.partition(":")
    if name == GRIFFIN_LIM:
        return GriffinLim(audio)
    if kind == HIFIGAN and rest:
        from tacotron2.vocoders.hifigan import read_hifigan

        return read_hifigan(Path(rest).expanduser(), audio, device)
    if not (kind and colon and rest) or kind == HIFIGAN:
        raise VocoderError(f"{name!r}: no such vocoder; there are {KNOWN}")
    return _checked(name, _function(name, kind, rest)(audio, device), audio)


def _function(name: str, module: str, function: str) -> Callable[[AudioParams, torch.device], Any]:
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise VocoderError(
            f"{name!r}: the module {module!r} cannot be imported ({error}); install its package beside "
            f"Smart Tuner, or take one of {KNOWN}"
        ) from error
    made = getattr(found, function, None)
    if not callable(made):
        raise VocoderError(f"{name!r}: the module {module!r} has no function {function!r}")
    return made


def _checked(place: str, made: Any, audio: AudioParams) -> Vocoder:
    """What a stranger's function returned, after it has spoken a few silent frames."""
    named = getattr(made, "name", None)
    if not callable(made) or not isinstance(named, str) or not named:
        raise VocoderError(
            f"{place!r}: returned {type(made).__name__}, which is not a vocoder: that has a text `name` and "
            "is called with a (T_mel, num_mels) log-mel spectrogram"
        )
    silence = np.full((TRIED_FRAMES, audio.n_mel_channels), np.log(audio.mel_floor), dtype=np.float32)
    vocoder: Vocoder = made
    try:
        require_samples(vocoder.name, vocoder(silence), TRIED_FRAMES, audio)
    except AudioError as error:
        raise VocoderError(f"{place!r}: {error}") from error
    return vocoder


def require_samples(name: str, samples: Any, num_frames: int, audio: AudioParams) -> None:
    """Sees that what a vocoder gave for so many frames are samples of them.

    Raises:
        VocoderError: not (L,) finite numbers, L between (T_mel - 1) * hop_length and T_mel * hop_length.
    """
    if not isinstance(samples, np.ndarray) or samples.ndim != 1 or samples.dtype.kind != "f":
        shape = getattr(samples, "shape", "")
        raise VocoderError(
            f"{name}: gives {type(samples).__name__} {shape}, not an array of one channel of samples (L,)"
        )
    most = num_frames * audio.hop_length
    least = most - audio.hop_length
    if not least <= len(samples) <= most:
        raise VocoderError(
            f"{name}: gives {len(samples)} samples for {num_frames} frames; with audio.hop_length="
            f"{audio.hop_length} it would be {least} to {most}"
        )
    if not np.isfinite(samples).all():
        raise VocoderError(f"{name}: gives samples that are not finite numbers")
