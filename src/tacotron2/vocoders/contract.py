"""What a vocoder is: log-mel spectrograms to samples."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tacotron2.audio import Samples


class VocoderError(ValueError):
    """A vocoder cannot be used; the message names the file, the key and what would be right."""


class Vocoder(Protocol):
    """Speaks log-mel spectrograms."""

    @property
    def name(self) -> str:
        """What a report calls it: "Griffin-Lim", "HiFi-GAN (generator_v1)"."""
        ...

    def __call__(self, mel: NDArray[np.float32]) -> Samples:
        """(T_mel, num_mels) log-mel to (L,) samples, full scale is +-1."""
        ...
