"""What can be measured of one recording without knowing what is said in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tacotron2.audio import Samples, read_samples

FRAME_S = 0.02
SPEECH_DB = 40.0
"""A frame so far below the loud ones is a pause; loud is the 95th percentile."""
LOUD, QUIET = 95, 5
"""Percentiles of the levels of all frames."""
FLOOR_DB = -100.0
"""Below what 16 bit can hold."""
FULL_SCALE = 0.999
SPECTRUM_DB = 75.0
"""The band ends where the mean spectrum is so far below its peak; what was cut off above lies much lower."""
WINDOW = 2048


@dataclass(frozen=True)
class ClipMeasures:
    """Of one recording, all channels averaged.

    seconds: whole; speech_seconds: from the first to the last frame of speech; leading and trailing: the
    rest; pause_share: of the frames between, those of no speech. Levels in dB below full scale: level, of
    speech; noise, of the quietest frames; snr, their difference. peak: 0-1; clipped_share: of the samples,
    those at full scale; bandwidth in Hz; digest: of the samples.
    """

    seconds: float
    sampling_rate: int
    speech_seconds: float
    leading_seconds: float
    trailing_seconds: float
    pause_share: float
    level_db: float
    noise_db: float
    snr_db: float
    peak: float
    clipped_share: float
    bandwidth_hz: float
    digest: str


def measure(path: Path) -> ClipMeasures:
    """Raises AudioError where the recording cannot be read."""
    samples, rate = read_samples(path)
    return measure_samples(samples, rate)


def measure_samples(samples: Samples, rate: int) -> ClipMeasures:
    """The measures of samples (L,) at `rate` Hz."""
    levels = frame_levels(samples, rate)
    loud = float(np.percentile(levels, LOUD))
    speech = np.flatnonzero(levels > max(loud - SPEECH_DB, FLOOR_DB))
    first, last = (int(speech[0]), int(speech[-1]) + 1) if speech.size else (0, len(levels))
    inside = levels[first:last]
    spoken = inside[inside > loud - SPEECH_DB] if speech.size else inside
    level = 10.0 * float(np.log10(np.mean(10.0 ** (spoken / 10.0))))
    noise = float(np.percentile(levels, QUIET))
    magnitude = np.abs(samples)
    return ClipMeasures(
        seconds=len(samples) / rate,
        sampling_rate=rate,
        speech_seconds=(last - first) * FRAME_S,
        leading_seconds=first * FRAME_S,
        trailing_seconds=max(0.0, len(samples) / rate - last * FRAME_S),
        pause_share=1.0 - len(spoken) / len(inside),
        level_db=level,
        noise_db=noise,
        snr_db=level - noise,
        peak=float(magnitude.max()),
        clipped_share=float(np.mean(magnitude >= FULL_SCALE)),
        bandwidth_hz=bandwidth(samples, rate),
        digest=hashlib.sha256(samples.tobytes()).hexdigest()[:16],
    )


def frame_levels(samples: Samples, rate: int) -> NDArray[np.float64]:
    """(T,) mean squares of frames of FRAME_S in dB below full scale, at least FLOOR_DB."""
    hop = max(1, round(rate * FRAME_S))
    whole = max(1, len(samples) // hop)
    frames = np.resize(samples, whole * hop) if len(samples) < hop else samples[: whole * hop]
    power = np.square(frames.reshape(whole, hop), dtype=np.float64).mean(axis=1)
    return np.asarray(10.0 * np.log10(np.maximum(power, 10.0 ** (FLOOR_DB / 10.0))))


def bandwidth(samples: Samples, rate: int) -> float:
    """The highest frequency in Hz that the recording holds: of one that was made at a lower rate, about half
    of that rate."""
    padded = np.zeros(max(len(samples), WINDOW), dtype=np.float64)
    padded[: len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[:: WINDOW // 2]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(WINDOW)))).mean(axis=0)
    if not power.max():
        return 0.0
    within = np.flatnonzero(power > power.max() * 10.0 ** (-SPECTRUM_DB / 10.0))
    return float(within[-1] * rate / WINDOW)
