"""A vocoder by name: those of the project, those of installed packages, and what is told of the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tacotron2.audio import griffin_lim
from tacotron2.hparams import AudioParams
from tacotron2.vocoders import VocoderError, open_vocoder
from tacotron2.vocoders.hifigan.files import write_hifigan
from tests.tiny_hifigan import WIDE, loud_generator, some_mel

CPU = torch.device("cpu")
PACKAGE = """
import numpy as np

class Tone:
    def __init__(self, name="Tone", short=0, value=0.1, columns=1):
        self.name, self.short, self.value, self.columns = name, short, value, columns

    def __call__(self, mel):
        samples = np.full(len(mel) * HOP - self.short, self.value, dtype=np.float32)
        return samples if self.columns == 1 else np.stack([samples] * self.columns)

HOP = 16
NUMBER = 7

def make(audio, device):
    return Tone(f"Tone of {audio.hop_length} on {device}")

def nameless(audio, device):
    return Tone(name=None)

def nothing(audio, device):
    return None

def shorter(audio, device):
    return Tone(short=HOP + 1)

def silent(audio, device):
    return Tone(value=float("nan"))

def stereo(audio, device):
    return Tone(columns=2)
"""


@pytest.fixture
def audio() -> AudioParams:
    return WIDE.audio()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "vocoder_of_others.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "vocoder_of_others"


def test_without_a_file_it_is_griffin_lim(audio: AudioParams) -> None:
    vocoder, mel = open_vocoder("griffin-lim", audio, CPU), some_mel(WIDE, 12)
    assert vocoder.name == "Griffin-Lim"
    np.testing.assert_array_equal(vocoder(mel), griffin_lim(mel, audio))


def test_a_hifigan_by_its_folder_and_by_its_file(audio: AudioParams, tmp_path: Path) -> None:
    file = write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 40)
    mel = some_mel(WIDE, 12)
    by_folder, by_file = (open_vocoder(f"hifigan:{path}", audio, CPU) for path in (tmp_path, file))
    assert by_folder.name == by_file.name == "HiFi-GAN (g_00000040)"
    spoken = by_folder(mel)
    assert len(spoken) == 12 * audio.hop_length and spoken.std() > 0.0
    np.testing.assert_array_equal(spoken, by_file(mel))


def test_one_of_other_spectrograms_is_refused_with_both_values(tmp_path: Path) -> None:
    write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    with pytest.raises(VocoderError) as told:
        open_vocoder(f"hifigan:{tmp_path}", AudioParams(), CPU)
    for part in ("config.json", "hop_size 16 there, audio.hop_length 256 here", "num_mels 14 there", "fmax"):
        assert part in str(told.value)


def test_one_of_an_installed_package(package: str, audio: AudioParams) -> None:
    vocoder = open_vocoder(f"{package}:make", audio, CPU)
    assert vocoder.name == "Tone of 16 on cpu"
    assert vocoder(some_mel(WIDE, 3)).tolist() == pytest.approx([0.1] * 48)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "no such vocoder; there are griffin-lim, hifigan:PATH, or MODULE:FUNCTION"),
        ("wavenet", "'wavenet': no such vocoder"),
        ("hifigan", "'hifigan': no such vocoder"),
        ("hifigan:", "'hifigan:': no such vocoder"),
        ("hifigan:/nowhere/at/all", "/nowhere/at/all: no such file or folder"),
        ("no_such_package_at_all:make", "the module 'no_such_package_at_all' cannot be imported"),
        ("vocoder_of_others:missing", "has no function 'missing'"),
        ("vocoder_of_others:NUMBER", "has no function 'NUMBER'"),
        ("vocoder_of_others:nothing", "returned NoneType, which is not a vocoder"),
        ("vocoder_of_others:nameless", "returned Tone, which is not a vocoder"),
        ("vocoder_of_others:shorter", "gives 47 samples for 4 frames; with audio.hop_length=16 it would be"),
        ("vocoder_of_others:silent", "gives samples that are not finite"),
        ("vocoder_of_others:stereo", "not an array of one channel of samples"),
    ],
)
def test_what_cannot_be_used_is_told(package: str, audio: AudioParams, name: str, said: str) -> None:
    with pytest.raises(VocoderError, match=".") as told:
        open_vocoder(name, audio, CPU)
    assert said in str(told.value)
