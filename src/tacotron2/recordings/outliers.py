"""Which clips to listen to: far from the others in something, or with a text that does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FEWEST = 12
"""Clips below which nothing is usual."""
FAR = 4.0
"""Robust deviations (1.4826 MAD) from the median that make a clip an outlier."""
TEXT_FAR = 3.0
"""The same of the length for what is said; see docs/analyzing.md for what it finds."""
LEAST_SPREAD = {
    "level_db": 1.5,
    "snr_db": 3.0,
    "pause_share": 0.05,
    "bandwidth_hz": 500.0,
    "length": 0.08,
}
"""Deviations smaller than these are not heard: clips that are all alike make no outliers of the others."""
MOST_SILENCE_S = 1.0
"""At one end."""
MOST_CLIPPED = 0.001


class Oddity(StrEnum):
    """What is odd about a clip."""

    LOUD = "loud"
    QUIET = "quiet"
    NOISY = "noisy"
    CLIPPED = "clipped"
    NARROW = "narrow"
    PAUSES = "pauses"
    SILENCE = "silence"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"


OF_TEXTS = (Oddity.TOO_LONG, Oddity.TOO_SHORT)
"""Recordings that are longer or shorter than their texts: likely errors of the transcript."""


@dataclass(frozen=True)
class Odd:
    """One oddity of one clip; severity 1 at the threshold, rising; usual: of the other clips."""

    clip: int
    oddity: Oddity
    value: float
    usual: float
    severity: float


def oddities(
    measures: Mapping[str, Sequence[float]], symbols: Sequence[int], speakers: Sequence[str]
) -> list[Odd]:
    """Everything odd, the worst first.

    Args:
        measures: name of a field of `ClipMeasures` to its value for each clip.
        symbols: that are said in each.
        speakers: of each; who speaks faster is no outlier among slower ones.
    """
    values = {name: np.asarray(each, dtype=np.float64) for name, each in measures.items()}
    found: list[Odd] = []
    for oddity, name, sign in (
        (Oddity.LOUD, "level_db", 1.0),
        (Oddity.QUIET, "level_db", -1.0),
        (Oddity.NOISY, "snr_db", -1.0),
        (Oddity.NARROW, "bandwidth_hz", -1.0),
        (Oddity.PAUSES, "pause_share", 1.0),
    ):
        deviation = sign * deviations(values[name], LEAST_SPREAD[name])
        usual = float(np.median(values[name])) if len(deviation) else 0.0
        found += [
            Odd(int(index), oddity, float(values[name][index]), usual, float(deviation[index] / FAR))
            for index in np.flatnonzero(deviation > FAR)
        ]
    for oddity, value, most in (
        (Oddity.CLIPPED, values["clipped_share"], MOST_CLIPPED),
        (Oddity.SILENCE, np.maximum(values["leading_seconds"], values["trailing_seconds"]), MOST_SILENCE_S),
    ):
        found += [
            Odd(int(index), oddity, float(value[index]), most, float(value[index] / most))
            for index in np.flatnonzero(value > most)
        ]
    for speaker in sorted(set(speakers)):
        own = np.flatnonzero([each == speaker for each in speakers])
        found += _texts(own, values["speech_seconds"][own], np.asarray(symbols, dtype=np.float64)[own])
    return sorted(found, key=lambda each: (-each.severity, each.clip))


def deviations(values: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Distance from the median in robust deviations of at least `least`; zeros for too few."""
    if len(values) < FEWEST:
        return np.zeros(len(values))
    middle = np.median(values)
    spread = max(1.4826 * float(np.median(np.abs(values - middle))), least)
    return np.asarray((values - middle) / spread)


def _texts(own: NDArray[np.int64], seconds: NDArray[np.float64], symbols: NDArray[np.float64]) -> list[Odd]:
    if len(own) < FEWEST:
        return []
    expected = usual_seconds(seconds, symbols)
    deviation = deviations(np.log(seconds / expected), LEAST_SPREAD["length"])
    return [
        Odd(
            int(own[index]),
            Oddity.TOO_LONG if deviation[index] > 0 else Oddity.TOO_SHORT,
            float(seconds[index]),
            float(expected[index]),
            float(abs(deviation[index]) / TEXT_FAR),
        )
        for index in np.flatnonzero(np.abs(deviation) > TEXT_FAR)
    ]


def usual_seconds(seconds: NDArray[np.float64], symbols: NDArray[np.float64]) -> NDArray[np.float64]:
    """How long a text of so many symbols usually takes: a line through the bulk of the clips.

    Iteratively reweighted least squares with Tukey's weights on relative residuals, so that the wrong ones
    do not draw the line.
    """
    design = np.stack([np.ones(len(symbols)), symbols], axis=1)
    weights = 1.0 / np.maximum(seconds, 0.1)
    robust = np.ones(len(symbols))
    line: NDArray[np.float64] = np.zeros(2)
    for _ in range(20):
        scale = (weights * robust)[:, None]
        line = np.asarray(np.linalg.lstsq(design * scale, seconds * scale[:, 0], rcond=None)[0], np.float64)
        relative = (seconds - design @ line) * weights
        spread = max(1.4826 * float(np.median(np.abs(relative))), 1e-3)
        robust = np.clip(1.0 - np.square(relative / (4.685 * spread)), 0.0, None)
    return np.maximum(design @ line, 0.1)
