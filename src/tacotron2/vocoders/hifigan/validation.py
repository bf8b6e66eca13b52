"""How far what a vocoder speaks lies from the recordings, in the project's own figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from tacotron2.audio import MelSpectrogram, Samples
from tacotron2.hparams import AudioParams
from tacotron2.metrics import mcd_dtw_db
from tacotron2.vocoders.hifigan.clips import Clips
from tacotron2.vocoders.reanalysis import aligned_samples

Speak = Callable[[NDArray[np.float32]], Samples]
MOST_CLIPS = 16
MOST_FRAMES = 1024


@dataclass(frozen=True)
class Nearness:
    """Of held-out clips, spoken from their own spectrograms; each figure is a mean over clips."""

    mel_error: float
    """Mean absolute difference of the log-mels (natural logarithm), frame by frame."""
    distortion_db: float
    """`mcd_dtw_db` of the project's metrics."""


def nearness(speak: Speak, clips: Clips, audio: AudioParams) -> Nearness:
    """Speaks up to MOST_CLIPS clips, MOST_FRAMES of each."""
    spectrogram, errors, distortions = MelSpectrogram(audio), [], []
    for clip in clips.clips[:MOST_CLIPS]:
        recorded = clips.recorded_mel(clip)[:MOST_FRAMES]
        samples = aligned_samples(speak(clips.mel(clip)[:MOST_FRAMES]), len(recorded), audio)
        spoken = spectrogram(samples)
        errors.append(float(np.abs(spoken - recorded).mean()))
        distortion = mcd_dtw_db(spoken, recorded)
        if distortion is not None:
            distortions.append(distortion)
    return Nearness(fmean(errors), fmean(distortions) if distortions else float("nan"))
