"""The vocoder that needs no training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tacotron2.audio import Samples, griffin_lim
from tacotron2.hparams import AudioParams


class GriffinLim:
    """`tacotron2.audio.griffin_lim` as a vocoder (`tacotron2.vocoders.contract.Vocoder`)."""

    def __init__(self, audio: AudioParams) -> None:
        self._audio = audio

    @property
    def name(self) -> str:
        return "Griffin-Lim"

    def __call__(self, mel: NDArray[np.float32]) -> Samples:
        """(T_mel, num_mels) log-mel to ((T_mel - 1) * hop_length,) samples.

        Raises:
            AudioError: as `griffin_lim`.
        """
        return griffin_lim(mel, self._audio)
