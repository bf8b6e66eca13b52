"""Any format, rate and channel count that the sound library reads gives the same features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tacotron2.data.entries import Entry
from tacotron2.data.features import FeatureCache
from tacotron2.data.screening import screen
from tacotron2.data.utterances import read_list
from tests.tacotron2.data.recordings import HPARAMS, TEXT

SECONDS = 1.5
PITCH_HZ = 1000.0


def write(path: Path, rate: int, channels: int, form: str, subtype: str) -> None:
    t = np.arange(round(SECONDS * rate)) / rate
    tone = 0.4 * np.sin(2 * np.pi * PITCH_HZ * t)
    soundfile.write(path, np.stack([tone] * channels, axis=1), rate, format=form, subtype=subtype)


def loudest_band(path: Path, home: Path) -> tuple[int, int]:
    """Frames and loudest band of the features, by way of screening, list and cache."""
    folder = path.parent
    kept, rejected = screen([Entry(path.stem, path.name, TEXT, "here")], folder, HPARAMS)
    assert rejected == [] and len(kept) == 1
    (home / "list.txt").write_text(f"{path.name}|{TEXT}\n", encoding="utf-8")
    (utterance,) = read_list(home / "list.txt", folder)
    mel = FeatureCache(home / "features", HPARAMS.audio).mel(utterance)
    return len(mel), int(mel.mean(dim=0).argmax())


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(
    ("ending", "form", "subtype", "rate"),
    [
        ("wav", "WAV", "PCM_U8", 8_000),
        ("wav", "WAV", "PCM_16", 22_050),
        ("wav", "WAV", "PCM_24", 44_100),
        ("wav", "WAV", "PCM_32", 48_000),
        ("wav", "WAV", "FLOAT", 96_000),
        ("WAV", "WAVEX", "PCM_16", 11_025),
        ("wav", "RF64", "PCM_16", 16_000),
        ("flac", "FLAC", "PCM_16", 96_000),
        ("flac", "FLAC", "PCM_24", 16_000),
        ("ogg", "OGG", "VORBIS", 32_000),
        ("opus", "OGG", "OPUS", 48_000),
        ("mp3", "MP3", "MPEG_LAYER_III", 16_000),
        ("mp3", "MP3", "MPEG_LAYER_III", 48_000),
        ("wav", "MP3", "MPEG_LAYER_III", 44_100),
        ("aiff", "AIFF", "PCM_24", 44_100),
        ("au", "AU", "PCM_16", 22_050),
        ("caf", "CAF", "PCM_16", 48_000),
        ("w64", "W64", "PCM_16", 24_000),
    ],
)
def test_the_same_tone(
    tmp_path: Path, ending: str, form: str, subtype: str, rate: int, channels: int
) -> None:
    if form == "MP3" and channels > 2:
        pytest.skip("the format has two channels at most")
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "mine").mkdir()
    write(tmp_path / "mine" / f"tone.{ending}", rate, channels, form, subtype)
    write(tmp_path / "mine" / "reference.wav", 22_050, 1, "WAV", "FLOAT")
    frames, band = loudest_band(tmp_path / "mine" / f"tone.{ending}", home)
    expected, expected_band = loudest_band(tmp_path / "mine" / "reference.wav", home)
    padding_frames = 8 if form in ("MP3", "OGG") else 1
    assert abs(frames - expected) <= padding_frames and band == expected_band
