"""Recordings and the spectrograms that a vocoder learns to turn into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tacotron2.audio import Samples, load_audio, trim_silence
from tacotron2.data.corpus import split_ids
from tacotron2.data.entries import Entry
from tacotron2.data.features import FeatureCache
from tacotron2.data.formats import read_contents
from tacotron2.data.utterances import DataError, Utterance
from tacotron2.hparams import AudioParams
from tacotron2.vocoders.contract import VocoderError
from tacotron2.vocoders.hifigan.config import HifiGanConfig

MEMORY_BYTES = 2**30
"""Waveforms kept in memory (about 3 hours at 22050 Hz); those beyond are read from disk each time."""
VALIDATION_CLIPS = 16
TEST_CLIPS = 16
FEWEST_CLIPS = 4


@dataclass(frozen=True)
class Clip:
    """One recording, its spectrogram, and the waveform that the network is to give for it."""

    utterance: Utterance
    num_frames: int
    given: Path | None
    """The file of a spectrogram to learn from in place of the recorded one."""


class Clips:
    """Clips of one split, long enough for a segment.

    A recording is trimmed as for the voice. Its spectrogram has 1 + L // hop frames, frame t centred on
    sample t * hop; the network gives for frame t the samples around its middle. So the waveform it is held
    against is the recording with half a hop, mirrored, in front of it, cut to T_mel * hop samples.

    Attributes:
        clips: those in use, by their ids.
        left_out: (id, reason) of the others.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        folder: Path,
        config: HifiGanConfig,
        cache: FeatureCache,
        mels: Path | None,
    ) -> None:
        """
        Args:
            entries: of a folder of recordings.
            mels: folder of spectrograms ID.npy, (num_mels, T_mel), in place of the recorded ones; clips
                without one are left out.

        Raises:
            VocoderError: a given spectrogram does not belong to its recording.
        """
        self.config, self._cache = config, cache
        self.clips: list[Clip] = []
        self.left_out: list[tuple[str, str]] = []
        self._waveforms: dict[str, Samples] = {}
        self._mels: dict[str, NDArray[np.float32]] = {}
        self._bytes = 0
        for entry in sorted(entries, key=lambda each: each.id):
            self._take(entry, folder, mels)

    def _take(self, entry: Entry, folder: Path, mels: Path | None) -> None:
        utterance = Utterance(entry.id, folder / entry.audio, entry.text, 0, folder)
        given = None if mels is None else mels / f"{entry.id}.npy"
        if given is not None and not given.is_file():
            self.left_out.append((entry.id, f"{given}: no such file"))
            return
        try:
            num_frames = len(self._cache.mel(utterance))
        except DataError as error:
            self.left_out.append((entry.id, str(error)))
            return
        needed = self.config.segment_size // self.config.hop_size
        if num_frames <= needed:
            self.left_out.append((entry.id, f"{num_frames} frames, a segment has {needed}"))
            return
        if given is not None:
            _require_frames(given, (self.config.num_mels, num_frames))
        self.clips.append(Clip(utterance, num_frames, given))

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def seconds(self) -> float:
        """Of all clips in use."""
        frames = sum(clip.num_frames for clip in self.clips)
        return frames * self.config.hop_size / self.config.sampling_rate

    def recorded_mel(self, clip: Clip) -> NDArray[np.float32]:
        """(T_mel, num_mels) of the recording itself."""
        mel: NDArray[np.float32] = self._cache.mel(clip.utterance).numpy()
        return mel

    def mel(self, clip: Clip) -> NDArray[np.float32]:
        """(T_mel, num_mels) to speak from: the recorded one, or the given one."""
        found = self._mels.get(clip.utterance.id)
        if found is None:
            found = self.recorded_mel(clip) if clip.given is None else _read_mel(clip.given)
            self._keep(self._mels, clip, found)
        return found

    def waveform(self, clip: Clip) -> Samples:
        """(T_mel * hop_size,) samples that belong to the frames."""
        found = self._waveforms.get(clip.utterance.id)
        if found is None:
            audio = self._cache.audio
            samples = trim_silence(load_audio(clip.utterance.audio_path, audio.sampling_rate), audio)
            found = waveform_of_frames(samples, clip.num_frames, audio)
            self._keep(self._waveforms, clip, found)
        return found

    def _keep(self, place: dict[str, NDArray[np.float32]], clip: Clip, array: NDArray[np.float32]) -> None:
        if self._bytes + array.nbytes <= MEMORY_BYTES:
            self._bytes += array.nbytes
            place[clip.utterance.id] = array

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Segments for the update after `step` updates: a function of the step and the seed alone.

        Clips come in one order after another, each with all of them; where a segment begins is drawn.

        Returns:
            (B, num_mels, frames) log-mels and (B, frames * hop_size) samples.
        """
        config, hop = self.config, self.config.hop_size
        frames = config.segment_size // hop
        generator = np.random.default_rng((config.seed, step))
        mels, waveforms = [], []
        for place in range(step * config.batch_size, (step + 1) * config.batch_size):
            epoch, position = divmod(place, len(self))
            order = np.random.default_rng((config.seed, 1, epoch)).permutation(len(self))
            clip = self.clips[order[position]]
            start = int(generator.integers(clip.num_frames - frames + 1))
            mels.append(self.mel(clip)[start : start + frames].T)
            waveforms.append(self.waveform(clip)[start * hop : (start + frames) * hop])
        return torch.from_numpy(np.stack(mels)), torch.from_numpy(np.stack(waveforms))

    def epoch(self, step: int) -> int:
        """How often all clips were gone through after `step` updates."""
        return step * self.config.batch_size // len(self)


def waveform_of_frames(samples: Samples, num_frames: int, audio: AudioParams) -> Samples:
    """The (num_frames * hop_length,) samples that a network gives for the spectrogram of a recording."""
    half, length = audio.hop_length // 2, num_frames * audio.hop_length
    mirrored = np.pad(samples, (half, 0), mode="reflect")[:length]
    return np.pad(mirrored, (0, length - len(mirrored)))


def open_clips(
    folder: Path, config: HifiGanConfig, audio: AudioParams, features: Path, mels: Path | None = None
) -> tuple[Clips, Clips]:
    """Clips to learn from and held-out ones, of a folder in any of the forms of docs/data.md.

    Where spectrograms were exported with their lists, those decide: what the voice was not trained on is held
    out here too. Else the folder's own split is kept; else it is split by ids as for a voice. Test clips are
    not touched.

    Args:
        audio: how recordings are trimmed; the rest must be as in `config`.
        features: folder of the feature cache.
        mels: see `Clips`; `mels/mels` where there is such a folder.

    Raises:
        DataError: the folder has no known form, or too few clips can be used.
        VocoderError: a given spectrogram does not belong to its recording.
    """
    if mels is not None:
        mels = mels / "mels" if (mels / "mels").is_dir() else mels
        if not mels.is_dir():
            raise VocoderError(f"{mels}: no folder of spectrograms ID.npy")
    entries = read_contents(folder).entries
    splits = None if mels is None else _exported_split(mels.parent)
    if splits is None:
        entries = _split(entries, config.seed)
    else:
        entries = [replace(each, split=splits[each.id]) for each in entries if each.id in splits]
    cache = FeatureCache(features, audio)
    made = {
        split: Clips([each for each in entries if each.split == split], folder, config, cache, mels)
        for split in ("train", "validation")
    }
    for split, clips in made.items():
        if not len(clips):
            first = f"; {clips.left_out[0][0]}: {clips.left_out[0][1]}" if clips.left_out else ""
            raise DataError(f"{folder}: no clip for {split} can be used{first}")
    return made["train"], made["validation"]


def _exported_split(folder: Path) -> dict[str, str] | None:
    """By the lists that `export_gta_mels` writes beside its spectrograms; None where they are not there."""
    files = {"train": folder / "training.txt", "validation": folder / "validation.txt"}
    if not all(file.is_file() for file in files.values()):
        return None
    return {
        line.partition("|")[0]: split
        for split, file in files.items()
        for line in file.read_text(encoding="utf-8").splitlines()
    }


def _split(entries: Sequence[Entry], seed: int) -> list[Entry]:
    if any(entry.split for entry in entries):
        return list(entries)
    if len(entries) < FEWEST_CLIPS:
        raise DataError(f"{len(entries)} recordings; a vocoder needs at least {FEWEST_CLIPS}")
    splits = split_ids([entry.id for entry in entries], seed, VALIDATION_CLIPS, TEST_CLIPS)
    return [replace(entry, split=splits[entry.id]) for entry in entries]


def _read_mel(path: Path) -> NDArray[np.float32]:
    """(T_mel, num_mels) of a file with (num_mels, T_mel)."""
    mel: NDArray[np.float32] = np.load(path, allow_pickle=False).astype(np.float32).T
    return np.ascontiguousarray(mel)


def _require_frames(path: Path, shape: tuple[int, int]) -> None:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise VocoderError(f"{path}: not a readable array ({error})") from None
    if found.shape != shape:
        raise VocoderError(
            f"{path}: has the shape {found.shape}, its recording after trimming (num_mels, frames) {shape}; "
            "make the spectrograms anew from these recordings with the same settings"
        )
    if not np.issubdtype(found.dtype, np.floating) or not np.isfinite(found).all():
        raise VocoderError(f"{path}: must hold finite floating-point numbers")
