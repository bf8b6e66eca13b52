"""Spectrograms against the librosa oracle, trimming by its rule, the way back to samples, bad files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from tacotron2.audio import (
    AudioError,
    griffin_lim,
    load_audio,
    log_mel,
    mel_filterbank,
    save_wav,
    trim_silence,
)
from tacotron2.hparams import AudioParams
from tests.real_recordings import ljspeech_folder

AUDIO = AudioParams()
RATE = AUDIO.sampling_rate


def chirp(seconds: float = 1.0) -> np.ndarray:
    """A tone that rises from 100 Hz to 3 kHz."""
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * (100 * t + 1450 / seconds * t**2))).astype(np.float32)


def noise(num_samples: int = 20_001) -> np.ndarray:
    return (0.1 * np.random.default_rng(1).standard_normal(num_samples)).astype(np.float32)


def voiced(seconds: float = 1.0) -> np.ndarray:
    """Speech-like: a buzz of 120 Hz with vibrato, two formants, four syllables and a little breath."""
    t = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * 120 * t + 2 * np.sin(2 * np.pi * 5 * t)
    harmonics = np.arange(1, 40)
    weights = np.exp(-((harmonics * 120 - 600) ** 2) / 4e5) + 0.5 * np.exp(
        -((harmonics * 120 - 1800) ** 2) / 3e5
    )
    syllables = np.clip(np.sin(2 * np.pi * 4 * t), 0, None) ** 0.5
    buzz = (weights[:, None] * np.sin(np.outer(harmonics, phase))).sum(axis=0) * syllables
    return (0.1 * buzz + 0.002 * np.random.default_rng(2).standard_normal(len(t))).astype(np.float32)


def recorded_clip() -> np.ndarray:
    return load_audio(min((ljspeech_folder() / "wavs").glob("*.wav")), RATE)


def oracle(samples: np.ndarray, audio: AudioParams) -> np.ndarray:
    import librosa

    mel = librosa.feature.melspectrogram(
        y=samples,
        sr=audio.sampling_rate,
        n_fft=audio.filter_length,
        hop_length=audio.hop_length,
        win_length=audio.win_length,
        window="hann",
        center=True,
        pad_mode="reflect",
        power=1.0,
        n_mels=audio.n_mel_channels,
        fmin=audio.mel_fmin,
        fmax=audio.mel_fmax,
        htk=False,
        norm="slaney",
    )
    return np.log(np.maximum(mel, audio.mel_floor)).T


@pytest.mark.parametrize("signal", [noise, chirp, recorded_clip])
def test_log_mel_agrees_with_librosa(signal) -> None:
    samples = signal()
    mel = log_mel(samples, AUDIO)
    assert mel.dtype == np.float32
    assert mel.shape == (1 + len(samples) // 256, 80)
    np.testing.assert_allclose(mel, oracle(samples, AUDIO), rtol=0, atol=1e-4)


def test_every_setting_reaches_the_spectrogram() -> None:
    audio = AudioParams(
        sampling_rate=16000,
        filter_length=800,
        hop_length=170,
        win_length=600,
        n_mel_channels=40,
        mel_fmin=60.0,
        mel_fmax=7000.0,
        mel_floor=1e-2,
    )
    np.testing.assert_allclose(log_mel(noise(), audio), oracle(noise(), audio), rtol=0, atol=1e-4)


def test_filterbank_agrees_with_librosa() -> None:
    import librosa

    expected = librosa.filters.mel(sr=RATE, n_fft=1024, n_mels=80, fmin=0.0, fmax=8000.0, dtype=np.float64)
    np.testing.assert_allclose(mel_filterbank(AUDIO), expected, rtol=1e-9, atol=1e-15)


def test_more_bands_than_bins_are_refused() -> None:
    with pytest.raises(AudioError, match=r"audio\.n_mel_channels=80"):
        mel_filterbank(AudioParams(filter_length=256, win_length=256))


def test_blocks_do_not_show_in_a_long_recording() -> None:
    samples = noise(256 * 2100)
    mel = log_mel(samples, AUDIO)
    tail = log_mel(samples[256 * 1000 :], AUDIO)
    np.testing.assert_allclose(mel[1010:], tail[10:], atol=1e-5)


@pytest.mark.parametrize("num_samples", [1, 2, 255, 256, 513])
def test_short_signals_have_a_frame_for_every_hop(num_samples) -> None:
    mel = log_mel(noise(num_samples), AUDIO)
    assert mel.shape == (1 + num_samples // 256, 80)
    assert np.isfinite(mel).all()


def test_digital_silence_is_the_floor() -> None:
    assert np.allclose(log_mel(np.zeros(1000, dtype=np.float32), AUDIO), np.log(1e-5))


@pytest.mark.parametrize("margin_ms", [25.0, 60.0])
def test_trimming_keeps_the_signal_and_the_margin(margin_ms: float) -> None:
    margin, hop = round(margin_ms / 1000 * RATE), 256
    before, tone, after = 9000, chirp(0.5), 7000
    samples = np.concatenate([np.zeros(before), tone, np.zeros(after)]).astype(np.float32)
    trimmed = trim_silence(samples, replace(AUDIO, trim_margin_ms=margin_ms))
    assert len(tone) + 2 * margin <= len(trimmed) <= len(tone) + 2 * (margin + hop)
    first = int(np.flatnonzero(trimmed)[0])
    assert margin <= first <= margin + hop
    np.testing.assert_array_equal(trimmed[first : first + 1000], tone[np.flatnonzero(tone)[0] :][:1000])


@pytest.mark.parametrize(("level_db", "kept"), [(-40.0, True), (-50.0, False)])
def test_trimming_threshold_is_relative_to_the_loudest_block(level_db, kept) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(256 * 40) / RATE)
    quiet = tone * 10 ** (level_db / 20)
    samples = (0.01 * np.concatenate([quiet, tone, quiet])).astype(np.float32)
    trimmed = trim_silence(samples, AUDIO)
    margin = round(0.025 * RATE)
    assert len(trimmed) == (len(samples) if kept else len(tone) + 2 * margin)


def test_pauses_inside_stay_and_silence_alone_stays() -> None:
    gap = np.concatenate([chirp(0.2), np.zeros(RATE), chirp(0.2)]).astype(np.float32)
    assert len(trim_silence(gap, AUDIO)) >= len(gap) - 512
    silence = np.zeros(5000, dtype=np.float32)
    assert len(trim_silence(silence, AUDIO)) == 5000


@pytest.mark.parametrize("signal", [chirp, voiced])
def test_griffin_lim_restores_the_spectrogram(signal) -> None:
    """Mean error where the signal is (down 43 dB): under 0.25 (2.2 dB) and 0.4 of what random phases give."""
    mel = log_mel(signal(), AUDIO)
    samples = griffin_lim(mel, AUDIO)
    again = log_mel(samples, AUDIO)
    assert samples.dtype == np.float32
    assert again.shape == mel.shape
    loud = mel > mel.max() - 5.0
    assert np.abs(again - mel)[loud].mean() < 0.25
    unrefined = log_mel(griffin_lim(mel, AUDIO, num_iterations=0), AUDIO)
    assert np.abs(again - mel)[loud].mean() < 0.4 * np.abs(unrefined - mel)[loud].mean()


def test_griffin_lim_is_deterministic_and_takes_a_single_frame() -> None:
    mel = log_mel(voiced(0.2), AUDIO)
    first = griffin_lim(mel, AUDIO, num_iterations=3, seed=7)
    np.testing.assert_array_equal(first, griffin_lim(mel, AUDIO, num_iterations=3, seed=7))
    assert not np.array_equal(first, griffin_lim(mel, AUDIO, num_iterations=3, seed=8))
    assert griffin_lim(mel[:1], AUDIO, num_iterations=3).shape == (256,)


@pytest.mark.parametrize("bad", [np.zeros((0, 80)), np.zeros((5, 79)), np.full((5, 80), np.nan)])
def test_griffin_lim_refuses_what_is_no_spectrogram(bad) -> None:
    with pytest.raises(AudioError):
        griffin_lim(bad, AUDIO)


def test_wav_round_trip_clips_peaks(tmp_path) -> None:
    path = tmp_path / "new" / "a.wav"
    samples = np.array([0.0, 0.5, -0.5, 3.0, -3.0], dtype=np.float32)
    save_wav(path, samples, RATE)
    assert soundfile.info(path).subtype == "PCM_16"
    np.testing.assert_allclose(load_audio(path, RATE), [0, 0.5, -0.5, 1, -1], atol=1e-4)
    assert [file.name for file in path.parent.iterdir()] == ["a.wav"]
    with pytest.raises(AudioError, match="finite"):
        save_wav(path, np.array([np.nan]), RATE)
    assert len(load_audio(path, RATE)) == 5


def test_loading_averages_channels_and_resamples(tmp_path) -> None:
    t = np.arange(44100) / 44100
    tone = 0.5 * np.sin(2 * np.pi * 440 * t)
    soundfile.write(tmp_path / "a.flac", np.stack([tone, 0.0 * tone], axis=1), 44100)
    samples = load_audio(tmp_path / "a.flac", RATE)
    expected = 0.25 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    assert samples.dtype == np.float32
    assert samples.shape == (RATE,)
    np.testing.assert_allclose(samples[500:-500], expected[500:-500], atol=2e-3)


def test_bad_recordings_are_named(tmp_path) -> None:
    (tmp_path / "text.wav").write_text("not a recording")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), RATE, subtype="FLOAT")
    for name, reason in (
        ("missing.wav", "no such file"),
        ("text.wav", "not a readable recording"),
        ("empty.wav", "no samples"),
        ("nan.wav", "not finite"),
    ):
        with pytest.raises(AudioError, match=rf"{name}.*{reason}"):
            load_audio(tmp_path / name, RATE)
