"""Spectrograms spoken again by another vocoder: what is kept where it fails, and how near it came."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tacotron2.audio import MelSpectrogram, Samples, load_audio
from tacotron2.vocoders.hifigan.files import write_hifigan
from tacotron2.vocoders.reanalysis import aligned_samples, reanalysis_error
from tacotron2.vocoders.samples import speak_again
from tests.tiny_hifigan import WIDE, loud_generator, some_mel

AUDIO = WIDE.audio()
MELS = {"one": some_mel(WIDE, 20, 1), "two": some_mel(WIDE, 30, 2), "three": some_mel(WIDE, 25, 3)}
BREAKS = """
import numpy as np

class Breaks:
    name = "Breaks"

    def __call__(self, mel):
        if len(mel) == 30:
            raise ZeroDivisionError
        return np.zeros(len(mel) * 16, dtype=np.float32)

def make(audio, device):
    return Breaks()

def never(audio, device):
    raise RuntimeError("its weights are elsewhere")
"""


def recording() -> Samples:
    t = np.arange(6400) / AUDIO.sampling_rate
    wave = np.sin(2 * np.pi * (200.0 + 300.0 * t) * t) * (0.2 + 0.1 * np.sin(20.0 * t))
    return wave.astype(np.float32)


def test_a_recording_is_its_own_spectrogram_wherever_its_first_frame_lies() -> None:
    samples = recording()
    mel = MelSpectrogram(AUDIO)(samples)
    whole = samples[: (len(mel) - 1) * AUDIO.hop_length]
    half = AUDIO.hop_length // 2
    as_published = np.concatenate([whole[1 : half + 1][::-1], whole, whole[-half:]])
    assert len(as_published) == len(mel) * AUDIO.hop_length
    np.testing.assert_array_equal(aligned_samples(as_published, len(mel), AUDIO), whole)
    inside = reanalysis_error(whole, mel, AUDIO)
    assert inside is not None and inside < 0.02  # the last frames see the cut
    assert reanalysis_error(as_published, mel, AUDIO) == pytest.approx(inside)
    late = reanalysis_error(np.roll(whole, 3 * AUDIO.hop_length), mel, AUDIO)
    assert late is not None and late > 5 * inside


def test_the_distance_is_that_of_natural_logarithms() -> None:
    samples = np.random.default_rng(0).normal(0.0, 0.2, 6400).astype(np.float32)  # no band at the floor
    mel = MelSpectrogram(AUDIO)(samples)
    whole = samples[: (len(mel) - 1) * AUDIO.hop_length]
    quieter = reanalysis_error(0.5 * whole, MelSpectrogram(AUDIO)(whole), AUDIO)
    assert quieter == pytest.approx(np.log(2.0), rel=0.001)
    assert reanalysis_error(samples[:0], mel[:1], AUDIO) is None


def test_all_are_spoken_into_a_folder_of_their_own(tmp_path: Path) -> None:
    write_hifigan(tmp_path / "voice", loud_generator(WIDE), WIDE, 3)
    moved: list[int] = []
    name = f"hifigan:{tmp_path / 'voice'}"
    stale = tmp_path / "samples" / "hifigan" / "of-before.wav"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"")
    made = speak_again(name, MELS, tmp_path / "samples", AUDIO, moved=lambda: moved.append(1))
    assert made.name == "HiFi-GAN (g_00000003)" and made.failure is None and len(moved) == 3
    assert set(made.by_id) == set(MELS) and not stale.exists()
    for each, sample in made.by_id.items():
        assert sample.path == tmp_path / "samples" / "hifigan" / f"{each}.wav"
        assert len(load_audio(sample.path, AUDIO.sampling_rate)) == len(MELS[each]) * AUDIO.hop_length
    errors = [sample.error for sample in made.by_id.values()]
    assert made.error == pytest.approx(np.mean([error for error in errors if error is not None]))
    assert made.error is not None and made.error > 0.1  # nobody trained it


def test_what_was_spoken_before_a_failure_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "breaking_vocoder.py").write_text(BREAKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    made = speak_again("breaking_vocoder:make", MELS, tmp_path, AUDIO)
    assert made.failure == "two: ZeroDivisionError"
    assert list(made.by_id) == ["one"] and made.by_id["one"].path.is_file()
    unopened = speak_again("breaking_vocoder:never", MELS, tmp_path, AUDIO)
    assert unopened.failure == "its weights are elsewhere" and not unopened.by_id and unopened.error is None
