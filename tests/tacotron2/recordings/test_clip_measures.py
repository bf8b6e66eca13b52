"""Measures of recordings, against signals whose truth is known by construction."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from tacotron2.recordings.clip_measures import measure_samples

RATE = 22_050


def speechlike(seconds: float, level_db: float, seed: int = 0) -> np.ndarray:
    """Noise with the spectrum of a voice, roughly, at that level."""
    generator = np.random.default_rng(seed)
    white = generator.normal(size=round(seconds * RATE))
    spectrum = np.fft.rfft(white)
    frequency = np.fft.rfftfreq(len(white), 1 / RATE)
    shaped = np.fft.irfft(spectrum / (1 + frequency / 500), len(white))
    return shaped / np.sqrt(np.square(shaped).mean()) * 10.0 ** (level_db / 20.0)


@pytest.mark.parametrize(("level_db", "noise_db"), [(-20.0, -60.0), (-30.0, -50.0)])
def test_levels_silence_and_pauses(level_db: float, noise_db: float) -> None:
    parts = [
        np.zeros(RATE // 2),
        speechlike(2.0, level_db),
        np.zeros(RATE),
        speechlike(1.0, level_db),
        np.zeros(RATE // 5),
    ]
    samples = np.concatenate(parts)
    samples += np.random.default_rng(1).normal(scale=10.0 ** (noise_db / 20.0), size=len(samples))
    if level_db - noise_db < 40.0:  # noise within the range of speech: everything counts as speech
        found = measure_samples(samples.astype(np.float32), RATE)
        assert found.leading_seconds < 0.1
        return
    found = measure_samples(samples.astype(np.float32), RATE)
    assert found.level_db == pytest.approx(level_db, abs=1.0)
    assert found.noise_db == pytest.approx(noise_db, abs=2.0)
    assert found.snr_db == pytest.approx(level_db - noise_db, abs=2.5)
    assert found.leading_seconds == pytest.approx(0.5, abs=0.05)
    assert found.trailing_seconds == pytest.approx(0.2, abs=0.05)
    assert found.pause_share == pytest.approx(0.25, abs=0.03)
    assert found.seconds == pytest.approx(4.7, abs=0.01)


def test_clipping_and_peak() -> None:
    samples = np.clip(speechlike(1.0, -6.0), -1.0, 1.0).astype(np.float32)
    found = measure_samples(samples, RATE)
    assert found.peak == 1.0
    assert found.clipped_share == pytest.approx(float(np.mean(np.abs(samples) >= 1.0)), rel=0.01)
    assert measure_samples(0.5 * samples, RATE).clipped_share == 0.0


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_a_recording_made_at_a_lower_rate_has_no_band_above(rate: int) -> None:
    wide = speechlike(2.0, -20.0).astype(np.float32)
    narrow = soxr.resample(soxr.resample(wide, RATE, rate), rate, RATE)
    assert measure_samples(wide, RATE).bandwidth_hz > 10_500
    assert measure_samples(narrow, RATE).bandwidth_hz == pytest.approx(rate / 2, rel=0.08)


def test_silence_and_a_single_sample_have_measures() -> None:
    for samples in (np.zeros(100, np.float32), np.zeros(RATE, np.float32), np.ones(1, np.float32)):
        found = measure_samples(samples, RATE)
        assert all(np.isfinite(value) for value in vars(found).values() if isinstance(value, float))
