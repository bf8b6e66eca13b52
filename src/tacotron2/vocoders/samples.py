"""Spectrograms that were spoken once, spoken again by another vocoder; its failure costs nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tacotron2.audio import MelSpectrogram, save_wav
from tacotron2.hparams import AudioParams
from tacotron2.vocoders.opening import open_vocoder, require_samples
from tacotron2.vocoders.reanalysis import reanalysis_error

FAILURES = (
    ValueError,
    OSError,
    RuntimeError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ImportError,
    MemoryError,
)
"""What code of others may end with; what is finished by then is kept."""


@dataclass(frozen=True)
class Sample:
    """One spectrogram as the vocoder says it; error: its re-analysis error, see `reanalysis_error`."""

    path: Path
    error: float | None


@dataclass(frozen=True)
class Samples:
    """What came of it: the name the vocoder gives itself, samples by id, and what went wrong, if anything."""

    name: str
    by_id: dict[str, Sample] = field(default_factory=dict)
    failure: str | None = None

    @property
    def error(self) -> float | None:
        """The mean re-analysis error."""
        errors = [each.error for each in self.by_id.values() if each.error is not None]
        return float(np.mean(errors)) if errors else None


def speak_again(
    name: str,
    mels: Mapping[str, NDArray[np.float32]],
    samples_folder: Path,
    audio: AudioParams,
    device: str = "cpu",
    moved: Callable[[], None] = lambda: None,
) -> Samples:
    """Writes `KIND/ID.wav` for each spectrogram; `KIND` is what stands before the first colon of `name`.

    What lay in that folder before is replaced. `moved` is called after each.

    Args:
        name: see `open_vocoder`.
        mels: `(T_mel, num_mels)` log-mels by id.

    Raises nothing of `FAILURES`, a full disk among them: `failure` says it in words.
    """
    folder = samples_folder / name.partition(":")[0]
    shutil.rmtree(folder, ignore_errors=True)
    try:
        vocoder = open_vocoder(name, audio, torch.device(device))
    except FAILURES as error:
        return Samples(name, {}, _words(error))
    spoken, spectrogram = Samples(vocoder.name), MelSpectrogram(audio)
    for each, mel in mels.items():
        try:
            samples = vocoder(mel)
            require_samples(vocoder.name, samples, len(mel), audio)
            distance = reanalysis_error(samples, mel, audio, spectrogram)
            path = folder / f"{each}.wav"
            save_wav(path, samples, audio.sampling_rate)
        except FAILURES as error:
            return Samples(spoken.name, spoken.by_id, f"{each}: {_words(error)}")
        spoken.by_id[each] = Sample(path, distance)
        moved()
    return spoken


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
