"""Log-mel spectrograms on disk, each under a name that says from what it was made."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tacotron2.audio import AudioError, MelSpectrogram, load_audio, trim_silence
from tacotron2.data.utterances import DataError, Utterance
from tacotron2.files import write_atomically
from tacotron2.hparams import AudioParams

FEATURE_VERSION = 1
"""Part of every key; raised when the same settings begin to give other numbers."""


class FeatureCache:
    """Trimmed log-mel spectrograms as `.npy` files named by a hash of audio settings and file content.

    Any number of processes may share the folder: a file appears whole or not at all, and two that make the
    same one write the same bytes. A damaged file counts as absent. The content of a recording is hashed once
    per object, at its first use or whenever `prepare` is called.
    """

    def __init__(self, folder: Path, audio: AudioParams) -> None:
        self.folder = folder
        self.audio = audio
        self._spectrogram = MelSpectrogram(audio)
        self._keys: dict[Path, str] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def prepare(
        self, utterances: Sequence[Utterance], progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Makes what is missing; `progress` is told (done, total) after each recording.

        Raises:
            DataError: a recording cannot be read or is silent.
        """
        for done, utterance in enumerate(utterances, start=1):
            self._keys.pop(utterance.audio_path, None)
            self.mel(utterance)
            if progress is not None:
                progress(done, len(utterances))

    def mel(self, utterance: Utterance) -> Tensor:
        """(T_mel, num_mels) float32 log-mel of the trimmed recording, from disk where it is there.

        Raises:
            DataError: the recording cannot be read or is silent.
        """
        try:
            path = self.path(utterance)
            mel = self._load(path)
            if mel is None:
                mel = self._compute(utterance)
                write_atomically(path, _npy_bytes(mel))
        except AudioError as error:
            raise DataError(f"{utterance.place}: {error}") from error
        return torch.from_numpy(mel)

    def path(self, utterance: Utterance) -> Path:
        """Where this recording's features are or will be."""
        key = self._keys.get(utterance.audio_path)
        if key is None:
            key = self._keys[utterance.audio_path] = feature_key(utterance.audio_path, self.audio)
        return self.folder / f"{key}.npy"

    def _load(self, path: Path) -> NDArray[np.float32] | None:
        try:
            mel: NDArray[np.float32] = np.load(path, allow_pickle=False)
        except (FileNotFoundError, EOFError, ValueError):
            return None
        fits = mel.dtype == np.float32 and mel.ndim == 2 and mel.shape[1] == self.audio.n_mel_channels
        return mel if fits else None

    def _compute(self, utterance: Utterance) -> NDArray[np.float32]:
        samples = load_audio(utterance.audio_path, self.audio.sampling_rate)
        if not samples.any():
            raise AudioError(f"{utterance.audio_path}: holds nothing but silence")
        return self._spectrogram(trim_silence(samples, self.audio))


def feature_key(audio_path: Path, audio: AudioParams) -> str:
    """32 hexadecimal digits from the feature version, every audio setting and the file's bytes.

    Raises:
        AudioError: the file cannot be read.
    """
    settings = {"version": FEATURE_VERSION} | dataclasses.asdict(audio)
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    try:
        digest.update(audio_path.read_bytes())
    except OSError as error:
        raise AudioError(f"{audio_path}: cannot be read ({error.strerror})") from error
    return digest.hexdigest()


def _npy_bytes(array: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
