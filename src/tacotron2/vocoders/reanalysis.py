"""How well a vocoder said what it was given: the spectrogram of its samples against that spectrogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tacotron2.audio import MelSpectrogram, Samples
from tacotron2.hparams import AudioParams

REANALYSIS = "reanalysis_error"
HOW_REANALYSED = "mean absolute difference in natural log-mel between the wav and the mel it was made from"


def aligned_samples(samples: Samples, num_frames: int, audio: AudioParams) -> Samples:
    """((T_mel - 1) * hop_length,) samples in which frame t is centred on sample t * hop_length.

    A vocoder with (T_mel - 1) * hop_length samples speaks so; one with T_mel * hop_length has a frame in the
    middle of its hop, half a hop later.
    """
    length = (num_frames - 1) * audio.hop_length
    start = (len(samples) - length) // 2
    return samples[start : start + length]


def reanalysis_error(
    samples: Samples, mel: NDArray[np.float32], audio: AudioParams, spectrogram: MelSpectrogram | None = None
) -> float | None:
    """The mean absolute difference of both spectrograms, in natural log-mel; 0 is perfect.

    Args:
        samples: what a vocoder gave for `mel`.
        mel: `(T_mel, num_mels)` log-mel.

    Returns:
        None for a single frame, which nothing can be measured of.
    """
    if len(mel) < 2:
        return None
    again = (spectrogram or MelSpectrogram(audio))(aligned_samples(samples, len(mel), audio))
    return float(np.abs(again - np.maximum(mel, np.log(audio.mel_floor))).mean())
