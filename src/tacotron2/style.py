"""The style of what is said, as a person asks for it: heard in a recording, or mixed from the tokens."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from tacotron2.audio import load_audio, log_mel, trim_silence
from tacotron2.models import Tacotron2


class StyleError(ValueError):
    """The style cannot be had of this voice; the message says what would be right."""


def style_of_recording(model: Tacotron2, path: Path) -> Tensor:
    """The style `(1, gst_dim)` that the voice hears in a recording.

    Raises:
        StyleError: the voice has one style only.
        AudioError: the recording cannot be read.
    """
    _require_tokens(model)
    audio = model.hparams.audio
    mel = torch.from_numpy(log_mel(trim_silence(load_audio(path, audio.sampling_rate), audio), audio))
    device = model.mel_mean.device
    with torch.no_grad():
        return model.style_of_recording(mel[None].to(device), torch.tensor([len(mel)], device=device))


def style_of_weights(model: Tacotron2, text: str) -> Tensor:
    """The style `(1, gst_dim)` of token weights as a person types them: `0.3,0,0,0.7,0,0,0,0`.

    Raises:
        StyleError: the voice has one style only, or it is not one finite number for each of its tokens.
    """
    _require_tokens(model)
    tokens = model.hparams.model.gst_tokens
    try:
        weights = [float(part) for part in text.split(",")]
    except ValueError:
        weights = []
    if len(weights) != tokens or not all(map(math.isfinite, weights)):
        raise StyleError(
            f"style weights {text!r}: must be {tokens} numbers with commas between, one for each style token"
        )
    with torch.no_grad():
        return model.style_of_tokens(torch.tensor([weights], device=model.mel_mean.device))


def _require_tokens(model: Tacotron2) -> None:
    if model.gst is None:
        raise StyleError(
            "this voice has one style only: it was trained without style tokens (model.use_gst=False)"
        )
