"""Speaking with a HiFi-GAN: any length in bounded memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tacotron2.audio import AudioError, Samples
from tacotron2.hparams import AudioParams
from tacotron2.vocoders.hifigan.config import require_same_mels
from tacotron2.vocoders.hifigan.files import CONFIG_FILE, read_generator
from tacotron2.vocoders.hifigan.generator import Generator, context_frames

CHUNK_FRAMES = 512
"""Spoken at once, about 6 s; memory grows with it and not with the sentence."""


class HifiGan:
    """A vocoder (`tacotron2.vocoders.contract.Vocoder`) with the weights of one file.

    Frame t of the network's spectrogram is the middle of its samples [t * hop, (t + 1) * hop). Ours is
    centred on sample t * hop of the recording. So what is spoken begins half a hop before the recording
    would, and T_mel frames give T_mel * hop samples.
    """

    def __init__(self, generator: Generator, name: str, device: torch.device) -> None:
        """Folds the weight normalisation of `generator`, which is changed."""
        self._generator = generator.fold().to(device).eval()
        self._name, self._device = name, device
        self._context = context_frames(generator.config)

    @property
    def name(self) -> str:
        """With the file, as `HiFi-GAN (g_00050000)`."""
        return f"HiFi-GAN ({self._name})"

    @torch.inference_mode()
    def __call__(self, mel: NDArray[np.float32]) -> Samples:
        """(T_mel, num_mels) log-mel to (T_mel * hop_length,) samples within +-1.

        Spoken in chunks with as many neighbours as their samples depend on: the same as in one piece.

        Raises:
            AudioError: wrong shape, no frame, or values that are not finite.
        """
        config = self._generator.config
        if mel.ndim != 2 or mel.shape[1] != config.num_mels or not len(mel):
            raise AudioError(
                f"a log-mel spectrogram has the shape (T_mel, {config.num_mels}), got {mel.shape}"
            )
        if not np.isfinite(mel).all():
            raise AudioError("the log-mel spectrogram holds values that are not finite numbers")
        frames = torch.from_numpy(np.ascontiguousarray(mel.T, dtype=np.float32))[None]
        hop, samples = config.hop_size, np.empty(len(mel) * config.hop_size, dtype=np.float32)
        for start in range(0, len(mel), CHUNK_FRAMES):
            end = min(start + CHUNK_FRAMES, len(mel))
            first = max(0, start - self._context)
            piece = self._generator(frames[..., first : end + self._context].to(self._device))[0, 0]
            wanted = piece[(start - first) * hop : (end - first) * hop]
            samples[start * hop : end * hop] = wanted.cpu().numpy()
        return samples


def read_hifigan(path: Path, audio: AudioParams, device: torch.device) -> HifiGan:
    """The vocoder of a generator's file, or of a folder with `config.json` and the newest `g_STEP`.

    Args:
        audio: the spectrograms that it is to read.

    Raises:
        VocoderError: not such a file, or one for other spectrograms: every key that differs is named.
    """
    generator, config, file = read_generator(path)
    require_same_mels(config, audio, file.parent / CONFIG_FILE)
    return HifiGan(generator, file.name, device)
