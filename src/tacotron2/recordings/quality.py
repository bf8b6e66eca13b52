"""How loud, how noisy and how clipped a clip is, by measures that docs/preparing.md defines."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tacotron2.audio import Array, Samples
from tacotron2.recordings.reading import CLIPPED_FRAME_S
from tacotron2.recordings.speech import FRAME_S, Spans

LEVEL_DBFS = -23.0
"""Mean power of the speech of every clip; a full-scale square wave has 0."""
PEAK = 10 ** (-1 / 20)
"""No sample becomes larger, of a full scale of 1: a clip with high peaks stays below the level."""
NOISE_REACH_S = 5.0
"""The pauses of so many seconds on either side of a clip tell its noise."""
EDGE_S = 0.05
"""So near to speech a pause is not looked at: words fade in and out."""
MOST_SNR_DB = 80.0
"""Pauses of digital silence have no end of it."""


class Loudness:
    """Powers of a recording by frames, and which of them are speech and which pause."""

    def __init__(self, powers: Array, spans: Spans) -> None:
        """
        Args:
            powers: (frames, bands) of `band_powers`.
        """
        self._power = powers.sum(axis=1)
        self._speech, self._pause = np.zeros(len(powers), bool), np.ones(len(powers), bool)
        edge = round(EDGE_S / FRAME_S)
        for start, end in spans:
            first, last = round(start / FRAME_S), round(end / FRAME_S)
            self._speech[first:last] = True
            self._pause[max(0, first - edge) : last + edge] = False

    def snr_db(self, start: float, end: float) -> float | None:
        """10 log10((speech - pause) / pause) of their mean powers between 100 and 8000 Hz.

        Speech is that of the clip, the pauses are those of the clip and NOISE_REACH_S around it. None where
        there is no pause.
        """
        first, last, reach = round(start / FRAME_S), round(end / FRAME_S), round(NOISE_REACH_S / FRAME_S)
        near = slice(max(0, first - reach), last + reach)
        pauses = self._power[near][self._pause[near]]
        speech = self._power[first:last][self._speech[first:last]]
        if not len(pauses) or not len(speech):
            return None
        noise = max(float(pauses.mean()), 1e-12)
        clean = max(float(speech.mean()) - noise, 1e-12)
        return min(10.0 * math.log10(clean / noise), MOST_SNR_DB)


@dataclass(frozen=True)
class Levelled:
    """A clip at the common level."""

    samples: Samples
    gain_db: float


def level(samples: Samples, speech: Spans, start: float, rate: int) -> Levelled:
    """The clip with the gain that brings the mean power of its speech to LEVEL_DBFS, or its peak to PEAK.

    Args:
        speech: spans of the recording, in seconds.
        start: of the clip in the recording, in seconds.
    """
    inside = np.zeros(len(samples), bool)
    for first, last in speech:
        inside[max(0, round((first - start) * rate)) : max(0, round((last - start) * rate))] = True
    centred = samples - samples.mean(dtype=np.float64)
    spoken = centred[inside] if inside.any() else centred
    power = max(float(np.square(spoken, dtype=np.float64).mean()), 1e-12)
    peak = max(float(np.abs(centred).max()), 1e-6)
    gain = min(10 ** (LEVEL_DBFS / 20) / math.sqrt(power), PEAK / peak)
    return Levelled((gain * centred).astype(np.float32), 20.0 * math.log10(gain))


def clipped_share(clipped: NDArray[np.int32], source_rate: int, start: float, end: float) -> float:
    """Share of a clip's samples that lie in flattened peaks, see `Decoded.clipped`."""
    found = clipped[round(start / CLIPPED_FRAME_S) : round(end / CLIPPED_FRAME_S)]
    return float(found.sum()) / max(1.0, (end - start) * source_rate)
