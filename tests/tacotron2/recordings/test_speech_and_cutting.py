"""Pauses against known truth, and cuts that lie in them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tacotron2.recordings.cutting import cut
from tacotron2.recordings.quality import LEVEL_DBFS, PEAK, Loudness, clipped_share, level
from tacotron2.recordings.reading import ReadingError, decode
from tacotron2.recordings.settings import SAMPLING_RATE, SettingError, Settings
from tacotron2.recordings.speech import band_powers, spans_of, speech_spans
from tacotron2.recordings.words import TimedWord

RATE = SAMPLING_RATE
SPOKEN = [(0.7, 2.2), (2.9, 5.0), (7.0, 9.5)]


def babble(spans: list[tuple[float, float]], seconds: float, snr_db: float) -> np.ndarray:
    """Tones that change every 80 ms as speech does, in noise."""
    generator = np.random.default_rng(3)
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = generator.uniform(150, 3000, round(seconds / 0.08) + 2)[(time / 0.08).astype(int)]
    tones = 0.2 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    spoken = sum(tones * ((time >= start) & (time < end)) for start, end in spans)
    noise = generator.standard_normal(len(time)) * np.sqrt(0.02 / 10 ** (snr_db / 10))
    return (spoken + noise).astype(np.float32)


@pytest.mark.parametrize("snr_db", [90, 40, 20])
def test_spans_are_those_of_the_truth(snr_db: float) -> None:
    found = speech_spans(babble(SPOKEN, 11, snr_db), RATE)
    assert len(found) == len(SPOKEN)
    assert np.abs(np.array(found) - np.array(SPOKEN)).max() < 0.04


def test_noise_alone_is_no_speech() -> None:
    assert speech_spans(babble([], 8, 20), RATE) == []


def test_the_measured_ratio_is_the_true_one() -> None:
    for snr_db in (10.0, 20.0, 35.0):
        powers = band_powers(babble(SPOKEN, 11, snr_db), RATE)
        measured = Loudness(powers, spans_of(powers)).snr_db(0.5, 5.2)
        # The noise reaches to 11 kHz, the measure to 8: a part of it is not counted.
        assert measured is not None and snr_db < measured < snr_db + 3


def test_a_word_that_covers_a_pause_is_not_cut() -> None:
    spans = [(0.5, 3.0), (3.35, 6.0), (7.5, 9.0)]
    settings = Settings(max_seconds=4.0)
    bounds = [edge for each in cut(spans, [], 10.0, settings) for edge in (each.start, each.end)]
    assert bounds == pytest.approx([0.35, 3.15, 3.2, 6.15, 7.35, 9.15])
    over = [TimedWord("word", 2.5, 3.8, 1.0)]
    bounds = [edge for each in cut(spans, over, 10.0, settings) for edge in (each.start, each.end)]
    assert bounds == pytest.approx([0.35, 6.15, 7.35, 9.15])


def test_clips_do_not_overlap_and_hold_their_limits() -> None:
    generator = np.random.default_rng(5)
    edges = np.cumsum(generator.uniform(0.1, 1.3, 2000))
    spans = [(float(start), float(end)) for start, end in edges.reshape(-1, 2)]
    settings = Settings(min_seconds=2.0, max_seconds=8.0)
    clips = cut(spans, [], float(edges[-1]) + 1, settings)
    for one, other in pairwise(clips):
        assert one.end <= other.start
    good = [clip for clip in clips if not clip.wrong]
    assert good and all(2.0 <= clip.end - clip.start <= 8.0 for clip in good)
    assert all(clip.end - clip.start < 2.0 or clip.end - clip.start > 8.0 for clip in clips if clip.wrong)
    for start, end in spans:  # every span lies in one clip, whole
        assert sum(clip.start <= start and end <= clip.end for clip in clips) == 1


def test_the_level_is_the_documented_one() -> None:
    samples = babble([(0.0, 3.0)], 3, 60) * 0.01
    levelled = level(samples, [(0.0, 3.0)], 0.0, RATE).samples
    assert 10 * np.log10(np.square(levelled).mean()) == pytest.approx(LEVEL_DBFS, abs=0.1)
    samples[100] = 0.5  # a click: its peak bounds the gain
    assert np.abs(level(samples, [(0.0, 3.0)], 0.0, RATE).samples).max() == pytest.approx(PEAK, abs=1e-4)


def test_a_stereo_file_at_another_rate_and_its_clipped_part(tmp_path: Path) -> None:
    rate = 44_100
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(45 * rate) / rate)
    wave[30 * rate : 31 * rate] *= 10
    both = np.stack([np.clip(wave, -1, 1), 0.1 * wave], axis=1)
    soundfile.write(tmp_path / "long.flac", both, rate)
    done: list[float] = []
    decoded = decode(tmp_path / "long.flac", tmp_path / "samples", done.append)
    assert decoded.seconds == pytest.approx(45, abs=0.01)
    assert done == pytest.approx([20, 40, 45])
    assert clipped_share(decoded.clipped, decoded.source_rate, 0, 30) == 0
    assert clipped_share(decoded.clipped, decoded.source_rate, 30, 31) > 0.5
    assert np.abs(decoded.samples[:RATE]).max() == pytest.approx(0.165, abs=0.003)


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.wav").write_bytes(b"RIFF nothing")
    (tmp_path / "b.m4a").write_bytes(b"something")
    soundfile.write(tmp_path / "c.wav", np.zeros(8000), 8000)
    for name, words in (("a.wav", "not a readable"), ("b.m4a", "ffmpeg"), ("c.wav", "silent")):
        with pytest.raises(ReadingError, match=words):
            decode(tmp_path / name, tmp_path / "samples")


def test_settings_out_of_range_are_told_together() -> None:
    with pytest.raises(SettingError, match=r"(?s)min_seconds=0.1.*max_clipped=7"):
        Settings(min_seconds=0.1, max_clipped=7)
