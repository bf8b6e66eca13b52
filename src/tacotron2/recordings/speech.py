"""Where somebody speaks: a noise-floor detector in five bands.

A band's floor is what it holds in pauses nearby, so that hum, hiss and a level that drifts change nothing. A
frame is speech when some band stands clear above its floor: vowels in the low ones, fricatives in the high
ones. Why no trained detector: see docs/preparing.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tacotron2.audio import Array, Samples

FRAME_S = 0.01
WINDOW_S = 0.032
BANDS_HZ = (100.0, 400.0, 1000.0, 2000.0, 4000.0, 8000.0)
"""Edges; below is hum, above is little of speech."""
BLOCK_FRAMES = 4096
"""Transformed at once: bounds the memory that an hour needs."""
SMOOTHED_FRAMES = 3
FLOOR_REACH_S = 15
"""A floor is that of so many seconds before and after."""
FLOOR_PERCENTILE = 15
"""Of the quietest frames of those seconds: the speaker pauses in one of six or more."""
FIRST_RISE_DB = 10.0
"""Above the quietest frames, in the first look; then the floor is the mean of what is left as pause."""
RISE_DB = 7.0
"""A word begins only where a band stands this far above its floor."""
HOLD_DB = 4.5
"""It lasts while one does by this much."""
DEEPEST_DB = 60.0
"""What lies this far below the loud frames of a band is never speech: the floor of digital silence."""
SHORTEST_S = 0.05
"""A shorter span is a click."""
JOINED_S = 0.06
"""A shorter gap parts nothing."""

Spans = list[tuple[float, float]]


def speech_spans(samples: Samples, rate: int) -> Spans:
    """Start and end in seconds of everything that is speech, in order, with gaps of JOINED_S or more.

    Args:
        samples: (L,) mono; a memory map of hours is read in blocks.
    """
    return spans_of(band_powers(samples, rate))


def spans_of(powers: Array) -> Spans:
    """The same of (frames, bands) powers as `band_powers` gives them."""
    if not len(powers):
        return []
    smooth = 10.0 * np.log10(_smoothed(powers) + 1e-12)
    quietest = np.maximum(_local_floor(smooth), np.percentile(smooth, 95, axis=0) - DEEPEST_DB)
    pauses: NDArray[np.bool_] = (smooth - quietest).max(axis=1) < FIRST_RISE_DB
    floor = np.maximum(_pause_level(powers, pauses, quietest), quietest)
    rise = (smooth - floor).max(axis=1)
    found = [(start, end) for start, end in _runs(rise > HOLD_DB) if rise[start:end].max() > RISE_DB]
    return _joined([(start * FRAME_S, end * FRAME_S) for start, end in found])


def band_powers(samples: Samples, rate: int) -> Array:
    """(frames, bands) mean power of each band; frame t is centred on the middle of its FRAME_S seconds."""
    step, size = FRAME_S * rate, round(WINDOW_S * rate)
    num_frames = int(len(samples) / step)
    hertz = np.fft.rfftfreq(size, 1.0 / rate)
    low, high = np.array(BANDS_HZ[:-1]), np.minimum(BANDS_HZ[1:], rate / 2)
    inside = ((hertz[:, None] >= low) & (hertz[:, None] < high)).astype(float)
    window = np.hanning(size)
    scale = 2.0 / (size * np.square(window).sum())
    powers = np.zeros((num_frames, len(low)))
    for first in range(0, num_frames, BLOCK_FRAMES):
        numbers = np.arange(first, min(first + BLOCK_FRAMES, num_frames))
        starts = np.round((numbers + 0.5) * step).astype(int) - size // 2
        spectrum = np.fft.rfft(_frames(samples, starts, size) * window)
        powers[numbers] = np.square(np.abs(spectrum)) @ inside * scale
    return powers


def _frames(samples: Samples, starts: NDArray[np.int_], size: int) -> Array:
    """(frames, size) samples; zeros beyond both ends."""
    begin, end = int(starts[0]), int(starts[-1]) + size
    part = np.zeros(end - begin)
    inner = samples[max(0, begin) : max(0, end)]
    part[max(0, -begin) : max(0, -begin) + len(inner)] = inner
    return np.lib.stride_tricks.sliding_window_view(part, size)[starts - begin]


def _smoothed(powers: Array) -> Array:
    """Mean over SMOOTHED_FRAMES, centred."""
    reach = SMOOTHED_FRAMES // 2
    padded = np.pad(powers, ((reach, reach), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, SMOOTHED_FRAMES, axis=0).mean(axis=-1)


def _local_floor(smooth: Array) -> Array:
    """(frames, bands) dB of the quietest frames nearby."""
    second = round(1 / FRAME_S)
    starts = np.arange(0, len(smooth), second)
    lowest = np.minimum.reduceat(smooth, starts, axis=0)
    floor = np.empty_like(smooth)
    for number, start in enumerate(starts):
        near = lowest[max(0, number - FLOOR_REACH_S) : number + FLOOR_REACH_S + 1]
        floor[start : start + second] = np.percentile(near, FLOOR_PERCENTILE, axis=0)
    return floor


def _pause_level(powers: Array, pauses: NDArray[np.bool_], otherwise: Array) -> Array:
    """(frames, bands) dB of the mean power of the pauses nearby, where a second of them is there."""
    second = round(1 / FRAME_S)
    level = otherwise.copy()
    for start in range(0, len(powers), second):
        near = slice(max(0, start - FLOOR_REACH_S * second), start + (FLOOR_REACH_S + 1) * second)
        chosen = powers[near][pauses[near]]
        if len(chosen) >= second:
            level[start : start + second] = 10.0 * np.log10(chosen.mean(axis=0) + 1e-12)
    return level


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _joined(spans: Spans) -> Spans:
    """Without gaps below JOINED_S, then without spans below SHORTEST_S."""
    joined: Spans = []
    for start, end in spans:
        if joined and start - joined[-1][1] < JOINED_S:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return [span for span in joined if span[1] - span[0] >= SHORTEST_S]
